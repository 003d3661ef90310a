"""What Sampan says to people: a stable code and its parameters, spoken in Chinese or English.

Reasons of a placement, progress of a launch, causes of an end and errors are all messages, so that the spawn page, the
panel, the command line and the log say the same thing in the same words. A code never changes its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias, Union

from sampan.sentences import SENTENCES

__all__ = ["LANGUAGES", "Language", "Message", "Value", "text"]

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
Value: TypeAlias = Union[str, int, float, "Message", "tuple[Message, ...]"]
"""A parameter: a plain value, or further messages, which are said in the same language (several: one after another)."""
_NAME = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Message:
    """One sentence that can be said in each language of :data:`LANGUAGES`."""

    code: str
    params: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", MappingProxyType(dict(self.params)))

    def __hash__(self) -> int:
        return hash((self.code, tuple(sorted(self.params.items(), key=lambda item: item[0]))))

    def __reduce__(self) -> tuple[type[Message], tuple[str, dict[str, Value]]]:
        # Errors come back from Dask's workers and from other centres' kernels.
        return type(self), (self.code, dict(self.params))

    def say(self, language: Language) -> str:
        """The sentence as plain text: whoever shows it as HTML escapes it.

        A code this version does not know (an older client, a newer broker) is said as itself, with its parameters.
        """
        pair = SENTENCES.get(self.code)
        if pair is None:
            known = ", ".join(f"{key}={_say(value, language)}" for key, value in sorted(self.params.items()))
            return f"{self.code} ({known})" if known else self.code
        # One pass, and not str.format: a parameter comes from outside and is never read as a template or an attribute.
        return _NAME.sub(
            lambda found: _say(self.params.get(found[1], found[0]), language), pair[LANGUAGES.index(language)]
        )

    def to_json(self) -> dict[str, Any]:
        """`{"code", "params", "en", "zh"}`: the two sentences travel along for clients without our tables."""
        return {
            "code": self.code,
            "params": {key: _dump(value) for key, value in self.params.items()},
            **{language: self.say(language) for language in LANGUAGES},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Message:
        """Reads what :meth:`to_json` wrote."""
        return cls(
            str(data["code"]), {str(key): _load(value) for key, value in (data.get("params") or {}).items()}
        )


def text(names: Mapping[str, str]) -> Message:
    """A name that exists in both languages, as a message: for the parameters of other messages."""
    return Message("text", {language: names[language] for language in LANGUAGES})


def _say(value: Value, language: Language) -> str:
    if isinstance(value, Message):
        return value.say(language)
    if isinstance(value, tuple):
        return (" " if language == "en" else "").join(part.say(language) for part in value)
    return str(value)


def _dump(value: Value) -> Any:
    if isinstance(value, Message):
        return value.to_json()
    if isinstance(value, tuple):
        return [part.to_json() for part in value]
    return value


def _load(value: Any) -> Value:
    if isinstance(value, Mapping):
        return Message.from_json(value)
    if isinstance(value, list | tuple):
        return tuple(Message.from_json(part) for part in value)
    if isinstance(value, str | int | float):
        return value
    return str(value)
