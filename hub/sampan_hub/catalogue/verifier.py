"""Whether what the catalogue tells of is still so: everything is looked at, at its centre, on a timetable."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sampan.errors import SampanError
from sampan.messages import Message
from sampan_hub.catalogue import verdicts
from sampan_hub.catalogue.findings import Findings
from sampan_hub.catalogue.looks import look
from sampan_hub.catalogue.rows import Kept
from sampan_hub.catalogue.verdicts import Check, Conclusion, Facts, Thing
from sampan_hub.centre import Centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.directory import CentreDirectory

__all__ = ["Verifier"]

log = logging.getLogger(__name__)

_PAGE: Final = 200
"""Entries that are taken up together."""
_AT_ONCE: Final = 40
"""Things that one command looks at."""
_DEADLINE: Final = 300.0
_FIRST: Final = 60.0
"""Seconds after its start in which a broker has better to do."""
_Key = tuple[int, str, str]
"""A thing of all: the number of its entry, what it is, and its centre."""
_SILENT: Final = 2
"""Commands in a row without an answer, after which a centre is asked nothing more in this round."""
_LATELY: Final = 0.9
"""Of the time from one round to the next: what was seen that lately is not due, so that a restart begins nothing anew."""


class Verifier:
    """One round after another, every `every` seconds (0: none). A centre that is away says nothing, and delays nobody else."""

    def __init__(self, findings: Findings, directory: CentreDirectory, every: float) -> None:
        self.findings = findings
        self._directory = directory
        self._every = every
        # A centre is asked one thing at a time, whoever asks: a round, a person, a harvest.
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._begun: asyncio.Task[None] | None = None
        # When they were tried for the last time in vain: they come last, so that they take no time from the others.
        self._slow: dict[_Key, float] = {}

    async def run(self, now: Any) -> None:
        """For ever; `now` tells the time."""
        if not self._every:
            return
        await asyncio.sleep(min(_FIRST, self._every))
        while True:
            await self._surely(now() - _LATELY * self._every, now)
            await asyncio.sleep(self._every)

    def begin(self, now: Any) -> None:
        """A round of everything, beside whoever asks; one at a time."""
        if self._begun is None or self._begun.done():
            self._begun = asyncio.create_task(self._surely(now(), now), name="verifier, asked for")

    async def close(self) -> None:
        if self._begun is not None:
            self._begun.cancel()
            await asyncio.gather(self._begun, return_exceptions=True)

    async def _surely(self, before: float, now: Any) -> None:
        try:
            await self.round(before, now)
        except SampanError as error:
            log.warning("the catalogue was not looked through: %s", error)
        except Exception:
            log.exception("the catalogue was not looked through; it is tried again")

    async def round(self, before: float, now: Any) -> None:
        """Looks at everything that was not seen since then."""
        silent = Counter[str]()
        after = 0
        while page := await self.findings.page(after, _PAGE):
            await self._some(page, before, now(), silent)
            after = page[-1].number

    async def check(self, kept: Sequence[Kept], at: float) -> None:
        """Looks at all of these now."""
        await self._some(kept, math.inf, at, Counter())

    async def _some(self, page: Sequence[Kept], before: float, at: float, silent: Counter[str]) -> None:
        faults = await asyncio.to_thread(lambda: {one.number: verdicts.fault(one.document) for one in page})
        wanted = {one.number: self._things(one) for one in page if faults[one.number] is None}
        old = await self.findings.checks([one.number for one in page])
        due: dict[str, list[tuple[Kept, Thing, Check | None]]] = {}
        for one in page:
            known = {(check.what, check.centre): check for check in old[one.number]}
            for thing in wanted.get(one.number, ()):
                last = known.get((thing.what, thing.centre))
                if thing.centre in self._directory.centres and (last is None or last.at < before):
                    due.setdefault(thing.centre, []).append((one, thing, last))
        await asyncio.gather(
            *(self._at_centre(name, some, at, silent) for name, some in due.items() if silent[name] < _SILENT)
        )
        seen = await self.findings.checks([one.number for one in page])
        for one in page:
            bad = faults[one.number]
            if bad is None:
                follows = verdicts.conclusion(one, wanted[one.number], seen[one.number])
            else:
                follows = verdicts.faulty(one, bad)
            if follows != Conclusion(one.verified_at):
                await self.findings.conclude(one, follows)

    def _things(self, one: Kept) -> list[Thing]:
        return verdicts.things(one.document, sorted(self._directory.centres))

    async def _at_centre(
        self, name: str, due: Sequence[tuple[Kept, Thing, Check | None]], at: float, silent: Counter[str]
    ) -> None:
        centre = self._directory.centres[name]
        where = Message("text", centre.descriptor.names.model_dump())
        for some in _batches(sorted(due, key=lambda one: self._slow.get(_key(one[0], one[1]), -math.inf))):
            wanted = [(thing, last, _pictured(one) is None) for one, thing, last in some]
            try:
                answered = await self.look(centre, wanted)
            except SampanError as error:
                log.info("%s does not tell of its part of the catalogue: %s", name, error)
                silent[name] += 1
                if silent[name] == _SILENT:
                    return
                # It may be one thing that everything hangs on; the others are asked about before these are again.
                self._slow |= {_key(one, thing): at for one, thing, _ in some}
                continue
            silent[name] = 0
            for (one, thing, _), facts in zip(some, answered, strict=True):
                if facts is not None and facts.late:
                    self._slow[_key(one, thing)] = at
                elif facts is not None:
                    self._slow.pop(_key(one, thing), None)
                    public = one.document["access"] == "public" and thing.part.get("group") is None
                    await self.write(one, facts, verdicts.verdict(thing, facts, at, public, where))

    async def look(
        self, centre: Centre, wanted: Sequence[tuple[Thing, Check | None, bool]]
    ) -> list[Facts | None]:
        """The facts of each thing, seen now; with a picture where one is wanted.

        None is for what was not come to; of that nothing is known, nor of what was late.
        """
        found: list[Facts | None] = []
        python = centre.descriptor.environment.python
        for some in _batches(wanted):
            asked = [
                question(thing, last, centre.descriptor, picture=picture) for thing, last, picture in some
            ]
            async with self._turns[centre.descriptor.id]:
                told: list[Facts | None] = await centre.ask(look(python, asked), deadline=_DEADLINE)
            found += told
        return found

    async def write(self, one: Kept, facts: Facts, check: Check) -> None:
        """What was seen of one of its things, with a preview of it."""
        found = None if facts.found is None else facts.found.model_dump(mode="json", exclude_none=True)
        png = verdicts.png(facts.picture) if check.sound else None
        if found is not None:
            # Its digest: under another one whoever shows it fetches it anew.
            digest = _pictured(one) if png is None else hashlib.sha256(png).hexdigest()[:12]
            found |= {"bytes": facts.bytes, "picture": digest}
        await self.findings.write(one, [check], found if check.sound else None, png)


def question(thing: Thing, last: Check | None, centre: Descriptor, *, picture: bool) -> dict[str, Any]:
    """What a centre is asked about it; see :mod:`sampan_kernels.looking`."""
    part = thing.part
    if "opener" not in part:
        return {"distribution": part["name"]}
    told = {"replica": part, "roots": dict(centre.roots), "group": part.get("group"), "picture": picture}
    # Where everybody's jobs are the account that looks, what it may read is everybody's.
    told["shared"] = centre.accounts.method == "shared" and centre.endpoint.service_account is None
    seen = last.seen if last is not None and last.sound else None
    return {**told, "bytes": part.get("bytes") or (seen[0] if seen else None), "seen": seen and list(seen)}


def _pictured(one: Kept) -> str | None:
    return (one.found or {}).get("picture")


def _key(one: Kept, thing: Thing) -> _Key:
    return one.number, thing.what, thing.centre


def _batches(due: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (due[at : at + _AT_ONCE] for at in range(0, len(due), _AT_ONCE))
