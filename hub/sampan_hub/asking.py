"""What routes depend on: who asks, the broker's parts, and the launch that is asked about. For HTTP and websockets alike."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Header
from starlette.requests import HTTPConnection

from sampan.errors import Conflict, Forbidden, Missing, SampanError, Unavailable
from sampan.logs import concerns
from sampan.stages import Kind
from sampan_hub.adoption import sure
from sampan_hub.launching import Launching
from sampan_hub.people import Logins, Person
from sampan_hub.records import Launch
from sampan_hub.services import Services

__all__ = ["LOCAL", "Anybody", "Maker", "Mine", "Near", "OwnKernel", "Parts", "Still", "Who"]

LOCAL: Final = "sampan.local"
"""Set to True in the ASGI scope of what came over the broker's own unix socket; nothing in a request can set it."""
_ID: Final = re.compile(r"[a-z0-9]{4,16}")


def _services(asked: HTTPConnection) -> Services:
    services: Services = asked.app.state.services
    return services


def _launching(asked: HTTPConnection) -> Launching:
    launching: Launching = asked.app.state.launching
    return launching


async def _anybody(
    asked: HTTPConnection,
    authorization: Annotated[str, Header()] = "",
    x_sampan_user: Annotated[str, Header()] = "",
) -> Person:
    services = _services(asked)
    tag = services.master.job_of(authorization.rpartition(" ")[2])
    if tag is not None:
        return await _within(services, tag)
    logins: Logins = asked.app.state.logins
    person = await logins.who(authorization, x_sampan_user, local=asked.scope.get(LOCAL) is True)
    if person.server is not None:
        await _alive(services, person.name, person.server)
    return await services.members.as_member(person)


async def _within(services: Services, tag: str) -> Person:
    """A job's own token ends with its job. What it starts is started in the turn of whoever started it."""
    attempt = await services.store.attempt_by_tag(tag)
    launch = await services.store.launch(attempt.launch) if attempt is not None else None
    if attempt is None and not all(
        services.strays.whole(name).is_set() for name in services.directory.centres
    ):
        raise Unavailable("launch.not_known_yet")
    if attempt is None or launch is None or not (attempt.live and launch.live):
        raise Forbidden("access.token")
    return Person(launch.owner, frozenset({launch.crowd} if launch.crowd else ()), within=launch.id)


async def _alive(services: Services, owner: str, server: str) -> None:
    """A server's token ends with its server: the hub may revoke it later, and is believed for a while."""
    if await services.store.live_launch(owner, Kind.SERVER, server) is None:
        if not await sure(services, owner, ""):
            raise Unavailable("launch.not_known_yet")
        raise Forbidden("access.token")


def _still(
    asked: HTTPConnection,
    authorization: Annotated[str, Header()] = "",
    x_sampan_user: Annotated[str, Header()] = "",
) -> Callable[[], Awaitable[bool]]:
    async def stands() -> bool:
        try:
            await _anybody(asked, authorization, x_sampan_user)
        except Forbidden:
            return False
        except SampanError:
            pass  # a hub that is away has taken nothing back
        return True

    return stands


Parts = Annotated[Services, Depends(_services)]
Anybody = Annotated[Person, Depends(_anybody)]
"""Who asks, also where that is code in a job, by the job's own token."""


async def _person(anybody: Anybody) -> Person:
    if anybody.within is not None:
        raise Forbidden("access.job")
    return anybody


Who = Annotated[Person, Depends(_person)]
Still = Annotated[Callable[[], Awaitable[bool]], Depends(_still)]
"""Whether the proof that a stream was opened with is one still: what goes on for hours asks now and then."""
Maker = Annotated[Launching, Depends(_launching)]


async def _near(launch: str, services: Parts, person: Anybody) -> Launch:
    could_be = _ID.fullmatch(launch) is not None
    concerns(launch if could_be else "")
    row = await services.store.launch(launch) if could_be else None
    if row is None and could_be and not await sure(services, person.name, launch):
        raise Unavailable("launch.not_known_yet")
    if row is None or not (person.sees(row.owner) and person.reaches(row.id, row.parent)):
        # The same answer for what does not exist and what is somebody else's: names are not confirmed to strangers.
        raise Missing("launch.unknown_id", launch=launch[:16] if launch.isprintable() else "?")
    return row


Near = Annotated[Launch, Depends(_near)]
"""A launch that whoever asks may see and stop; from a job, that is its own and what was started from it."""


async def _mine(near: Near, _: Who) -> Launch:
    return near


Mine = Annotated[Launch, Depends(_mine)]


async def _own_kernel(launch: Mine, person: Who) -> Launch:
    """To run code as somebody is for nobody else: an administrator sees and stops, and goes no further."""
    if person.name != launch.owner:
        raise Forbidden("access.owner")
    if launch.kind is not Kind.KERNEL:
        raise Conflict("launch.no_kernel")
    if launch.ended_at is not None:
        raise Conflict("launch.over", launch=launch.id)
    return launch


OwnKernel = Annotated[Launch, Depends(_own_kernel)]
