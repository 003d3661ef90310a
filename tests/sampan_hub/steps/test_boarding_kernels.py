"""A kernel comes aboard: without an identity, ready when its heart beats, never on a launcher that is too old for it."""

from __future__ import annotations

from sampan.stages import Kind, Stage
from sampan_hub.records import Launch
from tests.sampan_hub.scripted_centre import Bench
from tests.sampan_hub.steps.a_launcher import a_launcher
from tests.waiting import until
from tests.ways.whole_hub import came

_AS_BEFORE = (
    "from sampan_kernels import kinds, report; report.PROTOCOL, report.SPEAKS = 1, (1,);"
    "kinds.KINDS = {'server': kinds.KINDS['server']}; from sampan_kernels.launcher import main; main()"
)
OLD = ("-c", _AS_BEFORE)
"""A launcher that says what one of the last version says."""


async def _kernel(bench: Bench) -> Launch:
    launch = await bench.launch()
    made, _ = await bench.store.create_launch(launch.owner, Kind.KERNEL, "k", launch.need, {}, "/")
    return made


async def test_a_kernel_needs_no_identity_and_is_ready_when_its_heart_beats(one: Bench) -> None:
    launch = await _kernel(one)
    attempt = await one.at(launch, "running")
    async with a_launcher(one, launch, attempt):
        await one.at(launch, "reachable")
        await one.step(launch)
        link = one.services.links[launch.id]
        assert (await link.status()).running
        assert (await one.row(launch)).stage is Stage.REACHABLE, "it runs, and does not answer yet"

        async def answers() -> bool:
            return (await link.status()).ready

        await came(answers)
        await one.step(launch)
        assert (await one.row(launch)).stage is Stage.READY
        assert one.services.doors.url(launch.id) is None


async def test_a_launcher_that_is_too_old_for_kernels_means_another_centre_at_once(two: Bench) -> None:
    launch = await _kernel(two)
    attempt = await two.at(launch, "running")
    async with a_launcher(two, launch, attempt, OLD):
        await two.at(launch, "reachable")
        await two.step(launch)
        await two.tick()
        second = await two.at(launch, "running", 2)
    assert second.centre != attempt.centre
    cause = (await two.store.attempts(launch.id))[0].cause
    assert cause is not None
    assert cause.code == "ended.too_old"


async def test_a_server_of_before_the_upgrade_is_kept(one: Bench) -> None:
    """FAULTS 25: a new broker, and an old launcher whose server runs: the link is made again, nothing ends."""
    launch = await one.launch()
    attempt = await one.at(launch, "running")
    one.services.identities[launch.id] = {"JUPYTERHUB_API_TOKEN": "x"}
    async with a_launcher(one, launch, attempt, OLD):
        await one.at(launch, "reachable")
        await one.step(launch)
        link = one.services.links[launch.id]
        assert (link.greeting.protocol, (await link.status()).running) == (1, True)
        await link.close()
        await until(link.closed.is_set)
        await one.step(launch)
        again = one.services.links[launch.id]
        assert again is not link
        assert await again.identity() == "x"
        last = await one.last(launch)
        assert (last.live, last.cancel_requested_at) == (True, None)
