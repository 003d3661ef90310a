"""What is said of a share that runs a need now, or later, or never. Values in, messages out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sampan.messages import Message
from sampan.need import Need
from sampan_hub.capacity import Closing
from sampan_hub.centre_facts import Room, ShareFacts
from sampan_hub.spans import amount, at_most
from sampan_hub.standing import Standing

__all__ = ["closes", "in_line", "lack", "notes", "room_now"]

_SHORT: Final = 5
"""Minutes for which nobody starts a session."""


def lack(need: Need, rooms: Sequence[Room]) -> Message:
    """What is missing where no room holds the need. Each question is asked of the rooms that the ones before left over."""
    if not rooms:
        return Message("place.no_such_share")
    kind = need.accelerator
    if kind:
        most = max(room.accelerators.get(kind, 0) for room in rooms)
        if not most:
            return Message("place.accelerator", {"want": kind, "count": need.accelerators})
        if most < need.accelerators:
            return Message("place.accelerators", {"kind": kind, "have": most, "want": need.accelerators})
        rooms = [room for room in rooms if room.accelerators.get(kind, 0) >= need.accelerators]
    wide = [room for room in rooms if room.cores >= need.cores]
    if not wide:
        return Message("place.cores", {"have": max(room.cores for room in rooms), "want": need.cores})
    large = [room for room in wide if room.memory_mib >= need.memory_mib]
    if not large:
        most = max(room.memory_mib for room in wide)
        return Message(
            "place.memory", {"have": _decimal(most / 1024), "want": _decimal(need.memory_mib / 1024)}
        )
    longest = max(room.minutes for room in large)
    return Message("place.hours", {"have": _decimal(longest / 60), "want": _decimal(need.minutes / 60)})


def room_now(need: Need, standing: Standing) -> Message:
    """What is free where the need runs at once, in what it asks for."""
    free, total = standing.cards.get(need.accelerator or "", (0, 0))
    if total:
        kind = need.accelerator or ""
        return Message("place.fits_now_cards", {"free": free, "total": total, "kind": kind})
    return Message("place.fits_now", {"free": standing.cores_free, "total": standing.cores_total})


def closes(closing: Closing) -> Message:
    """What is said where a session would last into the time for which the nodes are closed."""
    if closing.minutes < _SHORT:
        return Message("place.closing")
    left = closing.minutes * 60
    return Message("place.closes", {"about": amount(left), "most": at_most(left)})


def in_line(ahead: int | None, forecast: float | None = None) -> Message:
    """What is said of a queue with that many before one (None: not told), and a start expected in so many seconds."""
    params = {"ahead": ahead} if ahead else {}
    code = "place.full" if ahead is None else "place.queue" if ahead else "place.next"
    if forecast is None:
        return Message(code, params)
    return Message(f"{code}_expected", {**params, "about": amount(forecast)})


def notes(need: Need, share: ShareFacts, *, holds: bool) -> tuple[Message, ...]:
    """What else a person should know of an offer: the data are there; what is taken and charged beyond what was asked."""
    told: tuple[Message, ...] = (Message("place.data"),) if holds else ()
    terms = share.terms
    if terms.plain:
        return told
    if terms.burned(need):
        told += (Message("place.burns", {"count": terms.cards, "kind": terms.card}),)
    if (cores := terms.charged(need)) > need.cores:
        told += (Message("place.charged", {"cores": cores}),)
    return told


def _decimal(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
