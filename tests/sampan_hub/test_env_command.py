"""`sampan env` as an administrator types it, at a centre of this machine and with a tiny lock."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from sampan import commands
from sampan.errors import Conflict, Invalid, Missing
from sampan_hub import demo_account, env_command, environments
from sampan_hub.env_command import EnvCommand
from sampan_hub.state_directory import StateDirectory
from sampan_hub.user_lock import UserLock
from tests.sampan_hub.descriptions import here
from tests.sampan_hub.tiny_wheels import tiny_lock

BASE = os.path.realpath(sys.executable)
Said = pytest.CaptureFixture[str]


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UserLock:
    tiny = tiny_lock(tmp_path / "registry", alpha="1.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "registry"))
    monkeypatch.setenv("LANGUAGE", "en")
    for module in (env_command, environments):
        monkeypatch.setattr(module, "user_lock", lambda: tiny)
    return tiny


@pytest.fixture
def state(tmp_path: Path, place: Path, lock: UserLock) -> Path:
    state = tmp_path / "state"
    StateDirectory(state).make()
    describe(state, place, f"{{prefix: {place}, base: {BASE}}}")
    return state


def describe(state: Path, place: Path, environment: str) -> None:
    text = here("harbour", str(place), python="/x", account=demo_account.ensure())
    (state / "centres" / "harbour.yaml").write_text(text.replace("{python: /x}", environment))


async def sampan_env(state: Path, *words: str) -> int:
    parser = argparse.ArgumentParser()
    command = EnvCommand()
    command.configure(parser)
    args = parser.parse_args([*words, "--state", str(state)])
    return await asyncio.to_thread(command.run, args)


async def test_checked_made_and_checked_again(
    state: Path, place: Path, lock: UserLock, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await sampan_env(state, "check", "harbour") == 1
    out = capsys.readouterr().out
    assert out.startswith("Centre harbour has no software environment of this hub's yet.")
    assert out.endswith("sampan env build harbour\n")
    assert await sampan_env(state, "build", "harbour") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "  0 %  Looking at what Centre harbour has."
    assert lines[-1].startswith("100 %  The environment")
    assert await sampan_env(state, "check", "harbour") == 0
    assert f"{place}/builds/{lock.name}-" in capsys.readouterr().out
    assert await sampan_env(state, "build", "harbour", "--json") == 0
    steps = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [step["message"]["code"] for step in steps] == ["environment.looking", "environment.current"]
    assert {"en", "zh"} < set(steps[0]["message"])
    shutil.rmtree(next((place / lock.name / "lib").glob("python3*/site-packages/alpha-1.0.dist-info")))
    monkeypatch.setenv("LANGUAGE", "zh_CN")
    assert await sampan_env(state, "check", "harbour") == 1
    assert "harbour中心有 1 个软件包与锁定的不同：alpha – (1.0)" in capsys.readouterr().out
    assert await sampan_env(state, "check", "harbour", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["centre"], told["sound"]) == ("harbour", False)
    assert [one["code"] for one in told["differences"]] == ["environment.packages"]


async def test_one_at_a_time(state: Path) -> None:
    """By whoever: the lock is a process's, and another process holds it."""
    path = StateDirectory(state).lock("env-harbour")
    code = "import sys, time, pathlib; from sampan_hub.process_lock import hold; "
    code += "hold(pathlib.Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    places = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    pipe = asyncio.subprocess.PIPE
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", code, path, stdout=pipe, env=places)
    try:
        assert other.stdout is not None
        assert await other.stdout.readline() == b"held\n"
        with pytest.raises(Conflict) as caught:
            await sampan_env(state, "build", "harbour")
        assert f"process {other.pid}" in caught.value.message.say("en")
    finally:
        other.kill()
        await other.wait()


async def test_what_is_asked_wrongly(state: Path, place: Path, tmp_path: Path) -> None:
    with pytest.raises(Missing):
        await sampan_env(state, "build", "nowhere")
    with pytest.raises(Invalid) as caught:
        await sampan_env(tmp_path / "none", "check", "harbour")
    assert caught.value.code == "environment.no_state"
    describe(state, place, "{python: /opt/theirs/bin/python}")
    with pytest.raises(Invalid) as caught:
        await sampan_env(state, "build", "harbour")
    assert caught.value.code == "environment.theirs"
    describe(state, place, "{python: theirs}")
    with pytest.raises(Invalid) as caught:
        await sampan_env(state, "build", "harbour")
    assert caught.value.message.params["key"] == "environment.python"


async def test_the_embedded_default_can_be_checked(state: Path, place: Path, capsys: Said) -> None:
    """Its environment is this hub's own, which holds more than a centre's, and never less."""
    describe(state, place, f"{{python: {sys.executable}}}")
    assert await sampan_env(state, "check", "harbour") == 1
    assert "1 packages differ from the lock: alpha – (1.0)" in capsys.readouterr().out


def test_it_is_one_of_the_commands() -> None:
    assert "env" in {entry.name for entry in entry_points(group=commands.GROUP)}
