"""What is done between two faults, so that they may share a hub."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import quote

import httpx

from tests.faults.losses import rows_of
from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came

__all__ = ["mend", "stop_everybody"]


async def mend(hub: WholeHub) -> None:
    """The hub answers, nobody's server runs and no stranger's job, and every centre is known to be as free as it is.

    The centres themselves are whole already.
    """
    await came(hub.answers, 60)
    await stop_everybody(hub)
    await asyncio.to_thread(_free, hub)
    await came(lambda: _all_free(hub), 30, every=0.5)


async def stop_everybody(hub: WholeHub) -> None:
    """Whoever has a server or a launch stops it, and the hub and the broker know that it has ended."""
    owners = {row.owner for row in await asyncio.to_thread(rows_of, hub)}
    for owner in owners:
        async with Person(hub, owner) as person:
            model = (await person.api("GET", f"/users/{quote(owner)}")).json()
            for server in model.get("servers", {}):
                await person.stop(server)
    await came(lambda: _over(hub), 90, every=1.0)
    for owner in owners:
        async with Person(hub, owner) as person:
            await came(lambda: _without_server(person), 60, every=0.5)


async def _over(hub: WholeHub) -> bool:
    """What the hub does not know is stopped at the broker."""
    launches = {(row.owner, row.launch) for row in await asyncio.to_thread(rows_of, hub)}
    for owner, launch in launches:
        # One may end by itself meanwhile, and a broker that has just come back may not answer yet.
        with suppress(httpx.HTTPError, OSError):
            await hub.ask("DELETE", f"/launches/{launch}", owner)
    return not launches


async def _without_server(person: Person) -> bool:
    return not (await person.api("GET", f"/users/{quote(person.name)}")).json().get("servers")


def _free(hub: WholeHub) -> None:
    for centre in hub.centres:
        for job in hub.jobs(centre):
            if job["state"] != "ended" and not job["tag"].startswith("sampan-"):
                hub.free(centre, job["id"])


async def _all_free(hub: WholeHub) -> bool:
    shares = [share for one in await hub.ask("GET", "/centres") for share in one["shares"]]
    return all(share["cores_free"] and share["cores_free"] == share["cores_total"] for share in shares)
