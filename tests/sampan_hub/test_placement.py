"""One test per question of the ranking, and properties that hold for any federation."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sampan.messages import Message
from sampan.need import Need
from sampan_hub.capacity import NodeReading
from sampan_hub.in_flight import Claim
from sampan_hub.placement import Candidate, ShareFacts, place
from tests.sampan_hub.few_centres import NEED, centre, node, order, why


def test_room_now_comes_before_a_queue() -> None:
    placement = place(NEED, [centre("busy", node("b1", 0)), centre("idle", node("i1", 4))])
    assert order(placement) == [("idle", "now"), ("busy", "queue")]
    assert placement.ranked[0].reasons[0].say("en") == "Has room now: 4 of 8 cores are free."


def test_one_node_must_hold_the_whole_need() -> None:
    """The sum of what is free would do; no single node does."""
    placement = place(replace(NEED, cores=6), [centre("sums", *(node(f"s{n}", 4) for n in range(4)))])
    assert order(placement) == [("sums", "queue")]


def test_memory_and_cores_must_be_free_on_the_same_node() -> None:
    cores = NodeReading("c", 8, 8, 16384, 512, ("q",))
    memory = NodeReading("m", 8, 0, 16384, 16384, ("q",))
    assert order(place(NEED, [centre("split", cores, memory)])) == [("split", "queue")]


def test_the_data_decide_between_two_with_room() -> None:
    need = replace(NEED, data=("era5",))
    placement = place(
        need, [centre("a", node("a1", 8)), centre("b", node("b1", 2), holds=frozenset({"era5"}))]
    )
    assert order(placement)[0][0] == "b"
    assert "place.data" in {reason.code for reason in placement.ranked[0].reasons}


def test_the_shorter_queue_comes_first_and_then_the_shorter_usual_wait() -> None:
    long = centre("long", node("l1", 0), pending={"q": 7})
    short = centre("short", node("s1", 0), pending={"q": 2})
    assert order(place(NEED, [long, short]))[0][0] == "short"
    usually = {("short", "main"): 900.0, ("other", "main"): 30.0}
    other = centre("other", node("o1", 0), pending={"q": 2})
    assert order(place(NEED, [short, other], waits=usually))[0][0] == "other"


def test_the_cheaper_comes_first_and_then_the_emptier() -> None:
    dear = centre("dear", node("d1", 8), shares=(ShareFacts("main", "q", 8, 16384, 480, cost=2.0),))
    cheap = centre("cheap", node("c1", 3))
    assert order(place(NEED, [dear, cheap]))[0][0] == "cheap"
    emptier = centre("emptier", node("e1", 6))
    assert order(place(NEED, [cheap, emptier]))[0][0] == "emptier"


def test_out_of_date_is_unknown_and_never_free() -> None:
    placement = place(NEED, [centre("stale", node("s1", 8), stale=True), centre("full", node("f1", 0))])
    assert order(placement) == [("full", "queue"), ("stale", "unknown")]
    assert placement.ranked[1].reasons[0].code == "place.unheard"
    heard = replace(centre("stale", node("s1", 8), stale=True), age=40)
    [offer] = place(NEED, [heard]).ranked
    assert "last heard 40 s ago" in offer.reasons[0].say("en")


def test_unreachable_is_unknown_and_draining_is_refused() -> None:
    cut = replace(centre("cut", node("c1", 8)), reachable=False)
    draining = replace(centre("draining", node("d1", 8)), draining=True)
    placement = place(NEED, [cut, draining])
    assert order(placement) == [("cut", "unknown")]
    assert placement.ranked[0].reasons[0].code == "place.unreachable"
    assert why(placement, "draining") == "place.draining"


def test_each_lack_is_named() -> None:
    share = ShareFacts("main", "q", 8, 16384, 480, {"gpu": 2})
    one = centre("one", replace(node("n1", 8), accelerators={"gpu": (2, 0)}), shares=(share,))
    lacks = {
        "place.cores": replace(NEED, cores=9),
        "place.memory": replace(NEED, memory_mib=16385),
        "place.hours": replace(NEED, minutes=481),
        "place.accelerator": replace(NEED, accelerator="dcu", accelerators=1),
        "place.accelerators": replace(NEED, accelerator="gpu", accelerators=3),
        "place.not_pinned": replace(NEED, centre="elsewhere"),
        "place.software": replace(NEED, software="cfd"),
    }
    for code, need in lacks.items():
        placement = place(need, [one])
        assert placement.ranked == ()
        assert why(placement, "one") == code
        assert placement.why_nowhere()[0].say("en").startswith("One: ")


def test_what_was_tried_is_not_tried_again_and_says_why() -> None:
    placement = place(NEED, [centre("a", node("a1", 8))], tried={"a": Message("ended.node")})
    assert placement.ranked == ()
    assert "failed" in placement.refused[0].reasons[0].say("en")


def test_a_drained_node_is_no_room() -> None:
    down = NodeReading("d", 8, 8, 16384, 16384, ("q",), up=False)
    assert order(place(NEED, [centre("down", down)])) == [("down", "queue")]


def test_a_node_that_is_told_of_once_for_each_queue_is_promised_once() -> None:
    shares = (ShareFacts("main", "q", 8, 16384, 480), ShareFacts("long", "long", 8, 16384, 4800))
    twice = centre("c", node("n1", 2), node("n1", 2, queues=("long",)), shares=shares)
    assert order(place(NEED, [twice])) == [("c", "now")]
    claim = Claim("l1", "c", "long", NEED)
    assert order(place(NEED, [twice], in_flight=[claim])) == [("c", "queue")]


def test_whoever_waits_in_a_queue_over_the_same_nodes_makes_the_line_longer() -> None:
    """The scheduler does not tell that the two overlap; the descriptor does."""
    main = ShareFacts("main", "q", 8, 16384, 480, overlaps=frozenset({"long"}))
    long = ShareFacts("long", "long", 8, 16384, 480, cost=9.0, overlaps=frozenset({"q"}))
    here = centre("c", node("n1", 0), node("n2", 0, queues=("long",)), shares=(main, long))
    [offer] = place(NEED, [here], in_flight=[Claim("l1", "c", "long", NEED)]).ranked
    assert (offer.share, offer.ahead) == ("main", 1)


def test_claims_fill_nodes_before_the_scheduler_shows_them() -> None:
    here = centre("here", node("h1", 4), node("h2", 2))
    claims = [Claim(f"l{number}", "here", "main", NEED) for number in range(3)]
    assert order(place(NEED, [here], in_flight=claims[:2])) == [("here", "now")]
    assert order(place(NEED, [here], in_flight=claims)) == [("here", "queue")]


def test_shares_over_the_same_nodes_are_counted_once() -> None:
    both = ("q", "long")
    shares = (ShareFacts("main", "q", 8, 16384, 480), ShareFacts("long", "long", 8, 16384, 4800))
    here = centre("here", node("h1", 2, queues=both), shares=shares)
    claim = Claim("l1", "here", "long", NEED)
    assert order(place(NEED, [here])) == [("here", "now")]
    assert order(place(NEED, [here], in_flight=[claim])) == [("here", "queue")]


def test_a_claim_at_another_centre_counts_for_nothing_here() -> None:
    claim = Claim("l1", "there", "main", replace(NEED, cores=8))
    assert order(place(NEED, [centre("here", node("h1", 2))], in_flight=[claim])) == [("here", "now")]


def test_an_accelerator_must_be_free_on_the_node() -> None:
    share = ShareFacts("main", "q", 8, 16384, 480, {"dcu": 4})
    need = replace(NEED, accelerator="dcu", accelerators=1)
    free = NodeReading("f", 8, 8, 16384, 16384, ("q",), {"dcu": (4, 1)})
    taken = NodeReading("t", 8, 8, 16384, 16384, ("q",), {"dcu": (4, 0)})
    assert order(place(need, [centre("c", free, shares=(share,))])) == [("c", "now")]
    assert order(place(need, [centre("c", taken, shares=(share,))])) == [("c", "queue")]


needs = st.builds(
    Need, cores=st.integers(1, 12), memory_mib=st.integers(128, 20000), minutes=st.integers(1, 600)
)
readings = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 16384)), max_size=4)


@st.composite
def federations(draw: st.DrawFn) -> list[Candidate]:
    names = draw(st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1, max_size=6))
    found = []
    for name in names:
        nodes = [NodeReading(f"{name}{n}", 8, c, 16384, m, ("q",)) for n, (c, m) in enumerate(draw(readings))]
        found.append(centre(name, *nodes, pending={"q": draw(st.integers(0, 3))}, stale=draw(st.booleans())))
    return found


@given(needs, federations(), st.randoms())
def test_the_order_of_the_question_does_not_matter(
    need: Need, candidates: list[Candidate], random: object
) -> None:
    shuffled = list(candidates)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert place(need, candidates) == place(need, shuffled)


@given(needs, federations())
def test_every_centre_is_answered_once_with_a_reason(need: Need, candidates: list[Candidate]) -> None:
    placement = place(need, candidates)
    answered = [offer.centre for offer in (*placement.ranked, *placement.refused)]
    assert sorted(answered) == sorted(candidate.facts.id for candidate in candidates)
    assert all(offer.reasons for offer in (*placement.ranked, *placement.refused))


@given(st.lists(needs, max_size=12), federations())
def test_starts_at_once_never_overcommit_a_node(wishes: list[Need], candidates: list[Candidate]) -> None:
    """Each is promised a place and counted before the next one asks; first fit shows that all promises can be kept."""
    claims: list[Claim] = []
    for number, need in enumerate(wishes):
        ranked = place(need, candidates, in_flight=claims).ranked
        if ranked and ranked[0].verdict == "now":
            claims.append(Claim(f"l{number}", ranked[0].centre, ranked[0].share, need))
    for candidate in candidates:
        promised = [claim.need for claim in claims if claim.centre == candidate.facts.id]
        nodes = candidate.capacity.reading.nodes if candidate.capacity else ()
        assert sum(need.cores for need in promised) <= sum(one.cores_free for one in nodes)
        assert sum(need.memory_mib for need in promised) <= sum(one.memory_mib_free for one in nodes)


def test_what_is_missing_is_told_from_the_share_that_comes_closest() -> None:
    wide = ShareFacts("wide", "q", 64, 8192, 60)
    large = ShareFacts("large", "q", 8, 65536, 600)
    here = centre("here", shares=(large, wide))
    for need, said in (
        (replace(NEED, cores=65), ("place.cores", 64)),
        (replace(NEED, cores=32, memory_mib=16384), ("place.memory", "8")),
        (replace(NEED, cores=4, memory_mib=65536, minutes=660), ("place.hours", "10")),
    ):
        [refused] = place(need, [here]).refused
        assert (refused.reasons[0].code, refused.reasons[0].params["have"]) == said


def test_a_node_smaller_than_its_descriptor_says_is_believed() -> None:
    facts = (ShareFacts("main", "q", 64, 262144, 480),)
    placement = place(replace(NEED, cores=16), [centre("liar", node("n1", 8), shares=facts)])
    assert placement.ranked == ()
    assert placement.refused[0].reasons[0].params["have"] == 8


def test_the_answer_in_json() -> None:
    placement = place(NEED, [centre("a", node("a1", 8)), replace(centre("b"), draining=True)])
    answer = placement.to_json()
    assert answer["query"] == NEED.to_query()
    assert [(one["centre"], one["share"], one["verdict"]) for one in answer["ranked"]] == [
        ("a", "main", "now")
    ]
    assert [(one["centre"], one["verdict"]) for one in answer["refused"]] == [("b", "no")]
    assert answer["refused"][0]["reasons"][0]["zh"] == "该中心暂不接收新任务。"
