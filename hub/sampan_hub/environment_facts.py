"""What an environment at a centre says of itself, and what this hub makes of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sampan.errors import Unavailable
from sampan.messages import Message, text
from sampan_hub.descriptor import Descriptor
from sampan_hub.environments import SCHEMA
from sampan_hub.report import PROTOCOLS

__all__ = ["EnvironmentFacts", "Expected", "Record", "differences", "unfit"]

_LONGEST: Final = 200
_MOST: Final = 2000


@dataclass(frozen=True, slots=True)
class Record:
    """What its maker wrote down when it was whole. `lock`, `wheel`: SHA-256, hexadecimal; `built_at`: ISO 8601."""

    lock: str
    wheel: str
    sampan: str
    jupyterhub: str
    python: str
    built_at: str

    def to_json(self) -> dict[str, str]:
        return {"schema": SCHEMA, **{name: getattr(self, name) for name in self.__slots__}}


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """`prefix` is where it really lies. `packages` and `broken` (module → why) are empty unless they were asked for."""

    prefix: str
    python: str
    sampan: str
    jupyterhub: str
    speaks: frozenset[int]
    record: Record | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> EnvironmentFacts:
        """Reads what `sampan_kernels.environment` prints; keys we do not know are let be. Raises `Unavailable`."""
        spoken, versions = said.get("speaks"), said.get("versions")
        if said.get("schema") != SCHEMA or not isinstance(spoken, list) or not isinstance(versions, dict):
            raise Unavailable("environment.no_answer", cause=f"not {SCHEMA}: {str(said)[:_LONGEST]}")
        return cls(
            prefix=_word(said.get("prefix")),
            python=_word(said.get("python")),
            sampan=_word(versions.get("sampan")),
            jupyterhub=_word(versions.get("jupyterhub")),
            speaks=frozenset(number for number in spoken if type(number) is int),
            record=_record(said.get("record")),
            packages=_words(said.get("packages")),
            broken=_words(said.get("broken")),
        )

    def with_record(self, record: Record) -> EnvironmentFacts:
        return replace(self, record=record)


@dataclass(frozen=True, slots=True)
class Expected:
    """What this hub wants there: its own lock, wheel and versions. `packages`: what the lock pins for that machine."""

    lock: str
    wheel: str
    sampan: str
    jupyterhub: str
    packages: Mapping[str, str] = field(default_factory=dict)


def unfit(centre: Descriptor, facts: EnvironmentFacts | None, hub: Expected) -> Message | None:
    """Why no launch may start in this environment, with the next step; None where one may. `facts`: None for none there."""
    return next(_reasons(centre, facts, hub), None)


def differences(centre: Descriptor, facts: EnvironmentFacts | None, hub: Expected) -> tuple[Message, ...]:
    """Everything in it that is not as this hub wants it: what keeps launches away first."""
    told = tuple(_reasons(centre, facts, hub))
    return told if facts is None else (*told, *_smaller(centre, facts, hub))


def _reasons(centre: Descriptor, facts: EnvironmentFacts | None, hub: Expected) -> Iterator[Message]:
    managed = centre.environment.prefix is not None
    if facts is None or (managed and facts.record is None):
        yield _say("environment.absent", centre)
        return
    if managed and facts.record is not None and facts.record.lock != hub.lock:
        yield _say("environment.lock", centre, there=facts.record.lock[:12], here=hub.lock[:12])
    if _feature(facts.jupyterhub) != _feature(hub.jupyterhub):
        yield _say("environment.jupyterhub", centre, there=facts.jupyterhub or "–", here=hub.jupyterhub)
    if not facts.speaks & PROTOCOLS:
        yield _say("environment.protocol", centre, there=_numbers(facts.speaks), here=_numbers(PROTOCOLS))


def _smaller(centre: Descriptor, facts: EnvironmentFacts, hub: Expected) -> Iterator[Message]:
    """What differs and does no harm by itself, and what does harm only once a session comes to it."""
    record = facts.record if centre.environment.prefix is not None else None
    if record is not None and record.wheel != hub.wheel:
        yield _say("environment.sampan", centre, there=record.sampan, here=hub.sampan)
    elif facts.sampan != hub.sampan:
        yield _say("environment.sampan", centre, there=facts.sampan or "–", here=hub.sampan)
    if record is not None and record.python != facts.python:
        yield _say("environment.python", centre, there=facts.python, here=record.python)
    if facts.packages:
        wanted = {
            name: version for name, version in hub.packages.items() if facts.packages.get(name) != version
        }
        if wanted:
            named = ", ".join(
                f"{name} {facts.packages.get(name, '–')} ({wanted[name]})" for name in sorted(wanted)[:10]
            )
            yield _say("environment.packages", centre, count=len(wanted), named=named)
    for module, why in sorted(facts.broken.items()):
        yield _say("environment.broken", centre, module=module, why=why)


def _say(code: str, centre: Descriptor, **params: str | int) -> Message:
    """With the next step, which depends on who makes the environment."""
    step = "environment.step_build" if centre.environment.prefix is not None else "environment.step_theirs"
    return Message(
        code,
        {
            "centre": text(centre.names.model_dump()),
            "next": Message(step, {"id": centre.id}),
            **params,
        },
    )


def _feature(version: str) -> tuple[str, ...]:
    """The part of a version within which JupyterHub's servers and hub understand each other: major and minor."""
    return tuple(version.split(".")[:2])


def _numbers(numbers: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(numbers)[:20])) or "–"


def _word(value: Any) -> str:
    """Text as it may be shown and compared; anything else is nothing."""
    return value[:_LONGEST] if isinstance(value, str) else ""


def _words(value: Any) -> dict[str, str]:
    pairs = list(value.items())[:_MOST] if isinstance(value, dict) else []
    return {_word(key): _word(word) for key, word in pairs}


def _record(value: Any) -> Record | None:
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        return None
    return Record(*(_word(value.get(name)) for name in Record.__slots__))
