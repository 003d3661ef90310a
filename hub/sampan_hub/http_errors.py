"""How an error leaves the HTTP interface: one shape for all of them, the field named, never a bare 500."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sampan.errors import Invalid, SampanError
from sampan.messages import Message

__all__ = ["answer_errors"]

_LONGEST_FIELD: Final = 64


def answer_errors(app: FastAPI) -> None:
    """Every error of this application becomes `{"error": Message, "retry": bool, "field": str | null}`."""
    app.add_exception_handler(SampanError, _known)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    # Sent, and still raised for the log: it is a mistake of ours.
    app.add_exception_handler(Exception, _mistake)


async def _known(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, SampanError):
        raise error
    return _told(request, error.message, error.status, retry=error.retry)


async def _malformed(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    # A body that is no JSON has the place of its fault for a name, and a body as a whole has none.
    place = [str(part) for part in first["loc"][1:]] if first["type"] != "json_invalid" else []
    field = _shown(".".join(place) or str(first["loc"][0]))
    invalid = Invalid("request.field", field=field, expected=_shown(str(first["msg"]), 200))
    return _told(request, invalid.message, invalid.status)


async def _http(request: Request, error: Exception) -> JSONResponse:
    """What FastAPI and the router raise by themselves: no such route, another method, a body that cannot be read."""
    if not isinstance(error, HTTPException):
        raise error
    if isinstance(error.__cause__, SampanError):
        return await _known(request, error.__cause__)
    if error.status_code == Invalid.status:
        message = Message("request.field", {"field": "body", "expected": "JSON (UTF-8)"})
    else:
        message = Message("request.route", {"method": request.method, "path": _shown(request.url.path, 200)})
    return _told(request, message, error.status_code, headers=error.headers)


async def _mistake(request: Request, error: Exception) -> JSONResponse:
    return _told(request, Message("broker.failed"), 500, retry=True)


def _told(
    request: Request,
    message: Message,
    status: int,
    *,
    retry: bool = False,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    body = {"error": message.to_json(), "retry": retry, "field": message.params.get("field")}
    headers = dict(headers or {})
    if request.scope["type"] == "websocket":
        # uvicorn closes the connection of a websocket that is refused. A proxy that was not told so sends the next person's
        # request into it, and answers 503.
        headers["Connection"] = "close"
    return JSONResponse(body, status_code=status, headers=headers)


def _shown(text: str, longest: int = _LONGEST_FIELD) -> str:
    """What was sent, as it may be said back: short and printable, so also encodable."""
    return "".join(char if char.isprintable() else "�" for char in text[:longest])
