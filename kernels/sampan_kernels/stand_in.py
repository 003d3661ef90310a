"""What is said in the place of a kernel that is not there yet, or no more. Pure."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sampan.messages import Language, Message
from sampan_kernels.parcel import PROTOCOL, Parcel

__all__ = [
    "answer_info",
    "answer_interrupted",
    "answer_made_up",
    "answer_refused",
    "answer_shutdown",
    "state",
]

Said = tuple[str, Parcel]
"""Socket, message."""

_INFO: Final[Mapping[str, Any]] = {
    "status": "ok",
    "protocol_version": PROTOCOL,
    "implementation": "sampan",
    "implementation_version": "1",
    "language_info": {
        "name": "python",
        "version": platform.python_version(),
        "mimetype": "text/x-python",
        "codemirror_mode": {"name": "ipython", "version": 3},
        "pygments_lexer": "ipython3",
        "nbconvert_exporter": "python",
        "file_extension": ".py",
    },
    "banner": "",
    "help_links": [],
    "debugger": False,
}
"""Kernels elsewhere are Python, as all that is started there; which Python exactly they say themselves when they are there."""


def answer_info(asked: Parcel, socket: str, known: Mapping[str, Any] | None) -> Iterator[Said]:
    """To `kernel_info_request`: what the kernel said of itself last, else what is true of all of them."""
    yield "iopub", _status("busy", asked)
    yield socket, Parcel.make("kernel_info_reply", known or _INFO, asked, asked.address)
    yield "iopub", _status("idle", asked)


def answer_shutdown(asked: Parcel, socket: str) -> Iterator[Said]:
    """To `shutdown_request`: nothing runs that would have to end."""
    content = {"status": "ok", "restart": asked.content.get("restart") is True}
    yield socket, Parcel.make("shutdown_reply", content, asked, asked.address)


def state(word: str) -> Parcel:
    """The kernel's state in the protocol's own words, in answer to nobody."""
    return _status(word, {})


def answer_refused(asked: Parcel, why: Message, language: Language) -> Iterator[Said]:
    """To `execute_request` where there will be no kernel: as an error of the cell, in words for its person."""
    return _failed(asked, why.code, why.say(language))


def answer_interrupted(asked: Parcel) -> Iterator[Said]:
    return _failed(asked, "KeyboardInterrupt", "")


def answer_made_up(
    asked: Mapping[str, Any], count: int | None, error: Mapping[str, Any] | None
) -> Iterator[Said]:
    """The reply to `execute_request` that was lost on the way, from what the kernel published of the same cell."""
    content: dict[str, Any] = {"status": "ok", "payload": [], "user_expressions": {}}
    if error is not None:
        content = {"status": "error", **error}
    to = (str(asked.get("session", "")).encode(),)
    yield "shell", Parcel.make("execute_reply", {**content, "execution_count": count}, asked, to)


def _failed(asked: Parcel, name: str, text: str) -> Iterator[Said]:
    error = {"ename": name, "evalue": text, "traceback": [f"{name}: {text}" if text else name]}
    yield "iopub", _status("busy", asked)
    yield "iopub", Parcel.make("error", error, asked, (b"error",))
    reply = {"status": "error", "execution_count": None, **error}
    yield "shell", Parcel.make("execute_reply", reply, asked, asked.address)
    yield "iopub", _status("idle", asked)


def _status(word: str, asked: Parcel | Mapping[str, Any]) -> Parcel:
    return Parcel.make("status", {"execution_state": word}, asked, (b"status",))
