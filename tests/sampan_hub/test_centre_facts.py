"""What a share makes of a need: the cards that every job takes, and the cores that memory costs."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sampan.need import Need
from sampan_hub.centre_facts import CentreFacts, Room, ShareFacts, Terms
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import parse_descriptor
from tests.sampan_hub.descriptions import far

pytestmark = pytest.mark.fast

PLAIN = Need(cores=2, memory_mib=4096, minutes=60)
DCU = Terms(card="dcu", cards=1)
CHARGED = Terms(mib_per_core=1024)


@pytest.mark.parametrize(
    ("asked", "taken", "burned"),
    [
        ((None, 0), ("dcu", 1), 1),
        (("dcu", 1), ("dcu", 1), 0),
        (("dcu", 3), ("dcu", 3), 0),
        (("gpu", 1), ("gpu", 1), 1),
    ],
)
def test_a_card_that_is_demanded_is_taken_once(
    asked: tuple[str | None, int], taken: tuple[str, int], burned: int
) -> None:
    need = replace(PLAIN, accelerator=asked[0], accelerators=asked[1])
    effective = DCU.effective(need)
    assert (effective.accelerator, effective.accelerators) == taken
    assert replace(effective, accelerator=asked[0], accelerators=asked[1]) == need
    assert DCU.burned(need) == burned


@pytest.mark.parametrize(("memory", "cores"), [(1, 2), (2048, 2), (2049, 3), (4096, 4), (4097, 5)])
def test_memory_beyond_what_comes_with_the_cores_costs_cores(memory: int, cores: int) -> None:
    assert CHARGED.effective(replace(PLAIN, memory_mib=memory)).cores == cores
    assert Terms().effective(replace(PLAIN, memory_mib=memory)).cores == 2


def test_too_few_cards_for_what_every_job_takes_are_no_room() -> None:
    two = Terms(card="dcu", cards=2)
    assert two.room(8, 8192, 60, {"dcu": 1}) is None
    assert two.room(8, 8192, 60, {}) is None
    assert two.room(8, 8192, 60, {"dcu": 2, "gpu": 4}) == Room(8, 8192, 60, {"dcu": 2})


def test_memory_that_no_core_brings_is_no_room() -> None:
    assert CHARGED.room(4, 8192, 60, {}) == Room(4, 4096, 60)
    assert Terms().room(4, 8192, 60, {}) == Room(4, 8192, 60)


def test_a_queue_that_demands_more_than_a_node_has_runs_nothing() -> None:
    share = ShareFacts("dcu", "q", 8, 8192, 60, {"dcu": 1}, terms=Terms(card="dcu", cards=2))
    facts = CentreFacts("core", {"en": "Core", "zh": "核心"}, (share,))
    assert facts.most == ()


def test_the_price_is_what_the_job_is_charged() -> None:
    share = ShareFacts("dcu", "q", 64, 65536, 60, {"dcu": 4}, 2.5, Terms("dcu", 1, 1024))
    assert share.price(replace(PLAIN, memory_mib=10240)) == (1, 25.0)
    assert share.price(replace(PLAIN, memory_mib=1024, accelerator="dcu", accelerators=1)) == (0, 5.0)


terms = st.builds(
    Terms, card=st.just("dcu"), cards=st.integers(0, 3), mib_per_core=st.sampled_from([0, 1, 700, 2048])
)
needs = st.builds(
    Need,
    cores=st.integers(1, 70),
    memory_mib=st.integers(1, 100_000),
    accelerator=st.sampled_from([None, "dcu"]),
    accelerators=st.integers(1, 4),
)
rooms = st.builds(
    Room,
    cores=st.integers(1, 64),
    memory_mib=st.integers(1, 100_000),
    minutes=st.just(120),
    accelerators=st.dictionaries(st.just("dcu"), st.integers(0, 4)),
)


@given(terms, needs)
def test_what_is_taken_is_never_less_and_is_the_same_when_asked_again(some: Terms, need: Need) -> None:
    taken = some.effective(need)
    assert taken.cores >= need.cores
    assert taken.memory_mib == need.memory_mib
    assert not need.accelerator or taken.accelerators >= need.accelerators
    assert some.effective(taken) == taken
    assert some.burned(taken) == 0


@given(terms, needs, rooms)
def test_a_need_has_room_exactly_where_what_it_takes_has(some: Terms, need: Need, whole: Room) -> None:
    """Placement looks at rooms with the need as it was asked; nodes are filled, and jobs submitted, with what it takes."""
    room = some.room(whole.cores, whole.memory_mib, whole.minutes, whole.accelerators)
    assert (room is not None and room.holds(need)) == whole.holds(some.effective(need))


def described(**changes: object) -> CentreFacts:
    """The facts of the awkward centre, its second share (the one with cards) changed."""
    told = yaml.safe_load(far())
    told["shares"][1] |= changes
    descriptor = parse_descriptor(yaml.safe_dump(told, allow_unicode=True), "core.yaml")
    assert isinstance(descriptor, Descriptor), descriptor
    return CentreFacts.of(descriptor)


def test_a_descriptor_as_placement_sees_it() -> None:
    cpu, dcu = described().shares
    assert (cpu.queue, cpu.cores, cpu.memory_mib, cpu.max_minutes, cpu.cost) == (
        "cpu_short",
        64,
        294912,
        1440,
        1.0,
    )
    assert (dcu.terms, dcu.project, dcu.accelerators) == (DCU, "climate", {"dcu": 4})
    assert cpu.terms.plain
    assert (cpu.overlaps, dcu.overlaps) == (frozenset({"dcu"}), frozenset({"cpu_short"})), (
        "said by one, true for both"
    )


def test_memory_is_charged_where_the_descriptor_says_so() -> None:
    assert described(memory_charges_cores=True).shares[1].terms == Terms("dcu", 1, 4096)
    assert described(demands=[]).shares[1].terms.plain
