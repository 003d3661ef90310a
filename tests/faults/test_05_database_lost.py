"""The broker's database is lost, or restored from an older copy; so may the hub's be. Everybody gets their own server back."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
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


async def _without_its_broker(hub: WholeHub, work: Callable[[], None]) -> None:
    """The broker is killed, and when the next one begins, that work has been done."""
    pid = hub.pid("broker")
    os.kill(pid, signal.SIGSTOP)
    work()
    os.kill(pid, signal.SIGKILL)
    await hub.restarted("broker", pid)
    await came(hub.answers, 60)


async def _with_variables(*people: Person) -> dict[str, Kernel]:
    """Each has a server and a kernel in it, which knows whose it is; by name."""

    async def begin(person: Person) -> Kernel:
        await person.start(plan="light")
        await person.ready(deadline=90)
        kernel = await person.kernel()
        await kernel.run(f"kept = {person.name!r}")
        return kernel

    kernels = await asyncio.gather(*map(begin, people))
    return {person.name: kernel for person, kernel in zip(people, kernels, strict=True)}


async def _same_again(person: Person, before: dict[str, Any]) -> dict[str, Any]:
    """The launch of before, ready, in the same job."""
    after: dict[str, Any] = await person.at("ready", deadline=90)
    for name in ("id", "owner", "name", "centre", "job", "need", "created_at"):
        assert after[name] == before[name], name
    return after


async def _far_kernel(person: Person, parent: str) -> dict[str, Any]:
    """A kernel that is a launch of its own, of that session."""
    wish = {"kind": "kernel", "name": "far", "options": {"plan": "light"}, "parent": parent}
    launch = await person.hub.ask("POST", "/launches", person.name, json=wish)
    return await _ready(person, launch["id"])


async def _ready(person: Person, launch: str) -> dict[str, Any]:
    async def there() -> dict[str, Any] | None:
        found = [one for one in await person.hub.launches(person.name) if one["id"] == launch]
        return found[0] if found and found[0]["stage"] == "ready" else None

    found: dict[str, Any] = await came(there, 90)
    return found


async def _ended(person: Person, launch: str) -> bool:
    return all(one["id"] != launch for one in await person.hub.launches(person.name))


LOST = ("The broker is killed and its database deleted.", "调度代理被杀死，其数据库被删除。")


async def _lost(hub: WholeHub, broken: Broken) -> None:
    async with Person(hub, "ann") as ann, Person(hub, "ben") as bo:
        kernels = await _with_variables(ann, bo)
        before = {one.name: await one.launch() for one in (ann, bo)}
        far = await _far_kernel(ann, before["ann"]["id"])
        await _without_its_broker(hub, lambda: _lose(hub.state, "broker"))
        broken.mended()
        for one in (ann, bo):
            await _same_again(one, before[one.name])
            assert (await kernels[one.name].run("print(kept)")).strip() == one.name
        again = await _ready(ann, far["id"])
        assert (again["job"], again["parent"]) == (far["job"], far["parent"])
        seconds = broken.seconds
        # The hub goes on as before, with the same routes; a stop ends the job.
        assert (await ann.server())["ready"]
        saw = Message("launch.found_again", {"centre": text(before["ann"]["names"])})
        broken(LOST, saw, await counted(hub, [*before.values(), far]), seconds)
        await ann.stop()
        await ann.at("ended")
        # It was its session's, and ends with it.
        await came(lambda: _ended(ann, far["id"]), 40)


async def test_lost(hub: WholeHub, broken: Broken) -> None:
    await _lost(hub, broken)


@pytest.mark.federation
async def test_lost_at_real_centres(real_hub: WholeHub, broken: Broken) -> None:
    await _lost(real_hub, broken)


async def test_an_hour_old(hub: WholeHub, broken: Broken) -> None:
    """`sampan backup` while it runs, and `sampan restore` later. Of what happened in between:

    started since: found again; ended since: known to be over; ended and started anew: the newer one.
    """
    file = hub.state.parent / "hour-old"
    async with Person(hub, "dan") as dan, Person(hub, "dot") as dot, Person(hub, "cy") as cy:
        await _with_variables(dot, cy)
        older = await cy.launch()
        await _command(hub, "backup", file)
        for one in (dot, cy):
            await one.stop()
            await one.at("ended")
        kernels = await _with_variables(dan, cy)
        before = {one.name: await one.launch() for one in (dan, cy)}
        await asyncio.to_thread(hub.stop)
        await _command(hub, "restore", file)
        hub.start()
        await came(hub.answers, 60)
        broken.mended()
        for one in (dan, cy):
            await came(partial(_is_live, one, before[one.name]["id"]), 90)
            await _same_again(one, before[one.name])
        await came(partial(_nothing_left, dot), 60)
        seconds = broken.seconds
        # The hub's own database is as old: who presses Start is led to the server that they have.
        for one in (dan, cy):
            if not (await one.server()).get("ready"):
                await one.start(plan="standard")
                await one.ready()
            assert (await one.launch())["id"] == before[one.name]["id"]
            (await one.client.get(f"{one.path()}lab")).raise_for_status()
            assert (await kernels[one.name].run("print(kept)")).strip() == one.name
        assert before["cy"]["id"] != older["id"]
        done = (
            "The hub is stopped, and a backup from before the last starts and stops restored.",
            "平台停止，并恢复到最近几次启动与停止之前的备份。",
        )
        saw = Message("launch.found_again", {"centre": text(before["dan"]["names"])})
        broken(done, saw, await counted(hub, list(before.values())), seconds)


async def _command(hub: WholeHub, word: str, file: Path) -> None:
    argv = ("-m", "sampan.commands", word, str(file), "--state", str(hub.state))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()


async def _is_live(person: Person, launch: str) -> bool:
    return any(one["id"] == launch for one in await person.hub.launches(person.name))


async def _nothing_left(person: Person) -> bool:
    return not await person.launch() and not (await person.server()).get("ready")


async def test_both_databases_lost(hub: WholeHub, broken: Broken) -> None:
    """The hub knows nobody any more. Whoever comes first gets their own server, and nobody else's."""
    async with Person(hub, "fay") as ann, Person(hub, "flo") as bo:
        kernels = {name: kernel.path for name, kernel in (await _with_variables(ann, bo)).items()}
        before = {one.name: await one.launch() for one in (ann, bo)}
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
