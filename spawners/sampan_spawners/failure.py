"""A start that failed, told to the person: the cause, what was tried, the end of the log, the next step."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyterhub.spawner import SpawnException

from sampan.errors import SampanError
from sampan.messages import Message
from sampan_spawners.fragments import plain, render

__all__ = ["Failure", "failed", "over", "refused"]

Json = dict[str, Any]


class Failure(SpawnException):  # type: ignore[misc, unused-ignore]
    """What JupyterHub shows on each of its ways: HTML on pages, both sentences in JSON, the cause in the log."""

    def __init__(self, message: str, html: str, *, reason: str, status: int, cause: str) -> None:
        super().__init__(message, reason=reason, message_html=html, status_code=status, log_message=cause)
        # Other pages of JupyterHub 6.1 read these two instead (jupyterhub.utils.format_exception).
        self.jupyterhub_message = message
        self.jupyterhub_html_message = html


def refused(error: SampanError) -> Failure:
    """The broker said no, or what it needs is not there: nothing was started."""
    message = error.message.to_json()
    return Failure(
        plain(message),
        str(render("failure.html", cause=message, tried=[], log="", again=True)),
        reason=error.code.replace(".", "_"),
        status=error.status,
        cause=str(error),
    )


def failed(launch: Json) -> Failure:
    """The launch has ended before it was ready."""
    cause = launch.get("cause") or launch.get("message") or Message("launch.stopped").to_json()
    tried = [
        {"names": attempt.get("names") or {"en": attempt["centre"]}, "cause": attempt["cause"]}
        for attempt in launch.get("attempts") or []
        if attempt.get("cause")
    ]
    html = render("failure.html", cause=cause, tried=tried, log=launch.get("log_tail") or "", again=True)
    code = str(cause.get("code", "ended"))
    return Failure(
        plain(cause),
        str(html),
        reason=code.replace(".", "_"),
        status=424,
        cause=f"{launch['id']}: {plain(cause)}",
    )


def over(error: Exception) -> asyncio.Future[None]:
    """A start that failed: JupyterHub keeps such a future, and its pages show what is in it."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    future.exception()  # looked at, so that asyncio does not call it forgotten
    return future
