"""`sampan.find`: what the catalogue holds, as a table that tells what opens here before anybody clicks."""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Final

from sampan import calls
from sampan.client import Broker
from sampan.entries import Entry
from sampan.errors import SampanError
from sampan.messages import LANGUAGES, Language
from sampan.tables import table
from sampan.whereabouts import here, spoken_language

__all__ = ["Results", "centre_here", "find", "size"]

# English, Chinese; in the order of sampan.messages.LANGUAGES.
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "ask": ("on request: ask its provider", "需向服务商申请"),
    "entry": ("Entry", "条目"),
    "everywhere": ("every centre", "各超算中心"),
    "generated": ("generated", "自动生成"),
    "group": ("needs the group “{group}”: ask", "需加入“{group}”组"),
    "here": ("opens here", "此处可打开"),
    "instead": ("Nothing was found. Did you mean “{instead}”?", "没有找到。您是否要找“{instead}”？"),
    "kind": ("Kind", "类别"),
    "licence": ("Licence", "许可"),
    "none": ("Nothing was found. Try fewer or other words.", "没有找到。请减少或更换关键词。"),
    "open": ("Here", "可用性"),
    "ref": ("To open it", "名称"),
    "shown": ("{shown} of {total}", "共 {total} 项，显示 {shown} 项"),
    "size": ("Size", "大小"),
    "there": ("only there", "仅在该处"),
    "where": ("Where", "位置"),
}
KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "dataset": ("dataset", "数据集"),
    "model": ("model", "模型"),
    "notebook": ("notebook", "笔记本"),
    "offer": ("offer", "算力套餐"),
    "service": ("service", "服务"),
    "software": ("software", "软件"),
}
_PICTURES: Final[Mapping[str, str]] = {
    "dataset": "M2 4c0-3 12-3 12 0v8c0 3-12 3-12 0zM2 4c0 3 12 3 12 0M2 8c0 3 12 3 12 0",
    "model": "M8 1l6 4v6l-6 4-6-4V5zM8 8l6-3M8 8v7M8 8L2 5",
    "notebook": "M3 1h10v14H3zM6 1v14M8 5h3M8 8h3",
    "offer": "M2 2h12v12H2zM5 11V8M8 11V5M11 11V7",
    "service": "M8 5a3 3 0 100 6 3 3 0 000-6M8 1v4M8 11v4M1 8h4M11 8h4",
    "software": "M5 4L1 8l4 4M11 4l4 4-4 4M9 3L7 13",
}
"""A drawing for each kind, on a field of 16 by 16."""
_PREVIEWS: Final = 6
"""Of the first entries; each is some 30 kB."""
_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB")


@dataclass(frozen=True)
class Results(Sequence[Entry]):
    """The best entries in their order; shown as a table in a notebook. `facets`: facet → value → how many are left by it."""

    entries: tuple[Entry, ...]
    total: int
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    instead: str | None = None
    centre: str | None = None
    language: Language = "en"
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    """The previews (PNG) of the first ones, by their references."""

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, at: int) -> Entry:  # type: ignore[override]
        return self.entries[at]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __repr__(self) -> str:
        if not self.entries:
            return self._nothing()
        heads = [self._say(word) for word in ("ref", "entry", "kind", "where", "open", "size", "licence")]
        return f"{table(heads, [self._cells(one) for one in self.entries])}\n{self._count()}"

    def _repr_html_(self) -> str:
        if not self.entries:
            return f"<p>{escape(self._nothing())}</p>"
        heads = (
            "",
            *(self._say(word) for word in ("ref", "entry", "kind", "where", "open", "size", "licence")),
        )
        head = "".join(f'<th scope="col" style="text-align:left">{escape(word)}</th>' for word in heads)
        rows = "".join(self._row(one) for one in self.entries)
        return f"<table><caption>{escape(self._count())}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"

    def _row(self, one: Entry) -> str:
        cells = self._cells(one)
        title = ' style="text-align:left"'
        inner = [f"<code>{escape(cells[0])}</code>", *(escape(cell) for cell in cells[1:])]
        inner[1] += f"<br><small>{escape(one.summary[self.language])}</small>"
        return (
            f"<tr><td>{_preview(self.pictures[one.ref]) if one.ref in self.pictures else _picture(one.kind)}</td>"
            + "".join(f"<td{title}>{cell}</td>" for cell in inner)
            + "</tr>"
        )

    def _cells(self, one: Entry) -> list[str]:
        title = one.title[self.language]
        counted = [copy.bytes for copy in one.replicas if copy.bytes is not None]
        return [
            one.ref,
            f"{title} [{self._say('generated')}]" if one.generated else title,
            KINDS.get(one.kind, (one.kind, one.kind))[LANGUAGES.index(self.language)],
            ", ".join(sorted({centre or self._say("everywhere") for centre in _places(one)})),
            self._access(one),
            size(max(counted)) if counted else "",
            one.licence,
        ]

    def _access(self, one: Entry) -> str:
        if not one.readable:
            return self._say("group" if one.group else "ask").replace("{group}", one.group or "")
        places = _places(one)
        return self._say("here" if places & {None, self.centre} else "there") if places else ""

    def _count(self) -> str:
        return self._say("shown").format(shown=len(self.entries), total=self.total)

    def _nothing(self) -> str:
        return self._say("instead").replace("{instead}", self.instead) if self.instead else self._say("none")

    def _say(self, word: str) -> str:
        return WORDS[word][LANGUAGES.index(self.language)]


def find(
    text: str = "",
    *,
    kind: str | Sequence[str] = (),
    provider: str | Sequence[str] = (),
    subject: str | Sequence[str] = (),
    centre: str | Sequence[str] = (),
    licence: str | Sequence[str] = (),
    access: str | Sequence[str] = (),
    generated: bool | None = None,
    limit: int = 20,
) -> Results:
    """The best entries of the catalogue for words in either language.

    All words must be found, the last one may be unfinished; each facet takes one value or several, of which any will do.
    Raises the errors of :class:`sampan.client.Broker`.
    """
    given = {
        "kind": kind,
        "provider": provider,
        "subject": subject,
        "centre": centre,
        "licence": licence,
        "access": access,
    }
    chosen = {
        name: [value] if isinstance(value, str) else list(value) for name, value in given.items() if value
    }
    if generated is not None:
        chosen["generated"] = ["yes" if generated else "no"]
    with Broker.from_environment() as broker:
        found = search(broker, text, chosen, limit)
        return replace(found, pictures=_pictures(broker, found))


def search(broker: Broker, text: str, chosen: Mapping[str, Sequence[str]], limit: int = 20) -> Results:
    place = centre_here()
    told = broker.ask(calls.search(text, chosen, place, limit))
    return Results(
        tuple(Entry.from_json(one) for one in told["entries"]),
        told["total"],
        told["facets"],
        told["instead"],
        place,
        spoken_language(os.environ),
    )


def _pictures(broker: Broker, found: Results) -> dict[str, bytes]:
    """A few: they become a part of the notebook. One that does not come is not missed."""
    some = [one for one in found if one.picture is not None and one.readable][:_PREVIEWS]
    pictures = {}
    for one in some:
        with contextlib.suppress(SampanError):
            png = broker.ask(calls.picture(one.provider, one.name, one.version))
            if png.startswith(b"\x89PNG"):
                pictures[one.ref] = png
    return pictures


def centre_here() -> str | None:
    """The centre that this process runs at; None on a person's own machine."""
    with contextlib.suppress(SampanError):
        return here().centre
    return None


def size(count: int) -> str:
    """Bytes, for people."""
    value, unit = float(count), _UNITS[0]
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:
            break
        value /= 1000
    return f"{value:.3g} {unit}"


def _places(one: Entry) -> set[str | None]:
    return {copy.centre for copy in one.replicas} | {build.centre for build in one.builds}


def _preview(png: bytes) -> str:
    # As a part of the table: a notebook that is opened elsewhere asks nobody for it.
    return f'<img alt="" width="96" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def _picture(kind: str) -> str:
    shape = 'viewBox="0 0 16 16" width="24" height="24" fill="none" stroke="currentColor"'
    return f'<svg {shape} aria-hidden="true"><path d="{_PICTURES.get(kind, _PICTURES["offer"])}"/></svg>'
