"""A kill behind each effect of a race between two attempts: the next broker comes to the same end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sampan.stages import Target
from sampan_hub.jobs import JobState
from sampan_hub.services import Services
from sampan_hub.watch import Watch
from tests.sampan_hub.scripted_centre import Bench
from tests.sampan_hub.two_attempts import IDENTITY, Scene, hedged, live, moving, settle, sides


class Killed(BaseException):
    """kill -9, as far as one process of tests can have it: nothing after it is run."""


def deadly(bench: Bench, after: int) -> None:
    """Kills the broker behind its `after`th effect from now on: a row that was written, or a command that was run."""
    left = [after]

    def mortal(work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def run(*args: Any, **more: Any) -> Any:
            done = await work(*args, **more)
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return done

        return run

    vars(bench.store)["_write"] = mortal(bench.store._write)
    for centre in bench.services.directory.centres.values():
        vars(centre.transport)["run"] = mortal(centre.transport.run)


def reborn(bench: Bench) -> None:
    """A new process over the same database and centres: nothing is remembered."""
    old = bench.services
    vars(bench.store).pop("_write", None)
    bench.services = Services(
        old.settings, old.store, old.directory, old.doors, old.master, wake=lambda _: None
    )
    for name, centre in old.directory.centres.items():
        vars(centre.transport).pop("run", None)
        bench.services.watches[name] = Watch(centre, lambda _: None)


@pytest.mark.parametrize("scene", [moving, hedged])
@pytest.mark.parametrize("stopped", [False, True])
async def test_killed_behind_each_effect_the_next_broker_comes_to_the_same_end(
    two: Bench, scene: Scene, stopped: bool
) -> None:
    """As many lives as there are effects between the rival's row and its victory (or the end of both)."""
    killed = 0
    for after in range(1, 60):
        for site in two.sites.values():
            site.jobs.clear()
            site.cores_free, site.first_state = 4, JobState.RUNNING
        reborn(two)
        await two.tick()
        launch = await scene(two, f"s{after}")
        if stopped:
            await two.at(launch, "submitted", number=2)
            await two.store.update_launch(launch.id, target=Target.STOPPED)
        deadly(two, after)
        try:
            await (two.over(launch) if stopped else settle(two, launch))
        except Killed:
            killed += 1
            reborn(two)
            two.services.identities[launch.id] = IDENTITY
            await two.tick()
            await (two.over(launch) if stopped else settle(two, launch))
        else:
            reborn(two)
        tags = [job.tag for site in two.sites.values() for job in site.jobs.values()]
        assert len(tags) == len(set(tags)) == 2, "nothing is submitted twice"
        held, beside = await sides(two, launch)
        assert held is not None
        assert beside is None
        assert live(two, launch) == ([] if stopped else [held.tag])
        assert held.number == (1 if stopped else 2)
        if killed < after:
            break
    assert killed > 8
