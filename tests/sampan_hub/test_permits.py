"""What a person's limits make of a need: impossible, used up just now, or nothing at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.need import Need
from sampan_hub.centre_facts import ShareFacts, Terms
from sampan_hub.limits import Limit
from sampan_hub.permits import NO_BARS, Bars, Held, Permit

pytestmark = pytest.mark.fast

NOTHING = Held()
NEED = Need(cores=4, memory_mib=8192, minutes=120)
MAIN = ShareFacts("main", "q", 8, 16384, 480)
CARD = ShareFacts("card", "card", 8, 16384, 480, {"dcu": 4}, terms=Terms("dcu", 2, 1024))
CLIMATE = replace(MAIN, id="climate", queue="c", project="climate")


def bars(
    *limits: Limit, need: Need = NEED, held: Held = NOTHING, shares: tuple[ShareFacts, ...] = (MAIN,)
) -> Bars:
    return Permit(shares, limits, held).bars(need)


def never(found: Bars, share: str = "main") -> str:
    return found.never[share].say("en")


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (Limit(minutes=90), "Your account may run at most 1.5 hours at a time here; you asked for 2."),
        (Limit(cores=3), "Your account may have at most 3 cores here; you asked for 4."),
        (Limit(memory_mib=4096), "Your account may have at most 4 GiB of memory here; you asked for 8 GiB."),
        (Limit(jobs=0), "Your account may start nothing here. Ask this centre's operators."),
        (Limit(submitted=0), "Your account may start nothing here. Ask this centre's operators."),
    ],
)
def test_what_never_runs_says_what_is_missing(limit: Limit, said: str) -> None:
    assert never(bars(limit)) == said
    assert bars(limit).never["main"].say("zh") != said


def test_limits_that_are_wide_enough_bar_nothing() -> None:
    exact = Limit(minutes=120, cores=4, memory_mib=8192, accelerators={"dcu": 0}, jobs=1, submitted=1)
    assert bars(exact) is NO_BARS
    assert bars() is NO_BARS, "nothing limits the person but the queues"


def test_cards_are_counted_as_the_share_counts_them() -> None:
    """A need without cards takes two there, and eight cores for its memory."""
    found = bars(Limit(accelerators={"dcu": 1}), shares=(MAIN, CARD))
    assert set(found.never) == {"card"}
    assert "at most 1 “dcu” accelerators here; you asked for 2" in never(found, "card")
    assert set(bars(Limit(cores=7), shares=(MAIN, CARD)).never) == {"card"}
    wants = replace(NEED, accelerator="gpu", accelerators=3)
    assert never(bars(Limit(accelerators={"gpu": 2}), need=wants))
    assert bars(Limit(accelerators={"gpu": 3}), need=wants) is NO_BARS


def test_what_is_used_up_is_not_impossible() -> None:
    full = bars(Limit(jobs=2), held=Held(running=2))
    assert full.never == {}
    assert full.now["main"].code == "place.limit_jobs"
    assert bars(Limit(jobs=2), held=Held(running=1, waiting=5)) is NO_BARS
    too_many = bars(Limit(submitted=3), held=Held(running=1, waiting=2))
    assert too_many.never["main"].code == "place.limit_submitted"


def test_of_several_projects_one_that_allows_it_is_enough() -> None:
    small, large = Limit(account="a", cores=1), Limit(account="b", cores=64)
    assert bars(small, large) == Bars()
    assert never(bars(small, replace(small, account="b", cores=2)))
    both = bars(small, replace(large, jobs=1), held=Held(running=1))
    assert (both.never, set(both.now)) == ({}, {"main"})


def test_what_is_said_of_a_queue_goes_before_what_is_said_of_all() -> None:
    everywhere, here = Limit(account="a", cores=1), Limit(queue="q", account="a", cores=64)
    assert bars(everywhere, here) == Bars()
    assert never(bars(replace(everywhere, cores=64), replace(here, cores=1)))


def test_without_a_project_for_the_queue() -> None:
    other = Limit(account="physics")
    found = bars(other, shares=(MAIN, CLIMATE))
    assert set(found.never) == {"climate"}
    assert "You are not in the project “climate”" in never(found, "climate")
    assert bars(replace(other, account="climate"), shares=(replace(CLIMATE, project="Climate"),)) == Bars()
    assert bars(Limit(queue="elsewhere", account="a")).never["main"].code == "place.no_project_here"


limits = st.builds(
    Limit,
    queue=st.sampled_from([None, "q", "card"]),
    account=st.sampled_from([None, "climate", "physics"]),
    minutes=st.none() | st.integers(1, 240),
    cores=st.none() | st.integers(1, 16),
    memory_mib=st.none() | st.integers(1, 20000),
    accelerators=st.dictionaries(st.just("dcu"), st.integers(0, 4)),
    jobs=st.none() | st.integers(0, 3),
    submitted=st.none() | st.integers(0, 4),
)
held = st.builds(Held, running=st.integers(0, 3), waiting=st.integers(0, 3))
needs = st.builds(
    Need,
    cores=st.integers(1, 16),
    memory_mib=st.integers(1, 20000),
    minutes=st.integers(1, 240),
    accelerator=st.sampled_from([None, "dcu"]),
    accelerators=st.integers(1, 4),
)


def slowly(share: ShareFacts, some: list[Limit], beside: Held, need: Need) -> str:
    """Every project that the job might go under, one after the other."""
    wants = share.terms.effective(need)
    verdicts = set()
    for account in {limit.account for limit in some}:
        if share.project and account not in (None, share.project):
            continue
        mine = [limit for limit in some if limit.account == account]
        way = [limit for limit in mine if limit.queue == share.queue] or [
            one for one in mine if one.queue is None
        ]
        if not way:
            continue
        impossible = any(
            (limit.minutes is not None and wants.minutes > limit.minutes)
            or (limit.cores is not None and wants.cores > limit.cores)
            or (limit.memory_mib is not None and wants.memory_mib > limit.memory_mib)
            or (wants.accelerator == "dcu" and wants.accelerators > limit.accelerators.get("dcu", 99))
            or limit.jobs == 0
            or (limit.submitted is not None and beside.running + beside.waiting >= limit.submitted)
            for limit in way
        )
        full = any(limit.jobs is not None and beside.running >= limit.jobs for limit in way)
        verdicts.add("never" if impossible else "now" if full else "open")
    return next((verdict for verdict in ("open", "now") if verdict in verdicts), "never")


@given(st.lists(limits, min_size=1, max_size=5), held, needs)
def test_the_quick_answer_is_the_slow_one(some: list[Limit], beside: Held, need: Need) -> None:
    shares = (MAIN, CARD, CLIMATE)
    found = Permit(shares, some, beside).bars(need)
    for share in shares:
        told = "never" if share.id in found.never else "now" if share.id in found.now else "open"
        assert told == slowly(share, some, beside, need), share.id
