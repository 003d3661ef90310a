"""What one change does to launches and attempts, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sampan.errors import Conflict, Missing
from sampan.messages import Message, text
from sampan.need import Need
from sampan.stages import Kind, Seen, Stage, Target
from sampan_hub.records import Attempt, Launch
from sampan_hub.store import Store

NEED = Need(cores=2, memory_mib=4096, minutes=90, data=("a1b", "e1"))
EAST = text({"en": "East", "zh": "东部"})


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await Store.open(url)
    yield opened
    await opened.close()


async def make(store: Store, name: str = "", owner: str = "alice", **more: Any) -> tuple[Launch, bool]:
    prefix = f"/user/{owner}/"
    return await store.create_launch(owner, Kind.SERVER, name, NEED, {"plan": ["standard"]}, prefix, **more)


async def attempt(store: Store, launch: Launch, centre: str = "east") -> Attempt:
    message = Message(
        "launch.placed", {"centre": EAST, "why": Message("place.fits_now", {"free": 1, "total": 2})}
    )
    return await store.add_attempt(
        launch.id, centre=centre, share="main", account="a01", hub_id="hub1", message=message, progress=10
    )


async def say(store: Store, launch: Launch, code: str, **more: Any) -> None:
    stage = more.pop("stage", Stage.PLACED)
    await store.step(launch.id, message=Message(code), stage=stage, seen=Seen.ALIVE, **more)


async def end(store: Store, launch: Launch) -> None:
    over = {"ended_at": 5.0, "cause": Message("ended.stopped")}
    await say(store, launch, "launch.stopped", stage=Stage.ENDED, launch_fields=over, final="ended")


async def again(store: Store, launch: Launch) -> Launch:
    found = await store.launch(launch.id)
    assert found is not None
    return found


async def test_a_launch_is_remembered_as_it_was_asked_for(url: str, store: Store) -> None:
    made, created = await make(store, name="实验 1")
    assert created
    assert len(made.id) == 12
    assert made.id.isascii()
    assert made.id.isalnum()
    assert made.id == made.id.lower()
    assert (made.need, made.options) == (NEED, {"plan": ["standard"]})
    assert (made.kind, made.target, made.stage) == (Kind.SERVER, Target.READY, Stage.PLACED)
    [said] = await store.transitions(made.id)
    assert (said.message, said.attempt, said.progress) == (Message("launch.accepted"), None, made.progress)
    later = await Store.open(url)
    assert await later.live_launches() == (made,)
    await later.close()


async def test_asking_twice_is_one_launch_until_it_ends(store: Store) -> None:
    first, _ = await make(store)
    assert await make(store) == (first, False)
    named, created = await make(store, name="second")
    assert created
    theirs, created = await make(store, owner="bob")
    assert created
    await end(store, first)
    fresh, created = await make(store)
    assert created
    assert {launch.id for launch in await store.live_launches()} == {named.id, theirs.id, fresh.id}
    assert await store.live_launch("alice", Kind.SERVER, "") == fresh
    assert await store.live_launch("alice", Kind.KERNEL, "") is None


async def test_twenty_at_once_with_one_key_make_one(url: str, store: Store) -> None:
    other = await Store.open(url)
    made = await asyncio.gather(
        *(make([store, other][number % 2], idempotency_key="k1") for number in range(20))
    )
    assert len({launch.id for launch, _ in made}) == 1
    await other.close()


async def test_a_key_leads_to_the_same_launch_also_when_that_has_ended(store: Store) -> None:
    first, _ = await make(store, idempotency_key="k1")
    same, created = await make(store, idempotency_key="k2")
    assert (same, created) == (first, False)
    await end(store, first)
    for key in ("k1", "k2"):
        found, created = await make(store, idempotency_key=key)
        assert (found.id, created) == (first.id, False)
    _, created = await make(store, idempotency_key="k3")
    assert created
    _, created = await make(store, owner="bob", idempotency_key="k1")
    assert created, "another person's key says nothing"


async def test_a_key_used_for_something_else_is_refused(store: Store) -> None:
    await make(store, idempotency_key="k1")
    with pytest.raises(Conflict) as caught:
        await make(store, name="other", idempotency_key="k1")
    assert caught.value.code == "launch.key"


async def test_a_parent_is_the_owner_s_own(store: Store) -> None:
    parent, _ = await make(store)
    child, _ = await make(store, name="child", parent=parent.id)
    assert child.parent == parent.id
    for stranger in ({"owner": "bob", "parent": parent.id}, {"name": "x", "parent": "nosuchlaunch"}):
        with pytest.raises(Missing):
            await make(store, **stranger)
    assert len(await store.launches(None)) == 2


async def test_attempts_are_counted_and_carry_their_tag(store: Store) -> None:
    launch, _ = await make(store)
    first = await attempt(store, launch)
    assert (first.number, first.tag) == (1, f"sampan-hub1-{launch.id}-1")
    assert (first.stage, first.seen, first.job) == (Stage.PLACED, Seen.UNKNOWN, None)
    assert await store.attempt_by_tag(first.tag) == first
    assert await store.attempt_by_tag("sampan-hub1-nobody-1") is None
    why = Message("ended.refused", {"why": Message("centre.refused", {"centre": EAST, "why": "no <b>"})})
    over = {"ended_at": 2.0, "cause": why, "stage": Stage.ENDED, "report": {"port": 1, "node": "n1"}}
    await say(store, launch, "launch.waiting", attempt=1, attempt_fields=over)
    second = await attempt(store, launch, centre="west")
    assert second.number == 2
    [ended, live] = await store.attempts(launch.id)
    assert (ended.cause, ended.report, ended.ended_at) == (why, {"port": 1, "node": "n1"}, 2.0)
    assert live == second


async def test_only_one_attempt_lives_at_a_time(store: Store) -> None:
    launch, _ = await make(store)
    tries = await asyncio.gather(*(attempt(store, launch) for _ in range(5)), return_exceptions=True)
    assert [type(made) for made in tries].count(Attempt) == 1
    assert {made.code for made in tries if isinstance(made, Conflict)} == {"launch.attempt"}
    assert len(await store.attempts(launch.id)) == 1
    assert len(await store.transitions(launch.id)) == 2, "nothing is said of what was not done"


async def test_a_step_changes_rows_and_says_so_in_one(store: Store) -> None:
    launch, _ = await make(store)
    await attempt(store, launch)
    message = Message("launch.queued", {"centre": EAST, "place": 3})
    said = await store.step(
        launch.id,
        message=message,
        stage=Stage.QUEUED,
        seen=Seen.ALIVE,
        progress=30,
        attempt=1,
        attempt_fields={"stage": Stage.QUEUED, "place": 3},
        launch_fields={"door_port": 20001},
    )
    assert said is not None
    assert (said.message, said.centre, said.attempt, said.final) == (message, "east", 1, None)
    now = await again(store, launch)
    assert (now.message, now.stage, now.progress, now.door_port) == (message, Stage.QUEUED, 30, 20001)
    [row] = await store.attempts(launch.id)
    assert (row.stage, row.place, row.seen) == (Stage.QUEUED, 3, Seen.ALIVE)
    assert row.seen_at is not None
    assert (await store.transitions(launch.id))[-1] == said


async def test_a_step_that_fails_leaves_nothing_behind(store: Store) -> None:
    launch, _ = await make(store)
    before = await again(store, launch), await store.transitions(launch.id)
    with pytest.raises(Missing):
        await say(store, launch, "launch.waiting", attempt=7, launch_fields={"door_port": 1})
    with pytest.raises(TypeError):
        await say(store, launch, "launch.waiting", launch_fields={"no_such": 1})
    with pytest.raises(Missing):
        await store.step("nosuchlaunch", message=Message("x"), stage=Stage.PLACED, seen=Seen.ALIVE)
    assert (await again(store, launch), await store.transitions(launch.id)) == before


async def test_nothing_is_said_after_the_end(store: Store) -> None:
    launch, _ = await make(store)
    await end(store, launch)
    with pytest.raises(Conflict) as caught:
        await say(store, launch, "launch.waiting")
    assert caught.value.code == "launch.over"
    ended = await again(store, launch)
    assert (ended.ended_at, ended.cause, ended.stage) == (5.0, Message("ended.stopped"), Stage.ENDED)


async def test_a_caller_that_is_cancelled_tears_nothing_off(store: Store) -> None:
    """Whatever moment it is cancelled in: the change is whole or absent, and the store goes on."""
    launch, _ = await make(store)
    for pause in range(12):
        task = asyncio.create_task(say(store, launch, "launch.waiting", launch_fields={"door_port": pause}))
        for _ in range(pause):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await say(store, launch, "launch.waiting", launch_fields={"door_port": 99})
    assert (await again(store, launch)).door_port == 99


async def test_listed_newest_first_for_one_owner_or_all(store: Store) -> None:
    first, _ = await make(store)
    second, _ = await make(store, name="second")
    theirs, _ = await make(store, owner="bob")
    await end(store, first)

    first = await again(store, first)
    assert await store.launches("alice") == (second, first)
    assert await store.launches("alice", live_only=True) == (second,)
    assert await store.launches(None) == (theirs, second, first)
    assert await store.launches(None, limit=1) == (theirs,)
    assert await store.live_launches() == (second, theirs)


async def test_fields_change_without_a_word(store: Store) -> None:
    launch, _ = await make(store)
    await attempt(store, launch)
    await store.update_launch(launch.id, identity_attempt=1)
    await store.update_attempt(launch.id, 1, job="77", submit_began_at=3.5)
    assert (await again(store, launch)).identity_attempt == 1
    [row] = await store.attempts(launch.id)
    assert (row.job, row.submit_began_at) == ("77", 3.5)
    assert len(await store.transitions(launch.id)) == 2
    with pytest.raises(Missing):
        await store.update_launch("nosuchlaunch", door_port=1)
    with pytest.raises(Missing):
        await store.update_attempt(launch.id, 2, job="78")
