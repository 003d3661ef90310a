"""How the broker's clients say a call and read its answer over HTTP: the same for those that await and those that do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import httpx

from sampan import calls
from sampan.address import Address
from sampan.calls import Call
from sampan.errors import SampanError, Unavailable

__all__ = ["CONNECT", "connections", "read", "refusal", "request", "settings"]

T = TypeVar("T")
CONNECT: Final = 5.0


def connections(address: Address, deadline: float) -> httpx.AsyncClient:
    # The hub follows one launch for each person who waits; in a pool of a hundred all others would wait for their ends.
    there, limits = address.socket, httpx.Limits(max_connections=None, max_keepalive_connections=20)
    # A client given a way of its own leaves the limits to that one.
    way = httpx.AsyncHTTPTransport(uds=there, limits=limits, verify=False) if there else None
    return httpx.AsyncClient(transport=way, limits=limits, **settings(address, deadline))


def settings(address: Address, deadline: float) -> dict[str, Any]:
    return {
        "base_url": address.url,
        "timeout": httpx.Timeout(deadline, connect=min(CONNECT, deadline)),
        # A site's web proxy is for the world outside: it cannot reach this machine, and must not see its tokens.
        "trust_env": not address.on_this_machine,
    }


def request(call: Call[T], headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "method": call.method,
        "url": call.path,
        "params": dict(call.params) or None,
        "json": call.json,
        "headers": {**headers, **call.headers},
    }


def read(call: Call[T], answer: httpx.Response, url: str) -> T:
    if not answer.is_success:
        raise refusal(answer, url)
    if call.raw:
        return call.read(answer.content)
    try:
        return call.read(answer.json() if answer.content else None)
    except (ValueError, TypeError, KeyError) as error:
        raise Unavailable(
            "broker.no_answer", cause=repr(error), url=url, status=answer.status_code
        ) from error


def refusal(answer: httpx.Response, url: str) -> SampanError:
    try:
        body = answer.json()
    except ValueError:
        body = None
    return calls.error_of(answer.status_code, body, url)
