"""Submissions take their turn at a centre's door."""

from __future__ import annotations

from sampan.errors import Unavailable
from sampan.need import Need
from sampan.stages import Kind, Target
from sampan_hub.admission import Admission
from sampan_hub.records import Launch
from tests.sampan_hub.scripted_centre import Bench

AWAY = Unavailable("scheduler.no_answer")


async def crowd(one: Bench, count: int, group: str | None = None) -> list[Launch]:
    """Launches of as many people, all placed at east."""
    made = []
    for number in range(count):
        launch, _ = await one.store.create_launch(
            f"{group or 'p'}{number}", Kind.SERVER, "", Need(cores=1), {}, "/user/a/", crowd=group
        )
        await one.step(launch)
        assert (await one.last(launch)).centre == "east"
        made.append(launch)
    return made


def slow(one: Bench, per_minute: int = 1) -> None:
    one.sites["east"].cores = one.sites["east"].cores_free = 100
    one.services.centre("east").admission = Admission(per_minute, 1)


async def test_one_is_submitted_and_the_others_are_told_their_places(one: Bench) -> None:
    slow(one)
    launches = await crowd(one, 4)
    for launch in launches:
        await one.step(launch)
    assert len(one.sites["east"].jobs) == 1
    for place, launch in enumerate(launches[1:], 1):
        row = await one.row(launch)
        assert (row.message.code, row.message.params["place"]) == ("launch.turn", place)
        assert (await one.last(launch)).place == place
    # Looked at again and again nothing is said twice, and nobody is submitted before the next token comes.
    before = await one.codes(launches[2])
    for _ in range(3):
        assert await one.step(launches[2]) == 1.0
    assert await one.codes(launches[2]) == before
    assert len(one.sites["east"].jobs) == 1


async def test_everybody_starts_by_themselves(one: Bench) -> None:
    slow(one, per_minute=60_000)
    launches = await crowd(one, 5)
    for launch in launches:
        assert (await one.at(launch, "running")).place is None
    assert len(one.sites["east"].jobs) == 5


async def test_whoever_stops_while_waiting_leaves_the_line(one: Bench) -> None:
    slow(one)
    launches = await crowd(one, 3)
    for launch in launches:
        await one.step(launch)
    assert len(one.services.centre("east").admission) == 2
    await one.store.update_launch(launches[1].id, target=Target.STOPPED)
    await one.over(launches[1])
    assert len(one.services.centre("east").admission) == 1
    assert len(one.sites["east"].jobs) == 1
    one.services.turns_told.clear()
    await one.step(launches[2])
    assert (await one.last(launches[2])).place == 1


async def test_a_class_lets_whoever_comes_alone_pass(one: Bench) -> None:
    slow(one)
    pupils = await crowd(one, 4, "class")
    (alone,) = await crowd(one, 1)
    for launch in (*pupils, alone, *pupils):
        one.services.turns_told.clear()
        await one.step(launch)
    places = {launch.owner: (await one.last(launch)).place for launch in (*pupils[1:], alone)}
    assert places[alone.owner] == 2, places
    assert [places[pupil.owner] for pupil in pupils[1:]] == [1, 3, 4]


async def test_a_turn_that_came_is_not_waited_for_again(one: Bench) -> None:
    """Neither after a submission that had no answer, nor by a broker that was killed after it had begun."""
    slow(one)
    (launch,) = await crowd(one, 1)
    one.sites["east"].trouble["submit"] = AWAY
    await one.step(launch)
    one.sites["east"].trouble.clear()
    await one.step(launch)
    assert len(one.sites["east"].jobs) == 1
    (second,) = await crowd(one, 1, "x")
    await one.store.update_attempt(second.id, 1, submit_began_at=one.services.now())
    await one.step(second)
    assert len(one.sites["east"].jobs) == 2
