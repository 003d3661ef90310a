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
_Pairs = Iterable[tuple[str, str]]
"""A field of a quality of service, and the one of an association that holds where that says nothing."""

# https://slurm.schedmd.com/sacctmgr.html; only the first field's name is sure to be the same in the heading.
_OF_PERSON: Final = (
    *("Cluster", "Account", "Partition", "DefaultQOS", "QOS", "MaxWall", "MaxTRES", "MaxTRESPerNode"),
    *("GrpTRES", "MaxJobs", "GrpJobs", "MaxSubmit", "GrpSubmit"),
)
_OF_PROJECT: Final = ("Cluster", "Account", "ParentName", "User", "GrpTRES", "GrpJobs", "GrpSubmit")
_OF_QOS: Final = (
    *("Name", "Flags", "MaxWall", "MaxTRESPerJob", "MaxTRESPerNode", "MaxTRESPerUser", "MaxTRESPerAccount"),
    *("GrpTRES", "MaxJobsPerUser", "MaxJobsPerAccount", "GrpJobs"),
    *("MaxSubmitJobsPerUser", "MaxSubmitJobsPerAccount", "GrpSubmit"),
)
# https://slurm.schedmd.com/resource_limits.html#hierarchy: what a quality of service says goes before the associations.
_TRES: Final = (
    *(("MaxTRESPerJob", "MaxTRES"), ("MaxTRESPerNode", "MaxTRESPerNode"), ("MaxTRESPerUser", "")),
    *(("MaxTRESPerAccount", ""), ("GrpTRES", "GrpTRES")),
)
_JOBS: Final = (("MaxJobsPerUser", "MaxJobs"), ("MaxJobsPerAccount", ""), ("GrpJobs", "GrpJobs"))
_SUBMITTED: Final = (
    *(("MaxSubmitJobsPerUser", "MaxSubmit"), ("MaxSubmitJobsPerAccount", "")),
    ("GrpSubmit", "GrpSubmit"),
)
_ITS_OWN_FIRST: Final = "OverPartQOS"
_NOTHING: Final[_Row] = {}


def questions(account: str) -> str:
    """Standard input for `sacctmgr`, which answers each line with a table. Who is no user is a project, with its parent."""
    return (
        f"show associations where user={account} format={','.join(_OF_PERSON)}\n"
        f"show associations where user= format={','.join(_OF_PROJECT)}\n"
        f"show qos format={','.join(_OF_QOS)}\n"
    )


def limits(
    done: Completed, kinds: Collection[str], demanded: Mapping[str, str], imposed: Mapping[str, str]
) -> tuple[Limit, ...]:
    """One for each project and queue.

    `demanded`: queue → the quality of service that its jobs ask for; `imposed`: queue → the one that limits everybody there.
    """
    people, projects, qualities = (_table(done, names) for names in (_OF_PERSON, _OF_PROJECT, _OF_QOS))
    if len({row["Cluster"] for row in people}) > 1:
        raise not_an_answer(done, "several clusters share the accounts, and which is meant is not said")
    cluster = people[0]["Cluster"] if people else ""
    above = {row["Account"]: row for row in projects if not row["User"] and row["Cluster"] == cluster}
    by_name = {row["Name"]: row for row in qualities}
    found = []
    for row in people:
        for queue in _queues(row, people, {**demanded, **imposed}):
            asked = by_name.get(demanded.get(queue) or _usual(row), _NOTHING)
            of_queue = by_name.get(imposed.get(queue, ""), _NOTHING)
            own_first = _ITS_OWN_FIRST in asked.get("Flags", "").split(",")
            order = (asked, of_queue) if own_first else (of_queue, asked)
            found.append(_Bounds(order, (row, *_ancestors(row, above))).limit(queue, row["Account"], kinds))
    return tuple(found)


def _queues(row: _Row, people: Iterable[_Row], special: Collection[str]) -> Iterator[str]:
    """The queues of which something is to be said besides; empty: all others."""
    yield row["Partition"]
    if not row["Partition"]:
        own = {one["Partition"] for one in people if one["Account"] == row["Account"]}
        yield from (queue for queue in special if queue not in own)


def _ancestors(row: _Row, projects: Mapping[str, _Row]) -> Iterator[_Row]:
    """The project of an association, and those above it. What they allow a single job is told with the association itself."""
    name, seen = row["Account"], set[str]()
    while name in projects and name not in seen:
        seen.add(name)
        yield projects[name]
        name = projects[name]["ParentName"]


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
    """Qualities of service in their order of precedence, and behind them an association with the projects above it."""

    qualities: Sequence[_Row]
    associations: Sequence[_Row]

    def limit(self, queue: str, account: str, kinds: Collection[str]) -> Limit:
        seconds = self._each(duration, (("MaxWall", "MaxWall"),))
        cards = {kind: self._each(_cards_of(kind), _TRES) for kind in kinds}
        return Limit(
            queue=queue or None,
            account=account or None,
            minutes=None if (wall := min(seconds, default=None)) is None else wall // 60,
            cores=min(self._each(lambda text: _number(amounts(text).get("cpu", "")), _TRES), default=None),
            memory_mib=min(self._each(lambda text: _mib(amounts(text).get("mem", "")), _TRES), default=None),
            accelerators={kind: min(counts) for kind, counts in cards.items() if counts},
            jobs=min(self._each(_number, _JOBS), default=None),
            submitted=min(self._each(_number, _SUBMITTED), default=None),
        )

    def _each(self, read: Callable[[str], int | None], pairs: _Pairs) -> list[int]:
        """What bounds each pair of fields: the first quality that says anything, else all associations that do."""
        found: list[int] = []
        for of_quality, of_association in pairs:
            told = _told(read, of_quality, self.qualities)
            found += told[:1] or _told(read, of_association, self.associations)
        return found


def _told(read: Callable[[str], int | None], name: str, rows: Iterable[_Row]) -> list[int]:
    values = (read(row.get(name, "")) for row in rows)
    return [value for value in values if value is not None]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def _mib(text: str) -> int | None:
    # Without a letter an amount is in MiB here, as everywhere but in figures of use.
    value = peak_mib(f"{text}M" if text[-1:].isdigit() else text)
    return None if value is None else round(value)


def _cards_of(kind: str) -> Callable[[str], int | None]:
    return lambda text: tres_cards(text, (kind,)).get(kind)
