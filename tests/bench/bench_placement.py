"""A placement decision over 100 centres of 50 shares: under a millisecond?"""

from __future__ import annotations

import random
import statistics
import time
from dataclasses import replace
from typing import Final

from sampan.messages import Message
from sampan.need import Need
from sampan_hub.capacity import Capacity, NodeReading, Reading
from sampan_hub.centre_facts import Terms
from sampan_hub.doubts import Doubt
from sampan_hub.limits import Limit
from sampan_hub.permits import Held, Permit
from sampan_hub.placement import Candidate, CentreFacts, ShareFacts, place
from sampan_hub.survey import Survey
from tests.bench.figures import Figure, keep, measured

__all__ = ["run"]

CENTRES: Final = 100
SHARES: Final = 50
NODES: Final = 10
"""Of each share."""
RUNS: Final = 100
REACH: Final = 1
NEEDS: Final = (
    Need(),
    Need(cores=32, memory_mib=65536, minutes=600),
    Need(cores=8, memory_mib=16384, accelerator="dcu", accelerators=1),
    Need(centre="c007"),
)
FORECASTS: Final = {("c001", "s01"): 60.0, ("c002", "s02"): 600.0, ("c003", "s03"): 6000.0}
"""What three schedulers said."""
DOUBTED: Final = {
    (f"c{number:03}", f"s{number % SHARES:02}"): Doubt(1 + number % 3, Message("place.full"))
    for number in range(0, CENTRES, 10)
}
"""A share of every tenth centre has not kept its word lately."""


def _candidates(chance: random.Random) -> list[Candidate]:
    return [_candidate(chance, f"c{number:03}") for number in range(CENTRES)]


def _candidate(chance: random.Random, name: str) -> Candidate:
    shares = []
    nodes = []
    pending = {}
    for number in range(SHARES):
        share, cores = f"s{number:02}", chance.choice((16, 32, 64))
        cards = {"dcu": 4} if number % 10 == 0 else {}
        terms = Terms(card="dcu", cards=1) if cards else Terms()
        cost = chance.uniform(0.5, 2)
        shares.append(ShareFacts(share, share, cores, cores * 4096, 24 * 60, cards, cost, terms))
        pending[share] = chance.choice((0, 0, 3, 40))
        for node in range(NODES):
            free = chance.randint(0, cores)
            some = {kind: (total, chance.randint(0, total)) for kind, total in cards.items()}
            nodes.append(
                NodeReading(f"{share}n{node}", cores, free, cores * 4096, free * 4096, (share,), some)
            )
    now = time.time()
    facts = CentreFacts(name, {"en": name, "zh": name}, tuple(shares))
    capacity = Capacity(name, Reading(tuple(nodes), pending), now, now + 10)
    # The broker's watch works a reading out once when it arrives; a decision only looks.
    limits = (Limit(account="a", cores=64, jobs=100), Limit(queue="s00", account="a", cores=48))
    return Candidate(
        facts, capacity, survey=Survey(facts, capacity), permit=Permit(facts.shares, limits, Held(running=1))
    )


def run() -> list[Figure]:
    chance = random.Random(20260101)
    candidates = _candidates(chance)
    surveyed = [_survey_milliseconds(candidate) for candidate in candidates]
    seen = [_milliseconds(NEEDS[number % len(NEEDS)], candidates) for number in range(RUNS)]
    few = [_few(one) for one in candidates[:10]]
    small = [_milliseconds(NEEDS[number % len(NEEDS)], few) for number in range(RUNS)]
    met = statistics.median(seen) < REACH
    figures = [
        measured(f"place, {CENTRES} centres x {SHARES} shares", "ms", seen, reach=f"< {REACH} ms", met=met),
        measured("working out one centre's reading, once when it arrives", "ms", surveyed),
        measured("place, 10 centres x 5 shares", "ms", small),
    ]
    keep("placement", figures, nodes=CENTRES * SHARES * NODES)
    return figures


def _few(one: Candidate) -> Candidate:
    facts = replace(one.facts, shares=one.facts.shares[:5])
    assert one.capacity is not None
    return Candidate(facts, one.capacity, survey=Survey(facts, one.capacity))


def _survey_milliseconds(one: Candidate) -> float:
    assert one.capacity is not None
    began = time.perf_counter()
    Survey(one.facts, one.capacity)
    return (time.perf_counter() - began) * 1000


def _milliseconds(need: Need, candidates: list[Candidate]) -> float:
    began = time.perf_counter()
    placement = place(need, candidates, forecasts=FORECASTS, doubted=DOUBTED)
    took = (time.perf_counter() - began) * 1000
    assert len(placement.ranked) + len(placement.refused) == len(candidates)
    return took
