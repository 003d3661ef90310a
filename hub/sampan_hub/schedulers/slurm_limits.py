"""What sacctmgr says that a person may have: of their associations, and of the quality of service that jobs get there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sampan_hub.asks import Completed
from sampan_hub.limits import Limit
from sampan_hub.schedulers.slurm_text import amounts, duration, not_an_answer, peak_mib, tres_cards

__all__ = ["limits", "questions"]


_Row = Mapping[str, str]

# https://slurm.schedmd.com/sacctmgr.html; only the first field's name is sure to be the same in the heading.
_OF_PERSON: Final = (
    *("Cluster", "Account", "Partition", "DefaultQOS", "QOS", "MaxWall", "MaxTRES", "GrpTRES"),
    *("MaxJobs", "GrpJobs", "MaxSubmit", "GrpSubmit"),
)
_OF_QOS: Final = (
    *("Name", "MaxWall", "MaxTRESPerJob", "MaxTRESPerUser", "GrpTRES"),
    *("MaxJobsPerUser", "GrpJobs", "MaxSubmitJobsPerUser", "GrpSubmit"),
)
# https://slurm.schedmd.com/resource_limits.html#hierarchy: what the quality of service says goes before the association.
_TRES: Final = (("MaxTRESPerJob", "MaxTRES"), ("MaxTRESPerUser", ""), ("GrpTRES", "GrpTRES"))
_JOBS: Final = (("MaxJobsPerUser", "MaxJobs"), ("GrpJobs", "GrpJobs"))
_SUBMITTED: Final = (("MaxSubmitJobsPerUser", "MaxSubmit"), ("GrpSubmit", "GrpSubmit"))
_NOTHING: Final[_Row] = {}


def questions(account: str) -> str:
    """Standard input for `sacctmgr`, which answers each line with a table."""
    return (
        f"show associations where user={account} format={','.join(_OF_PERSON)}\n"
        f"show qos format={','.join(_OF_QOS)}\n"
    )


def limits(done: Completed, kinds: Collection[str], demanded: Mapping[str, str]) -> tuple[Limit, ...]:
    """One for each project and queue. `demanded`: queue → the quality of service that its jobs ask for."""
    people, qualities = _table(done, _OF_PERSON), _table(done, _OF_QOS)
    if len({row["Cluster"] for row in people}) > 1:
        raise not_an_answer(done, "several clusters share the accounts, and which is meant is not said")
    by_name = {row["Name"]: row for row in qualities}
    found = []
    for row in people:
        found.append(_Bounds(by_name.get(_usual(row), _NOTHING), row).limit(row["Partition"], kinds))
        for queue, name in demanded.items():
            if row["Partition"] in ("", queue):
                found.append(_Bounds(by_name.get(name, _NOTHING), row).limit(queue, kinds))
    return tuple(found)


def _table(done: Completed, names: Sequence[str]) -> list[_Row]:
    """The rows of the table whose heading has that many columns and begins so; it ends where the next question is."""
    found: list[_Row] | None = None
    for line in done.stdout.split("\n"):
        fields = line.split("|")
        if found is None:
            found = [] if fields[0] == names[0] and len(fields) == len(names) else None
        elif len(fields) == len(names):
            found.append(dict(zip(names, fields, strict=True)))
        else:
            break
    if done.status != 0 or found is None:
        raise not_an_answer(done)
    return found


def _usual(row: _Row) -> str:
    """The quality of service of a job that asks for none."""
    allowed = row["QOS"].split(",")
    return row["DefaultQOS"] or (allowed[0] if len(allowed) == 1 else "normal")


@dataclass(frozen=True, slots=True)
class _Bounds:
    """A quality of service and an association, in this order of precedence."""

    quality: _Row
    own: _Row

    def limit(self, queue: str, kinds: Collection[str]) -> Limit:
        seconds = self._each(duration, (("MaxWall", "MaxWall"),))
        cards = {kind: self._each(_cards_of(kind), _TRES) for kind in kinds}
        return Limit(
            queue=queue or None,
            account=self.own["Account"] or None,
            minutes=None if (wall := min(seconds, default=None)) is None else wall // 60,
            cores=min(self._each(lambda text: _number(amounts(text).get("cpu", "")), _TRES), default=None),
            memory_mib=min(self._each(lambda text: _mib(amounts(text).get("mem", "")), _TRES), default=None),
            accelerators={kind: min(counts) for kind, counts in cards.items() if counts},
            jobs=min(self._each(_number, _JOBS), default=None),
            submitted=min(self._each(_number, _SUBMITTED), default=None),
        )

    def _each(self, read: Callable[[str], int | None], pairs: Iterable[tuple[str, str]]) -> list[int]:
        """What each pair of fields comes to: the first of the two that says anything."""
        return list(self._said(read, pairs))

    def _said(self, read: Callable[[str], int | None], pairs: Iterable[tuple[str, str]]) -> Iterator[int]:
        for of_quality, own in pairs:
            values = (read(self.quality.get(of_quality, "")), read(self.own.get(own, "")))
            value = next((value for value in values if value is not None), None)
            if value is not None:
                yield value


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def _mib(text: str) -> int | None:
    # Without a letter an amount is in MiB here, as everywhere but in figures of use.
    value = peak_mib(f"{text}M" if text[-1:].isdigit() else text)
    return None if value is None else round(value)


def _cards_of(kind: str) -> Callable[[str], int | None]:
    return lambda text: tres_cards(text, (kind,)).get(kind)
