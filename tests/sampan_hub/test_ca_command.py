from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from sampan.errors import Conflict, Invalid, Missing
from sampan_hub.authority import Authority
from sampan_hub.ca_command import CaCommand
from sampan_hub.state_directory import StateDirectory
from tests.sampan_hub.descriptions import far


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    state = StateDirectory(tmp_path / "state")
    state.make()
    (state.path / "centres" / "core.yaml").write_text(far())
    return state


def run(state: StateDirectory, *argv: str) -> None:
    parser = argparse.ArgumentParser()
    CaCommand().configure(parser)
    assert CaCommand().run(parser.parse_args([*argv, "--state", str(state.path)])) == 0


def told(state: StateDirectory, capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    run(state, *argv, "--json")
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def test_what_a_centre_is_to_install(
    state: StateDirectory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    run(state, "show", "core")
    said = capsys.readouterr().out
    key = Authority(state.path / "ca" / "core", "").state().signs
    hub = state.secret("hub-id")
    assert "# key 1 of 2" in said
    assert f"{key.fingerprint}: signs" in said
    assert f"\n# /etc/ssh/sampan/ca.pub\n{key.public} sampan:{hub}:core:1\n" in said
    assert "\nTrustedUserCAKeys /etc/ssh/sampan/ca.pub\n" in said
    assert (
        '\nrestrict,command="/usr/bin/python3 -I -S /usr/local/libexec/sampan-gate" sampan:hpc0042\n' in said
    )
    assert 'restrict,port-forwarding,pty,command="' in said
    assert "one file in /etc/ssh/sampan/principals for each of the 4 accounts" in said
    assert "PRIVATE" not in said
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    run(state, "show", "core")
    assert "用于签名" in capsys.readouterr().out


def test_the_same_for_scripts(state: StateDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(state, capsys, "show", "core")
    assert said["accounts"] == {
        "hpc0042": "person",
        "hpc0043": "person",
        "hpc0044": "person",
        "sampan": "service",
    }
    assert [key["state"] for key in said["keys"]] == ["signs"]
    assert said["files"]["/etc/ssh/sampan/ca.pub"].startswith(said["keys"][0]["public"])
    assert "key" not in said["keys"][0].keys() - {"number", "public", "fingerprint", "made_at", "state"}


def test_replacing_a_key(state: StateDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    def standings(*argv: str) -> list[str]:
        return [key["state"] for key in told(state, capsys, *argv)["keys"]]

    assert standings("rotate", "core") == ["signs", "waits"]
    with pytest.raises(Conflict):
        run(state, "rotate", "core")
    assert standings("rotate", "core", "--activate") == ["trusted", "signs"]
    with pytest.raises(Conflict):
        run(state, "rotate", "core", "--activate")
    said = told(state, capsys, "revoke", "core", "--all")
    assert [key["state"] for key in said["keys"]] == ["revoked", "signs"]
    assert said["files"]["/etc/ssh/sampan/ca.pub"].count("ssh-ed25519") == 1
    assert [message["code"] for message in said["messages"]] == ["ca.revoked"]


def test_taking_back_and_giving_again(state: StateDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(state, capsys, "revoke", "core", "--account", "hpc0042", "--serial", "7", "--serial", "9")
    assert said["revoked"] == {"accounts": ["hpc0042"], "serials": [7, 9]}
    assert (state.path / "ca" / "core" / "revoked").read_bytes().startswith(b"SSHKRL")
    run(state, "show", "core")
    assert "hpc0042, 7, 9" in capsys.readouterr().out
    said = told(state, capsys, "revoke", "core", "--account", "hpc0042", "--undo")
    assert said["revoked"]["accounts"] == []


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("show", "core", "--activate"), "ca.flag"),
        (("rotate", "core", "--all"), "ca.flag"),
        (("show", "core", "--serial", "5"), "ca.flag"),
        (("revoke", "core"), "ca.what"),
        (("revoke", "core", "--undo"), "ca.flag"),
        (("revoke", "core", "--undo", "--all", "--account", "a"), "ca.flag"),
    ],
)
def test_what_does_not_go_together(state: StateDirectory, argv: tuple[str, ...], code: str) -> None:
    with pytest.raises(Invalid) as caught:
        run(state, *argv)
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["cor", "../core", "", "."])
def test_a_centre_that_nobody_describes_gets_no_authority(state: StateDirectory, name: str) -> None:
    with pytest.raises(Missing):
        run(state, "show", name)
    assert list((state.path / "ca").iterdir()) == []


def test_a_centre_that_has_left_can_still_be_shut_out(
    state: StateDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    run(state, "show", "core")
    (state.path / "centres" / "core.yaml").unlink()
    run(state, "revoke", "core", "--account", "hpc0042")


def test_no_name_is_made_up_for_a_hub(state: StateDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    """An authority keeps it for good. One that is there already says it itself."""
    (state.path / "secrets" / "hub-id").unlink()
    with pytest.raises(Missing) as caught:
        run(state, "show", "core")
    assert caught.value.code == "ca.no_hub"
    assert not (state.path / "ca" / "core").exists()
    assert told(state, capsys, "show", "core", "--hub-id", "prod")["hub"] == "prod"
    assert told(state, capsys, "show", "core")["hub"] == "prod"


@pytest.mark.parametrize("name", ["A;", "pro", "a" * 17, "two words", "Prod", "prod\n", "-prod", "中文中文"])
def test_a_hub_s_name_is_what_can_stand_in_a_job_s(
    state: StateDirectory, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with pytest.raises(SystemExit):
        run(state, "show", "core", f"--hub-id={name}")
    assert "4 to 16" in capsys.readouterr().err
    assert not (state.path / "ca" / "core").exists()


def test_a_folder_that_is_no_state(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        run(StateDirectory(tmp_path), "show", "core")
    assert caught.value.code == "ca.no_state"
