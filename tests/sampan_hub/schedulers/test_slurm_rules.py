"""What holds for everybody, as scontrol tells it to an ordinary user."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.errors import SampanError, Unavailable
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import parse_descriptor
from sampan_hub.rules import Closure, Rules
from sampan_hub.schedulers.slurm import SlurmScheduler
from sampan_hub.schedulers.slurm_text import node_names
from tests.sampan_hub.descriptions import far
from tests.sampan_hub.schedulers.slurm_answers import dialect, failed, recorded, said

NONE = "No reservations in the system\n"
QUEUE = "PartitionName=work QoS=N/A State=UP\n"
COMING = "ReservationName={name} StartTime=2026-11-25T15:49:22 EndTime=2026-11-25T17:49:22 Nodes={nodes} State={state}\n"


def read(text: str) -> Rules:
    return dialect().rules().parse(said(text))


def coming(name: str = "a", nodes: str = "n1", state: str = "INACTIVE") -> Rules:
    return read(QUEUE + COMING.format(name=name, nodes=nodes, state=state))


def test_queues_with_what_they_impose_and_reservations_to_come() -> None:
    both, one, two = (frozenset(names) for names in (("east-n1", "east-n2"), ("east-n1",), ("east-n2",)))
    day, hour, at = 86400, 3600, 1795592962.0
    assert dialect().rules().parse(recorded("scontrol-rules")) == Rules(
        {"work": "partq"},
        (
            Closure(both, at, at + 2 * hour),
            Closure(one, at + 21 * hour + 1, at + 23 * hour + 1),
            # It moves along, an hour ahead: what takes no longer may always run there.
            Closure(two, at - 2 * hour + 2, at - 2 * hour + 2 + 365 * day),
        ),
    )


def test_what_closes_nothing() -> None:
    assert read(QUEUE + NONE) == Rules()
    assert coming().closures != ()
    assert coming(nodes="(null)").closures == (), "of licences alone"
    assert coming(state="ACTIVE").closures == (), "sinfo tells of the nodes"


def test_a_reservation_that_jobs_of_ours_go_into_closes_nothing_to_them() -> None:
    text = far().replace("[account, climate]", "[reservation, lesson]")
    described = parse_descriptor(text, "core.yaml")
    assert isinstance(described, Descriptor), described
    ask = SlurmScheduler.of(described).rules()
    for name, closed in (("lesson", 0), ("other", 1)):
        told = ask.parse(said(QUEUE + COMING.format(name=name, nodes="n1", state="INACTIVE")))
        assert len(told.closures) == closed


def test_what_is_no_answer() -> None:
    no_contact = failed("slurm_load_partitions error: Unable to contact slurm controller (connect failure)\n")
    for done in (said(""), said("scontrol: show partition\n"), said(QUEUE), said(NONE), no_contact):
        with pytest.raises(Unavailable):
            dialect().rules().parse(done)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("n1", {"n1"}),
        ("a-n[01-03,7],b", {"a-n01", "a-n02", "a-n03", "a-n7", "b"}),
        ("r[0-1]n[1-2]x", {"r0n1x", "r0n2x", "r1n1x", "r1n2x"}),
        ("(null)", set()),
        ("", set()),
        ("a[0-999999]b[0-999999]", set()),
        ("n[3-1]", set()),
    ],
)
def test_names_of_nodes(text: str, names: set[str]) -> None:
    assert node_names(text) == names


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    line = text.replace("\n", " ")
    node_names(text)
    for whole in (text, f"PartitionName={line}\n{NONE}", f"{QUEUE}ReservationName=a {line}\n"):
        try:
            read(whole)
        except SampanError:
            continue
    for word in line.split():
        read(f"{QUEUE}ReservationName=a Nodes={word} StartTime={word} EndTime={word}\n")
