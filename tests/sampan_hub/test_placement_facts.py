"""Placement on the facts of real centres: what queues demand, what accounts may have, what schedulers expect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sampan_hub.capacity import NodeReading
from sampan_hub.centre_facts import Terms
from sampan_hub.in_flight import Claim
from sampan_hub.limits import Limit
from sampan_hub.permits import Held, Permit
from sampan_hub.placement import Candidate, ShareFacts, place
from tests.sampan_hub.few_centres import NEED, centre, node, order, why

pytestmark = pytest.mark.fast

CARD = ShareFacts("card", "card", 8, 16384, 480, {"dcu": 4}, terms=Terms(card="dcu", cards=1))


SMALL = replace(NEED, cores=1, memory_mib=512)


def cards(free: int, *, cores: int = 8, queue: str = "card") -> NodeReading:
    return NodeReading(f"c{queue}", 8, cores, 16384, 16384, (queue,), {"dcu": (4, free)})


def test_a_card_that_the_queue_demands_must_be_free_also_for_who_wants_none() -> None:
    assert order(place(NEED, [centre("core", cards(1), shares=(CARD,))])) == [("core", "now")]
    assert order(place(NEED, [centre("core", cards(0), shares=(CARD,))])) == [("core", "queue")]
    claims = [Claim(f"l{n}", "core", "card", replace(NEED, cores=1, memory_mib=1)) for n in range(3)]
    four = centre("core", cards(4), shares=(CARD,))
    assert order(place(NEED, [four], in_flight=claims)) == [("core", "now")]
    three = centre("core", cards(3), shares=(CARD,))
    assert order(place(NEED, [three], in_flight=claims)) == [("core", "queue")], "each claim took a card"


def test_who_wants_no_card_burns_none_where_it_starts_as_soon_without() -> None:
    cheap = replace(CARD, cost=0.5)
    both = centre("both", cards(4), node("n1", 8), shares=(cheap, ShareFacts("main", "q", 8, 16384, 480)))
    [offer] = place(NEED, [both]).ranked
    assert offer.share == "main"
    only = centre("only", cards(4), shares=(cheap,))
    assert order(place(NEED, [only, centre("plain", node("p1", 2))])) == [("plain", "now"), ("only", "now")]
    assert order(place(NEED, [only, centre("full", node("f1", 0))]))[0] == ("only", "now"), (
        "sooner comes first"
    )
    wants = replace(NEED, accelerator="dcu", accelerators=1)
    [offer] = place(wants, [both]).ranked
    assert offer.share == "card"


def test_a_card_that_is_burned_is_told() -> None:
    [offer] = place(NEED, [centre("only", cards(4), shares=(CARD,))]).ranked
    assert [reason.code for reason in offer.reasons] == ["place.fits_now", "place.burns"]
    assert "1 dcu" in offer.reasons[1].say("en")
    [offer] = place(
        replace(NEED, accelerator="dcu", accelerators=1), [centre("c", cards(4), shares=(CARD,))]
    ).ranked
    [said] = offer.reasons
    assert said.say("en") == "Has room now: 4 of 4 “dcu” accelerators are free."


def test_cards_that_are_promised_are_no_longer_told_as_free() -> None:
    wants = replace(NEED, accelerator="dcu", accelerators=1, memory_mib=512)
    claims = [Claim("l1", "c", "card", replace(wants, accelerators=2)), Claim("l2", "c", "card", SMALL)]
    [offer] = place(wants, [centre("c", cards(4), shares=(CARD,))], in_flight=claims).ranked
    assert offer.reasons[0].params == {"free": 1, "total": 4, "kind": "dcu"}, (
        "two were asked for, one is burned"
    )


def test_a_queue_for_one_kind_of_card_is_not_for_another() -> None:
    share = replace(CARD, accelerators={"dcu": 4, "gpu": 4})
    with_both = NodeReading("b", 8, 8, 16384, 16384, ("card",), {"dcu": (4, 4), "gpu": (4, 4)})
    wants = replace(NEED, accelerator="gpu", accelerators=1)
    placement = place(wants, [centre("core", with_both, shares=(share,))])
    assert placement.ranked == ()
    assert why(placement, "core") == "place.accelerator"


def test_memory_costs_cores_where_the_site_charges_them() -> None:
    charged = (ShareFacts("main", "q", 8, 16384, 480, terms=Terms(mib_per_core=2048)),)
    large = replace(NEED, cores=1, memory_mib=8192)
    wide = NodeReading("w", 8, 3, 16384, 16384, ("q",))
    assert order(place(large, [centre("free", wide)])) == [("free", "now")]
    assert order(place(large, [centre("site", wide, shares=charged)])) == [("site", "queue")]
    [offer] = place(large, [centre("site", node("n", 4), shares=charged)]).ranked
    assert [reason.code for reason in offer.reasons] == ["place.fits_now", "place.charged"]
    claim = Claim("l1", "site", "main", large)
    five = centre("site", NodeReading("w", 8, 5, 16384, 16384, ("q",)), shares=charged)
    assert order(place(NEED, [five], in_flight=[claim])) == [("site", "queue")], (
        "four of the five are promised"
    )
    too_large = place(replace(large, memory_mib=16385), [five])
    assert why(too_large, "site") == "place.memory"


def allowed(candidate: Candidate, *limits: Limit, held: Held = Held()) -> Candidate:  # noqa: B008
    return replace(candidate, permit=Permit(candidate.facts.shares, limits, held))


def test_a_person_s_limit_that_is_too_small_is_a_refusal_that_says_so() -> None:
    here = allowed(centre("here", node("h1", 8)), Limit(cores=1))
    placement = place(NEED, [here])
    assert placement.ranked == ()
    assert why(placement, "here") == "place.limit_cores"
    stale = allowed(centre("stale", node("s1", 8), stale=True), Limit(cores=1))
    assert why(place(NEED, [stale]), "stale") == "place.limit_cores"


def test_a_limit_that_is_used_up_makes_one_wait_where_there_is_room() -> None:
    full = allowed(centre("full", node("f1", 8)), Limit(jobs=1), held=Held(running=1))
    placement = place(NEED, [full, centre("other", node("o1", 2))])
    assert order(placement) == [("other", "now"), ("full", "queue")]
    assert placement.ranked[1].reasons[0].code == "place.limit_jobs"
    claim = Claim("l1", "full", "main", replace(NEED, cores=1, memory_mib=1))
    assert order(place(NEED, [full], in_flight=[claim])) == [("full", "queue")]


def test_a_limit_on_one_queue_leaves_the_others() -> None:
    shares = (ShareFacts("main", "q", 8, 16384, 480, cost=0.1), ShareFacts("wide", "w", 8, 16384, 480))
    both = centre("both", node("b1", 8), node("b2", 8, queues=("w",)), shares=shares)
    limits = (Limit(queue="q", account="a", cores=1), Limit(account="a"))
    [offer] = place(NEED, [allowed(both, *limits)]).ranked
    assert (offer.share, offer.verdict) == ("wide", "now")
    claims = [Claim(f"l{n}", "both", "wide", replace(NEED, cores=4)) for n in range(2)]
    [offer] = place(NEED, [allowed(both, *limits)], in_flight=claims).ranked
    assert (offer.share, offer.verdict) == ("wide", "queue")
    stale = replace(allowed(both, *limits), capacity=None)
    [offer] = place(NEED, [stale]).ranked
    assert (offer.share, offer.verdict) == ("wide", "unknown")


def test_a_forecast_decides_between_queues_and_an_unknown_one_is_behind() -> None:
    near = centre("near", node("n1", 0), pending={"q": 9})
    far = centre("far", node("f1", 0), pending={"q": 1})
    silent = centre("silent", node("s1", 0))
    forecasts = {("near", "main"): 50.0, ("far", "main"): 7200.0}
    placement = place(NEED, [far, near, silent], forecasts=forecasts)
    assert order(placement) == [("near", "queue"), ("far", "queue"), ("silent", "queue")]
    said = [offer.reasons[0].say("en") for offer in placement.ranked]
    assert said[0] == "No room right now; 9 ahead of you. By its own plan it starts in about 45 s."
    assert "about 2 h" in said[1]
    assert "plan" not in said[2]
    room = centre("room", node("r1", 2))
    assert order(place(NEED, [near, room], forecasts=forecasts))[0] == ("room", "now")


def test_forecasts_that_are_about_the_same_leave_the_decision_to_the_queue() -> None:
    long = centre("long", node("l1", 0), pending={"q": 7})
    short = centre("short", node("s1", 0), pending={"q": 2})
    forecasts = {("long", "main"): 100.0, ("short", "main"): 200.0}
    assert order(place(NEED, [long, short], forecasts=forecasts))[0][0] == "short"


def test_where_not_all_that_waits_is_told_nobody_is_told_a_place() -> None:
    """A centre that shows only our own jobs looks empty: that is no reason to wait there rather than in a known line."""
    blind = centre("blind", node("b1", 0))
    blind = replace(blind, facts=replace(blind.facts, tells_waiting=False))
    line = centre("line", node("l1", 0), pending={"q": 4})
    placement = place(NEED, [blind, line])
    assert order(placement) == [("line", "queue"), ("blind", "queue")]
    assert placement.ranked[1].reasons[0].say("en") == "No room right now. It will start by itself."
    told = place(NEED, [blind, line], forecasts={("blind", "main"): 50.0})
    assert order(told)[0] == ("blind", "queue")
    assert "plan" in told.ranked[0].reasons[0].say("en")
