"""The commands for an environment at a centre: each of them is a row of the table, and nothing else is."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sampan.errors import Refused, Unavailable
from sampan_hub import environments as rows
from sampan_hub.asks import Ask, Completed
from sampan_hub.catalogue import looks
from sampan_hub.centre import make_centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import parse_descriptor
from sampan_hub.environments import Place
from sampan_hub.user_lock import user_lock
from sampan_kernels import gate
from tests.sampan_hub.descriptions import here

pytestmark = pytest.mark.fast

PLACE = Place("/public/software/sampan/", "33a9b12393a3")
BUILD = f"{PLACE.builds}/33a9b12393a3-0123abcd-20260102030405"
OWN = f"{PLACE.wheels}/0123abcd/sampan-0.1.0-py3-none-any.whl"
BASE = "/usr/bin/python3"
ASKS: list[Ask[Any]] = [
    rows.version(BASE),
    rows.platform(BASE),
    rows.facts(PLACE.python),
    rows.facts(f"{BUILD}/bin/python", everything=True),
    rows.hashes([f"{PLACE.wheels}/a-1.0-py3-none-any.whl", f"{OWN}.part", f"{BUILD}/{rows.RECORD}"]),
    rows.make_folders([PLACE.prefix, PLACE.wheels, f"{PLACE.wheels}/0123abcd", PLACE.builds]),
    rows.write(OWN, 0, b"abc"),
    rows.write(f"{PLACE.wheels}/33a9b12393a3.lock", 2 << 20, b"abc"),
    rows.write(f"{BUILD}/{rows.RECORD}", 0, b"{}"),
    rows.rename(OWN),
    rows.make_venv(BASE, BUILD),
    rows.install(BUILD, PLACE.wheels, f"{PLACE.wheels}/33a9b12393a3.lock"),
    rows.install_own(BUILD, OWN),
    rows.open_to_all(BUILD),
    rows.remove(BUILD),
    *rows.point(PLACE, BUILD),
    # What the catalogue asks of the environment that is there.
    looks.look(PLACE.python, []),
    looks.reap(PLACE.python, {}),
]


ROWS = gate.environments({"prefix": PLACE.prefix, "base": BASE})


@pytest.mark.parametrize("ask", ASKS, ids=lambda ask: ask.verb)
def test_every_command_is_a_row(ask: Ask[Any]) -> None:
    """Of that verb, in the gate's own table."""
    assert gate.allowed(ROWS, "service", ask.argv).verb == ask.verb
    # What SSH's transport takes as a word.
    assert all(re.fullmatch(r"[A-Za-z0-9_@%+=:,./|-]+", word) for word in ask.argv)


def test_every_row_is_a_command() -> None:
    assert {ask.verb for ask in ASKS} == {row.verb for row in ROWS}


@pytest.mark.parametrize(
    "line",
    [
        "rm -rf -- /public/software/sampan/builds/../../home",
        "rm -rf -- /public/software/sampan/builds",
        "rm -rf -- /public/software/sampan/builds/33a9b12393a3-0123abcd-20260102030405 /home",
        "mv -T -- /public/software/sampan/wheels/a.part /public/software/sampan/wheels/b",
        "mv -T -- /public/a.part /public/a",
        "dd of=/home/alice/.bashrc bs=64K seek=0 oflag=seek_bytes status=none",
        "dd of=/public/software/sampan/wheels/../../etc/passwd.part bs=64K seek=0 oflag=seek_bytes status=none",
        "mkdir -p -m 755 -- /public/software/sampan/../etc",
        "/usr/bin/python3 -I -m http.server",
        "/usr/bin/python3 -I -m sampan_kernels.environment --all; id",
        f"{BUILD}/bin/python -I -m pip install evil",
    ],
)
def test_nothing_else_is_a_row(line: str) -> None:
    with pytest.raises(gate.NotAllowedError):
        gate.allowed(ROWS, "service", line.split())


def described(environment: str) -> Descriptor:
    text = here("a", "/srv/a", python="/x", account="demo").replace("environment: {python: /x}", environment)
    result = parse_descriptor(text, "a.yaml")
    assert isinstance(result, Descriptor), result
    return result


def test_the_interpreter_is_below_the_prefix() -> None:
    centre = make_centre(described("environment: {prefix: /public/sampan}"))
    assert centre.descriptor.environment.python == f"/public/sampan/{user_lock().name}/bin/python"
    assert make_centre(described("environment: {python: /opt/py}")).descriptor.environment.python == "/opt/py"


def completed(status: int, out: str = "", err: str = "") -> Completed:
    return Completed(status, out, err)


def test_hashes_of_what_is_there() -> None:
    said = f"{'a' * 64}  /w/a.whl\n{'b' * 64}  /w/b.whl\n"
    err = "sha256sum: /w/c.whl: No such file or directory\n"
    parse = rows.hashes(["/w/a.whl"]).parse
    assert parse(completed(1, said, err)) == {"/w/a.whl": "a" * 64, "/w/b.whl": "b" * 64}
    assert parse(completed(127, "", "sha256sum: not found")) == {}


def test_none_is_another_answer_than_no_answer() -> None:
    parse = rows.facts("/x/bin/python").parse
    assert parse(completed(127, "", "/x/bin/python: No such file or directory")) is None
    assert parse(completed(0, '{"schema": "x"}')) == {"schema": "x"}
    for answer in (
        completed(1, "", "No module named sampan_kernels"),
        completed(0, "[]"),
        completed(0),
        completed(-9),
    ):
        with pytest.raises(Unavailable):
            parse(answer)


def test_a_failure_is_told_in_the_programs_own_words() -> None:
    with pytest.raises(Refused) as caught:
        rows.make_venv(BASE, BUILD).parse(completed(1, "", "No space left on device"))
    assert caught.value.message.params["why"] == "No space left on device"
    assert rows.version(BASE).parse(completed(0, "Python 3.11.2\n")) == "3.11.2"
    with pytest.raises(Unavailable):
        rows.version(BASE).parse(completed(0, "Python?"))
