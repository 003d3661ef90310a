"""What the broker is told at its start."""

from __future__ import annotations

from pathlib import Path

import pytest

from sampan.errors import Invalid
from sampan_hub.settings import Settings, parse


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SAMPAN_STATE", "SAMPAN_BROKER_PORT", "SAMPAN_DATABASE"):
        monkeypatch.delenv(name, raising=False)


def test_defaults_agree_with_the_class() -> None:
    assert parse(["--state", "/s"]) == Settings(Path("/s"))


def test_the_environment_is_the_default_and_a_flag_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPAN_BROKER_PORT", "9000")
    monkeypatch.setenv("SAMPAN_STATE", "/of/environment")
    monkeypatch.setenv("SAMPAN_DATABASE", "postgresql://db")
    told = parse(["--port", "9001", "--hub-api", "http://h/hub/api/"])
    assert (told.port, told.state, told.hub_api) == (9001, Path("/of/environment"), "http://h/hub/api")
    assert told.database_url == "postgresql://db"
    assert parse([]).port == 9000


@pytest.mark.parametrize(
    "flags",
    [
        ["--port", "http"],
        ["--door-ports", "1-2"],
        ["--door-ports", "30000-20000"],
        ["--door-ports", "20000"],
        ["--door-accounts", "root"],
        ["--hub-id", "a-b"],
        ["--hub-id", "x"],
        ["--hub-id", "DEMO"],
        ["--surprise"],
    ],
)
def test_what_is_wrong_is_said_in_one_line(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(flags)
    assert flags[0] in capsys.readouterr().err


def test_a_wrong_environment_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAMPAN_BROKER_PORT", "http")
    with pytest.raises(SystemExit):
        parse([])
    assert "--port" in capsys.readouterr().err


def test_lists(tmp_path: Path) -> None:
    told = parse(["--state", str(tmp_path), "--door-ports", "20000-20009", "--door-accounts", "33,998"])
    assert (told.door_ports, told.door_accounts) == ((20000, 20009), (33, 998))


def test_a_missing_secret_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="service-token"):
        Settings(tmp_path).secret("service-token")
