"""Pieces of pages, rendered here and nowhere else: both languages side by side, everything from outside escaped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sampan.messages import LANGUAGES, Message

__all__ = ["TEMPLATES", "both", "plain", "render"]

TEMPLATES: Final = Path(__file__).parent / "templates"


def both(text: Message | Mapping[str, Any]) -> Markup:
    """A message, its JSON, or names in both languages, as two spans of which the page shows one."""
    said = _said(text)
    return Markup("").join(
        Markup('<span lang="{0}">{1}</span>').format(lang, said[lang]) for lang in LANGUAGES
    )


def plain(text: Message | Mapping[str, Any]) -> str:
    """The same without markup, for logs and for programs: English, then Chinese."""
    said = _said(text)
    return " ".join(dict.fromkeys(said[lang] for lang in LANGUAGES))


def render(name: str, **values: object) -> Markup:
    """A template of `templates/sampan/`."""
    return Markup(_environment().get_template(f"sampan/{name}").render(**values))  # noqa: S704 (autoescaped there)


def _said(text: Message | Mapping[str, Any]) -> dict[str, str]:
    if isinstance(text, Message):
        return {lang: text.say(lang) for lang in LANGUAGES}
    # A message of a newer broker brings its sentences along; names may be there in one language only.
    fallback = str(text.get("en") or text.get("zh") or text.get("code") or "")
    return {lang: str(text.get(lang) or fallback) for lang in LANGUAGES}


@cache
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.filters["both"] = both
    return environment
