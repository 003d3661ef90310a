"""Reading descriptor files: text from outside becomes a value, or errors that name file, key and what was expected."""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sampan.errors import Invalid
from sampan.messages import Message, Value
from sampan_hub.agreement import disagreements
from sampan_hub.descriptor import SCHEMA, SHAPES, Descriptor, json_schema
from sampan_hub.plain_yaml import load

__all__ = ["LARGEST", "parse_descriptor", "read_descriptor"]

LARGEST: Final = 256 * 1024
MOST_ERRORS: Final = 50
_WHOLE: Final = "(file)"
"""Stands for the key where the file as a whole is wrong."""


def read_descriptor(path: Path) -> Descriptor | tuple[Invalid, ...]:
    """The descriptor of that file, or everything that is wrong with it."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            return (_error(path.name, _WHOLE, _say("too_large", most=LARGEST)),)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return (_error(path.name, _WHOLE, _say("unreadable", why=str(why))),)
    return parse_descriptor(text, path.name)


def parse_descriptor(text: str, file: str) -> Descriptor | tuple[Invalid, ...]:
    """The same for text; `file` names it in the errors."""
    try:
        value = load(text)
    except ValueError as error:
        return (_error(file, _WHOLE, _say("yaml", why=str(error))),)
    if not isinstance(value, dict):
        return (_error(file, _WHOLE, _say("mapping", schema=SCHEMA)),)
    try:
        # Through JSON on purpose: strict models then take lists for tuples, and dates, sets and binary are refused.
        centre = Descriptor.model_validate_json(json.dumps(value))
    except ValidationError as error:
        return tuple(_of(file, detail) for detail in error.errors(include_url=False)[:MOST_ERRORS])
    except (TypeError, ValueError) as error:
        return (_error(file, _WHOLE, _say("yaml", why=str(error))),)
    wrong = tuple(_error(file, key, expected) for key, expected in disagreements(centre))
    return wrong[:MOST_ERRORS] or centre


def _of(file: str, detail: ErrorDetails) -> Invalid:
    place = [part for part in detail["loc"] if part != "[key]"]
    key = ".".join(str(part) for part in place) or _WHOLE
    expect = _EXPECTED.get(detail["type"])
    expected = expect(detail) if expect else _say("other", why=detail["msg"])
    return _error(file, key, expected)


def _of_shape(detail: ErrorDetails) -> Message:
    name = SHAPES.get(detail.get("ctx", {}).get("pattern", ""))
    return _say(name) if name else _say("other", why=detail["msg"])


def _unknown(detail: ErrorDetails) -> Message:
    known = sorted(_known_keys(detail["loc"][:-1]))
    near = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1)
    return _say("unknown_near", near=near[0]) if near else _say("unknown", known=", ".join(known))


def _known_keys(place: tuple[int | str, ...]) -> set[str]:
    """The keys that the schema knows at that place."""
    schema = _schema()
    here: Any = schema
    for part in place:
        here = here.get("items", {}) if isinstance(part, int) else here.get("properties", {}).get(part, {})
        here = schema["$defs"].get(str(here.get("$ref", "")).rpartition("/")[2], here)
    return set(here.get("properties", {}))


_schema = functools.cache(json_schema)


def _bound(detail: ErrorDetails) -> Message:
    context = detail.get("ctx", {})
    code, name = {"ge": ("at_least", "least"), "gt": ("more_than", "least"), "le": ("at_most", "most")}[
        next(key for key in context if key in ("ge", "gt", "le"))
    ]
    bound = next(context[key] for key in ("ge", "gt", "le") if key in context)
    return _say(code, **{name: f"{bound:g}"})


def _kind(code: str) -> Callable[[ErrorDetails], Message]:
    return lambda detail: _say(code)


def _long(detail: ErrorDetails) -> Message:
    return _say("long", most=int(detail.get("ctx", {}).get("max_length", 0)))


def _one_of(detail: ErrorDetails) -> Message:
    choices = str(detail.get("ctx", {}).get("expected", ""))
    return _say("one_of", choices=choices.replace("'", "").replace(" or ", ", "))


_EXPECTED: Final[Mapping[str, Callable[[ErrorDetails], Message]]] = {
    "missing": _kind("missing"),
    "extra_forbidden": _unknown,
    "string_pattern_mismatch": _of_shape,
    "string_type": _kind("text"),
    "string_too_short": _kind("missing"),
    "string_too_long": _long,
    "too_short": _kind("one_at_least"),
    "too_long": _long,
    "int_type": _kind("whole"),
    "int_from_float": _kind("whole"),
    "int_parsing_size": _kind("whole"),
    "float_type": _kind("number"),
    "finite_number": _kind("number"),
    "bool_type": _kind("bool"),
    "literal_error": _one_of,
    "greater_than": _bound,
    "greater_than_equal": _bound,
    "less_than_equal": _bound,
    "tuple_type": _kind("list"),
    "dict_type": _kind("table"),
    "model_type": _kind("table"),
    "model_attributes_type": _kind("table"),
    "zone": _kind("zone"),
    "system_account": _kind("system_account"),
    "source_address": _kind("source_address"),
}
"""What pydantic calls an error → what was expected, in words. https://docs.pydantic.dev/latest/errors/validation_errors/"""


def _say(code: str, **params: Value) -> Message:
    return Message(f"descriptor.{code}", params)


def _error(file: str, key: str, expected: Message) -> Invalid:
    return Invalid("centre.descriptor", file=file, key=key, expected=expected)
