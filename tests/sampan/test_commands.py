"""The commands as a person and as a script sees them, against a real HTTP server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib.metadata import EntryPoint, entry_points

import pytest

from sampan import commands
from tests.sampan.small_broker import TOKEN, SmallBroker, listening, served, step


@pytest.fixture
def small() -> SmallBroker:
    return SmallBroker()


@pytest.fixture(autouse=True)
async def reachable(small: SmallBroker, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    with listening() as sock:
        async with served(small, sock) as url:
            for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
                monkeypatch.delenv(name, raising=False)
            monkeypatch.setenv("LANG", "en_GB.UTF-8")
            monkeypatch.setenv("SAMPAN_URL", url)
            monkeypatch.setenv("SAMPAN_TOKEN", TOKEN)
            yield


async def sampan(*argv: str) -> int:
    return await asyncio.to_thread(commands.main, argv)


Said = pytest.CaptureFixture[str]


async def test_centres_for_people(capsys: Said) -> None:
    assert await sampan("centres") == 0
    head, east, west, problem = capsys.readouterr().out.splitlines()
    assert head.split() == [
        "ID",
        "CENTRE",
        "STATE",
        "QUEUE",
        "FREE",
        "CORES",
        "HOURS",
        "ACCELERATORS",
        "WAITING",
        "AS",
        "OF",
    ]
    assert east.split() == ["east", "East", "open", "cpu", "6/8", "24", "dcu", "1/2", "0", "2", "s", "ago"]
    assert west.startswith("west")
    assert problem == "west: It cannot be reached just now."


async def test_what_nobody_knows_is_no_zero(capsys: Said, small: SmallBroker) -> None:
    unknown = dict.fromkeys(("cores_total", "cores_free", "max_hours", "pending"))
    share: dict[str, object] = {"id": "cpu", "names": {}, "accelerators": {}, "nodes": [], **unknown}
    small.answer_with = (
        200,
        [{"id": "east", "names": {}, "state": "unknown", "age": None, "shares": [share]}],
    )
    assert await sampan("centres") == 0
    assert capsys.readouterr().out.splitlines()[1].split() == [
        "east",
        "–",
        "unknown",
        "cpu",
        "?/?",
        "?",
        "–",
        "?",
        "–",
    ]


async def test_in_chinese(capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert await sampan("centres") == 0
    assert "东部中心" in (out := capsys.readouterr().out)
    assert "空闲核数" in out
    monkeypatch.setenv("SAMPAN_TOKEN", "mistaken")
    assert await sampan("centres") == 1
    assert capsys.readouterr().err == "sampan: 请登录：令牌缺失、错误或已过期。\n"


@pytest.mark.parametrize("argv", [["centres"], ["place"], ["launches"]])
async def test_scripts_get_the_answer_as_it_is(capsys: Said, argv: list[str]) -> None:
    assert await sampan(*argv, "--json") == 0
    assert json.loads(capsys.readouterr().out) is not None


async def test_place_tells_where_and_why(capsys: Said, small: SmallBroker) -> None:
    assert await sampan("place", "--cores", "2", "--memory", "4", "--plan", "light") == 0
    out = capsys.readouterr().out
    head, east, west, _ = out.splitlines()
    assert "USUAL WAIT" in head
    assert "2–5 s       Has room now: 6 of 8 cores are free." in east
    assert "–           It cannot be reached just now." in west
    assert "It cannot be reached just now." in out
    assert out.endswith("Start link options: opt-plan=light&opt-cores=2&opt-memory=4\n")
    assert small.asked[-1][3] == {"options": {"plan": "light", "cores": "2", "memory": "4"}}


async def test_what_the_broker_cannot_read_is_a_usage_error(capsys: Said) -> None:
    assert await sampan("place", "--cores", "many") == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "sampan: “cores” must be 1-8; many is not. Please correct it and start again.\n"


async def test_nowhere_is_exit_code_one(small: SmallBroker, capsys: Said) -> None:
    small.answer_with = (200, {"need": {}, "query": "opt-v=1", "ranked": [], "refused": []})
    assert await sampan("place") == 1


async def test_launches_are_listed_followed_and_stopped(small: SmallBroker, capsys: Said) -> None:
    assert await sampan("launches") == 0
    assert capsys.readouterr().out == "Nothing of yours runs.\n"
    small.launches["abcd"] = LAUNCH
    assert await sampan("launches", "--all") == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["ID", "OWNER", "KIND", "NAME", "CENTRE", "NOW"]
    assert row.split() == ["abcd", "alice", "server", "–", "East", "Ready", "at", "East."]
    assert await sampan("launches", "--follow", "abcd") == 0
    out = capsys.readouterr().out
    assert (
        out.index("10 %")
        < out.index("Waiting for a berth at East")
        < out.index("Ready at East")
        < out.index("Stopped.")
    )
    assert await sampan("launches", "--follow", "abcd", "--json", "--until-ready") == 0
    assert [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()] == [0, 1, 2]
    assert await sampan("launches", "--stop", "abcd") == 0
    assert small.asked[-1][0] == "DELETE"
    assert await sampan("launches", "--stop", "zzzz") == 1
    assert "There is no launch zzzz of yours." in capsys.readouterr().err


async def test_a_start_that_ends_before_it_is_ready_is_a_failure(small: SmallBroker, capsys: Said) -> None:
    small.steps = [step(0, "placed", 10), step(1, "failed", 100, "ended")]
    assert await sampan("launches", "--follow", "abcd", "--until-ready") == 1


LAUNCH = {
    "id": "abcd",
    "owner": "alice",
    "kind": "server",
    "name": "",
    "centre": "east",
    "names": {"en": "East", "zh": "东"},
    "message": step(2, "ready", 100)["message"],
}


async def test_wrong_words_are_a_usage_error(capsys: Said) -> None:
    for argv in (["fly"], [], ["place", "--wings", "2"], ["launches", "--stop", "a", "--follow", "b"]):
        with pytest.raises(SystemExit) as caught:
            await sampan(*argv)
        assert caught.value.code == 2


def test_the_broker_adds_up() -> None:
    assert "up" in {entry.name for entry in entry_points(group=commands.GROUP)}


async def test_a_command_whose_parts_are_missing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    broken = EntryPoint("sail", "no_such_package.sail:command", commands.GROUP)
    monkeypatch.setattr(commands, "entry_points", lambda group: [broken])
    assert await sampan("sail", "--far") == 1
    assert "pip install 'sampan[hub]'" in capsys.readouterr().err
    assert await sampan("centres") == 0


async def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "sampan.commands", "centres"]
    with os.fdopen(writer, "wb") as closed:
        done = await asyncio.to_thread(
            lambda: subprocess.run(
                command, stdout=closed, stderr=subprocess.PIPE, env=here, timeout=30, check=False
            )
        )
    assert (done.returncode, done.stderr) == (1, b"")
