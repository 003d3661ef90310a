"""The page that tells people how the centres stand: public facts in both languages, no names of people. Asks no centre."""

from __future__ import annotations

import datetime as dt
import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sampan.messages import LANGUAGES, Language, Message
from sampan_hub.chronicle import DAY, State, shares, state_of
from sampan_hub.services import Services
from sampan_hub.spans import amount
from sampan_hub.standing import Standing
from sampan_hub.status_plots import strip, ticks, waits_plot
from sampan_hub.steps.sights import moment
from sampan_hub.waits import Wait
from sampan_hub.watch import Watch

__all__ = ["Bar", "Row", "language_of", "page", "policy", "rows"]

_FOLDER: Final = Path(__file__).with_name("pages")
_TOLD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "centre.host_key": "status.host_key",
        "centre.login": "status.login",
        "centre.set_aside": "status.unreachable",
    }
)
"""Troubles that are told apart in public; of all others only what the state says. Their own words may name accounts."""


@dataclass(frozen=True, slots=True)
class Bar:
    """So much of something is free. `kind`: of accelerator; empty: cores."""

    names: Mapping[str, str]
    free: int
    total: int
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One centre as the page shows it. Times: seconds since the epoch."""

    id: str
    names: Mapping[str, str]
    city: Mapping[str, str] | None
    state: State
    since: float | None
    why: Message | None
    bars: Sequence[Bar]
    as_of: float | None
    waiting: int | None
    waited: Message
    strip: Markup
    plot: Markup | None


def rows(services: Services) -> list[Row]:
    """Every centre, in the order of their ids."""
    return [_row(services, services.watches[name], services.now()) for name in sorted(services.watches)]


def _row(services: Services, watch: Watch, now: float) -> Row:
    centre, state, standings = watch.centre, state_of(watch, now), shares(watch)
    known = state in ("open", "full", "draining")
    recent = [
        wait
        for share in centre.descriptor.shares
        for wait in services.history.of(centre.id, share.id)
        if wait.at >= now - DAY
    ]
    stood = services.chronicle.lately(centre.id, now - DAY, now)
    return Row(
        id=centre.id,
        names=centre.descriptor.names.model_dump(),
        city=centre.descriptor.place.model_dump().get("city"),
        state=state,
        since=services.chronicle.since(centre.id),
        why=_why(watch, state),
        bars=[bar for standing in standings for bar in _bars(watch, standing)] if known else (),
        as_of=watch.capacity.measured_at if watch.capacity else None,
        waiting=_waiting(watch) if known else None,
        waited=_waited(recent),
        strip=strip(stood, now - DAY, now),
        plot=waits_plot(recent, now - DAY, now) if recent else None,
    )


def _why(watch: Watch, state: State) -> Message | None:
    """What is wrong and what is done about it; None where all is well."""
    if state == "open":
        return None
    if state in ("unknown", "unreachable") and watch.trouble is not None:
        return Message(_TOLD.get(watch.trouble.code, f"status.{state}"))
    return Message("status.unheard" if state == "unknown" else f"status.{state}")


def _bars(watch: Watch, standing: Standing) -> list[Bar]:
    names = watch.centre.share(standing.share.id).names.model_dump()
    cores = [Bar(names, standing.cores_free, standing.cores_total)] if standing.cores_total else []
    nameless: dict[str, str] = dict.fromkeys(LANGUAGES, "")
    return cores + [
        Bar(nameless if cores else names, free, total, kind)
        for kind, (free, total) in standing.cards.items()
        if total
    ]


def _waiting(watch: Watch) -> int:
    """Jobs of anybody that wait, each once however many shares lead to its queue."""
    return sum(watch.capacity.reading.pending.values()) if watch.capacity else 0


def _waited(recent: Sequence[Wait]) -> Message:
    began = [wait.seconds for wait in recent if wait.started]
    if not began:
        return Message("status.no_waits")
    code = "status.one_wait" if len(began) == 1 else "status.waits"
    return Message(code, {"starts": len(began), "half": amount(median(began)), "longest": amount(max(began))})


def language_of(wanted: str, cookie: str, accepted: str) -> Language:
    """The language that was asked for, the one that was chosen before, or the first that the browser names."""
    tags = [wanted, cookie, *(part.partition(";")[0].strip()[:2].lower() for part in accepted.split(","))]
    return next((language for tag in tags for language in LANGUAGES if tag == language), "en")


def page(
    found: Sequence[Row], *, language: Language, home: str, now: float, running: int, coming: int
) -> str:
    """The HTML. `running` and `coming`: how many sessions there are, and how many are on their way."""
    environment = _environment()
    return environment.get_template("status.html").render(
        rows=found,
        language=language,
        home=home,
        now=now,
        running=running,
        coming=coming,
        ticks=ticks(),
        # Ours, and checked by its digest.
        script=Markup(_script()),  # noqa: S704
    )


def policy() -> str:
    """The page's Content-Security-Policy: nothing from anywhere, and the one script that is ours."""
    digest = b64encode(hashlib.sha256(_script().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'none'"
    )


@cache
def _script() -> str:
    return (_FOLDER / "status.js").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
    environment.filters["both"] = _both
    environment.filters["iso"] = lambda at: dt.datetime.fromtimestamp(at, dt.UTC).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )
    environment.filters["moment"] = moment
    return environment


def _both(said: Message | Mapping[str, str]) -> Markup:
    """A message or names in both languages, as two spans of which the page shows one."""
    text = {key: said.say(key) if isinstance(said, Message) else said[key] for key in LANGUAGES}
    return Markup("").join(Markup('<span lang="{0}">{1}</span>').format(key, text[key]) for key in LANGUAGES)
