"""Making the user environment at a centre, and looking at it: each a story told in messages while it happens."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from sampan.errors import Invalid, Refused, Unavailable, Unreachable
from sampan.messages import Message, text
from sampan_hub import environments
from sampan_hub.carriage import Freight, carry
from sampan_hub.centre import Centre
from sampan_hub.environment_facts import EnvironmentFacts, Expected, Record, differences
from sampan_hub.environments import RECORD, Place
from sampan_hub.machine import Machine
from sampan_hub.own_wheel import OwnWheel
from sampan_hub.user_lock import UserLock
from sampan_hub.wheelhouse import Wheel, Wheelhouse

__all__ = ["Builder", "Step", "compare", "look"]

INSTALLING: Final = 3600.0
"""Seconds for a command that makes or fills an environment, on a slow shared file system."""
LOOKING: Final = 300.0
"""Seconds to import everything, cold."""
_NOTHING: Final = text({"en": "", "zh": ""})
_EVERY: Final = 5
"""Percent of what is carried between two words about it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One word about how it goes on; `progress` of the whole in percent."""

    message: Message
    progress: int


async def look(centre: Centre) -> EnvironmentFacts | None:
    """Everything about the environment in use there, imports tried as well; None where there is none."""
    ask = environments.facts(centre.descriptor.environment.python, everything=True)
    said = await centre.ask(ask, deadline=LOOKING)
    return None if said is None else EnvironmentFacts.parse(said)


def compare(
    centre: Centre, facts: EnvironmentFacts | None, lock: UserLock, own: OwnWheel, machine: Machine
) -> tuple[Message, ...]:
    """Everything that is not as this hub wants it there, with the next step; empty where all is well."""
    return differences(centre.descriptor, facts, expected(lock, own, machine))


def expected(lock: UserLock, own: OwnWheel, machine: Machine) -> Expected:
    packages = {pin.name: pin.version for pin in lock.pins() if pin.holds(machine.markers)}
    return Expected(lock.digest, own.digest, own.version, version("jupyterhub"), packages)


async def machine_of(centre: Centre, python: str) -> Machine:
    return Machine.parse(
        await centre.ask(environments.version(python)), await centre.ask(environments.platform(python))
    )


class Builder:
    """Makes one centre's environment from `lock` and `own`. `folder`, of the state directory, keeps wheels and notes.

    Nothing there is used before it is whole: a build gets a folder of its own, is tried, and only then the link leads to
    it. Sessions that run stay in the build that they began with. One at a time for a centre: the caller sees to that.
    """

    def __init__(self, centre: Centre, lock: UserLock, own: OwnWheel, folder: Path) -> None:
        prefix = centre.descriptor.environment.prefix
        if prefix is None:
            raise Invalid("environment.theirs", centre=text(centre.descriptor.names.model_dump()))
        self._centre = centre
        self._lock = lock
        self._own = own
        self._folder = folder
        self._place = Place(prefix, lock.name)
        self._base = centre.descriptor.environment.base
        self._notes = folder / f"{centre.id}.begun"
        """The builds that were begun and not finished, by name."""

    async def build(self) -> AsyncGenerator[Step]:
        """Yields what it does; after the last step the environment is in use. Raises as `Centre.ask` does.

        Killed at any point and called again it goes on: what was fetched and carried stays.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield self._step("environment.looking", 0)
        machine = await machine_of(self._centre, self._base)
        if await self._is_there(machine):
            yield self._step("environment.current", 100, lock=self._lock.name)
            return
        house = Wheelhouse(self._folder, self._lock, machine)
        if not await house.complete():
            yield self._step("environment.fetching", 2)
        wheels = await house.wheels()
        async for step in self._bring(wheels):
            yield step
        async for step in self._make(machine):
            yield step
        yield self._step("environment.built", 100, lock=self._lock.name, path=self._place.link)

    async def _is_there(self, machine: Machine) -> bool:
        try:
            ask = environments.facts(self._place.python, everything=True)
            said = await self._centre.ask(ask, deadline=LOOKING)
            facts = None if said is None else EnvironmentFacts.parse(said)
        except Unreachable:
            raise
        except Unavailable:
            return False  # something is there that cannot even say what it is
        return not compare(self._centre, facts, self._lock, self._own, machine)

    @property
    def _own_wheels(self) -> str:
        return f"{self._place.wheels}/{self._own.digest[:8]}"

    @property
    def _lock_there(self) -> str:
        return f"{self._place.wheels}/{self._lock.name}.lock"

    async def _bring(self, wheels: tuple[Wheel, ...]) -> AsyncGenerator[Step]:
        """Wheels, lock and sampan itself, by the service account, which owns the folder."""
        place = self._place
        folders = environments.make_folders([place.prefix, place.wheels, self._own_wheels, place.builds])
        await self._centre.ask(folders)
        freight = [Freight(one.path, f"{place.wheels}/{one.file}", one.digest, one.size) for one in wheels]
        freight.append(self._kept(f"{self._own_wheels}/{self._own.file}", self._own.data))
        freight.append(self._kept(self._lock_there, self._lock.text.encode()))
        said = -_EVERY
        async for carried in carry(self._centre, freight):
            done = 100 * carried.sent // max(1, carried.size)
            if done - said >= _EVERY or (done == 100 and said != 100):
                said = done
                yield self._step(
                    "environment.carrying",
                    5 + done // 2,
                    sent=_mib(carried.sent),
                    size=_mib(carried.size),
                    there=_mib(carried.there),
                )

    def _kept(self, target: str, data: bytes) -> Freight:
        """A file that is made here, kept beside the wheels while it is carried."""
        source = self._folder / target.rpartition("/")[2]
        source.write_bytes(data)
        return Freight(source, target, hashlib.sha256(data).hexdigest(), len(data))

    async def _make(self, machine: Machine) -> AsyncGenerator[Step]:
        """From an empty folder to the one that the link leads to."""
        centre, place = self._centre, self._place
        await self._clear()
        stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime())
        name = f"{self._lock.name}-{self._own.digest[:8]}-{stamp}"
        build = f"{place.builds}/{name}"
        self._note(*self._begun(), name)
        yield self._step("environment.installing", 60)
        await centre.ask(environments.make_venv(self._base, build), deadline=INSTALLING)
        await centre.ask(environments.install(build, place.wheels, self._lock_there), deadline=INSTALLING)
        own = f"{self._own_wheels}/{self._own.file}"
        await centre.ask(environments.install_own(build, own), deadline=INSTALLING)
        yield self._step("environment.trying", 90)
        record = await self._try(build, machine)
        freight = self._kept(f"{build}/{RECORD}", json.dumps(record.to_json(), indent=1).encode())
        async for _ in carry(centre, [freight]):
            pass
        await centre.ask(environments.open_to_all(build), deadline=INSTALLING)
        # Before it is used: what is noted is removed one day.
        self._note(*(one for one in self._begun() if one != name))
        for ask in environments.point(place, build):
            await centre.ask(ask)
        # Once more: what was killed here may have gone on there for a while.
        await self._clear()
        self._note()

    async def _try(self, build: str, machine: Machine) -> Record:
        """What is to be written down of it. Raises `Refused`, naming it, where something in it is not as it should be."""
        centre, hub = self._centre, expected(self._lock, self._own, machine)
        said = await centre.ask(environments.facts(f"{build}/bin/python", everything=True), deadline=LOOKING)
        if said is None:
            raise Refused("environment.failed", cause=build, why="python")
        facts = EnvironmentFacts.parse(said)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        record = Record(hub.lock, hub.wheel, facts.sampan, facts.jupyterhub, facts.python, now)
        whole = facts.with_record(record)
        wrong = differences(centre.descriptor, whole, hub)
        if wrong:
            # The next step of each is what has just been taken.
            reasons = tuple(Message(one.code, {**one.params, "next": _NOTHING}) for one in wrong)
            raise Refused("environment.wrong", cause=build, reasons=reasons)
        return record

    def _note(self, *names: str) -> None:
        """The builds that are under way or were killed: these and no others, whole or not at all."""
        aside = self._notes.with_suffix(".draft")
        aside.write_text("\n".join(names), encoding="ascii")
        aside.replace(self._notes)

    def _begun(self) -> list[str]:
        return self._notes.read_text(encoding="ascii").split() if self._notes.exists() else []

    async def _clear(self) -> None:
        """Removes what earlier builds of ours that were killed have left; others' are not known, and stay."""
        for name in self._begun():
            await self._centre.ask(environments.remove(f"{self._place.builds}/{name}"), deadline=INSTALLING)

    def _step(self, code: str, progress: int, **params: str | int) -> Step:
        names = self._centre.descriptor.names.model_dump()
        return Step(Message(code, {"centre": text(names), **params}), progress)


def _mib(size: int) -> int:
    return round(size / (1 << 20))
