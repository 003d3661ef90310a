"""What Prometheus is told: counts of what happened, and how things stand at the moment it asks. No names of people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, get_args

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sampan.stages import SILENT
from sampan_hub import queries
from sampan_hub.chronicle import State, shares, state_of
from sampan_hub.services import Services
from sampan_hub.tally import Tally

__all__ = ["STATES", "Metrics"]

STATES: Final = get_args(State)
"""How a centre can stand."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How many live launches stand alike."""

    kind: str
    stage: str
    centre: str
    seen: str
    launches: int


class Metrics:
    """The broker's metrics. `begin` once, at its start; each `page` is as of that moment."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._registry = CollectorRegistry()
        self._tally = Tally(self._registry)
        self._now = _Now(services)
        self._registry.register(self._now)
        for kind in (ProcessCollector, PlatformCollector, GCCollector):
            kind(registry=self._registry)

    async def begin(self) -> None:
        await self._tally.begin(self._services.store)

    async def page(self) -> bytes:
        """The exposition format: https://prometheus.io/docs/instrumenting/exposition_formats/. Asks no centre."""
        await self._tally.read(self._services.store)
        self._now.standings = [
            Standing(**row) for row in await self._services.store.rows(queries.standings())
        ]
        return generate_latest(self._registry)


class _Now(Collector):
    """Gauges, and counters that others keep, read when they are looked at."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.standings: list[Standing] = []

    def collect(self) -> Iterator[Metric]:
        yield from self._launches()
        yield from self._centres()
        yield from self._asked()
        yield from self._loop()

    def _loop(self) -> Iterator[Metric]:
        stalls = self._services.stalls
        yield CounterMetricFamily(
            "sampan_loop_stalls", "Stalls of the event loop over a second", value=stalls.too_long
        )
        yield GaugeMetricFamily(
            "sampan_loop_stall_longest_seconds", "The longest so far", value=stalls.longest
        )

    def _launches(self) -> Iterator[Metric]:
        there = GaugeMetricFamily("sampan_launches", "Live launches", labels=("kind", "stage", "centre"))
        silent = GaugeMetricFamily(
            "sampan_silent", "Of those, how many nobody can say of how they are", labels=("centre", "seen")
        )
        sums: dict[tuple[str, ...], int] = {}
        silences: dict[tuple[str, ...], int] = {}
        for one in self.standings:
            key = (one.kind, one.stage, one.centre)
            sums[key] = sums.get(key, 0) + one.launches
            if one.seen in SILENT and one.centre:
                silences[one.centre, one.seen] = silences.get((one.centre, one.seen), 0) + one.launches
        _fill(there, sums.items())
        _fill(silent, silences.items())
        links = sum(not link.closed.is_set() for link in self._services.links.values())
        yield there
        yield silent
        yield GaugeMetricFamily("sampan_links", "Connections to launchers that are open", value=links)

    def _centres(self) -> Iterator[Metric]:
        state = GaugeMetricFamily(
            "sampan_centre_state", "1 for how the centre stands", labels=("centre", "state")
        )
        age = GaugeMetricFamily(
            "sampan_capacity_age_seconds", "Age of what is known of its capacity", labels=("centre",)
        )
        cores = GaugeMetricFamily("sampan_cores", "Cores of each share", labels=("centre", "share", "what"))
        waiting = GaugeMetricFamily(
            "sampan_jobs_waiting", "Jobs of anybody that wait", labels=("centre", "share")
        )
        now = self._services.now()
        for name, watch in self._services.watches.items():
            stands = state_of(watch, now)
            _fill(state, (((name, word), float(word == stands)) for word in STATES))
            if watch.capacity is not None:
                _fill(age, [((name,), max(0.0, now - watch.capacity.measured_at))])
            for one in shares(watch):
                figures = {"all": one.cores_total, "free": one.cores_free}
                _fill(cores, (((name, one.share.id, what), n) for what, n in figures.items()))
                _fill(waiting, [((name, one.share.id), one.ahead)])
        yield from (state, age, cores, waiting)

    def _asked(self) -> Iterator[Metric]:
        asked = CounterMetricFamily(
            "sampan_questions", "Commands sent to a centre", labels=("centre", "verb")
        )
        calls = GaugeMetricFamily("sampan_calls", "Calls to a centre", labels=("centre", "what"))
        breaker = GaugeMetricFamily(
            "sampan_breaker_open", "1 while a silent centre is set aside", labels=("centre",)
        )
        strays = CounterMetricFamily(
            "sampan_strays",
            "Jobs that a sweep settled: adopted, drained, cancelled, foreign",
            labels=("centre", "fate"),
        )
        for name, centre in self._services.directory.centres.items():
            _fill(asked, (((name, verb), n) for verb, n in centre.asked.items()))
            bulkhead = centre.bulkhead
            _fill(calls, [((name, "under_way"), bulkhead.under_way), ((name, "waiting"), bulkhead.waiting)])
            _fill(breaker, [((name,), float(bulkhead.breaker.open))])
        _fill(strays, self._services.strays.counts.items())
        yield from (asked, calls, breaker, strays)


def _fill(
    family: CounterMetricFamily | GaugeMetricFamily, rows: Iterable[tuple[tuple[str, ...], float]]
) -> None:
    for labels, value in rows:
        family.add_metric(labels, value)
