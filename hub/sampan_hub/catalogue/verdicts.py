"""What follows from what was seen of an entry's copies and installations at their centres. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sampan.entries import Status
from sampan.messages import Message
from sampan_hub.catalogue.product import Product
from sampan_hub.catalogue.rows import Kept

__all__ = [
    "BY",
    "Check",
    "Facts",
    "Thing",
    "conclusion",
    "fault",
    "faulty",
    "png",
    "stood",
    "things",
    "verdict",
]

BY: Final = "sampan-verifier"
"""Who says it, in the revisions."""
_PICTURE: Final = 200_000
_SIDE: Final = 2_000
_CONCERNS: Final = {"group": "check.group_unknown", "licence": "check.licence", "opener": "check.opener"}
Words = Annotated[str, Field(max_length=400)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Told(BaseModel):
    """From a job's side of the world: read by a schema, and what it does not know is dropped."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Owner(_Told):
    known: bool = False
    owns: bool = False
    closed: bool = False


class Variable(_Told):
    name: Words
    dims: Annotated[list[Words], Field(max_length=20)] = []
    units: Words | None = None
    long_name: Words | None = None


class Found(_Told):
    """What the data turned out to be when they were opened."""

    dims: Annotated[dict[Words, Annotated[int, Field(ge=0)]], Field(max_length=100)]
    variables: Annotated[list[Variable], Field(max_length=100)]
    extent: Annotated[
        dict[Words, Annotated[list[Number | Words], Field(max_length=2)]], Field(max_length=10)
    ] = {}


class Facts(_Told):
    """What :mod:`sampan_kernels.looking` says of one thing."""

    there: bool | None = None
    denied: bool = False
    error: Words | None = None
    failed: Words | None = None
    bytes: Annotated[int, Field(ge=0)] | None = None
    modified: int | None = None
    checksum: Words | None = None
    group: _Owner | None = None
    opened: bool | None = None
    imported: bool | None = None
    kernel: bool | None = None
    works: bool | None = None
    version: Words | None = None
    why: Annotated[str, Field(max_length=1000)] = ""
    found: Found | None = None
    picture: Annotated[str, Field(max_length=2 * _PICTURE)] | None = None

    @property
    def late(self) -> bool:
        """It took too long, on a busy machine or on a slow disk: nothing is known of it."""
        return self.failed == "time"


@dataclass(frozen=True, slots=True)
class Thing:
    """One copy or installation at one centre. `what` names it within its entry."""

    what: str
    centre: str
    part: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """What was last seen of a thing: `how` lists what held. `seen`: bytes and time of its last change, where it is data."""

    what: str
    centre: str
    at: float
    sound: bool
    reason: Message | None
    how: tuple[str, ...]
    seen: tuple[int, int] | None = None

    def to_json(self) -> dict[str, Any]:
        reason = None if self.reason is None else self.reason.to_json()
        told = {"what": self.what, "centre": self.centre, "at": self.at, "sound": self.sound}
        return {**told, "reason": reason, "how": list(self.how)}


def things(document: Mapping[str, Any], centres: Iterable[str]) -> list[Thing]:
    """Everything of the entry that can be looked at, at these centres. What is said not to be on line is not expected there."""
    parts = [(one["href"], one) for one in document["replicas"] if one["state"] == "online"]
    parts += [(one["name"], one) for one in document["builds"] if one["method"] == "venv"]
    every = tuple(centres)
    return [
        Thing(what, centre, part)
        for what, part in parts
        for centre in (every if part["centre"] is None else (part["centre"],))
    ]


def fault(document: Mapping[str, Any]) -> Message | None:
    """What the document says that no entry may say, whatever is at the centres; None where it may stand."""
    try:
        Product.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "?"
        code = next(
            (_CONCERNS[str(part)] for part in first["loc"] if str(part) in _CONCERNS), "check.product"
        )
        return Message(code, {"key": key, "value": str(first.get("input"))[:60]})
    return None


def verdict(thing: Thing, facts: Facts, at: float, public: bool, where: Message) -> Check:
    """`where`: the centre's names. `public`: whether everybody may read it, the service account that looked among them."""
    how: list[str] = []
    reason = _wrong(thing.part, facts, public, how)
    if reason is not None:
        reason = Message(reason.code, {**reason.params, "centre": where, "what": thing.what})
    seen = None if facts.bytes is None or facts.modified is None else (facts.bytes, facts.modified)
    return Check(thing.what, thing.centre, at, reason is None, reason, tuple(how), seen)


def _wrong(part: Mapping[str, Any], facts: Facts, public: bool, how: list[str]) -> Message | None:
    """The first thing that is wrong; what held before is written to `how`."""
    if facts.failed is not None:
        return Message("check.broke", {"why": facts.failed})
    if facts.error == "entry.root":
        return Message("check.root")
    if facts.error == "entry.outside":
        return Message("check.outside")
    if facts.there is False:
        return Message("check.gone")
    if facts.there is None and facts.error is None:
        return Message("check.broke", {"why": "?"})
    how.append("there")
    return (_software if "method" in part and "opener" not in part else _data)(part, facts, public, how)


def _software(part: Mapping[str, Any], facts: Facts, public: bool, how: list[str]) -> Message | None:
    if facts.version != part["version"]:
        return Message("check.version", {"version": facts.version or "?", "wanted": part["version"]})
    how.append("version")
    if not facts.imported:
        return Message("check.import", {"why": facts.why})
    how += ["import", *(["kernel"] if facts.kernel else [])]
    if facts.works is False:
        return Message("check.works", {"why": facts.why})
    how += ["functional"] if facts.works else []
    return None


def _data(part: Mapping[str, Any], facts: Facts, public: bool, how: list[str]) -> Message | None:
    if part.get("group") is not None and facts.group is not None:
        if not facts.group.known:
            return Message("check.group_unknown", {"key": "group", "value": part["group"]})
        if not (facts.group.owns and facts.group.closed):
            return Message("check.group_open", {"group": part["group"]})
        how.append("group")
    for name, found in (("bytes", facts.bytes), ("checksum", facts.checksum)):
        wanted = part.get(name)
        if wanted is not None and found is not None:
            if found != wanted:
                return Message(f"check.{name}", {"found": found, "wanted": wanted})
            how.append(name)
    if facts.error is not None:
        return Message("check.engine", {"engine": part["opener"]})
    if facts.denied and public:
        return Message("check.denied")
    if facts.opened is False:
        return Message("check.not_opened", {"why": facts.why})
    how += ["opens"] if facts.opened else []
    return None


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How the entry stands by its checks: `verified_at` the last sound one; `status` None where it stays as it is."""

    verified_at: float | None
    status: Status | None = None
    reason: Message | None = None


def conclusion(kept: Kept, wanted: Sequence[Thing], checks: Iterable[Check]) -> Conclusion:
    """Dead is what was seen to be so everywhere; of a centre that does not answer nothing is known, and nothing follows.

    What was put into quarantine here comes out when it is sound again; what a person put there stays.
    """
    known = {(one.what, one.centre): one for one in checks}
    seen = [known.get((one.what, one.centre)) for one in wanted]
    sound = [one.at for one in seen if one is not None and one.sound]
    back = stood(kept)
    if sound:
        return Conclusion(max(sound), back)
    if not wanted:
        # Nothing that is looked at, such as a module: it is as it was when it was harvested.
        return Conclusion(kept.verified_at, back)
    dead = [one.reason for one in seen if one is not None and one.reason is not None]
    if kept.status.shown and dead and len(dead) == len(seen):
        return Conclusion(None, Status.QUARANTINED, _aside(kept, dead[0]))
    return Conclusion(None)


def faulty(kept: Kept, reason: Message) -> Conclusion:
    """Of an entry whose own words no entry may say."""
    return Conclusion(None, *((Status.QUARANTINED, _aside(kept, reason)) if kept.status.shown else ()))


def stood(kept: Kept) -> Status | None:
    """How it stood before it was put into quarantine here; None where it was not."""
    if (
        kept.status is not Status.QUARANTINED
        or kept.reason is None
        or not kept.reason.code.startswith("check.")
    ):
        return None
    return Status.DEPRECATED if kept.reason.params.get("before") == Status.DEPRECATED else Status.PUBLISHED


def _aside(kept: Kept, reason: Message) -> Message:
    return Message(reason.code, {**reason.params, "before": kept.status.value})


def png(told: str | None) -> bytes | None:
    """The bytes of a picture from a centre, where it is one, and no larger than a preview."""
    try:
        data = base64.b64decode(told or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    sides = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    whole = data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR"
    return data if whole and len(data) <= _PICTURE and min(sides) > 0 and max(sides) <= _SIDE else None
