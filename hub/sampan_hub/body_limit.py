"""A request's body is read up to a limit: nobody fills the broker's memory."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sampan.errors import Invalid

__all__ = ["LARGEST", "BodyLimit"]

LARGEST: Final = 256 * 1024
"""Bytes; the largest honest body is an identity of some 10 KiB."""


class BodyLimit:
    """ASGI middleware. A larger body is `Invalid` (need.too_large, field `body`) where it is read, whatever length it claims."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = 0

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > LARGEST:
                raise Invalid("need.too_large", field="body", size=size, limit=LARGEST)
            return message

        await self._app(scope, limited if scope["type"] == "http" else receive, send)
