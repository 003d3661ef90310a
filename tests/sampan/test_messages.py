"""Sentences in both languages, with the same parameters, and no way for a parameter to be read as more than text."""

from __future__ import annotations

import ast
import pickle
import re
from pathlib import Path

import pytest

from sampan.errors import Refused, SampanError, Unreachable
from sampan.messages import LANGUAGES, Message, text
from sampan.sentences import SENTENCES

ROOT = Path(__file__).resolve().parents[2]
PARAMETER = re.compile(r"\{([a-z_]+)\}")
MAKERS = {"Message", "Invalid", "Forbidden", "Missing", "Conflict", "Refused", "Unavailable", "Unreachable"}


@pytest.mark.parametrize("code", [code for code in SENTENCES if code != "text"])
def test_each_sentence_says_the_same_in_both(code: str) -> None:
    english, chinese = SENTENCES[code]
    assert set(PARAMETER.findall(english)) == set(PARAMETER.findall(chinese))
    assert english.strip()
    assert chinese.strip()
    assert not chinese.isascii()


def test_every_code_that_the_programs_use_has_its_sentences() -> None:
    used = {}
    for path in [*ROOT.glob("hub/**/*.py"), *ROOT.glob("spawners/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MAKERS and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    used[first.value] = path.name
    assert len(used) > 50
    assert {code: used[code] for code in used if code not in SENTENCES} == {}


def test_messages_within_messages_are_said_in_the_same_language() -> None:
    message = Message(
        "launch.placed", {"centre": text({"en": "East", "zh": "东部"}), "why": Message("place.draining")}
    )
    assert message.say("en") == "East was chosen: It takes no new work at the moment."
    assert message.say("zh") == "已选择东部：该中心暂不接收新任务。"
    several = Message("place.nowhere", {"reasons": (Message("place.draining"), Message("place.not_pinned"))})
    assert "at the moment. You asked" in several.say("en")


def test_json_and_back() -> None:
    message = Message(
        "place.nowhere", {"reasons": (Message("place.cores", {"have": 1, "want": 2}),), "n": 1.5}
    )
    data = message.to_json()
    assert Message.from_json(data) == message
    assert set(LANGUAGES) <= data.keys()


@pytest.mark.parametrize("kind", [Refused, Unreachable])
def test_errors_come_back_from_other_processes_as_they_were(kind: type[SampanError]) -> None:
    error = kind("centre.says", "a cause", centre=text({"en": "East", "zh": "东部"}), why="x")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 (written on this line)
    assert (type(again), again.message, again.cause, str(again)) == (
        *(kind, error.message, "a cause"),
        str(error),
    )


def test_a_parameter_is_never_read_as_a_template() -> None:
    hostile = "{why} {0.__class__} %s {centre}"
    message = Message("centre.says", {"centre": hostile, "why": "x"})
    assert message.say("en") == f"{hostile}: x"


def test_an_unknown_code_is_said_as_itself() -> None:
    assert Message("later.thing", {"a": 1}).say("zh") == "later.thing (a=1)"
    assert Message("later.thing").say("en") == "later.thing"
