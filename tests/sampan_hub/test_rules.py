"""When nodes close: how long a job that starts now may take there, and what placement makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sampan_hub.capacity import Closing, NodeReading, Reading
from sampan_hub.in_flight import Claim
from sampan_hub.placement import Candidate, ShareFacts, place
from sampan_hub.rules import NO_RULES, Closure, Rules, with_closings
from tests.sampan_hub.few_centres import NEED, centre, node, order

pytestmark = pytest.mark.fast

NOW = 100.0
HOUR = replace(NEED, minutes=60)


def closed(reading: Reading, *closures: Closure) -> Reading:
    return with_closings(reading, Rules(closures=closures), NOW)


def closure(*nodes: str, after: float, ends: float) -> Closure:
    """In so many minutes from now."""
    return Closure(frozenset(nodes), NOW + after * 60, NOW + ends * 60)


def closing(name: str, *nodes: NodeReading, after: float, ends: float, **fields: object) -> Candidate:
    """A centre whose nodes all close."""
    there = closure(*(one.name for one in nodes), after=after, ends=ends)
    return centre(name, *closed(Reading(nodes), there).nodes, **fields)  # type: ignore[arg-type]


def test_how_long_a_job_may_take() -> None:
    reading = Reading((node("a", 8), node("b", 8), node("c", 8)), {"q": 1})
    found = closed(
        reading,
        closure("a", "b", "x", after=90, ends=180),
        closure("b", after=30, ends=45),
        closure("b", after=200, ends=300),
        closure("c", after=-90, ends=-30),
    )
    assert [one.closing for one in found.nodes] == [
        Closing(89, NOW + 180 * 60),
        Closing(29, NOW + 45 * 60),
        None,
    ], "half a minute is for the way there; of several the first counts, and none that is over"
    assert found.pending == reading.pending
    assert with_closings(reading, NO_RULES, NOW) is reading
    [one] = closed(Reading((node("a", 8),)), closure("a", after=-5, ends=60)).nodes
    assert one.closing == Closing(0, NOW + 3600), "it has begun, and the nodes do not say so yet"


def test_what_would_last_into_it_does_not_run_now_and_says_why() -> None:
    soon = closing("soon", node("n", 8), after=45, ends=105)
    for minutes, verdict in ((44, "now"), (45, "queue")):
        assert order(place(replace(HOUR, minutes=minutes), [soon])) == [("soon", verdict)]
    [offer] = place(HOUR, [soon]).ranked
    assert offer.reasons[0].say("en") == (
        "Machines close in about 45 min, for maintenance or others; 30 min or less can start now, this session only "
        "afterwards."
    )
    assert "30 分钟以内的会话现在可以启动" in offer.reasons[0].say("zh")
    [offer] = place(HOUR, [closing("soon", node("n", 8), after=3, ends=105)]).ranked
    assert offer.reasons[0].code == "place.closing"


def test_where_it_is_not_the_closing_that_keeps_it_nothing_is_said_of_it() -> None:
    full = closing("full", node("n", 1), after=45, ends=105)
    waiting = closing("waiting", node("n", 8), after=45, ends=105, pending={"q": 2})
    for candidate in (full, waiting):
        [offer] = place(HOUR, [candidate]).ranked
        assert offer.reasons[0].code in ("place.next", "place.queue")
    partly = closed(Reading((node("a", 8), node("b", 8))), closure("a", after=45, ends=105))
    assert order(place(HOUR, [centre("partly", *partly.nodes)])) == [("partly", "now")]


def test_a_centre_that_closes_for_days_is_behind_one_with_a_queue_of_minutes() -> None:
    closes = closing("a", node("n", 8), after=45, ends=4000)
    queue = centre("b", node("n", 0), pending={"q": 3})
    placed = place(HOUR, [closes, queue], forecasts={("a", "main"): 60.0, ("b", "main"): 600.0})
    assert order(placed) == [("b", "queue"), ("a", "queue")]
    nearly_over = closing("a", node("n", 8), after=45, ends=46)
    placed = place(HOUR, [nearly_over, queue], forecasts={("b", "main"): 90000.0})
    assert order(placed) == [("a", "queue"), ("b", "queue")]


def test_where_others_stay_open_it_may_start_there_first() -> None:
    """A reservation that always begins an hour from now keeps some nodes for short sessions: nobody waits for its end."""
    reading = Reading((node("a", 8), node("b", 0)))
    partly = centre("a", *closed(reading, closure("a", after=45, ends=500_000)).nodes)
    queue = centre("b", node("n", 0))
    placed = place(HOUR, [partly, queue], forecasts={("a", "main"): 60.0, ("b", "main"): 6000.0})
    assert order(placed) == [("a", "queue"), ("b", "queue")]
    assert placed.ranked[0].reasons[0].code == "place.closes"
    assert order(place(HOUR, [partly, queue], forecasts={("b", "main"): 6000.0}))[0] == ("b", "queue"), (
        "nobody knows"
    )


def test_what_was_promised_takes_no_node_that_closes_before_its_end() -> None:
    """The claim's node is the one that stays open, so that nothing is left for another long one; short ones have the other."""
    nodes = closed(Reading((node("a", 8), node("b", 8))), closure("a", after=45, ends=105)).nodes
    here = centre("here", *nodes)
    claim = Claim("l", "here", "main", replace(HOUR, cores=8))
    assert order(place(HOUR, [here], in_flight=[claim])) == [("here", "queue")]
    assert order(place(replace(HOUR, minutes=30), [here], in_flight=[claim])) == [("here", "now")]


def test_a_queue_for_shorter_sessions_runs_it_where_the_long_one_does_not() -> None:
    """It is the session's own length that counts, not its queue's."""
    shares = (ShareFacts("short", "q", 8, 16384, 30), ShareFacts("long", "l", 8, 16384, 4000))
    both = closing("c", node("n", 8, queues=("q", "l")), after=45, ends=105, shares=shares)
    [offer] = place(replace(HOUR, minutes=20), [both]).ranked
    assert (offer.verdict, offer.share) == ("now", "short")
    [offer] = place(HOUR, [both]).ranked
    assert (offer.verdict, offer.share, offer.reasons[0].code) == ("queue", "long", "place.closes")
