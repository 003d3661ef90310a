"""`sampan.open`: an entry's data where it lies, read only as far as it is looked at."""

from __future__ import annotations

import contextlib
import re
import sysconfig
from collections.abc import Mapping
from typing import Any, Final

from sampan import calls
from sampan.calls import Json
from sampan.client import Broker
from sampan.entries import PACKAGES, Entry, Replica, Status, resolve
from sampan.errors import Conflict, Forbidden, Missing, Refused, SampanError
from sampan.finding import Results, centre_here, search, size
from sampan.messages import Message, text
from sampan.openers import read

__all__ = ["allowed", "elsewhere", "is_name", "meant", "nearest", "open"]

_REF: Final = re.compile(r"([a-z][a-z0-9-]*)/([a-z][a-z0-9-]*)(?:@([A-Za-z0-9][A-Za-z0-9._+-]*))?")

_NO_DATA: Final[Mapping[str, str]] = {
    "notebook": "entry.is_notebook",
    "offer": "entry.is_offer",
    "service": "entry.is_service",
    "software": "entry.is_software",
}
"""Kind → what is said to whoever opens one that holds no data: what to do with it instead."""


def open(entry: str) -> Any:  # noqa: A001 (called as sampan.open)
    """The data of `provider/name@version`, of the newest version without one, or of the only entry that these words find.

    An xarray Dataset (DataTree), lazy and in chunks, or a DataFrame; where it came from stands in its `attrs`. Several matches
    are returned as :class:`sampan.finding.Results`. Raises Missing, Forbidden (who to ask), Refused where it lies elsewhere
    (where, and what a copy would move) or cannot be opened here, and the errors of :class:`sampan.client.Broker`.
    """
    with Broker.from_environment() as broker:
        told = meant(broker, entry)
        if isinstance(told, Results):
            return told
        one, place = Entry.from_json(told), centre_here()
        allowed(one, told)
        copy = nearest(one, place, told.get("centres", {}))
        roots = told.get("roots", {}).get(copy.centre, {})
        data = read(one.ref, copy, resolve(copy.href, {**roots, PACKAGES: sysconfig.get_path("purelib")}))
        data.attrs.update(_provenance(one, copy, place))
        # What was opened is open, also where nobody can be told.
        with contextlib.suppress(SampanError):
            broker.ask(calls.use(one.provider, one.name, one.version, place, copy.href))
    return data


def is_name(text: str) -> bool:
    """Whether it is the name of an entry, with or without its version."""
    return _REF.fullmatch(text.strip()) is not None


def meant(broker: Broker, entry: str) -> Json | Results:
    """All that is told of the entry that a name or words stand for; what the words find where they find several."""
    named = _REF.fullmatch(entry.strip())
    if named is None:
        found = search(broker, entry, {})
        if not found:
            raise Missing("entry.none", text=entry[:100])
        if found.total > 1:
            return found
        named = _REF.fullmatch(found[0].ref)
        assert named is not None  # noqa: S101 (the broker's own names)
    version = named[3] or _newest(broker, named[1], named[2])
    return broker.ask(calls.entry(named[1], named[2], version))


def nearest(one: Entry, place: str | None, names: Mapping[str, Mapping[str, str]]) -> Replica:
    """The copy that can be opened at `place`. Raises Refused: it has none, lies elsewhere, or is not whole here."""
    if not one.replicas or one.kind in _NO_DATA:
        raise Refused(_NO_DATA.get(one.kind, "entry.no_data"), entry=one.ref, kind=one.kind)
    near = [copy for copy in one.replicas if copy.centre in {None, place}]
    if not near:
        raise elsewhere(one, names)
    whole = [copy for copy in near if copy.state == "online"]
    if not whole:
        raise Refused("entry.state", entry=one.ref, state=near[0].state)
    dead = {seen.what: seen for seen in one.checks if seen.centre == place and not seen.sound}
    sound = [copy for copy in whole if copy.href not in dead]
    if not sound:
        why = dead[whole[0].href].reason
        raise Refused("entry.dead", entry=one.ref, reason=Message.from_json(why) if why else "")
    return max(sound, key=lambda copy: (copy.centre is not None, copy.completeness))


def elsewhere(one: Entry, names: Mapping[str, Mapping[str, str]]) -> Refused:
    """Where it lies, and what a copy would move."""
    places = sorted({copy.centre for copy in one.replicas if copy.centre is not None})
    said = {
        language: between.join(names.get(place, {}).get(language, place) for place in places)
        for language, between in (("en", ", "), ("zh", "、"))
    }
    counted = [copy.bytes for copy in one.replicas if copy.bytes is not None]
    moved: str | Message = size(max(counted)) if counted else Message("entry.unknown_size")
    return Refused("entry.elsewhere", entry=one.ref, where=text(said), size=moved)


def _newest(broker: Broker, provider: str, name: str) -> str:
    every = broker.ask(calls.versions(provider, name))
    shown = [one for one in every if one["status"] == Status.PUBLISHED] or every
    return str(shown[0]["version"])


def allowed(one: Entry, told: Json) -> None:
    """Raises Conflict for what was taken back or is in quarantine, Forbidden (who to ask) for what one may not read."""
    if one.status == Status.WITHDRAWN:
        raise Conflict("entry.withdrawn", entry=one.ref)
    if one.status == Status.QUARANTINED:
        why = told.get("reason")
        raise Conflict("entry.quarantined", entry=one.ref, reason=Message.from_json(why) if why else "")
    if not one.readable and one.group:
        raise Forbidden("entry.group", entry=one.ref, group=one.group)
    if not one.readable:
        raise Forbidden("entry.request", entry=one.ref)


def _provenance(one: Entry, copy: Replica, place: str | None) -> dict[str, str | int]:
    """Under names of ours: the file's own attributes stay as they are."""
    told: dict[str, str | int | None] = {
        "sampan_entry": one.ref,
        "sampan_revision": one.revision,
        "sampan_licence": one.licence,
        "sampan_citation": one.citation or one.doi,
        "sampan_centre": place,
        "sampan_replica": copy.href,
    }
    return {key: value for key, value in told.items() if value is not None}
