"""Which kernels elsewhere a person can choose from: made from what the broker says of the centres. Pure.

A kernelspec's name tells its need, so that a notebook which names one opens wherever it is opened, also while the broker is away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from sampan.messages import Language, Message
from sampan.need import Need

__all__ = ["from_query", "name_of", "needs", "options_of", "shown_as", "specification"]

PREFIX: Final = "sampan"
_BETWEEN: Final = "--"
_PART: Final = re.compile(r"(cores|memory|hours|accelerator|accelerators|software|centre)-([A-Za-z0-9._-]+)")
_VALUE: Final = re.compile(r"[A-Za-z0-9._-]+")
_HOURS: Final = 4.0
_MANY: Final = 8
"""Cores of the one that has many."""
_AWAY: Final = frozenset({"draining", "unreachable"})
"""States of centres where nothing new starts."""


def needs(centres: Iterable[Mapping[str, Any]]) -> list[Need]:
    """One for each way to ask: anywhere, many cores, each kind of accelerator, each environment, each centre."""
    there = [centre for centre in centres if centre["state"] not in _AWAY and centre["shares"]]
    shares = [share for centre in there for share in centre["shares"]]
    found = [_need(shares)] if there else []
    large = [share for share in shares if share.get("cores_max", 0) >= _MANY]
    if large:
        found.append(_need(large, cores=_MANY, memory_mib=2048 * _MANY))
    for kind in sorted({kind for share in shares for kind in share["accelerators"]}):
        have = [share for share in shares if kind in share["accelerators"]]
        found.append(_need(have, memory_mib=8192, accelerator=kind, accelerators=1))
    for name in sorted({name for centre in there for name in centre.get("software", ())}):
        have = [share for centre in there if name in centre.get("software", ()) for share in centre["shares"]]
        found.append(_need(have, software=name))
    found += [_need(centre["shares"], centre=str(centre["id"])) for centre in there]
    return [need for need in found if all(map(_speakable, options_of(need).values()))]


def _need(shares: Sequence[Mapping[str, Any]], **wish: Any) -> Need:
    """For as long as a working morning, or as the longest of those shares allows."""
    most = max(share["max_hours"] for share in shares)
    return Need(**{"cores": 2, "memory_mib": 4096, "minutes": round(60 * min(_HOURS, most)), **wish})


def options_of(need: Need) -> dict[str, str]:
    """As in a start link, without the version."""
    return {key: value for key, value in need.to_options().items() if key != "v"}


def name_of(options: Mapping[str, str]) -> str:
    return _BETWEEN.join([PREFIX, *(f"{key}-{value}" for key, value in options.items())])


def from_query(query: str) -> dict[str, str]:
    """The options in the query of a start link, by which a launch tells its need."""
    found = {key.removeprefix("opt-"): value for key, value in parse_qsl(query)}
    found.pop("v", None)
    return found


def _from_name(name: str) -> dict[str, str] | None:
    """The options that a name tells; None for a name that is none of ours."""
    first, *parts = name.split(_BETWEEN)
    read = [_PART.fullmatch(part) for part in parts]
    if first != PREFIX or not parts or not all(read):
        return None
    return {found[1]: found[2] for found in read if found}


def _speakable(value: str) -> bool:
    return _VALUE.fullmatch(value) is not None and _BETWEEN not in value


def shown_as(options: Mapping[str, str], names: Mapping[str, Mapping[str, str]], language: Language) -> str:
    """What a launcher shows: Python, and what is special about it. `names` are the centres' own."""
    return " · ".join(["Python", *_special(options, names, language)])


def _special(
    options: Mapping[str, str], names: Mapping[str, Mapping[str, str]], language: Language
) -> Iterator[str]:
    centre = options.get("centre")
    if centre is not None:
        yield names.get(centre, {}).get(language, centre)
    if kind := options.get("accelerator"):
        yield kind
    if software := options.get("software"):
        yield software
    if options.get("cores") == str(_MANY):
        yield Message("kernel.cores", {"cores": _MANY}).say(language)
    elif len(options.keys() - {"cores", "memory", "hours"}) == 0:
        yield Message("kernel.anywhere").say(language)


def specification(
    name: str, names: Mapping[str, Mapping[str, str]], language: Language
) -> dict[str, Any] | None:
    """The kernelspec of that name, as in a `kernel.json`; None for a name that is none of ours."""
    options = _from_name(name)
    if options is None:
        return None
    provisioner = {"provisioner_name": "sampan-provisioner", "config": {"options": options}}
    return {
        "argv": [],
        "display_name": shown_as(options, names, language),
        "language": "python",
        "metadata": {"debugger": False, "kernel_provisioner": provisioner},
    }
