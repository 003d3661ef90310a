"""Reading descriptor files: text from outside becomes a value, or errors that name file, key and what was expected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sampan.errors import Invalid
from sampan_hub.descriptor import Descriptor

__all__ = ["LARGEST", "parse_descriptor", "read_descriptor"]

LARGEST = 256 * 1024


class _Loader(yaml.SafeLoader):
    """Safe, and a key that stands twice is an error: the first would silently be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for number, key in enumerate(keys):
            if key in keys[:number]:
                mark = node.value[number][0].start_mark
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", mark)
        return super().construct_mapping(node, deep)


def read_descriptor(path: Path) -> Descriptor | tuple[Invalid, ...]:
    """The descriptor of that file, or everything that is wrong with it."""
    try:
        if path.stat().st_size > LARGEST:
            return (_error(path.name, "(file)", f"at most {LARGEST} bytes"),)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return (_error(path.name, "(file)", f"a readable UTF-8 file ({error})"),)
    return parse_descriptor(text, path.name)


def parse_descriptor(text: str, file: str) -> Descriptor | tuple[Invalid, ...]:
    """The same for text; `file` names it in the errors."""
    try:
        value = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader, with one refusal more)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return (_error(file, "(file)", f"YAML ({' '.join(str(error).split())[:300]})"),)
    if not isinstance(value, dict):
        return (_error(file, "(file)", "a mapping of keys, beginning with schema: sampan/centre/1"),)
    try:
        return Descriptor.model_validate_json(_json(value))
    except (TypeError, ValueError) as error:
        if isinstance(error, ValidationError):
            return tuple(_of(file, detail) for detail in error.errors())
        return (_error(file, "(file)", f"plain values ({error})"),)


def _json(value: dict[Any, Any]) -> str:
    # Through JSON on purpose: strict models then take lists for tuples, and dates, sets and binary are refused.
    return json.dumps(value)


def _of(file: str, detail: ErrorDetails) -> Invalid:
    key = ".".join(str(part) for part in detail["loc"]) or "(file)"
    if detail["type"] == "extra_forbidden":
        expected = "no such key; look for a misspelling"
    elif detail["type"] == "missing":
        expected = "a value; this key is required"
    elif detail["type"] == "value_error":
        expected = "expected " + str(detail["msg"]).removeprefix("Value error, ")
    else:
        expected = f"{detail['msg']}; found {str(detail['input'])[:60]!r}"
    return _error(file, key, expected)


def _error(file: str, key: str, expected: str) -> Invalid:
    return Invalid("centre.descriptor", file=file, key=key, expected=expected)
