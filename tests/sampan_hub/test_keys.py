"""One secret, and a key for every attempt."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sampan.errors import Invalid
from sampan_hub.keys import MasterKey

pytestmark = pytest.mark.fast

TAG = "sampan-demo-abcd1234-1"


def test_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "master"
    first = MasterKey.load(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert MasterKey.load(path) == first
    assert [file.name for file in tmp_path.iterdir()] == ["master"]


def test_two_that_make_it_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: MasterKey.load(tmp_path / "master").secret, range(32)))
    assert len(keys) == 1


@pytest.mark.parametrize(("size", "mode"), [(31, 0o600), (0, 0o600), (32, 0o640), (32, 0o604)])
def test_refuses_a_file_that_is_no_secret_key(tmp_path: Path, size: int, mode: int) -> None:
    path = tmp_path / "master"
    path.write_bytes(os.urandom(size))
    path.chmod(mode)
    with pytest.raises(Invalid, match="32 bytes"):
        MasterKey.load(path)
    assert path.stat().st_size == size


def test_derives_the_same_again_and_another_for_another() -> None:
    master = MasterKey(bytes(range(32)))
    assert master.public_text(TAG) == MasterKey(bytes(range(32))).public_text(TAG)
    tags = [TAG, "sampan-demo-abcd1234-2", "sampan-demo-abcd1235-1", "sampan-test-abcd1234-1"]
    assert len({master.public_text(tag) for tag in tags}) == len(tags)
    assert master.public_text(TAG) != MasterKey(bytes(32)).public_text(TAG)
    assert len({master.nonce(tag) for tag in tags}) == len(tags)


def test_stays_what_it_is() -> None:
    """Running servers know the public half: another derivation would cut them off at an upgrade."""
    text = MasterKey(bytes(range(32))).public_text(TAG)
    assert text == "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHbV8XRMNRVSeHr/LunDCZOvW2L+QHwKt/7KHMQx0EO8"


def test_says_nothing_of_itself() -> None:
    assert "secret" not in repr(MasterKey(bytes(32)))
    assert "\\x00" not in repr(MasterKey(bytes(32)))


@pytest.mark.parametrize(
    "tag", ["", "sampan-demo-abcd1234-1\n", "sampan-a-b-1", "other", "sampan-DEMO-abcd-1"]
)
def test_derives_for_tags_only(tag: str) -> None:
    with pytest.raises(Invalid):
        MasterKey(bytes(32)).client_key(tag)


def test_a_jobs_token_says_whose_it_is_and_nobody_else_makes_one() -> None:
    master, other = MasterKey(bytes(range(32))), MasterKey(bytes(32))
    token = master.job_token(TAG)
    assert master.job_of(token) == TAG
    # Nothing in it opens the way to a launcher or is told by a report.
    assert token.partition(".")[2] not in (master.nonce(TAG), master.seal(TAG, b""))
    for wrong in (other.job_token(TAG), token[:-1], token.upper(), TAG, f"{TAG}.", "", "a.b", f"{token}é"):
        assert master.job_of(wrong) is None
