"""The way from a Jupyter server to a page, which tells what the page has got: the server after this one tells the rest.

`ServerApp.kernel_websocket_connection_class = "sampan_kernels.page_way.PageWay"`
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from sampan_kernels.seen import reply_to

__all__ = ["PageWay"]

_HEADER, _PARENT = 0, 1
_REPLY: Final = "execute_reply"


class PageWay(ZMQChannelsWebsocketConnection):
    """Jupyter's own. What it keeps for a page that is asleep, or drops as too much, no page has got."""

    _written: asyncio.Future[None] | None = None
    """What became of the message that is being passed on."""

    @property
    def write_message(self) -> Callable[..., asyncio.Future[None]]:
        return self._write

    def _write(self, message: str | bytes, binary: bool = False) -> asyncio.Future[None]:
        self._written = self.websocket_handler.write_message(message, binary=binary)
        return self._written

    def _take_written(self) -> asyncio.Future[None] | None:
        written, self._written = self._written, None
        return written

    def _on_zmq_reply(self, stream: Any, msg_list: Any) -> None:
        told = getattr(self.kernel_manager.provisioner, "told", None)
        self._take_written()
        super()._on_zmq_reply(stream, msg_list)
        written = self._take_written()
        if told is None or written is None or (name := _name(stream.channel, msg_list)) is None:
            return
        way = self.websocket_handler.ws_connection
        if way and way.stream and not way.stream.closed() and not way.stream.writing():
            told(name)
        else:
            written.add_done_callback(partial(_when_written, told, name))


def _when_written(told: Callable[[str], None], name: str, written: asyncio.Future[None]) -> None:
    if not written.cancelled() and written.exception() is None:
        told(name)


def _name(channel: str, message: Mapping[str, Any] | Sequence[bytes]) -> str | None:
    """What the relay knows the message by, None for one that it does not remember."""
    if channel == "iopub":
        return str(_part(message, "header", _HEADER)["msg_id"])
    if channel == "shell" and _part(message, "header", _HEADER)["msg_type"] == _REPLY:
        return reply_to(str(_part(message, "parent_header", _PARENT).get("msg_id")))
    return None


def _part(message: Mapping[str, Any] | Sequence[bytes], name: str, place: int) -> Mapping[str, Any]:
    """Packed or not, as the page's protocol has it."""
    found: Mapping[str, Any] = (
        message[name] if isinstance(message, Mapping) else json.loads(bytes(message[place]))
    )
    return found
