"""Which kernels elsewhere a person can choose from: made from what the broker says of the centres. Pure.

A kernelspec's name tells its need, so that a notebook which names one opens wherever it is opened, also while the broker is away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from sampan.messages import Language, Message
from sampan.need import Need

__all__ = ["from_query", "name_of", "needs", "options_of", "shown_as", "specification"]

PREFIX: Final = "sampan"
_BETWEEN: Final = "--"
_PART: Final = re.compile(r"(cores|memory|hours|accelerator|accelerators|software|centre)-([A-Za-z0-9._-]+)")
_VALUE: Final = re.compile(r"[A-Za-z0-9._-]+")
_ANYWHERE: Final = Need(cores=2, memory_mib=4096, minutes=240)
_MANY: Final = 8
"""Cores of the one that has many."""
_AWAY: Final = frozenset({"draining", "unreachable"})
"""States of centres where nothing new starts."""


def needs(centres: Iterable[Mapping[str, Any]]) -> list[Need]:
    """One for each way to ask: anywhere, many cores, each kind of accelerator, each environment, each centre."""
    there = [centre for centre in centres if centre["state"] not in _AWAY]
    shares = [share for centre in there for share in centre["shares"]]
    found = [_ANYWHERE] if there else []
    if any((share.get("cores_total") or 0) >= _MANY for share in shares):
        found.append(Need(cores=_MANY, memory_mib=2048 * _MANY, minutes=240))
    kinds = sorted({kind for share in shares for kind in share["accelerators"]})
    found += [Need(2, 8192, 120, accelerator=kind, accelerators=1) for kind in kinds]
    names = sorted({name for centre in there for name in centre.get("software", ())})
    found += [Need(2, 4096, 240, software=name) for name in names]
    found += [Need(2, 4096, 240, centre=str(centre["id"])) for centre in there]
    return [need for need in found if all(map(_speakable, options_of(need).values()))]


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
