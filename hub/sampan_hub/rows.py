"""Between rows of the tables and the values of :mod:`sampan_hub.records`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final, TypeVar

from sqlalchemy import RowMapping

from sampan.messages import Message
from sampan.need import Need
from sampan.stages import Kind, Seen, Stage, Target
from sampan_hub.records import Attempt, Launch, Transition

__all__ = ["columns", "read_attempt", "read_launch", "read_transition"]

Record = TypeVar("Record", Launch, Attempt, Transition)

_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "need": Need.from_json,
    "kind": Kind,
    "target": Target,
    "stage": Stage,
    "seen": Seen,
    "cause": Message.from_json,
    "message": Message.from_json,
}
"""How a column is read; every other one is what it is."""


def read_launch(row: RowMapping) -> Launch:
    return _read(Launch, row)


def read_attempt(row: RowMapping) -> Attempt:
    return _read(Attempt, row)


def read_transition(row: RowMapping) -> Transition:
    return _read(Transition, row)


def columns(record: type[Launch | Attempt], changes: Mapping[str, object]) -> dict[str, Any]:
    """Changes of a record as changes of its row. Raises `TypeError` for a field that the record does not have."""
    known = {field.name for field in fields(record)}
    unknown = changes.keys() - known
    if unknown:
        raise TypeError(f"{record.__name__} has no field {', '.join(sorted(unknown))}")
    return {name: _column(value) for name, value in changes.items()}


def _column(value: object) -> object:
    if isinstance(value, Message | Need):
        return value.to_json()
    return dict(value) if isinstance(value, Mapping) else value


def _read(record: type[Record], row: RowMapping) -> Record:
    values = {}
    for field in fields(record):
        value = row[field.name]
        reader = _READERS.get(field.name)
        values[field.name] = value if reader is None or value is None else reader(value)
    return record(**values)
