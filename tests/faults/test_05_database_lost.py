"""The broker's database is lost, or restored from an older copy; so may the hub's be. Everybody gets their own server back."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sampan.messages import Message, text
from tests.faults.broken import Broken
from tests.faults.losses import counted
from tests.ways.person import Kernel, Person
from tests.ways.whole_hub import WholeHub, came

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _lose(state: Path, name: str) -> None:
    for file in state.glob(f"{name}.sqlite*"):
        file.unlink()


def _copy(source: Path, to: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(to)) as two:
        one.backup(two)


async def _without_its_broker(hub: WholeHub, work: Callable[[], None]) -> None:
    """The broker is killed, and when the next one begins, that work has been done."""
    pid = hub.pid("broker")
    os.kill(pid, signal.SIGSTOP)
    work()
    os.kill(pid, signal.SIGKILL)
    await hub.restarted("broker", pid)
    await came(hub.answers, 60)


async def _with_a_variable(person: Person) -> Kernel:
    await person.start(plan="light")
    await person.ready(deadline=120)
    kernel = await person.kernel()
    await kernel.run(f"kept = {person.name!r}")
    return kernel


async def _same_again(person: Person, before: dict[str, Any]) -> dict[str, Any]:
    """The launch of before, ready, in the same job."""
    after: dict[str, Any] = await person.at("ready", deadline=90)
    for name in ("id", "owner", "name", "centre", "job", "need", "created_at"):
        assert after[name] == before[name], name
    return after


LOST = ("The broker is killed and its database deleted.", "调度代理被杀死，其数据库被删除。")


async def _lost(hub: WholeHub, broken: Broken) -> None:
    async with Person(hub, "ann") as ann, Person(hub, "ben") as bo:
        kernels = {one.name: await _with_a_variable(one) for one in (ann, bo)}
        before = {one.name: await one.launch() for one in (ann, bo)}
        await _without_its_broker(hub, lambda: _lose(hub.state, "broker"))
        broken.mended()
        for one in (ann, bo):
            await _same_again(one, before[one.name])
            assert (await kernels[one.name].run("print(kept)")).strip() == one.name
        seconds = broken.seconds
        # The hub goes on as before, with the same routes; a stop ends the job.
        assert (await ann.server())["ready"]
        saw = Message("launch.found_again", {"centre": text(before["ann"]["names"])})
        broken(LOST, saw, await counted(hub, list(before.values())), seconds)
        await ann.stop()
        await ann.at("ended")


async def test_lost(hub: WholeHub, broken: Broken) -> None:
    await _lost(hub, broken)


@pytest.mark.federation
async def test_lost_at_real_centres(real_hub: WholeHub, broken: Broken) -> None:
    await _lost(real_hub, broken)


async def test_an_hour_old(hub: WholeHub, broken: Broken) -> None:
    """Started since: found again. Ended since: known to be over. Started anew since: the newer one."""
    copy = hub.state.parent / "hour-old.sqlite"
    async with Person(hub, "dan") as ann, Person(hub, "dot") as bo, Person(hub, "cy") as cy:
        for one in (bo, cy):
            await one.start(plan="light")
            await one.ready()
        older = {one.name: await one.launch() for one in (bo, cy)}
        _copy(hub.state / "broker.sqlite", copy)
        for one in (bo, cy):
            await one.stop()
            await one.at("ended")
        kernels = {one.name: await _with_a_variable(one) for one in (ann, cy)}
        before = {one.name: await one.launch() for one in (ann, cy)}

        def restore() -> None:
            _lose(hub.state, "broker")
            copy.rename(hub.state / "broker.sqlite")

        await _without_its_broker(hub, restore)
        broken.mended()
        for one in (ann, cy):
            await came(partial(_is_live, one, before[one.name]["id"]), 90)
            await _same_again(one, before[one.name])
            assert (await kernels[one.name].run("print(kept)")).strip() == one.name
        assert before["cy"]["id"] != older["cy"]["id"]
        await came(lambda: _nothing_left(bo), 60)
        done = (
            "The broker's database is replaced by an older copy of it.",
            "调度代理的数据库被换成较早的备份。",
        )
        saw = Message("launch.found_again", {"centre": text(before["dan"]["names"])})
        broken(done, saw, await counted(hub, list(before.values())), broken.seconds)


async def _is_live(person: Person, launch: str) -> bool:
    return any(one["id"] == launch for one in await person.hub.launches(person.name))


async def _nothing_left(person: Person) -> bool:
    return not await person.launch() and not (await person.server()).get("ready")


async def test_both_databases_lost(hub: WholeHub, broken: Broken) -> None:
    """The hub knows nobody any more. Whoever comes first gets their own server, and nobody else's."""
    async with Person(hub, "fay") as ann, Person(hub, "flo") as bo:
        for one in (ann, bo):
            await _with_a_variable(one)
        before = {one.name: await one.launch() for one in (ann, bo)}
        kernels = {one.name: one._kernels[0].path for one in (ann, bo)}
    await asyncio.to_thread(hub.stop)
    for name in ("broker", "hub"):
        _lose(hub.state, name)
    hub.start()
    await came(hub.answers, 60)
    broken.mended()
    async with Person(hub, "eve") as eve, Person(hub, "flo") as bo, Person(hub, "fay") as ann:
        await eve.start(plan="light")
        for one in (bo, ann):
            await one.start(plan="standard")
            await one.ready()
            after = await _same_again(one, before[one.name])
            assert after["need"] == before[one.name]["need"], "nothing new was started"
            (await one.client.get(f"{one.path()}lab")).raise_for_status()
            kernel = Kernel(one, kernels[one.name])
            one._kernels.append(kernel)
            assert (await kernel.run("print(kept)")).strip() == one.name
        seconds = broken.seconds
        await eve.ready()
        assert (await eve.launch())["id"] not in {launch["id"] for launch in before.values()}
        for one in (ann, bo):
            answer = await eve.client.get(f"{one.path()}api/kernels")
            assert answer.status_code in (403, 404), answer.status_code
            assert one.name not in answer.text
        done = (
            "Broker and hub are stopped, and both their databases deleted.",
            "调度代理与平台停止，两者的数据库均被删除。",
        )
        saw = Message("launch.found_again", {"centre": text(before["fay"]["names"])})
        broken(done, saw, await counted(hub, [*before.values(), await eve.launch()]), seconds)
