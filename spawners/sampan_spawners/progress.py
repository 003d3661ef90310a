"""A launch's steps as JupyterHub shows progress: it never goes back, and only JupyterHub itself says 100."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sampan.messages import Message
from sampan_spawners.fragments import both, plain

__all__ = ["Progress"]

# The server is up a moment before its route is: what is left of the bar belongs to the hub.
HIGHEST: Final = 99


class Progress:
    """One continuous progress for whoever watches, over several attempts at several centres."""

    def __init__(self) -> None:
        self._reached = 0

    def of(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """An event of the broker as `{"progress", "message", "html_message", "at", "stage", "id"}`."""
        self._reached = max(self._reached, min(int(event["progress"]), HIGHEST))
        return {
            **self.saying(event["message"]),
            "at": event.get("at"),
            "stage": event.get("stage"),
            "id": event.get("id"),
        }

    def saying(self, message: Message | Mapping[str, Any]) -> dict[str, Any]:
        """A message that moves nothing on."""
        return {
            "progress": self._reached,
            "message": plain(message),
            "html_message": str(both(message)),
        }
