from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sampan.errors import Invalid
from sampan_hub.state_directory import FOLDERS, SECRETS, StateDirectory

pytestmark = pytest.mark.fast


def made(path: Path) -> StateDirectory:
    state = StateDirectory(path)
    state.make()
    return state


def test_only_its_account_can_look_inside(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        state = made(tmp_path / "below" / "state")
    finally:
        os.umask(mask)
    for folder in (state.path, *(state.path / name for name in FOLDERS)):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = list((state.path / "secrets").iterdir())
    assert {file.name for file in files} == set(SECRETS)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_secrets_are_made_once(tmp_path: Path) -> None:
    state = made(tmp_path / "state")
    before = {name: (state.path / "secrets" / name).read_bytes() for name in SECRETS}
    again = made(tmp_path / "state")
    assert {name: (again.path / "secrets" / name).read_bytes() for name in SECRETS} == before
    other = made(tmp_path / "other")
    assert not {(other.path / "secrets" / name).read_bytes() for name in SECRETS} & set(before.values())


def test_secrets_have_the_form_that_their_readers_want(tmp_path: Path) -> None:
    state = made(tmp_path / "state")
    assert len(bytes.fromhex(state.secret("cookie"))) == 32
    assert len((state.path / "secrets" / "master").read_bytes()) == 32
    assert 4 <= len(state.secret("hub-id")) <= 16
    assert state.secret("hub-id").isalnum()
    assert len(state.secret("password")) >= 17


def test_two_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        states = list(pool.map(made, [tmp_path / "state"] * 8))
    assert len({state.secret("password") for state in states}) == 1
    assert len(list((tmp_path / "state" / "secrets").iterdir())) == len(SECRETS)


def test_what_others_could_read_is_not_trusted(tmp_path: Path) -> None:
    state = made(tmp_path / "state")
    for path, mode in (
        (state.path / "secrets" / "cookie", 0o640),
        (state.path / "run", 0o755),
        (state.path, 0o750),
    ):
        before = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode)
        with pytest.raises(Invalid) as caught:
            state.make()
        assert caught.value.code == "up.not_private"
        assert caught.value.message.params["path"] == str(path)
        path.chmod(before)
    state.make()


def test_a_link_in_a_folder_s_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "state" / "secrets").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Invalid):
        made(tmp_path / "state")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_path_too_long_for_sockets_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        made(tmp_path / ("x" * 90))
    assert caught.value.code == "up.long_path"


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Invalid) as caught:
        made(tmp_path / "file" / "state")
    assert caught.value.code == "up.state"
