from __future__ import annotations

import shlex

import pytest

from sampan.errors import Invalid
from sampan_hub import files
from sampan_hub.command_line import command_line

pytestmark = pytest.mark.fast

SAID = [
    ("mkdir", "-p", "-m", "700", "--", "/home/e-alice/.sampan/attempts/sampan-test1-abcd-1"),
    ("/opt/sampan/bin/python", "-I", "-m", "sampan_kernels.processes", "--spool", "/var/spool/sampan"),
    ("squeue", "-h", "-o", "%i|%T|%R", "--name=a,b"),
    ("scontrol", "show", "job=12", "user@host", "a+b", "x:y"),
]
MEANT = [
    "",
    "a b",
    "$(id)",
    "`id`",
    ";id",
    "'",
    '"',
    "\\",
    "\n",
    "\0",
    "*",
    "?",
    "~",
    "中文",
    "\u2028",
    "#",
    "!",
    "{a,b}",
]


@pytest.mark.parametrize("argv", SAID)
def test_a_shell_reads_the_same_words(argv: tuple[str, ...]) -> None:
    assert tuple(shlex.split(command_line(argv))) == argv


@pytest.mark.parametrize("word", [*MEANT, "a\nb", "x;y", "--name=a b", "-o$IFS"])
def test_what_a_shell_might_read_is_refused(word: str) -> None:
    with pytest.raises(Invalid) as caught:
        command_line(("echo", word))
    assert caught.value.code == "centre.word"


def test_a_person_cannot_write_a_path_that_is_a_command() -> None:
    with pytest.raises(Invalid):
        command_line(files.read("/home/a/$(id)").argv)


def test_lines_that_are_too_long_or_empty() -> None:
    assert len(command_line(["squeue", ",".join(["123456"] * 9000)])) > 60_000
    for argv in (["a" * 60_000] * 3, []):
        with pytest.raises(Invalid) as caught:
            command_line(argv)
        assert caught.value.code == "centre.line"
