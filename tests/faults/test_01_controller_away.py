"""slurmctld away for two minutes, in every way in which it can fail: servers stay, and it heals by itself.

Ten minutes are in tests/soak.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.faults.broken import Broken
from tests.faults.cases import Pair
from tests.faults.in_front import InFront, in_front
from tests.faults.losses import counted
from tests.federation.centre import Centre
from tests.federation.federation import Federation
from tests.ways.person import Kernel, Person
from tests.ways.whole_hub import WholeHub, came

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.federation]

TOGETHER: Final = 120.0
"""Seconds that the outage lasts at least."""


@dataclass(frozen=True)
class Shape:
    """One way of being away. `reached`: whether the nodes behind can still be reached; `seen`: what may be seen of a job there."""

    done: Pair
    begin: Callable[[Centre, InFront], None]
    end: Callable[[Centre, InFront], None]
    reached: bool = True


def _says(lines: str) -> Callable[[Centre, InFront], None]:
    return lambda _, front: front.all_say(lines)


def _nothing(_: Centre, front: InFront) -> None:
    front.all_say(None)


SHAPES: Final = (
    Shape(
        ("slurmctld stopped: it accepts and never answers", "slurmctld 停住：接受连接而不答复"),
        lambda east, _: east.stop_daemon("slurmctld"),
        lambda _, __: None,
    ),
    Shape(
        ("slurmctld killed: two lines on stderr, exit 1", "slurmctld 被杀死：stderr 两行，退出码 1"),
        lambda east, _: east.kill_daemon("slurmctld"),
        lambda _, __: None,
    ),
    Shape(
        ("Exit 0 and not one line", "退出码 0，没有一行输出"),
        _says("exit 0\n"),
        _nothing,
    ),
    Shape(
        ("ssh's own exit 255", "ssh 自身的退出码 255"),
        _says('echo "ssh: connect to host slurmctl port 22: Connection refused" >&2; exit 255\n'),
        _nothing,
    ),
    Shape(
        ("A sudo prompt where an answer should be", "答复处出现 sudo 提示"),
        _says('echo "[sudo] password for sampan-svc: "; exit 1\n'),
        _nothing,
    ),
    Shape(
        ("A page of HTML with exit 0", "退出码 0 却是一页 HTML"),
        _says('echo "<html><body>502 Bad Gateway</body></html>"; exit 0\n'),
        _nothing,
    ),
    Shape(
        ("sshd stopped", "sshd 停住"),
        lambda east, _: east.stop_daemon("sshd"),
        lambda east, _: east.continue_daemon("sshd"),
        reached=False,
    ),
    Shape(
        ("sshd killed, every session with it", "sshd 及其全部会话被杀死"),
        lambda east, _: east.kill_daemon("sshd"),
        lambda east, _: east.ssh.start(),
        reached=False,
    ),
    Shape(
        ("The link to the centre cut", "通往中心的链路被切断"),
        lambda east, _: east.cut(),
        lambda east, _: east.heal(),
        reached=False,
    ),
)


@pytest.mark.slow
@pytest.mark.timeout(420)
async def test_every_way_of_being_away(real_hub: WholeHub, federation: Federation, broken: Broken) -> None:
    """Two minutes of outage are what the promise is about."""
    await away(real_hub, federation, broken, TOGETHER)


async def away(hub: WholeHub, federation: Federation, broken: Broken, together: float) -> None:
    """One server runs there, one start waits in the queue there; another begins elsewhere meanwhile."""
    east = federation.centre("east")
    async with Person(hub, "ann") as ann, Person(hub, "ben") as ben, Person(hub, "carol") as carol:
        await ann.start(plan="light", centre="east")
        await ann.ready()
        kernel = await ann.kernel()
        await kernel.run("kept = 6 * 7")
        filler = await asyncio.to_thread(hub.fill, "east")
        await ben.start(plan="light", centre="east")
        await ben.at("queued")
        before = {person.name: await person.launch() for person in (ann, ben)}
        await came(lambda: _written(east, *(str(one["id"]) for one in before.values())), every=0.5)
        began = time.monotonic()
        told = []
        with in_front(east) as front:
            for shape in SHAPES:
                said = await _through(shape, east, front, ann, kernel, together / len(SHAPES))
                await _untouched(before, ann, ben)
                told.append((shape, said))
                if shape is SHAPES[1]:
                    await carol.start(plan="light")
                    assert (await carol.at("ready"))["centre"] != "east"
        assert time.monotonic() - began >= together
        assert east.slurm is not None
        await asyncio.to_thread(east.slurm.start)
        broken.mended()
        await came(lambda: _well(ann, ben), 60, every=0.3)
        assert (await kernel.run("print(kept)")).strip() == "42"
        seconds = broken.seconds
        await _untouched(before, ann, ben)
        losses = await counted(hub, [*before.values(), await carol.launch()])
        await asyncio.to_thread(hub.free, "east", filler)
        assert (await ben.at("ready"))["job"] == before["ben"]["job"]
        for shape, said in told:
            broken(shape.done, said, losses, seconds)


async def _through(
    shape: Shape, east: Centre, front: InFront, ann: Person, kernel: Kernel, seconds: float
) -> dict[str, Any]:
    """What Ann reads meanwhile; where her node can be reached her kernel goes on."""
    await asyncio.to_thread(shape.begin, east, front)
    until = time.monotonic() + seconds
    try:
        launch: dict[str, Any] = await came(lambda: _silent(ann), 30, every=0.2)
        if shape.reached:
            assert (await kernel.run("print(kept)")).strip() == "42"
        await asyncio.sleep(max(0.0, until - time.monotonic()))
    finally:
        await asyncio.to_thread(shape.end, east, front)
    return launch["message"]  # type: ignore[no-any-return]


async def _written(east: Centre, *launches: str) -> bool:
    """Whether slurmctld has saved these jobs: what it has not when it is killed it has forgotten afterwards, truly."""
    saved = east.hosts["login"].own / "var/lib/slurm/slurmctld/job_state"
    return all(launch.encode() in saved.read_bytes() for launch in launches)


async def _silent(person: Person) -> dict[str, Any] | None:
    launch = await person.launch()
    return launch if launch["seen"] in ("unknown", "unreachable") else None


async def _well(*people: Person) -> bool:
    return {(await person.launch()).get("seen") for person in people} == {"alive"}


async def _untouched(before: dict[str, dict[str, Any]], *people: Person) -> None:
    """The same launches and jobs are wanted; nothing was cancelled, and no token revoked."""
    for person in people:
        after = await person.launch()
        for name in ("id", "job", "target", "stage", "ended_at"):
            assert after[name] == before[person.name][name], (person.name, name, after)
        assert len(after["attempts"]) == 1
    assert (await people[0].server())["ready"]
