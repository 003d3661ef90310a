"""`sampan.cite`: how to cite an entry, in the words of its provider where there are any. The version is always said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from sampan.client import Broker
from sampan.errors import Conflict
from sampan.finding import Results
from sampan.opening import meant

__all__ = ["bibtex", "cite", "sentence"]

_SPECIAL: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{char: f"\\{char}" for char in "&%$#_"},
}
"""https://www.latex-project.org/help/documentation/usrguide.pdf"""


def cite(entry: str, style: Literal["text", "bibtex"] = "text") -> str:
    """A citation of `provider/name@version`, of the newest version without one, or of the only entry that these words find.

    As a sentence, or as an entry of BibTeX. Raises Missing, Conflict where the words find several, and the errors of
    :class:`sampan.client.Broker`.
    """
    if style not in {"text", "bibtex"}:
        raise ValueError("style is 'text' or 'bibtex'")
    with Broker.from_environment() as broker:
        told = meant(broker, entry)
    if isinstance(told, Results):
        raise Conflict("entry.several", text=entry[:100], entries=", ".join(one.ref for one in told))
    return bibtex(told) if style == "bibtex" else sentence(told)


def sentence(told: Mapping[str, Any]) -> str:
    """The provider's own citation where there is one, made to say the version and where it is found."""
    where = _where(told)
    if told.get("citation"):
        said = str(told["citation"]).rstrip(" .")
        version = "" if str(told["version"]) in said else f" (version {told['version']})"
        return f"{said}{version}. {where}" if where not in said else f"{said}{version}."
    who = ", ".join(_authors(told))
    return f"{who} ({_year(told)}): {_title(told)}. Version {told['version']}. {told['provider']}. {where}"


def bibtex(told: Mapping[str, Any]) -> str:
    fields = {
        "title": f"{{{_escaped(_title(told))}}}",
        "author": " and ".join(f"{{{_escaped(name)}}}" for name in _authors(told)),
        "year": _year(told),
        "version": _escaped(told["version"]),
        "publisher": f"{{{_escaped(told['provider'])}}}",
        "doi": _escaped(told.get("doi") or ""),
        "note": _escaped(f"{told.get('citation') or ''} Sampan: {_ref(told)}".strip()),
    }
    key = re.sub(r"[^A-Za-z0-9]+", "-", _ref(told))
    kind = "software" if told["kind"] == "software" else "misc"
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def _ref(told: Mapping[str, Any]) -> str:
    return f"{told['provider']}/{told['name']}@{told['version']}"


def _where(told: Mapping[str, Any]) -> str:
    return f"https://doi.org/{told['doi']}" if told.get("doi") else f"Sampan: {_ref(told)}"


def _authors(told: Mapping[str, Any]) -> list[str]:
    return [str(one["name"]) for one in told.get("contacts", ())] or [str(told["provider"])]


def _title(told: Mapping[str, Any]) -> str:
    return str(told["title"]["en"])


def _year(told: Mapping[str, Any]) -> str:
    return str(told.get("issued") or "n.d.")[:4]


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(char, char) for char in text)
