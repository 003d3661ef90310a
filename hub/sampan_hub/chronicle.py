"""How each centre has stood lately, in one word and since when: for people who ask what is wrong, and for how long already."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Literal, get_args

from sampan.stages import Seen
from sampan_hub.standing import Standing
from sampan_hub.watch import Watch

__all__ = ["DAY", "Chronicle", "State", "Stretch", "shares", "state_of"]

log = logging.getLogger(__name__)

State = Literal["open", "full", "draining", "unknown", "unreachable"]
DAY: Final = 24 * 3600.0
REMEMBERED: Final = 2 * DAY
GAP: Final = 300.0
"""Seconds without a look, as when the broker restarts, over which the same state has gone on."""
STALE: Final = 60.0
"""Seconds after which a capacity says nothing any more of how a centre stands."""
MOST: Final = 1000
LOOK: Final = 3.0
WRITE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `begin` to `end` (seconds since the epoch) it stood like that."""

    state: State
    begin: float
    end: float


def shares(watch: Watch) -> tuple[Standing, ...]:
    """The shares of a centre by the last capacity that it told; none before that."""
    if watch.capacity is None:
        return ()
    reading = watch.capacity.reading
    return tuple(
        Standing.of(
            share,
            [node for node in reading.nodes if share.queue in node.queues],
            reading.pending.get(share.queue, 0),
        )
        for share in watch.centre.facts.shares
    )


def state_of(watch: Watch, now: float) -> State:
    """How a centre stands, by what is known without asking."""
    if watch.seen is Seen.UNREACHABLE:
        return "unreachable"
    if watch.seen is not Seen.ALIVE or watch.capacity is None or now - watch.capacity.measured_at > STALE:
        return "unknown"
    if watch.centre.descriptor.state == "draining":
        return "draining"
    return "open" if any(share.cores_free > 0 for share in shares(watch)) else "full"


class Chronicle:
    """Stretches of every centre, the oldest first, in a small file, so that a restart of the broker forgets nothing."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stretches: dict[str, list[Stretch]] = _read(file)

    def note(self, centre: str, state: State, now: float) -> bool:
        """Remembers how it stands at this moment; whether that is news."""
        known = self._stretches.setdefault(centre, [])
        last = known[-1] if known else None
        if last is not None and last.state == state and last.end <= now <= last.end + GAP:
            known[-1] = replace(last, end=now)
            return False
        known.append(Stretch(state, now, now))
        del known[: max(0, len(known) - MOST)]
        return True

    def since(self, centre: str) -> float | None:
        """Since when it has stood as it does."""
        known = self._stretches.get(centre)
        return known[-1].begin if known else None

    def lately(self, centre: str, begin: float, end: float) -> Sequence[Stretch]:
        """What is known of that time, cut to it. Gaps are times in which nobody looked."""
        cut = (
            replace(stretch, begin=max(stretch.begin, begin), end=min(stretch.end, end))
            for stretch in self._stretches.get(centre, ())
        )
        return [stretch for stretch in cut if stretch.begin <= stretch.end]

    async def keep(self, watches: Mapping[str, Watch]) -> None:
        """Looks every few seconds, until cancelled; writes what is new at once, and the rest once a minute."""
        written = 0.0
        while True:
            await asyncio.sleep(LOOK)
            now = time.time()
            news = [self.note(name, state_of(watch, now), now) for name, watch in watches.items()]
            if any(news) or time.monotonic() - written > WRITE:
                written = time.monotonic()
                await asyncio.to_thread(self.save, tuple(watches), now)

    def save(self, centres: Iterable[str], now: float) -> None:
        """Writes it down, without what is too old or of centres that have gone. A disk that is full loses only this."""
        kept = {
            centre: [asdict(one) for one in self._stretches.get(centre, ()) if one.end > now - REMEMBERED]
            for centre in centres
        }
        aside = self._file.with_suffix(".new")
        try:
            aside.write_text(json.dumps(kept), encoding="utf-8")
            aside.replace(self._file)
        except OSError as error:
            log.warning("how the centres stood is not written down: %s", error)


def _read(file: Path) -> dict[str, list[Stretch]]:
    """What was written; nothing where that cannot be read: it is for looking at, and made anew."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return {str(centre): [_stretch(one) for one in some] for centre, some in told.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        log.warning("how the centres stood cannot be read, and begins anew: %s", error)
        return {}


def _stretch(told: dict[str, object]) -> Stretch:
    state, begin, end = told["state"], told["begin"], told["end"]
    for known in get_args(State):
        if state == known and isinstance(begin, int | float) and isinstance(end, int | float):
            return Stretch(known, float(begin), float(end))
    raise ValueError(told)
