from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sampan.errors import Invalid
from sampan_hub.loopback_ports import LoopbackPorts
from sampan_hub.parts import Parts
from sampan_hub.state_directory import SECRETS, StateDirectory

pytestmark = pytest.mark.fast


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    state = StateDirectory(tmp_path / "state")
    state.make()
    return state


@pytest.fixture
def parts(state: StateDirectory, tmp_path: Path) -> Parts:
    return Parts(state, LoopbackPorts(public=1, hub=2, broker=3, proxy_api=4), tmp_path / "config.py")


def test_no_secret_in_an_argument_list(parts: Parts, state: StateDirectory) -> None:
    programs = [parts.proxy(), parts.broker(), parts.hub(), parts.signer(), parts.culler()]
    secrets = [state.secret(name) for name in SECRETS if name not in {"master", "hub-id"}]
    assert [secret for program in programs for secret in secrets if secret in " ".join(program.argv)] == []
    assert [secret for program in programs for secret in secrets if secret in repr(program)] == []
    assert programs[0].environment["CONFIGPROXY_AUTH_TOKEN"] == state.secret("proxy-token")
    assert "CONFIGPROXY_AUTH_TOKEN" not in programs[1].environment


def test_each_part_knows_where_the_others_are(parts: Parts, state: StateDirectory) -> None:
    for program in (parts.signer(), parts.proxy(), parts.broker(), parts.hub()):
        environment = {key: value for key, value in program.environment.items() if key.startswith("SAMPAN_")}
        assert (
            environment
            | {
                "SAMPAN_STATE": str(state.path),
                "SAMPAN_PORT": "1",
                "SAMPAN_HUB_PORT": "2",
                "SAMPAN_BROKER_PORT": "3",
                "SAMPAN_PROXY_API_PORT": "4",
            }
            == environment
        )
        assert program.directory == state.path
    assert "127.0.0.1" in parts.proxy().argv
    assert parts.hub_api == "http://127.0.0.1:2/hub/api"


def test_what_a_service_manager_gave_us_is_not_handed_on(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        monkeypatch.setenv(name, "1")
        assert name not in parts.hub().environment


def test_node_is_the_program_itself(parts: Parts) -> None:
    """A script in its place would leave the proxy running when it is killed."""
    node = Path(parts.proxy().argv[0])
    assert node.read_bytes()[:4] == b"\x7fELF"
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.startswith("v")
    assert os.access(parts.proxy().argv[1], os.X_OK)


def test_a_missing_proxy_is_named(parts: Parts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(Invalid) as caught:
        parts.proxy()
    assert caught.value.code == "up.program"
    assert "make setup" in caught.value.message.say("zh")
