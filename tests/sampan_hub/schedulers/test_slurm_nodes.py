"""What is free, as sinfo tells it: each node once, and no more than there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.errors import SampanError, Unavailable
from sampan_hub.capacity import NodeReading
from tests.sampan_hub.schedulers.slurm_answers import dialect, recorded, said

HEADING = "NODELIST|PARTITION|AVAIL|STATECOMPLETE|CPUS(A/I/O/T)|MEMORY|ALLOCMEM|GRES|GRES_USED\n"


def read(text: str, *, cards: dict[str, str] | None = None) -> dict[str, NodeReading]:
    return {node.name: node for node in dialect(cards=cards).capacity().parse(said(text)).nodes}


def test_each_node_once_however_many_queues_share_it() -> None:
    reading = dialect().capacity().parse(recorded("sinfo-full"))
    assert [(node.name, node.queues) for node in reading.nodes] == [
        ("east-n1", ("work", "long")),
        ("east-n2", ("work", "long")),
    ]
    assert {
        (node.cores, node.cores_free, node.memory_mib, node.memory_mib_free) for node in reading.nodes
    } == {(8, 0, 16384, 16284)}
    assert reading.pending == {}


def test_a_drained_node_takes_no_job() -> None:
    reading = dialect().capacity().parse(recorded("sinfo-drained"))
    assert [node.up for node in reading.nodes] == [True, False]


def test_cards_are_counted_as_they_are_used() -> None:
    reading = dialect("dcu", cards={"dcu": "dcu"}).capacity().parse(recorded("sinfo-cards"))
    assert [node.accelerators for node in reading.nodes] == [{"dcu": (4, 1)}, {"dcu": (4, 4)}]
    assert [node.cores_free for node in reading.nodes] == [6, 8]


def test_what_is_planned_for_another_job_is_not_free() -> None:
    node = read(HEADING + "n1|work|up|idle+planned|0/8/0/8|1024|0|dcu:4|dcu:0\n", cards={"dcu": "dcu"})["n1"]
    assert (node.up, node.cores, node.cores_free, node.memory_mib_free) == (True, 8, 0, 0)
    assert node.accelerators == {"dcu": (4, 0)}


@pytest.mark.parametrize("available", ["down", "drain", "inact", "tomorrow"])
def test_a_queue_that_is_closed_gives_nothing(available: str) -> None:
    text = (
        HEADING
        + f"n1|work|up|idle|0/8/0/8|1024|0|(null)|(null)\nn1|long|{available}|idle|0/8/0/8|1024|0|(null)|(null)\n"
    )
    assert read(text)["n1"].queues == ("work",)


@pytest.mark.parametrize(
    "row",
    [
        "n1|work|up|idle|0/-8/0/8|1024|0|(null)|(null)",
        "n1|work|up|idle|0/8/0|1024|0|(null)|(null)",
        "n1|work|up|idle|0/8/0/8|lots|0|(null)|(null)",
        "n1|work|up|idle|0/8/0/8|1024|NaN|(null)|(null)",
        "n1|work|up|idle|0/8/0/99999999999999999999|1024|0|(null)|(null)",
        "n[1-2]|work|up|idle|0/8/0/8|1024|0|(null)|(null)",
        "|work|up|idle|0/8/0/8|1024|0|(null)|(null)",
        "n1|work|up|idle|0/8/0/8|1024|0|(null)",
        "n1|work|up|idle|0/8/0/8|1024|0|(null)|(null)|more",
    ],
)
def test_a_centre_that_lies_is_not_believed(row: str) -> None:
    with pytest.raises((SampanError, ValueError)):
        read(f"{HEADING}{row}\n")


def test_more_free_than_there_is_counts_as_all() -> None:
    node = read(HEADING + "n1|work|up|idle|0/80/0/8|1024|4096|dcu:1|dcu:9\n", cards={"dcu": "dcu"})["n1"]
    assert (node.cores_free, node.memory_mib_free, node.accelerators) == (8, 0, {"dcu": (1, 0)})


def test_no_nodes_is_an_answer_and_nothing_is_none() -> None:
    assert read(HEADING) == {}
    for text in ("", "PARTITION|NODELIST\n", "sinfo: error: Unable to contact slurm controller"):
        with pytest.raises(Unavailable):
            read(text)


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    for whole in (text, HEADING + text):
        try:
            read(whole)
        except (SampanError, ValueError):
            continue


def test_memory_that_a_cluster_does_not_count_is_no_limit() -> None:
    """A slurm.conf without RealMemory: sinfo then says 1, and every job would seem too large."""
    [node] = read(f"{HEADING}n1|work|up|mixed|2/6/0/8|1|0|(null)|gpu:0\n").values()
    assert node.memory_mib_free >= 1 << 20
    assert (node.cores_free, node.up) == (6, True)
