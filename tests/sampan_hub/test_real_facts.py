"""Placement on what real schedulers say: cards, queues over the same nodes, nodes that are away, limits, forecasts."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import pytest

from sampan.need import Need
from sampan_hub.asks import Ask
from sampan_hub.capacity import Capacity
from sampan_hub.centre import Centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import parse_descriptor
from sampan_hub.in_flight import Claim
from sampan_hub.permits import Held, Permit
from sampan_hub.placement import Candidate, Placement, place
from sampan_hub.rules import Rules, with_closings
from sampan_hub.schedulers.slurm import SlurmScheduler
from tests.federation.at_login import AtLogin
from tests.federation.centre import Centre as RealCentre
from tests.federation.federation import Federation
from tests.sampan_hub.few_centres import order, why
from tests.waiting import wait_until

pytestmark = pytest.mark.federation

T = TypeVar("T")
SLURM = ("east", "west", "core")
SMALL = Need(cores=1, memory_mib=512, minutes=30)
CARD = Need(cores=1, memory_mib=512, minutes=30, accelerator="dcu", accelerators=1)


class Watched:
    """The Slurm centres of the federation as a decision sees them."""

    def __init__(self, federation: Federation) -> None:
        self.real = {name: federation.centre(name) for name in SLURM}
        self.centres = {name: _centre(real) for name, real in self.real.items()}

    def ask(self, name: str, ask: Ask[T], user: str | None = None) -> T:
        account = None if user is None else self.real[name].account(user)
        return asyncio.run(self.centres[name].ask(ask, account=account))

    def candidates(self, *names: str) -> list[Candidate]:
        found = []
        for name in names or SLURM:
            centre = self.centres[name]
            reading = self.ask(name, centre.scheduler.capacity())
            waiting = self.ask(name, centre.scheduler.status([])).pending or {}
            now = time.time()
            reading = with_closings(reading, self.ask(name, centre.scheduler.rules()), now)
            capacity = Capacity(name, replace(reading, pending=waiting), now, now + 10)
            found.append(Candidate(centre.facts, capacity))
        return found

    def place(self, need: Need, *names: str, claims: Sequence[Claim] = ()) -> Placement:
        return place(need, self.candidates(*names), in_flight=claims)

    @contextmanager
    def full(self, *names: str) -> Iterator[None]:
        jobs = [(name, self.real[name].fill()) for name in names]
        try:
            yield
        finally:
            for name, job in jobs:
                self.real[name].free(job)


def _centre(real: RealCentre) -> Centre:
    # JSON is YAML, too.
    descriptor = parse_descriptor(json.dumps(real.descriptor()), f"{real.name}.yaml")
    assert isinstance(descriptor, Descriptor), descriptor
    return Centre(descriptor, AtLogin(real), SlurmScheduler.of(descriptor))


@pytest.fixture(scope="module")
def watched(federation: Federation) -> Iterator[Watched]:
    for name in SLURM:
        federation.centre(name).end_all_jobs()
    yield Watched(federation)
    for name in SLURM:
        federation.centre(name).end_all_jobs()


def test_who_wants_a_card_goes_where_cards_are_and_who_wants_none_does_not(watched: Watched) -> None:
    placement = watched.place(CARD)
    assert order(placement) == [("core", "now")]
    assert {offer.centre: offer.reasons[0].code for offer in placement.refused} == dict.fromkeys(
        ("east", "west"), "place.accelerator"
    )
    assert [centre for centre, _ in order(watched.place(SMALL))][-1] == "core"
    with watched.full("east", "west"):
        [first, *_] = watched.place(SMALL).ranked
        assert (first.centre, first.verdict) == ("core", "now")
        assert "takes 1 dcu with it" in first.reasons[1].say("en")


def test_what_nobody_has_is_named_at_each_centre(watched: Watched) -> None:
    missing = {
        "place.accelerators": (replace(CARD, accelerators=5), {"core"}),
        "place.accelerator": (replace(CARD, accelerator="npu"), set(SLURM)),
        "place.cores": (replace(SMALL, cores=9), set(SLURM)),
        "place.memory": (replace(SMALL, memory_mib=17 * 1024), set(SLURM)),
        "place.hours": (replace(SMALL, minutes=73 * 60), set(SLURM)),
    }
    for code, (need, where) in missing.items():
        placement = watched.place(need)
        assert placement.ranked == ()
        assert {name for name in SLURM if why(placement, name) == code} == where


def test_a_session_without_a_card_takes_one_there_and_placement_counts_it(watched: Watched) -> None:
    """Eight cards over sixteen cores: the ninth has cores, and no card. The scheduler sees it as we did."""
    claims = [Claim(f"l{number}", "core", "dcu", SMALL) for number in range(8)]
    assert order(watched.place(SMALL, "core", claims=claims[:7])) == [("core", "now")]
    assert order(watched.place(SMALL, "core", claims=claims)) == [("core", "queue")]
    centre = watched.centres["core"]
    numbers = []
    for at in range(8):
        job = centre.job(
            "dcu", SMALL, tag=f"sampan-facts-l{at}-1", script="#!/bin/sh\nsleep 600\n", log="/dev/null"
        )
        numbers.append(watched.ask("core", centre.scheduler.submit(job), "alice"))
    real = watched.real["core"]
    try:
        wait_until(lambda: all(job["state"] == "running" for job in real.jobs() if job["id"] in numbers), 30)
        assert order(watched.place(SMALL, "core")) == [("core", "queue")]
        assert sum(node["idle"] for node in real.nodes().values()) == 8
    finally:
        real.run(["scancel", *numbers])
        wait_until(lambda: all(job["state"] == "ended" for job in real.jobs()), 30)
    assert order(watched.place(SMALL, "core")) == [("core", "now")]


def test_two_queues_over_the_same_nodes_promise_each_core_once(watched: Watched) -> None:
    half = replace(SMALL, cores=4)
    claims: list[Claim] = []
    while (offer := watched.place(half, "east", claims=claims).ranked[0]).verdict == "now":
        # Now through one queue, now through the other.
        share = ("work", "long")[len(claims) % 2]
        claims.append(Claim(f"l{len(claims)}", "east", share, half))
        assert len(claims) <= 4
    assert len(claims) == 4
    assert offer.verdict == "queue"
    assert watched.place(half, "east").ranked[0].share == "work", "the long queue is for long sessions"
    long = replace(half, minutes=20 * 60)
    [offer] = watched.place(long, "east").ranked
    assert (offer.share, offer.verdict) == ("long", "now"), "only one of the two runs for so long"


def test_a_node_that_is_away_is_no_room_now_and_room_once_again(watched: Watched) -> None:
    """Drained, or reserved for others: what only such nodes could hold waits for them, and is not impossible."""
    real = watched.real["west"]
    whole = replace(SMALL, cores=8)

    def held_back(*argv: str) -> None:
        real.run(["scontrol", *argv])

    for take, give in (
        (
            ("update", "nodename=west-n1,west-n2", "state=drain", "reason=test"),
            ("update", "nodename=west-n1,west-n2", "state=resume"),
        ),
        (
            (
                *("create", "reservation", "reservationname=facts", "starttime=now", "duration=30"),
                *("nodes=west-n1,west-n2", "users=root", "flags=ignore_jobs"),
            ),
            ("delete", "reservationname=facts"),
        ),
    ):
        held_back(*take)
        try:
            wait_until(lambda: order(watched.place(whole, "west")) == [("west", "queue")], 15)
        finally:
            held_back(*give)
        wait_until(lambda: order(watched.place(whole, "west")) == [("west", "now")], 15)


def test_maintenance_to_come_is_no_room_for_what_lasts_into_it(watched: Watched) -> None:
    """And Slurm means it: the long job waits, a short one that was submitted after it runs."""
    west = watched.real["west"]
    short, long = replace(SMALL, minutes=20), replace(SMALL, minutes=90)
    create = ("create", "reservation", "reservationname=coming", "starttime=now+60minutes", "duration=30")
    west.run(["scontrol", *create, "nodes=ALL", "users=root", "flags=maint,ignore_jobs"])
    try:
        assert order(watched.place(short, "west")) == [("west", "now")]
        placed = watched.place(long, "west")
        assert order(placed) == [("west", "queue")]
        assert placed.ranked[0].reasons[0].say("en").startswith("Machines close in about 1 h,")
        jobs = {
            need: west.run(
                ["sbatch", "--parsable", "--output=/dev/null", f"--time={need.minutes}", "--wrap=sleep 60"],
                account=west.account("p59"),
            ).stdout.strip()
            for need in (long, short)
        }
        said = ["squeue", "--noheader", "--format=%T %r", f"--jobs={jobs[long]}"]
        wait_until(lambda: "Reserved for maintenance" in west.run(said).stdout, 15)
        running = ["squeue", "--noheader", "--format=%T", f"--jobs={jobs[short]}"]
        wait_until(lambda: west.run(running).stdout.strip() == "RUNNING", 15)
        # Whoever waits for that keeps nobody waiting.
        assert order(watched.place(short, "west")) == [("west", "now")]
        assert order(watched.place(long, "west")) == [("west", "queue")]
    finally:
        west.end_all_jobs()
        west.run(["scontrol", "delete", "reservationname=coming"])
    assert order(watched.place(long, "west")) == [("west", "now")]


def test_the_limits_of_an_account_are_the_scheduler_s_own(watched: Watched) -> None:
    real, centre = watched.real["east"], watched.centres["east"]
    account = real.account("p59")
    [candidate] = watched.candidates("east")

    rules: Rules = watched.ask("east", centre.scheduler.rules(), None)

    def placed(need: Need, running: int = 0) -> Placement:
        limits = watched.ask("east", centre.scheduler.limits(account, rules), "p59")
        permit = Permit(centre.facts.shares, limits, Held(running=running))
        return place(need, [replace(candidate, permit=permit)])

    def limit(text: str) -> None:
        real.run(["sacctmgr", "--immediate", "modify", "user", account, "set", *text.split()])

    assert order(placed(SMALL)) == [("east", "now")]
    limit("MaxTRESPerJob=cpu=2 MaxWall=01:00:00 MaxJobs=1")
    try:
        assert why(placed(replace(SMALL, cores=3)), "east") == "place.limit_cores"
        assert why(placed(replace(SMALL, minutes=90)), "east") == "place.limit_hours"
        assert order(placed(replace(SMALL, cores=2))) == [("east", "now")]
        used_up = placed(SMALL, running=1)
        assert order(used_up) == [("east", "queue")]
        assert used_up.ranked[0].reasons[0].code == "place.limit_jobs"
    finally:
        limit("MaxTRESPerJob=cpu=-1 MaxWall=-1 MaxJobs=-1")
    assert order(placed(replace(SMALL, cores=3))) == [("east", "now")]


def test_what_a_queue_and_the_projects_above_allow_holds_too(watched: Watched) -> None:
    """A quality of service on the partition, and a limit of the root of all projects: told as an ordinary user."""
    real, centre = watched.real["east"], watched.centres["east"]
    account = real.account("p59")

    def manage(*words: str) -> None:
        real.run(["sacctmgr", "--immediate", "--quiet", *words])

    def bars(need: Need) -> dict[str, str]:
        rules = watched.ask("east", centre.scheduler.rules(), None)
        limits = watched.ask("east", centre.scheduler.limits(account, rules), "p59")
        found = Permit(centre.facts.shares, limits, Held()).bars(need)
        return {share: message.code for share, message in found.never.items()}

    wide, long = replace(SMALL, cores=5), replace(SMALL, minutes=90)
    assert bars(wide) == bars(long) == {}
    manage("add", "qos", "facts", "MaxWall=01:00:00")
    manage("modify", "account", "where", "name=root", "cluster=east", "set", "GrpTRES=cpu=4")
    real.run(["scontrol", "update", "PartitionName=work", "QoS=facts"])
    try:
        assert bars(wide) == dict.fromkeys(("work", "long"), "place.limit_cores")
        assert bars(long) == {"work": "place.limit_hours"}
        argv = ["sbatch", "--parsable", "--output=/dev/null", "--time=90", "--wrap=true"]
        job = real.run(argv, account=account).stdout.strip()
        said = ["squeue", "-h", "-j", job, "-o", "%r"]
        wait_until(lambda: real.run(said).stdout.strip() == "QOSMaxWallDurationPerJobLimit", 15)
        real.run(["scancel", job])
    finally:
        real.run(["scontrol", "update", "PartitionName=work", "QoS="])
        manage("modify", "account", "where", "name=root", "cluster=east", "set", "GrpTRES=cpu=-1")
        manage("delete", "qos", "where", "name=facts")
    assert bars(wide) == bars(long) == {}


def test_a_forecast_is_asked_for_with_the_job_that_would_be_submitted(watched: Watched) -> None:
    centre, real = watched.centres["core"], watched.real["core"]
    with watched.full("core"):
        assert order(watched.place(SMALL, "core")) == [("core", "queue")]
        job = centre.job("dcu", SMALL, tag="sampan-facts-hint-0", script="#!/bin/sh\n", log="/dev/null")
        expected = watched.ask("core", centre.scheduler.expected_start(job), "p58")
        assert expected is not None
        # The stranger's job has two hours; its forecast is in the clock of the centre, which is ours here.
        assert 0 <= expected - time.time() < 2.1 * 3600
        assert all("hint" not in (job["tag"] or "") for job in real.jobs())
