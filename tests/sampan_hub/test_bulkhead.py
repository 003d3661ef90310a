from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager

import pytest

from sampan.errors import SampanError, Unavailable, Unreachable
from sampan.messages import Message
from sampan_hub.bulkhead import KEPT, SILENCES, Bulkhead
from sampan_hub.descriptor import Limits

CUT = Unreachable("centre.unreachable", centre="a")
SILENT = Unavailable("centre.timeout", centre="a", seconds=10)


def bulkhead(calls: int = 4, waiting: int = 3, waits: tuple[float, float] = (60.0, 60.0)) -> Bulkhead:
    return Bulkhead(Message("a"), Limits(calls=calls, calls_waiting=waiting), waits=waits)


class Calls:
    """Calls that are under way until they are let go."""

    def __init__(self) -> None:
        self._enough = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self, place: AbstractAsyncContextManager[float]) -> None:
        async def call() -> None:
            async with place:
                await self._enough.wait()

        self._tasks.append(asyncio.create_task(call()))
        await asyncio.sleep(0)

    async def end(self) -> list[object]:
        self._enough.set()
        return list(await asyncio.gather(*self._tasks, return_exceptions=True))


async def test_so_many_at_once_and_so_many_wait_and_no_more() -> None:
    one, calls = bulkhead(), Calls()
    for _ in range(4 + 3):
        await calls.begin(one.command(10.0, person=False))
    assert (one.under_way, one.waiting) == (4, 3)
    began = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        async with one.command(10.0, person=False):
            pass
    assert caught.value.code == "centre.busy"
    assert time.monotonic() - began < 1, "told at once"
    assert await calls.end() == [None] * 7
    assert (one.under_way, one.waiting) == (0, 0)


async def test_persons_leave_places_and_have_a_waiting_list_of_their_own() -> None:
    one, calls = bulkhead(), Calls()
    for _ in range(4 - KEPT + 3):
        await calls.begin(one.command(10.0, person=True))
    with pytest.raises(Unavailable):
        async with one.command(10.0, person=True):
            pass
    for _ in range(KEPT):
        await calls.begin(one.command(10.0, person=False))
    assert one.under_way == 4
    await calls.end()


async def test_the_deadline_counts_the_waiting() -> None:
    one, calls = bulkhead(), Calls()
    for _ in range(4):
        await calls.begin(one.command(10.0, person=False))
    with pytest.raises(Unavailable):
        async with one.command(0.1, person=False):
            pass
    waiting = asyncio.create_task(_left(one, 5.0))
    await asyncio.sleep(0.2)
    await calls.end()
    assert 0 < await waiting < 4.85


async def _left(one: Bulkhead, deadline: float) -> float:
    async with one.command(deadline, person=False) as left:
        return left


async def _meets(one: Bulkhead, error: SampanError, times: int, deadline: float = 10.0) -> None:
    for _ in range(times):
        with pytest.raises(type(error)):
            async with one.command(deadline, person=False):
                raise error


@pytest.mark.parametrize("error", [CUT, SILENT], ids=["cut", "hangs"])
async def test_a_silent_centre_is_set_aside_and_that_is_said_at_once(error: SampanError) -> None:
    one = bulkhead()
    await _meets(one, error, SILENCES)
    with pytest.raises(Unreachable) as caught:
        async with one.command(10.0, person=False):
            raise AssertionError("asked all the same")
    assert caught.value.code == "centre.set_aside"


async def test_who_waits_when_it_is_set_aside_waits_no_longer() -> None:
    one = bulkhead()
    silent = [asyncio.create_task(_silent(one)) for _ in range(4)]
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(_left(one, 10.0)) for _ in range(3)]
    began = time.monotonic()
    await asyncio.gather(*silent, return_exceptions=True)
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {getattr(outcome, "code", outcome) for outcome in outcomes} == {"centre.set_aside"}
    assert time.monotonic() - began < 1


async def _silent(one: Bulkhead) -> None:
    async with one.command(10.0, person=False):
        await asyncio.sleep(0.05)
        raise SILENT


async def test_no_time_to_answer_is_no_silence() -> None:
    one = bulkhead()
    await _meets(one, SILENT, 3 * SILENCES, deadline=2.0)
    assert not one.breaker.open


async def test_a_refusal_is_an_answer_of_a_kind() -> None:
    one = bulkhead()
    await _meets(one, Unavailable("centre.login", centre="a", account="x"), 3 * SILENCES)
    assert not one.breaker.open


async def test_one_probe_at_a_time_and_an_answer_lets_all_through() -> None:
    one, calls = bulkhead(waits=(0.05, 0.05)), Calls()
    await _meets(one, SILENT, SILENCES)
    await asyncio.sleep(0.1)
    await calls.begin(one.command(10.0, person=False))
    with pytest.raises(Unreachable):
        async with one.command(10.0, person=False):
            pass
    assert await calls.end() == [None]
    assert await _left(one, 10.0) > 9


async def test_streams_go_on_while_commands_are_set_aside_and_one_node_has_not_all_the_places() -> None:
    one, calls = bulkhead(), Calls()
    await _meets(one, SILENT, SILENCES)
    for _ in range(4):
        await calls.begin(one.stream("n1", 10.0))
    assert (one.under_way, one.waiting) == (2, 2)
    async with one.stream("n2", 1.0):
        assert one.under_way == 3
    await calls.end()
    assert one.under_way == 0


async def test_a_caller_who_goes_gives_the_place_back() -> None:
    one, calls = bulkhead(), Calls()
    for _ in range(4):
        await calls.begin(one.command(10.0, person=False))
    gone = asyncio.create_task(_left(one, 10.0))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert one.waiting == 0
    await calls.end()
    assert await _left(one, 1.0) > 0
