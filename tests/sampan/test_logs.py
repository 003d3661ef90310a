"""A line of the log is one JSON object, whatever is in it, and names the launch that it is about."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys

import pytest

from sampan.logs import JsonLines, LaunchLog, concerning, concerns

pytestmark = pytest.mark.fast


def line(message: str, *args: object, **more: object) -> dict[str, object]:
    record = logging.makeLogRecord(
        {"name": "sampan_hub.x", "levelno": 20, "levelname": "INFO", "msg": message, **more}
    )
    record.args = args
    text = JsonLines().format(record)
    assert "\n" not in text
    told: dict[str, object] = json.loads(text)
    return told


def test_what_is_in_a_line() -> None:
    told = line("%s: 中文 and\na second line", "east", created=1_790_000_000.25)
    assert told == {
        "at": "2026-09-21T14:13:20.250Z",
        "level": "info",
        "logger": "sampan_hub.x",
        "message": "east: 中文 and\na second line",
    }


def test_an_error_brings_its_trace() -> None:
    try:
        raise ValueError("no")
    except ValueError:
        told = line("it failed", exc_info=sys.exc_info())
    assert "ValueError: no" in str(told["trace"])


@pytest.mark.parametrize(
    "message",
    [
        "launch abcdef123456: not reached",
        "east: job 7 carries our tag sampan-demo-abcdef123456-2",
        "link to sampan-demo-abcdef123456-1 on n1 ended",
    ],
)
def test_a_line_that_names_a_launch_is_about_it(message: str) -> None:
    assert line(message)["launch"] == "abcdef123456"


def test_a_line_that_names_none_has_none() -> None:
    assert "launch" not in line("launch is a word, sampan-up another")


async def test_a_task_and_what_it_starts_are_about_one_launch() -> None:
    async def work(launch: str) -> tuple[object, object]:
        concerns(launch)
        await asyncio.sleep(0)
        below = await asyncio.create_task(asyncio.to_thread(line, "below"))
        return line("it")["launch"], below["launch"]

    found = await asyncio.gather(work("a" * 12), work("b" * 12))
    assert list(found) == [("a" * 12, "a" * 12), ("b" * 12, "b" * 12)]
    with concerning("c" * 12):
        assert line("it")["launch"] == "c" * 12
    assert "launch" not in line("it")


def test_a_logger_of_one_launch(caplog: pytest.LogCaptureFixture) -> None:
    which = ["a" * 12]
    log = LaunchLog(logging.getLogger("hub"), lambda: which[0])
    log.warning("%s is slow", "it")
    which[0] = ""
    log.warning("nothing")
    first, second = (json.loads(JsonLines().format(record)) for record in caplog.records)
    assert (first["launch"], first["message"]) == ("a" * 12, "it is slow")
    assert "launch" not in second


@pytest.mark.parametrize("shape", ["text", "json"])
def test_a_process_writes_in_the_shape_that_it_is_told(shape: str) -> None:
    code = f"import logging; from sampan import logs; logs.begin({shape!r}); logging.getLogger('x').info('said'); "
    code += "logging.getLogger('httpx').info('chatter')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    (said,) = done.stderr.splitlines()
    assert said.endswith("INFO x: said") if shape == "text" else json.loads(said)["message"] == "said"
