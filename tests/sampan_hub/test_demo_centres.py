from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from sampan.errors import Refused
from sampan_hub import demo_account, demo_centres
from sampan_hub.state_directory import StateDirectory

as_root = os.getuid() == 0


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateDirectory]:
    state = StateDirectory(tmp_path / "state")
    state.make()
    yield state
    if as_root:
        shutil.rmtree(demo_centres.place_of(state.path, as_root=True), ignore_errors=True)


def test_three_centres_at_the_first_start_beside_the_state(state: StateDirectory) -> None:
    demo_centres.write(state)
    files = sorted((state.path / "centres").glob("*.yaml"))
    assert len(files) == 3
    place = demo_centres.place_of(state.path, as_root=as_root)
    assert not place.is_relative_to(state.path)
    homes = [place / file.stem / "home" for file in files]
    assert all(home.is_dir() for home in homes)
    owners = {home.stat().st_uid for home in homes}
    assert (0 in owners) is False
    assert {stat.S_IMODE(home.stat().st_mode) for home in homes} == {0o700}


def test_what_an_operator_wrote_stays(state: StateDirectory) -> None:
    own = state.path / "centres" / "own.yaml"
    own.write_text("schema: sampan/centre/1\n", encoding="utf-8")
    demo_centres.write(state)
    assert list((state.path / "centres").iterdir()) == [own]


def test_two_states_never_share_a_place(tmp_path: Path) -> None:
    places = {
        demo_centres.place_of(tmp_path / name, as_root=root) for name in ("a", "b") for root in (True, False)
    }
    assert len(places) == 4


@pytest.mark.skipif(
    os.getuid() != 0 and os.environ.get("CI") != "true",
    reason="acts as another account, which root alone can",
)
def test_a_python_that_jobs_cannot_run_is_said_at_the_start(tmp_path: Path) -> None:
    account = demo_account.ensure()
    assert account is not None
    hidden = tmp_path / "python"
    hidden.write_text("#!/bin/sh\n", encoding="utf-8")
    hidden.chmod(0o700)
    with pytest.raises(Refused) as caught:
        demo_centres._must_run(str(hidden), account)
    assert caught.value.code == "up.python"
