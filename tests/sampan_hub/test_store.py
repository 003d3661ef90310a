"""The store on both databases: SQLite, and a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sampan.errors import Conflict
from sampan.messages import Message
from sampan.need import Need
from sampan.stages import Kind, Seen, Stage, Target
from sampan_hub.permits import Held
from sampan_hub.records import Attempt, Launch
from sampan_hub.store import Store
from sampan_hub.waits import Wait

NEED = Need(cores=2, memory_mib=1536, data=("era5",))


@pytest_asyncio.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await Store.open(url)
    yield opened
    await opened.close()


async def new(store: Store, owner: str = "ann", name: str = "", **more: str) -> tuple[Launch, bool]:
    return await store.create_launch(owner, Kind.SERVER, name, NEED, {"cores": "2"}, "/user/ann/", **more)


async def attempt(store: Store, launch: Launch, centre: str = "east") -> Attempt:
    return await store.add_attempt(
        launch.id,
        centre=centre,
        share="main",
        account="a_ann",
        hub_id="demo",
        message=Message(
            "launch.placed", {"centre": centre, "why": Message("place.fits_now", {"free": 1, "total": 2})}
        ),
        progress=10,
    )


async def test_what_is_written_is_read_again(store: Store, url: str) -> None:
    launch, created = await new(store)
    assert created
    row = await attempt(store, launch)
    assert row.tag == f"sampan-demo-{launch.id}-1"
    again = await Store.open(url)
    try:
        found = await again.launch(launch.id)
        assert found is not None
        assert (found.need, found.options, found.owner, found.target) == (
            NEED,
            {"cores": "2"},
            "ann",
            Target.READY,
        )
        assert found.message.say("zh").startswith("已选择east")
        assert await again.attempts(launch.id) == (row,)
        assert await again.attempt_by_tag(row.tag) == row
    finally:
        await again.close()


async def test_twenty_at_once_make_one(store: Store, url: str) -> None:
    other = await Store.open(url)
    try:
        made = await asyncio.gather(*(new(one) for one in (store, other) for _ in range(10)))
    finally:
        await other.close()
    assert len({launch.id for launch, _ in made}) == 1
    assert sum(created for _, created in made) == 1


async def test_a_name_is_free_again_when_its_launch_has_ended(store: Store) -> None:
    first, _ = await new(store)
    await store.update_launch(first.id, ended_at=1.0)
    second, created = await new(store)
    assert created
    assert second.id != first.id
    assert [launch.id for launch in await store.live_launches()] == [second.id]


async def test_a_repeated_key_gets_the_same_answer_also_when_it_has_ended(store: Store) -> None:
    first, _ = await new(store, idempotency_key="k1")
    await store.update_launch(first.id, ended_at=1.0)
    again, created = await new(store, idempotency_key="k1")
    assert (again.id, created) == (first.id, False)
    other, created = await new(store, owner="ben", idempotency_key="k1")
    assert created
    assert other.id != first.id


async def test_a_stop_that_came_first_wins(store: Store) -> None:
    launch, _ = await new(store)
    await store.update_launch(launch.id, target=Target.STOPPED)
    with pytest.raises(Conflict):
        await attempt(store, launch)
    assert await store.attempts(launch.id) == ()


async def test_progress_never_goes_back_and_history_is_in_order(store: Store) -> None:
    launch, _ = await new(store)
    await attempt(store, launch)
    for stage, progress in (
        (Stage.RUNNING, 55),
        (Stage.PLACED, None),
        (Stage.QUEUED, 30),
        (Stage.READY, 100),
    ):
        await store.step(
            launch.id,
            message=Message("launch.waiting"),
            stage=stage,
            seen=Seen.ALIVE,
            progress=progress,
            attempt=1,
        )
    steps = await store.transitions(launch.id)
    assert [step.progress for step in steps] == [5, 10, 55, 55, 55, 100]
    assert [step.number for step in steps] == sorted({step.number for step in steps})
    assert [step.centre for step in steps][1:] == ["east"] * 5
    assert await store.transitions(launch.id, after=steps[3].number) == steps[4:]


async def test_a_change_is_whole_or_not_at_all(store: Store) -> None:
    launch, _ = await new(store)
    await attempt(store, launch)
    before = (
        await store.launch(launch.id),
        await store.attempts(launch.id),
        await store.transitions(launch.id),
    )
    with pytest.raises(TypeError):
        await store.step(
            launch.id,
            attempt=1,
            attempt_fields={"stage": Stage.ENDED},
            launch_fields={"no_such_field": 1},
            message=Message("ended.lost"),
            stage=Stage.ENDED,
            seen=Seen.ENDED,
        )
    after = (
        await store.launch(launch.id),
        await store.attempts(launch.id),
        await store.transitions(launch.id),
    )
    assert after == before


async def test_followers_are_woken(store: Store) -> None:
    launch, _ = await new(store)
    with store.followed(launch.id) as changed:
        waiting = asyncio.create_task(changed.wait())
        await attempt(store, launch)
        async with asyncio.timeout(5):
            await waiting


async def test_waits_are_read_as_they_were_written(store: Store) -> None:
    first = Wait(10.0, 2, 60, 100.0, predicted=30.0, ahead=3)
    later = Wait(0.5, 1, 120, 200.0)
    given_up = Wait(99.0, 2, 60, 300.0, ahead=0, started=False)
    for wait in (first, later, given_up):
        await store.add_wait("east", "main", wait)
    await store.add_wait("west", "main", first)
    found = await store.recent_waits(0.0)
    assert found == {("east", "main"): [given_up, later, first], ("west", "main"): [first]}
    assert await store.recent_waits(150.0) == {("east", "main"): [given_up, later]}


async def test_what_was_expected_of_an_attempt_is_kept(store: Store) -> None:
    launch, _ = await new(store)
    await store.add_attempt(
        launch.id,
        centre="east",
        share="main",
        account="a_ann",
        hub_id="demo",
        message=Message("launch.waiting"),
        progress=10,
        predicted=90.0,
        ahead=4,
    )
    [row] = await store.attempts(launch.id)
    assert (row.predicted, row.ahead) == (90.0, 4)


async def test_what_a_person_has_at_each_centre(store: Store) -> None:
    for number, (centre, stage) in enumerate(
        [("east", Stage.READY), ("east", Stage.RUNNING), ("east", Stage.QUEUED), ("west", Stage.SUBMITTED)]
    ):
        launch, _ = await new(store, name=str(number))
        await attempt(store, launch, centre)
        await store.update_attempt(launch.id, 1, job=str(number), stage=stage)
    for name, fields in (("over", {"job": "8", "ended_at": 1.0}), ("not submitted", {"job": None})):
        launch, _ = await new(store, name=name)
        await attempt(store, launch)
        await store.update_attempt(launch.id, 1, **fields)
    launch, _ = await new(store, owner="ben")
    await attempt(store, launch)
    await store.update_attempt(launch.id, 1, job="9")
    assert await store.held("ann") == {"east": Held(2, 1), "west": Held(0, 1)}
    assert await store.held("ben") == {"east": Held(0, 1)}
    assert await store.held("cara") == {}


async def test_an_account_is_remembered_as_its_owners(store: Store) -> None:
    launch, _ = await new(store)
    row = await attempt(store, launch)
    assert not await store.others_of(row.centre, row.account, "ann")
    assert await store.others_of(row.centre, row.account, "ben")
    assert not await store.others_of("west", row.account, "ben")
