from __future__ import annotations

import os
import pwd
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from sampan_hub import demo_account
from sampan_hub.centre import Centre, make_centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import read_descriptor
from sampan_hub.embedded import write_embedded


def written(tmp_path: Path, account: str | None) -> dict[str, Descriptor]:
    write_embedded(tmp_path / "centres", tmp_path / "root", sys.executable, account)
    results = [read_descriptor(path) for path in sorted((tmp_path / "centres").iterdir())]
    assert all(isinstance(result, Descriptor) for result in results), results
    return {result.id: result for result in results if isinstance(result, Descriptor)}


def test_three_centres_that_say_what_they_are(tmp_path: Path) -> None:
    centres = written(tmp_path, None)
    assert {name: centre.scheduler.cores for name, centre in centres.items()} == {
        "east": 4,
        "west": 4,
        "lake": 8,
    }
    for centre in centres.values():
        assert centre.simulated
        assert ("simulated" in centre.names.en, "模拟" in centre.names.zh) == (True, True)
        assert centre.summary is not None
        assert "not real" in centre.summary.en
    assert len({centre.scheduler.spool for centre in centres.values()}) == 3


async def test_each_of_them_answers() -> None:
    """As an account that comes into no folder of the tests', where root runs them."""
    with tempfile.TemporaryDirectory(prefix="embedded-") as folder:
        Path(folder).chmod(0o755)
        for descriptor in written(Path(folder), demo_account.ensure()).values():
            await _answers(make_centre(descriptor))


async def _answers(centre: Centre) -> None:
    reading = await centre.ask(centre.scheduler.capacity())
    assert [node.cores_free for node in reading.nodes] == [centre.descriptor.scheduler.cores]
    assert await centre.ask(centre.scheduler.find([])) == []


def test_written_twice_is_written_once(tmp_path: Path) -> None:
    first = written(tmp_path, None)
    assert written(tmp_path, None) == first
    assert [path.name for path in sorted((tmp_path / "centres").iterdir())] == [
        "east.yaml",
        "lake.yaml",
        "west.yaml",
    ]


@pytest.mark.skipif(
    os.geteuid() != 0 and os.environ.get("CI") != "true",
    reason="gives folders to another account, which root alone can",
)
def test_what_jobs_write_to_belongs_to_their_account(tmp_path: Path) -> None:
    account = demo_account.ensure()
    assert account is not None
    east = written(tmp_path, account)["east"]
    assert east.accounts.account == account
    for name, mode in (("home", 0o700), ("scratch", 0o700), ("spool", 0o755)):
        found = (tmp_path / "root" / "east" / name).stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (pwd.getpwnam(account).pw_uid, mode)
    assert (tmp_path / "root" / "east").stat().st_uid == 0
