"""What speaks against a share, for whom, for how long, and what takes it back."""

from __future__ import annotations

from sampan.messages import Message
from sampan_hub.centre_facts import ShareFacts
from sampan_hub.doubts import HALVED, Doubt, Outcome, doubts, learned, recalled
from sampan_hub.placement import place
from tests.sampan_hub.few_centres import NEED, centre, node, order

NOW = 1_800_000_000.0
EAST = ("east", "main")


def outcome(kind: str, *, owner: str = "ann", ago: float = 0.0, tag: str = "t") -> Outcome:
    return Outcome(tag, *EAST, owner, kind, NOW - ago)  # type: ignore[arg-type]


def level(*outcomes: Outcome, owner: str = "ann") -> int:
    found = doubts(outcomes, owner, NOW).get(EAST)
    return 0 if found is None else found.level


def test_room_that_was_not_given_speaks_for_everybody_at_once() -> None:
    lie = outcome("unkept", ago=120)
    for owner in ("ann", "ben"):
        doubt = doubts([lie], owner, NOW)[EAST]
        assert doubt.why.code == "place.unkept"
        assert "2 min" in doubt.why.say("en")


def test_a_failed_start_is_that_person_s_until_somebody_else_s_fails_too() -> None:
    failure = outcome("failed")
    assert level(failure) > 0
    assert level(failure, owner="ben") == 0
    assert level(failure, outcome("failed", owner="ben"), owner="cat") > 0
    again = [outcome("failed", ago=10 * number) for number in range(5)]
    assert level(*again, owner="ben") == 0, "one person's misfortune, however often"


def test_it_passes_with_time_and_later_where_it_happened_more_often() -> None:
    assert level(outcome("unkept", ago=2.1 * HALVED)) == 0
    often = [outcome("unkept", ago=2.1 * HALVED + number) for number in range(8)]
    assert level(*often) > 0
    levels = [level(*(outcome("unkept", ago=ago + one) for one in range(8))) for ago in (0, 600, 1200, 1800)]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] > levels[-1]


def test_a_start_that_worked_since_takes_it_back() -> None:
    lie, failure = outcome("unkept", ago=60), outcome("failed", ago=60)
    assert level(outcome("worked", owner="ben"), lie) == 0
    assert level(lie, outcome("worked", owner="ben", ago=90)) > 0, "that was before"
    assert level(outcome("worked", owner="ben"), failure) > 0, "what ails one is not healed by another"
    assert level(outcome("worked"), failure) == 0


def test_a_crowd_that_starts_well_leaves_little_to_remember() -> None:
    told: tuple[Outcome, ...] = ()
    for one in (outcome("failed", owner="ben"), outcome("unkept"), outcome("failed")):
        told = learned(told, one)
    for number in range(300):
        told = learned(told, outcome("worked", owner=f"p{number}"))
    told = learned(told, outcome("worked"))
    assert [(one.kind, one.owner) for one in told] == [("worked", "ann"), ("failed", "ben")]
    assert (level(*told), level(*told, owner="ben")) == (0, 2)


def test_a_clock_that_was_set_back_makes_nothing_graver() -> None:
    assert level(outcome("unkept", ago=-3600)) == level(outcome("unkept"))


def test_what_rows_tell_is_read_and_what_only_memory_tells_is_kept() -> None:
    rows = [
        {**_row("a", ready_at=NOW - 50), "cause": {"code": "ended.failed"}},
        {**_row("b", ended_at=NOW - 40), "cause": Message("ended.node").to_json()},
        {**_row("c", ended_at=NOW - 30), "cause": Message("ended.stopped").to_json()},
        {**_row("d", ended_at=NOW - 20), "cause": None},
    ]
    lie = outcome("unkept", ago=45, tag="e")
    told = recalled(rows, [lie, outcome("failed", ago=1, tag="b")])
    assert [(one.tag, one.kind) for one in told] == [("b", "failed"), ("e", "unkept"), ("a", "worked")]


def _row(tag: str, **times: float) -> dict[str, object]:
    return {
        "tag": tag,
        "centre": "east",
        "share": "main",
        "owner": "ann",
        "ready_at": None,
        "ended_at": None,
        **times,
    }


# --- in placement

LIED = Doubt(1, Message("place.unkept", {"about": Message("time.min", {"n": "2"})}))


def test_a_doubted_free_stands_behind_whoever_queues_and_says_why() -> None:
    liar, busy = centre("east", node("n1", 8)), centre("west", node("n2", 0), pending={"q": 3})
    assert order(place(NEED, [liar, busy])) == [("east", "now"), ("west", "queue")]
    placed = place(NEED, [liar, busy], doubted={EAST: LIED})
    assert order(placed) == [("west", "queue"), ("east", "queue")]
    assert placed.ranked[1].reasons[0] == LIED.why


def test_the_more_doubted_stands_behind_the_less_doubted() -> None:
    two = [centre("east", node("n1", 8)), centre("west", node("n2", 8))]
    doubted = {EAST: Doubt(3, LIED.why), ("west", "main"): LIED}
    assert [name for name, _ in order(place(NEED, two, doubted=doubted))] == ["west", "east"]


def test_the_only_centre_is_never_refused_for_a_doubt() -> None:
    assert order(place(NEED, [centre("east", node("n1", 8))], doubted={EAST: LIED})) == [("east", "queue")]


def test_another_share_of_the_same_centre_is_not_doubted_with_it() -> None:
    shares = (ShareFacts("main", "q", 8, 16384, 480), ShareFacts("other", "r", 8, 16384, 480, cost=5.0))
    both = centre("east", node("n1", 8), node("n2", 8, queues=("r",)), shares=shares)
    placed = place(NEED, [both], doubted={EAST: LIED})
    assert [(offer.share, offer.verdict) for offer in placed.ranked] == [("other", "now")]
