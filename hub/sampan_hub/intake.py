"""Raw options of a form, a link or a script → a Need, or an error that names the field. The only place that reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sampan.errors import Invalid
from sampan.need import NEED_VERSION, Need
from sampan_hub.plans import PLANS

__all__ = ["LARGEST", "read_need"]

LARGEST: Final = 8192
"""Bytes that all options may take together, as JSON."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGITS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_MOST_DATA: Final = 16


def read_need(options: Mapping[str, Any]) -> Need:
    """The Need that these options say. Raises `Invalid` naming the field.

    Each value is a short string or a number; a list of one is taken as that one, as JupyterHub hands over forms and links.
    An empty value is the same as none. A plan fills in what is not said otherwise.
    """
    size = len(json.dumps(dict(options), default=str))
    if size > LARGEST:
        raise Invalid("need.too_large", size=size, limit=LARGEST)
    told = {key: _one(key, value) for key, value in options.items()}
    unknown = sorted(set(told) - set(_READERS) - {"v", "plan"})
    if unknown:
        raise Invalid("need.unknown_field", field=_shown(unknown[0]), known=", ".join([*_READERS, "plan"]))
    if told.get("v") not in ("", None, str(NEED_VERSION)):
        raise Invalid("need.version", field="v", value=_shown(told["v"]), known=NEED_VERSION)
    need = _plan(told.get("plan", ""))
    for field, reader in _READERS.items():
        if text := told.get(field):
            need = reader(need, field, text)
    if need.accelerator and not need.accelerators:
        need = replace(need, accelerators=1)
    if need.accelerators and not need.accelerator:
        raise Invalid("need.not_a_name", field="accelerator", value=_shown(""))
    return need


def _plan(name: str) -> Need:
    if not name:
        return Need()
    if name not in PLANS:
        raise Invalid("need.unknown_plan", field="plan", value=_shown(name), known=", ".join(PLANS))
    return PLANS[name].need


def _one(field: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        if len(value) != 1:
            raise Invalid("need.once", field=_shown(field))
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Invalid("need.once", field=_shown(field))
    return str(value).strip(" ")


def _amount(field: str, text: str, low: str, high: int, expected: str) -> Decimal:
    """A plain decimal number between `low` and `high`: no sign, no exponent, ASCII digits only."""
    try:
        if not _DIGITS.fullmatch(text):
            raise InvalidOperation
        amount = Decimal(text)
        if not Decimal(low) <= amount <= high:
            raise InvalidOperation
    except InvalidOperation:
        raise Invalid("need.not_a_number", field=field, expected=expected, value=_shown(text)) from None
    return amount


def _cores(need: Need, field: str, text: str) -> Need:
    amount = _amount(field, text, "1", 4096, "1–4096")
    if amount != int(amount):
        raise Invalid("need.not_a_number", field=field, expected="1–4096", value=_shown(text))
    return replace(need, cores=int(amount))


def _memory(need: Need, field: str, text: str) -> Need:
    return replace(need, memory_mib=round(_amount(field, text, "0.125", 65536, "0.125–65536 GiB") * 1024))


def _hours(need: Need, field: str, text: str) -> Need:
    return replace(need, minutes=max(1, round(_amount(field, text, "0.0166", 720, "0.02–720") * 60)))


def _accelerators(need: Need, field: str, text: str) -> Need:
    amount = _amount(field, text, "0", 64, "0–64")
    if amount != int(amount):
        raise Invalid("need.not_a_number", field=field, expected="0–64", value=_shown(text))
    return replace(need, accelerators=int(amount))


def _name(field: str, text: str) -> str:
    if not _NAME.fullmatch(text):
        raise Invalid("need.not_a_name", field=field, value=_shown(text))
    return text


def _accelerator(need: Need, field: str, text: str) -> Need:
    return replace(need, accelerator=_name(field, text))


def _software(need: Need, field: str, text: str) -> Need:
    return replace(need, software=_name(field, text))


def _centre(need: Need, field: str, text: str) -> Need:
    return replace(need, centre=_name(field, text))


def _data(need: Need, field: str, text: str) -> Need:
    names = text.split(",")
    if len(names) > _MOST_DATA:
        raise Invalid("need.too_many", field=field, count=len(names), limit=_MOST_DATA)
    return replace(need, data=tuple(_name(field, name) for name in names))


_READERS: Final[dict[str, Callable[[Need, str, str], Need]]] = {
    "cores": _cores,
    "memory": _memory,
    "hours": _hours,
    "accelerator": _accelerator,
    "accelerators": _accelerators,
    "software": _software,
    "data": _data,
    "centre": _centre,
}


def _shown(text: str) -> str:
    """What was sent, as it may be shown in a sentence: short, on one line, nothing invisible."""
    return "".join(char if char.isprintable() else "�" for char in text[:40]) + (
        "…" if len(text) > 40 else ""
    )
