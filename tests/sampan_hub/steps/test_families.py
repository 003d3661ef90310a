"""What a session started ends with it, but not because it was lost."""

from __future__ import annotations

import pytest

from sampan.messages import Message
from sampan.need import Need
from sampan.stages import Kind, Target
from sampan_hub.steps.families import adopt
from tests.sampan_hub.scripted_centre import Bench


async def test_a_child_ends_when_its_parent_is_stopped(one: Bench) -> None:
    parent = await one.launch()
    child = await one.launch(name="child", parent=parent.id)
    await one.put_ready(parent)
    await one.put_ready(child)
    await one.store.update_launch(parent.id, target=Target.STOPPED)
    await one.over(parent)
    ended = await one.over(child)
    assert ended.cause == Message("ended.stopped")
    assert one.sites["east"].live == []


@pytest.mark.parametrize("cause", ["ended.lost", "ended.node", "ended.memory", "ended.unreachable"])
async def test_a_child_of_a_lost_parent_stays_to_be_adopted(one: Bench, cause: str) -> None:
    parent = await one.launch()
    child = await one.launch(name="child", parent=parent.id)
    await one.put_ready(child)
    now = one.services.now()
    await one.store.update_launch(parent.id, stage="ended", ended_at=now, cause=Message(cause))
    for _ in range(3):
        await one.tick()
        await one.step(child)
    assert (await one.row(child)).target is Target.READY
    await one.store.update_launch(parent.id, ended_at=now - 15 * 60 - 1)
    assert (await one.over(child)).cause == Message("ended.stopped")


@pytest.mark.parametrize("code", ["ended.cancelled_by_person", "ended.deserted"])
async def test_what_its_person_cancelled_or_left_was_ended_on_purpose(one: Bench, code: str) -> None:
    parent = await one.launch()
    child = await one.launch(name="child", parent=parent.id)
    await one.put_ready(child)
    now = one.services.now()
    await one.store.update_launch(parent.id, stage="ended", ended_at=now, cause=Message(code))
    assert (await one.over(child)).cause == Message("ended.stopped")


async def test_a_parent_that_lives_changes_nothing(one: Bench) -> None:
    parent = await one.launch()
    child = await one.launch(name="child", parent=parent.id)
    await one.put_ready(child)
    for _ in range(3):
        await one.tick()
        await one.step(child)
    assert (await one.row(child)).target is Target.READY


async def test_a_child_is_adopted_by_the_session_that_comes_back(one: Bench) -> None:
    parent, again = await one.launch(), await one.launch(name="again")
    child = await one.launch(name="child", parent=parent.id)
    await one.put_ready(child)
    await adopt(one.services, await one.row(child), again.id)
    assert (await one.row(child)).parent == parent.id, "a parent that lives keeps its children"
    long_ago = one.services.now() - 3600
    await one.store.update_launch(parent.id, stage="ended", ended_at=long_ago, cause=Message("ended.lost"))
    await adopt(one.services, await one.row(child), again.id)
    for _ in range(3):
        await one.tick()
        await one.step(child)
    kept = await one.row(child)
    assert (kept.parent, kept.target) == (again.id, Target.READY)


async def test_a_cluster_is_nobodys_but_its_makers(one: Bench) -> None:
    parent, again = await one.launch(), await one.launch(name="again")
    need = Need(1, 512, 30)
    child, _ = await one.store.create_launch("alice", Kind.CLUSTER, "c", need, {}, "/", parent=parent.id)
    lost = {"stage": "ended", "ended_at": one.services.now(), "cause": Message("ended.lost")}
    await one.store.update_launch(parent.id, **lost)
    await adopt(one.services, await one.row(child), again.id)
    assert (await one.row(child)).parent == parent.id
    await one.step(child)
    assert (await one.row(child)).target is Target.STOPPED
