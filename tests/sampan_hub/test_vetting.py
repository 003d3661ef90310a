"""An environment is asked what it is, now and then, by a real command: what it says decides, silence does not."""

from __future__ import annotations

import asyncio
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from sampan.messages import Message
from sampan_hub import demo_account, vetting
from sampan_hub.centre import Centre, make_centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import parse_descriptor
from sampan_hub.environments import Place
from sampan_hub.user_lock import user_lock
from tests.sampan_hub.descriptions import here

HERE = version("jupyterhub")


def answer(**changes: Any) -> dict[str, Any]:
    return {
        "schema": "sampan/environment/1",
        "prefix": "/p",
        "python": "3.11.2",
        "speaks": [1],
        "versions": {"sampan": "0.0.9", "jupyterhub": HERE},
        "record": None,
        **changes,
    }


def record(lock: str) -> dict[str, str]:
    return {
        "schema": "sampan/environment/1",
        "lock": lock,
        "wheel": "",
        "sampan": "0.0.9",
        "jupyterhub": HERE,
    }


def interpreter(path: Path, said: dict[str, Any] | str) -> Path:
    """A program in the place of a Python: it counts how often it is asked and says what it was told."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = said if isinstance(said, str) else f"cat <<'END'\n{json.dumps(said)}\nEND\n"
    asked = path.parents[1] / "asked"
    asked.touch()
    asked.chmod(0o666)
    path.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n{text}')
    path.chmod(0o755)
    return path


def asked(python: Path) -> int:
    return len((python.parents[1] / "asked").read_text().splitlines())


def centre(place: Path, environment: str) -> Centre:
    text = here("a", str(place), python="/x", account=demo_account.ensure())
    result = parse_descriptor(text.replace("{python: /x}", environment), "a.yaml")
    assert isinstance(result, Descriptor), result
    return make_centre(result)


def theirs(place: Path, said: dict[str, Any] | str) -> tuple[Centre, Path]:
    python = interpreter(place / "env" / "bin" / "python", said)
    return centre(place, f"{{python: {python}}}"), python


def ours(place: Path, said: dict[str, Any] | str) -> tuple[Centre, Path]:
    python = interpreter(Path(Place(str(place), user_lock().name).python), said)
    return centre(place, f"{{prefix: {place}}}"), python


def code(why: Message | None) -> str | None:
    return None if why is None else why.code


async def test_one_that_suits_is_asked_once_for_all(place: Path) -> None:
    there, python = theirs(place, answer())
    assert await asyncio.gather(*(there.vetting.unfit() for _ in range(20))) == [None] * 20
    assert await there.vetting.unfit() is None
    assert asked(python) == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"versions": {"sampan": "0.1.0", "jupyterhub": "5.4.0"}}, "environment.jupyterhub"),
        ({"versions": {"sampan": "0.1.0"}}, "environment.jupyterhub"),
        ({"versions": {"jupyterhub": HERE.rpartition(".")[0] + ".99"}}, None),
        ({"speaks": [7, 8]}, "environment.protocol"),
        ({"speaks": [8, 1]}, None),
        ({"record": record("0" * 64)}, None),
    ],
)
async def test_an_environment_of_the_operators(place: Path, changes: dict[str, Any], expected: str) -> None:
    """Its lock is their affair; what hub and server say to each other is not."""
    there, _ = theirs(place, answer(**changes))
    why = await there.vetting.unfit()
    assert code(why) == expected
    if why is not None:
        assert "operators of a must install" in why.say("en")


@pytest.mark.parametrize(
    "said", ["exit 1\n", "echo No module named sampan_kernels >&2; exit 1\n", "echo '{}'\n", "echo 7\n"]
)
async def test_no_answer_keeps_nobody_away(place: Path, said: str) -> None:
    for make in (theirs, ours):
        there, python = make(place, said)
        assert [await there.vetting.unfit() for _ in range(3)] == [None] * 3
        assert asked(python) == 1


async def test_a_centre_that_hangs_is_waited_for_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vetting, "_DEADLINE", 0.3)
    there, python = theirs(place, "exec sleep 60\n")
    assert [await there.vetting.unfit() for _ in range(3)] == [None] * 3
    assert asked(python) == 1


async def test_an_environment_that_sampan_makes(place: Path) -> None:
    there, _ = ours(place, answer(record=record(user_lock().digest)))
    assert await there.vetting.unfit() is None
    other, _ = ours(place, answer(record=record("0" * 64)))
    why = await other.vetting.unfit()
    assert code(why) == "environment.lock"
    assert why is not None
    assert why.say("en").endswith("sampan env build a")
    unfinished, _ = ours(place, answer())
    assert code(await unfinished.vetting.unfit()) == "environment.absent"


async def test_none_there_is_an_answer_only_where_one_is_to_be_made(place: Path) -> None:
    """Elsewhere modules may have to be loaded before the path leads anywhere."""
    assert code(await centre(place, f"{{prefix: {place}}}").vetting.unfit()) == "environment.absent"
    assert await centre(place, f"{{python: {place}/none/bin/python}}").vetting.unfit() is None


async def test_one_that_is_mended_is_found_soon(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there, python = ours(place, answer())
    assert await there.vetting.unfit() is not None
    interpreter(python, answer(record=record(user_lock().digest)))
    assert await there.vetting.unfit() is not None, "not asked again at once"
    monkeypatch.setattr(there.vetting, "_until", 0.0)
    assert await there.vetting.unfit() is None


async def test_the_embedded_default_is_not_asked(place: Path) -> None:
    """Its environment is the one that the broker runs in."""
    there = centre(place, f"{{python: {sys.executable}}}")
    assert await there.vetting.unfit() is None
    assert there.asked["env-facts"] == 0
