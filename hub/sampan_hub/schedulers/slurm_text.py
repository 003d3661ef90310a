"""Reading what Slurm's commands print: tables, moments, durations, amounts. Strictly: what is not of its shape is no answer."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from sampan.errors import Unavailable
from sampan_hub.asks import Completed

__all__ = [
    "MARK",
    "amounts",
    "array_tasks",
    "cards",
    "count",
    "duration",
    "moment",
    "node_names",
    "not_an_answer",
    "peak_mib",
    "rows",
    "tres_cards",
]

MARK: Final = "sampan"
"""Begins each line that a format of ours prints, the heading too: that is how an answer differs from a banner."""
_SHOWN: Final = 300
_MOST: Final = 1 << 40
_MOST_NODES: Final = 200_000
_END_OF_TIME: Final = 1e11
_UNITS: Final[Mapping[str, float]] = {
    "": 1 / 1024,
    "K": 1 / 1024,
    "M": 1,
    "G": 1024,
    "T": 1024**2,
    "P": 1024**3,
}
"""What one is in MiB, by the letter behind a figure. Without a letter it is KiB, as in accounting's figures of use."""
_NO_TIME: Final = frozenset({"", "N/A", "NONE", "None", "Unknown", "INVALID"})
_CARD: Final = re.compile(r"([A-Za-z][\w.-]*(?::[A-Za-z][\w.-]*)?):(\d+)(?:\([^)]*\))?")


def not_an_answer(done: Completed, why: str = "") -> Unavailable:
    """What is raised where nobody has answered."""
    said = (done.stderr.strip() or done.stdout.strip())[-_SHOWN:]
    return Unavailable("scheduler.no_answer", cause=f"exit {done.status}: {why} {said!r}")


def rows(done: Completed, heading: str, *, free: bool = False) -> Iterator[list[str]]:
    """The fields of each line below the one that `heading` begins; whatever stands before that line is a banner.

    The heading is how an empty answer differs from none. `free`: the last field is text that anybody chose, which may hold
    separators, and line breaks: what it makes of further lines is left out where it is no row.
    """
    lines = done.stdout.split("\n")
    at = next((at for at, line in enumerate(lines) if line.startswith(f"{heading}|")), None)
    if done.status != 0 or at is None:
        raise not_an_answer(done)
    columns = lines[at].count("|") + 1
    for line in itertools.islice(lines, at + 1, None):
        fields = line.split("|", columns - 1 if free else -1)
        if len(fields) == columns:
            yield fields
        elif "|" in line and not free:
            raise not_an_answer(done, f"{line[:100]!r} is no row")


def marked(done: Completed, *, free: bool = False) -> Iterator[list[str]]:
    """The rows of a format that begins with our mark, without it."""
    return (fields[1:] for fields in rows(done, MARK, free=free) if fields[0] == MARK)


def count(text: str) -> int:
    """A number that is believed: whole, not negative, not absurd. Raises ValueError."""
    if not (text.isascii() and text.isdigit()) or not 0 <= int(text) <= _MOST:
        raise ValueError(f"no count: {text[:40]!r}")
    return int(text)


def moment(text: str, zone: zoneinfo.ZoneInfo, *, after: float | None = None) -> float | None:
    """Seconds since the epoch; None where none are told.

    Slurm tells the time of its place, without saying which of two equal hours it means when clocks are set back: the one
    that is not before `after`. Where the centre has SLURM_TIME_FORMAT=%s set, it tells the seconds themselves.
    """
    if text in _NO_TIME:
        return None
    if text.isascii() and text.isdigit():
        return float(text) if float(text) < _END_OF_TIME else None
    try:
        local = dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 (its zone comes next)
    except ValueError:
        return None
    first, second = (local.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    if after is not None and first < after <= second:
        return second
    return first if first > 0 else None


def duration(text: str) -> int | None:
    """Seconds of `[days-]hours:minutes:seconds`; None where there is no limit, or it cannot be read."""
    found = re.fullmatch(r"(?:(\d{1,6})-)?(?:(\d{1,4}):)?(\d{1,4}):(\d\d)(?:\.\d+)?", text)
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def amounts(text: str) -> dict[str, str]:
    """Trackable resources such as `cpu=4,gres/dcu=1,mem=2G`, as text by name."""
    pairs = (part.partition("=") for part in text.split(","))
    return {name: number for name, equals, number in pairs if equals}


def peak_mib(text: str) -> float | None:
    """An amount of memory such as `318476K` or `2G`, in MiB; None where none is told."""
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?)([KMGTP]?)", text)
    return None if found is None else float(found[1]) * _UNITS[found[2]]


def cards(text: str, kinds: Iterable[str]) -> dict[str, int]:
    """How many of each of our kinds are in `dcu:4,gpu:a100:2(IDX:0-1)` and its like.

    A kind is the generic resource or its type, in any case of letters; where both are named so, each counts by its name.
    """
    totals: dict[str, int] = {}
    wanted = {kind.lower(): kind for kind in kinds}
    for found in _CARD.finditer(text):
        for word in set(found[1].lower().split(":")):
            if word in wanted:
                totals[wanted[word]] = totals.get(wanted[word], 0) + int(found[2])
    return totals


def tres_cards(text: str, kinds: Iterable[str]) -> dict[str, int]:
    """How many of each of our kinds are in `cpu=4,gres/gpu=2,gres/gpu:a100=2`, which says one card by several names."""
    told = {name.lower(): number for name, number in amounts(text).items() if number.isdigit()}
    found = {}
    for kind in kinds:
        word = kind.lower()
        typed = [
            int(number)
            for name, number in told.items()
            if name.startswith("gres/") and name.endswith(f":{word}")
        ]
        number = told.get(f"gres/{word}")
        if number is not None or typed:
            found[kind] = int(number) if number is not None else sum(typed)
    return found


def node_names(text: str) -> frozenset[str]:
    """The nodes of `a-n[01-03,7],b[0-1]x[2-3]`; none where there are more than any cluster has."""
    found: set[str] = set()
    for part in re.findall(r"(?:[^\[\],]|\[[^\]]*\])+", "" if text == "(null)" else text):
        names = [""]
        for plain, ranges in re.findall(r"([^\[\]]+)|\[([^\]]*)\]", part):
            numbers = [plain] if plain else list(_numbers(ranges))
            if len(names) * len(numbers) > _MOST_NODES:
                return frozenset()
            names = [f"{name}{number}" for name in names for number in numbers]
        found.update(names)
    return frozenset(found) if len(found) <= _MOST_NODES else frozenset()


def _numbers(ranges: str) -> Iterator[str]:
    """`01-03,7` is 01, 02, 03, 7."""
    for part in ranges.split(","):
        span = re.fullmatch(r"(\d{1,6})-(\d{1,6})", part)
        if span is None:
            yield part
        else:
            yield from (f"{number:0{len(span[1])}d}" for number in range(int(span[1]), int(span[2]) + 1))


def array_tasks(text: str) -> int:
    """How many tasks of a job array wait in one line: of `1-3,7,10-20:5%2`, six. A job that is no array is one."""
    tasks = 0
    for part in text.partition("%")[0].split(","):
        found = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9})(?::(\d{1,9}))?)?", part)
        if found:
            first, last, step = int(found[1]), int(found[2] or found[1]), int(found[3] or 1)
            tasks += max(0, (last - first) // max(1, step)) + 1
    return max(1, tasks)
