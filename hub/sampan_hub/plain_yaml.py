"""YAML with one meaning for each line: 1.2's plain values, no key twice, no aliases, no depth without end.

With YAML 1.1, which libraries speak by default, `NO` (Norway) is false, 22:22 is a number, and the first of two equal keys
is silently lost.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

__all__ = ["load"]

_DEEPEST: Final = 20
_LONGEST_NUMBER: Final = 100


def load(text: str) -> Any:
    """The value that `text` holds: tables with text as keys, lists, text, numbers, true and false, None.

    Raises ValueError, saying what is wrong and in which line.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader, with more refusals)
    except yaml.YAMLError as error:
        raise ValueError(_where(error)) from error
    except RecursionError as error:
        raise ValueError("too deep") from error


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (as in the parent)
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        if self.check_event(yaml.AliasEvent):
            raise _refusal("an alias (*); write the value out", mark)
        if self.depth >= _DEEPEST:
            raise _refusal("too deep", mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refusal("a key that is no text", key.start_mark)
            if key.value in found:
                raise _refusal(f"the key {key.value!r} stands twice", key.start_mark)
            found[key.value] = self.construct_object(value, deep=True)
        return found


def _refusal(why: str, mark: yaml.Mark) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=why, problem_mark=mark)


for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("bool", r"^(?:true|false)$", list("tf")),
    ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
    ("float", r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$", list("-+.")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


def _whole_number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int | float:
    # Python's own, which reads 010 as ten; so many digits that it refuses become an infinite number, refused later.
    text = loader.construct_scalar(node)
    return int(text) if len(text) < _LONGEST_NUMBER else float("inf")


_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)


def _where(error: yaml.YAMLError) -> str:
    """A parser's complaint in one line, with the line it is about."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return " ".join(str(error).split())[:300]
    mark = error.problem_mark or error.context_mark
    parts = (error.context, error.problem, f"line {mark.line + 1}" if mark else None)
    return ", ".join(part for part in parts if part)[:300]
