"""What Sampan says to people: a stable code and its parameters, spoken in Chinese or English.

Reasons of a placement, progress of a launch, causes of an end and errors are all messages, so that the spawn page, the
panel, the command line and the log say the same thing in the same words. A code never changes its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from sampan.sentences import SENTENCES

__all__ = ["LANGUAGES", "Language", "Message"]

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
Value = str | int | float


@dataclass(frozen=True)
class Message:
    """One sentence that can be said in each language of :data:`LANGUAGES`."""

    code: str
    params: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", MappingProxyType(dict(self.params)))

    def __hash__(self) -> int:
        return hash((self.code, tuple(sorted(self.params.items()))))

    def say(self, language: Language) -> str:
        """The sentence as plain text: whoever shows it as HTML escapes it.

        A code this version does not know (an older client, a newer broker) is said as itself, with its parameters.
        """
        pair = SENTENCES.get(self.code)
        if pair is None:
            known = ", ".join(f"{key}={value}" for key, value in sorted(self.params.items()))
            return f"{self.code} ({known})" if known else self.code
        text = pair[LANGUAGES.index(language)]
        for key, value in self.params.items():
            # Not str.format: a parameter comes from outside and must never be read as a template or an attribute.
            text = text.replace("{" + key + "}", str(value))
        return text

    def to_json(self) -> dict[str, Any]:
        """`{"code", "params", "en", "zh"}`: the two sentences travel along for clients without our tables."""
        return {"code": self.code, "params": dict(self.params), **{lang: self.say(lang) for lang in LANGUAGES}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Message:
        return cls(str(data["code"]), cast("Mapping[str, Value]", dict(data.get("params") or {})))
