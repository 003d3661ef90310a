"""Several servers of one person at once, and odd names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.ways.person import Person
from tests.ways.processes import environment, of_jobs
from tests.ways.whole_hub import WholeHub, whole_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(kind: str) -> AsyncIterator[WholeHub]:
    async with whole_hub(kind) as running:
        yield running


def _jobs_of(hub: WholeHub, launch: str) -> list[str]:
    return [
        job["id"]
        for centre in hub.centres
        for job in hub.live_jobs(centre)
        if job["tag"].split("-")[2] == launch
    ]


async def test_three_servers_of_one_person(hub: WholeHub) -> None:
    """Three servers on two shared cores, most of it Python's imports."""
    names = ("", "one", "two")
    async with Person(hub, "ann") as ann:
        await asyncio.gather(*(ann.start(name, plan="light") for name in names))
        await asyncio.gather(*(ann.ready(name, 90) for name in names))
        launches = {name: await ann.launch(name) for name in names}
        assert len({launch["id"] for launch in launches.values()}) == 3
        assert len({(launch["centre"], launch["job"]) for launch in launches.values()}) == 3
        kernels = {name: await ann.kernel(name) for name in names}
        for name, kernel in kernels.items():
            said = await kernel.run(f"import sampan; kept = {name!r}; print(sampan.here().launch)")
            assert said.strip() == launches[name]["id"]
        await ann.stop("one")
        ended = await ann.at("ended", "one")
        assert ended["cause"]["code"] == "ended.stopped"
        assert _jobs_of(hub, ended["id"]) == []
        for name in ("", "two"):
            assert (await kernels[name].run("print(kept)")).strip() == name
            assert (await ann.launch(name))["job"] == launches[name]["job"]
            await ann.stop(name)
        for name in ("", "two"):
            await ann.at("ended", name)


async def test_odd_names_have_homes_of_their_own(hub: WholeHub) -> None:
    """`A` is `a` to JupyterHub, which lower-cases; everybody else is somebody else, with a home of their own.

    Four servers on two shared cores, most of it Python's imports.
    """
    names = ("a;id", "a", "中文名", "a--id")
    people = [Person(hub, name) for name in names]
    try:
        for person in people:
            await person.__aenter__()
        await asyncio.gather(*(person.start(plan="light") for person in people))
        homes = {}
        for person in people:
            await person.ready(deadline=90)
            launch = await person.launch()
            [centre_home] = {home for pid in of_jobs(hub) if (home := _home(pid, launch["id"])) is not None}
            homes[person.name] = centre_home.rsplit("/", 1)[1]
            model = (await person.api("GET", "/user")).json()
            assert model["name"] == person.name
            kernel = await person.kernel()
            assert (await kernel.run("import os; print(os.getcwd())")).strip() == centre_home
        assert len(set(homes.values())) == len(names), homes
        if hub.kind == "embedded":
            # Where each has an account of their own, the home is that account's.
            assert homes["a"] == "a"
        assert all(home.isascii() and ";" not in home for home in homes.values()), homes
        async with Person(hub, "A") as same:
            assert (await same.api("GET", "/user")).json()["name"] == "a"
        for person in people:
            assert len(_jobs_of(hub, (await person.launch())["id"])) == 1
    finally:
        for person in people:
            await person.__aexit__()


def _home(pid: int, launch: str) -> str | None:
    told = environment(pid)
    return told["HOME"] if told.get("SAMPAN_LAUNCH") == launch and "HOME" in told else None
