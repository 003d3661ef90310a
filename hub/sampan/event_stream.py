"""Server-sent events, read line by line: where a follower stands, and whether it asks again. No I/O here.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import json
from typing import Any, Final

from sampan.errors import SampanError, Unavailable, Unreachable

__all__ = ["EventStream"]

FIRST_WAIT: Final = 0.1
LONGEST_WAIT: Final = 2.0


class EventStream:
    """What one follower of a launch has read so far, over as many connections as it takes."""

    def __init__(self, after: int | None = None, *, reconnect: bool = True) -> None:
        self.ended = False
        self._after = after
        self._reconnect = reconnect
        self._connected = False
        self._wait = FIRST_WAIT
        self._data: list[str] = []
        self._id: str | None = None

    def headers(self) -> dict[str, str]:
        """What to send so that the answer goes on where the last one broke off."""
        return {} if self._after is None else {"Last-Event-ID": str(self._after)}

    def opened(self) -> None:
        """A connection stands: half an event of the last one is forgotten, it comes again."""
        self._connected = True
        self._data, self._id = [], None

    def feed(self, line: str) -> dict[str, Any] | None:
        """Takes a line without its end; an empty one completes an event, which is returned with its number as `id`.

        Raises Unavailable where the data is no JSON object.
        """
        if not line:
            return self._complete()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "id":
            self._id = value
        return None

    def broken(self, error: SampanError) -> float:
        """The connection failed, or ended before the launch did: seconds to wait before the next, or `error` is raised."""
        lasting = not isinstance(error, Unavailable)
        # An address where no broker ever answered is a wrong address; one that answered before comes back.
        wrong = not isinstance(error, Unreachable) and not self._connected
        if lasting or wrong or not self._reconnect:
            raise error
        wait, self._wait = self._wait, min(self._wait * 2, LONGEST_WAIT)
        return wait

    def _complete(self) -> dict[str, Any] | None:
        text, number = "\n".join(self._data), self._id
        self._data, self._id = [], None
        if not text:
            return None
        try:
            event = json.loads(text)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            raise Unavailable("broker.no_answer", cause=text[:200], url="the event stream", status=200)
        if number is not None and number.isdecimal():
            self._after = event["id"] = int(number)
        self._wait = FIRST_WAIT
        self.ended = event.get("final") == "ended"
        return event
