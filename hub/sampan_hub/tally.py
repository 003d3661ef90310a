"""Counting what happens to launches: every transition once, from the table in which all of them are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from sampan.messages import Message
from sampan.stages import PROGRESS, Stage
from sampan_hub import queries
from sampan_hub.records import Transition
from sampan_hub.rows import read_transition
from sampan_hub.store import Store

__all__ = ["Tally"]

_STAGE_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600, 1800, 3600, 4 * 3600, 24 * 3600)


class Tally:
    """Counters and histograms of launches since the start of this process.

    They are brought up to date when somebody looks (:meth:`read`): a start costs nothing for being counted. Durations are of
    attempts that came further; how long one stood before it failed says nothing about waiting.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def count(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(f"sampan_{name}", meaning, labels, registry=registry)

        def spread(name: str, meaning: str, *labels: str) -> Histogram:
            return Histogram(f"sampan_{name}", meaning, labels, registry=registry, buckets=_STAGE_SECONDS)

        self._accepted = count("launches_accepted", "Launches that were asked for")
        self._ended = count("launches_ended", "Launches that are over, by what ended them", "centre", "cause")
        self._retries = count("retries", "Attempts after which the next centre was tried", "centre", "cause")
        self._silences = count(
            "silences", "Times that a launch became unknown or unreachable", "centre", "seen"
        )
        self._stages = spread(
            "stage_seconds", "How long attempts stood in each stage before the next", "stage", "centre"
        )
        self._starts = spread("start_seconds", "From the request to the answering server", "centre")
        self._counted: Mapping[str, Callable[[Transition], None]] = MappingProxyType(
            {
                "launch.accepted": lambda _: self._accepted.inc(),
                "launch.next": self._retry,
                "launch.unknown": self._silence,
                "launch.unreachable": self._silence,
                "launch.cut": self._silence,
                "launch.stopping_unconfirmed": self._silence,
            }
        )
        self._last = 0
        self._asked: dict[str, float] = {}
        """Live launch → when it was asked for."""
        self._stood: defaultdict[str, dict[int | None, tuple[Stage, float]]] = defaultdict(dict)
        """Live launch → attempt → its stage and since when."""

    async def begin(self, store: Store) -> None:
        """What was before this process is not counted again."""
        self._asked = {launch.id: launch.created_at for launch in await store.live_launches()}
        (newest,) = await store.rows(queries.last())
        self._last = int(newest["number"])

    async def read(self, store: Store) -> None:
        """Counts what has happened since the last time."""
        while rows := await store.rows(queries.after(self._last)):
            for row in rows:
                step = read_transition(row)
                self._count(step)
                self._last = step.number

    def _count(self, step: Transition) -> None:
        if step.message.code == "launch.accepted":
            self._asked[step.launch] = step.at
        if step.message.code in self._counted:
            self._counted[step.message.code](step)
        before = self._stood[step.launch].get(step.attempt)
        if before is None:
            self._stood[step.launch][step.attempt] = (step.stage, step.at)
        elif before[0] is not step.stage:
            if PROGRESS[step.stage] > PROGRESS[before[0]] and step.stage is not Stage.ENDED:
                self._stages.labels(before[0], step.centre or "").observe(max(0.0, step.at - before[1]))
            self._stood[step.launch][step.attempt] = (step.stage, step.at)
        if step.final == "ready" and step.launch in self._asked:
            self._starts.labels(step.centre or "").observe(max(0.0, step.at - self._asked[step.launch]))
        if step.final == "ended":
            self._ended.labels(step.centre or "", step.message.code).inc()
            self._asked.pop(step.launch, None)
            self._stood.pop(step.launch, None)

    def _retry(self, step: Transition) -> None:
        why = step.message.params.get("why")
        self._retries.labels(step.centre or "", why.code if isinstance(why, Message) else "").inc()

    def _silence(self, step: Transition) -> None:
        self._silences.labels(step.centre or "", step.seen).inc()
