"""Logs for people or for programs, and which launch each line is about. Nothing here knows who reads them.

::

    {"at": "2025-11-25T05:30:00.123Z", "level": "info", "logger": "sampan_hub.reconcile", "launch": "…", "message": "…"}

An error's trace is in `trace`. A line that concerns a launch has its id, whoever wrote it: those who work on one launch say so
once (:func:`concerning`), and of others a launch's id or a job's tag in the line itself is taken.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

__all__ = ["FORMATS", "JsonLines", "LaunchLog", "begin", "concerning", "concerns"]

FORMATS: Final = ("text", "json")
TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_launch: ContextVar[str] = ContextVar("launch", default="")
_TOLD: Final = re.compile(r"\b(?:launch ([a-z0-9]{12})\b|sampan-[a-z0-9]{4,16}-([a-z0-9]{12})-[0-9])")


def concerns(launch: str) -> None:
    """Whatever the present task logs from now on, and what it starts, is about this launch."""
    _launch.set(launch)


@contextmanager
def concerning(launch: str) -> Iterator[None]:
    """What is logged within is about this launch."""
    token = _launch.set(launch)
    try:
        yield
    finally:
        _launch.reset(token)


class JsonLines(logging.Formatter):
    """One JSON object a line, whatever is in the message: text from outside begins no line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        line: dict[str, Any] = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")[:-6]
            + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if launch := getattr(record, "launch", "") or _launch.get() or _told(message):
            line["launch"] = launch
        line["message"] = message
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class LaunchLog(logging.LoggerAdapter[Any]):
    """A logger whose lines are about the launch that `which` names at that moment."""

    def __init__(self, log: Any, which: Callable[[], str]) -> None:
        super().__init__(log, {})
        self._which = which

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["extra"] = {**(kwargs.get("extra") or {}), "launch": self._which()}
        return msg, kwargs


def begin(shape: str) -> None:
    """Sends this process's log to standard error as `text` or `json`, from INFO on; libraries' chatter from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if shape == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for chatty in ("asyncssh", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _told(message: str) -> str:
    found = _TOLD.search(message)
    return (found[1] or found[2]) if found else ""
