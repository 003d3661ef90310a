from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from sampan.errors import Missing, Unavailable, Unreachable
from sampan.need import Need
from sampan_hub import demo_account
from sampan_hub.asks import Ask, Completed
from sampan_hub.centre import Centre, make_centre
from sampan_hub.descriptor import Descriptor, Limits
from sampan_hub.descriptor_file import parse_descriptor
from tests.sampan_hub.descriptions import far, here

CALLS = Limits().calls


def described(text: str) -> Descriptor:
    result = parse_descriptor(text, "a.yaml")
    assert isinstance(result, Descriptor), result
    return result


def made(name: str, folder: Path) -> Centre:
    """A centre of this machine, asked as the tests' own account or, by root, as the one that is there for that."""
    return make_centre(described(here(name, str(folder), account=demo_account.ensure())))


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return made("a", tmp_path)


def say(*argv: str) -> Ask[str]:
    return Ask("say", argv, lambda done: done.stdout)


async def test_an_ask_is_run_read_and_counted(centre: Centre) -> None:
    assert await centre.ask(say("echo", "hello")) == "hello\n"
    await centre.ask(say("true"))
    assert centre.asked == {"say": 2}


async def test_a_long_answer_keeps_the_loop_for_others_while_it_is_read(centre: Centre) -> None:
    def read(done: Completed) -> tuple[int, int]:
        return len(done.stdout), threading.get_ident()

    def long(parse: Callable[[Completed], tuple[int, int]]) -> Ask[tuple[int, int]]:
        return Ask("say", ("head", "-c", str(5 << 20), "/dev/zero"), parse, most=6 << 20)

    size, thread = await centre.ask(long(read))
    assert (size, thread != threading.get_ident()) == (5 << 20, True)
    assert await centre.ask(Ask("say", ("echo", "hello"), read)) == (6, threading.get_ident())

    def broken(done: Completed) -> tuple[int, int]:
        raise ValueError("unread")

    with pytest.raises(Unavailable):
        await centre.ask(long(broken))


async def test_a_centre_that_hangs_fills_its_own_places_only(tmp_path: Path) -> None:
    """Whoever finds no place is told so in time; another centre answers as ever; places come back."""
    hangs, works = (made(name, tmp_path) for name in ("hangs", "works"))
    stuck = [asyncio.create_task(hangs.ask(say("sleep", "60"), deadline=1.5)) for _ in range(CALLS)]
    await asyncio.sleep(0)
    began = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        await hangs.ask(say("true"), deadline=0.2)
    assert caught.value.code == "centre.busy"
    assert time.monotonic() - began < 1
    assert await works.ask(say("echo", "fine")) == "fine\n"
    outcomes = await asyncio.gather(*stuck, return_exceptions=True)
    assert all(isinstance(outcome, Unavailable) for outcome in outcomes)
    assert await hangs.ask(say("echo", "again")) == "again\n"


async def test_persons_whose_homes_hang_leave_room_for_the_service_account(centre: Centre) -> None:
    """How everybody's jobs are is asked all the same, and in time."""
    account = centre.descriptor.accounts.account
    slow = [
        asyncio.create_task(centre.ask(say("sleep", "60"), account=account, deadline=2.0))
        for _ in range(3 * CALLS)
    ]
    await asyncio.sleep(0.1)
    assert (
        await asyncio.gather(*(centre.ask(say("echo", "x"), deadline=1.0) for _ in range(4))) == ["x\n"] * 4
    )
    outcomes = await asyncio.gather(*slow, return_exceptions=True)
    assert {getattr(outcome, "code", outcome) for outcome in outcomes} == {"centre.timeout", "centre.busy"}
    assert await centre.ask(say("echo", "again"), account=account) == "again\n"


async def test_the_deadline_covers_the_wait_for_a_place(centre: Centre) -> None:
    stuck = [asyncio.create_task(centre.ask(say("sleep", "0.5"))) for _ in range(CALLS)]
    await asyncio.sleep(0)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await centre.ask(say("sleep", "60"), deadline=1.0)
    assert 0.9 < time.monotonic() - began < 3
    await asyncio.gather(*stuck)


@pytest.mark.parametrize(
    "error", [ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError, RecursionError]
)
async def test_an_answer_that_no_parser_expected_is_no_answer(centre: Centre, error: type[Exception]) -> None:
    def parse(done: Completed) -> None:
        raise error

    with pytest.raises(Unavailable) as caught:
        await centre.ask(Ask("say", ("true",), parse))
    assert (caught.value.code, caught.value.message.say("zh")) == (
        "centre.no_answer",
        "a中心的答复无法识别。",
    )


class Cut:
    """A transport whose way is cut."""

    async def run(self, argv: Sequence[str], stdin: bytes = b"", **_: Any) -> Completed:
        raise Unreachable("centre.unreachable", centre="a")

    async def reach(self, host: str, port: int, options: Any, **_: Any) -> asyncssh.SSHClientConnection:
        raise Unreachable("centre.unreachable", centre="a")

    async def close(self) -> None:
        return


async def test_a_way_that_is_cut_is_said_as_that_and_holds_no_place(centre: Centre) -> None:
    centre = Centre(centre.descriptor, Cut(), centre.scheduler)
    for _ in range(CALLS + 1):
        with pytest.raises(Unreachable):
            await centre.ask(say("true"), deadline=1.0)


async def test_homes_differ_and_hold_no_way_out(centre: Centre, tmp_path: Path) -> None:
    homes = [centre.home(name, "demo") for name in ("alice", "Alice", "../alice", "a/b", "李雷")]
    assert homes[0] == f"{tmp_path}/home/alice"
    assert len(set(homes)) == len(homes)
    assert {str(Path(home).parent) for home in homes} == {f"{tmp_path}/home"}


async def test_shares_by_name(centre: Centre) -> None:
    assert centre.share("main").max_hours == 8
    with pytest.raises(Missing):
        centre.share("other")


def test_what_placement_counts_is_what_is_submitted(centre: Centre) -> None:
    """A card that the queue demands is asked for once; what else it demands is still said."""
    awkward = Centre(described(far()), centre.transport, centre.scheduler)
    need = Need(cores=2, memory_mib=4096, minutes=20)
    share = awkward.facts.share("dcu")
    assert share is not None
    job = awkward.job("dcu", need, tag="sampan-demo-l1-1", script="#!/bin/sh\n", log="/dev/null")
    counted = share.terms.effective(need)
    taken = (job.cores, job.memory_mib, job.minutes, job.accelerator, job.accelerators)
    assert taken == (counted.cores, counted.memory_mib, counted.minutes, "dcu", 1)
    assert (job.queue, job.directives) == ("dcu", (("account", "climate"),))
    plain = awkward.job("cpu", need, tag="sampan-demo-l1-1", script="", log="/dev/null")
    assert (plain.cores, plain.accelerators, plain.directives) == (2, 0, ())
    with pytest.raises(Missing):
        awkward.job("gone", need, tag="sampan-demo-l1-1", script="", log="/dev/null")
