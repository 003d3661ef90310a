"""Writes the TypeScript shapes that are made from the Python models: `python -m tools.shapes`. A test holds them to it."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from sampan_kernels.news import News
from sampan_lab.catalogue import Card, Count, Facet, Found, Here, Place, Row
from sampan_lab.centres import Answer, Cards, Centre, Offer, Running, Share
from sampan_lab.clusters import Cluster
from sampan_lab.session import Names, Said, Session

LAB: Final = Path(__file__).resolve().parents[1] / "extensions" / "lab" / "src"
MADE: Final = "// Made by tools/shapes.py from {module}; change it there.\n"
# File below extensions/lab/src → the values whose shapes it holds, each after those it is made of.
SHAPES: Final[Mapping[str, tuple[type, ...]]] = {
    "session/shape.ts": (Names, Said, Session),
    "kernels/shape.ts": (News,),
    "centres/shape.ts": (Cards, Share, Centre, Running, Offer, Answer),
    "clusters/shape.ts": (Cluster,),
    "catalogue/shape.ts": (Here, Row, Count, Facet, Found, Place, Card),
}
PLAIN: Final[Mapping[object, str]] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    types.NoneType: "null",
}


def files() -> dict[str, str]:
    """File name below extensions/lab/src → its text."""
    return {
        name: MADE.format(module=models[-1].__module__) + _imports(name) + "".join(map(_interface, models))
        for name, models in SHAPES.items()
    }


def _imports(name: str) -> str:
    """What the shapes of one file take from those of the others."""
    wanted = {
        part for model in SHAPES[name] for hint in get_type_hints(model).values() for part in _made_of(hint)
    }
    lines = (
        f"import type {{ {', '.join(sorted(part.__name__ for part in wanted & set(models)))} }} from '../{other}';\n"
        for other, models in SHAPES.items()
        if other != name and wanted & set(models)
    )
    return "".join(lines)


def _made_of(hint: Any) -> set[type]:
    if is_dataclass(hint):
        return {hint} if isinstance(hint, type) else set()
    return {found for part in get_args(hint) for found in _made_of(part)}


def _interface(model: type) -> str:
    hints = get_type_hints(model)
    assert is_dataclass(model)
    lines = [f"  readonly {field.name}: {_type(hints[field.name])};\n" for field in fields(model)]
    says = (model.__doc__ or "").strip().splitlines()[0]
    return f"\n/** {says} */\nexport interface {model.__name__} {{\n{''.join(lines)}}}\n"


def _type(hint: Any) -> str:
    if is_dataclass(hint):
        return str(getattr(hint, "__name__", ""))
    if get_origin(hint) is Literal:
        return " | ".join(f"'{value}'" for value in get_args(hint))
    if get_origin(hint) is tuple:
        return f"readonly {_type(get_args(hint)[0])}[]"
    if get_origin(hint) in {Union, types.UnionType}:
        return " | ".join(_type(part) for part in get_args(hint))
    return PLAIN[hint]


def main() -> None:
    for name, text in files().items():
        (LAB / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
