"""What can be asked of the broker: one row a route, the same for every client. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from sampan.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Missing,
    Refused,
    SampanError,
    Unavailable,
    Unreachable,
)
from sampan.messages import Message

__all__ = ["Call", "Json", "error_of"]

Json = dict[str, Any]
Options = Mapping[str, object]
"""Raw options of a start: {key: text, number or list of one}. Checked by the broker and nowhere else."""
T = TypeVar("T")

# https://www.rfc-editor.org/rfc/rfc9110#name-status-codes; our own statuses are drawn in sampan.errors.
ERRORS: Final[dict[int, type[SampanError]]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: Missing,
    409: Conflict,
    422: Refused,
    424: Unavailable,
}
# What the proxy says while the broker restarts.
AWAY: Final = frozenset({502, 503, 504})


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request, and how to read its answer; `read` raises TypeError or KeyError where the answer is another shape."""

    method: str
    path: str
    read: Callable[[Any], T]
    params: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    json: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bool = False
    """Whether the answer is bytes, and not JSON."""


def version() -> Call[Json]:
    return Call("GET", "/api/", _mapping)


def plans() -> Call[list[Json]]:
    return Call("GET", "/api/plans", _listing)


def centres() -> Call[list[Json]]:
    return Call("GET", "/api/centres", _listing)


def facts(centre: str, share: str | None = None) -> Call[Json]:
    params = {} if share is None else {"share": share}
    return Call("GET", f"/api/centres/{_centre(centre)}/facts", _mapping, params=params)


def place(options: Options) -> Call[Json]:
    return Call("POST", "/api/place", _mapping, json={"options": dict(options)})


def create(
    kind: str,
    name: str,
    options: Options,
    prefix: str,
    key: str | None = None,
    parent: str | None = None,
    groups: Sequence[str] = (),
) -> Call[Json]:
    wish: Json = {"kind": kind, "name": name, "options": dict(options), "prefix": prefix, "parent": parent}
    if groups:
        wish["groups"] = list(groups)
    headers = {} if key is None else {"Idempotency-Key": key}
    return Call("POST", "/api/launches", _mapping, json=wish, headers=headers)


def launches(everyone: bool = False, owner: str | None = None, limit: int | None = None) -> Call[list[Json]]:
    params = ({"all": "1"} if everyone else {}) | ({"owner": owner} if owner is not None else {})
    params |= {} if limit is None else {"limit": str(limit)}
    return Call("GET", "/api/launches", _listing, params=params)


def launch(id_: str) -> Call[Json]:
    return Call("GET", f"/api/launches/{_launch(id_)}", _mapping)


def events(id_: str) -> Call[None]:
    return Call(
        "GET", f"/api/launches/{_launch(id_)}/events", _nothing, headers={"Accept": "text/event-stream"}
    )


def stop(id_: str) -> Call[Json]:
    return Call("DELETE", f"/api/launches/{_launch(id_)}", _mapping)


def let_go(id_: str) -> Call[Json]:
    return Call("POST", f"/api/launches/{_launch(id_)}/let-go", _mapping)


def move_on(id_: str, minutes: int | None = None) -> Call[Json]:
    wish = {} if minutes is None else {"minutes": minutes}
    return Call("POST", f"/api/launches/{_launch(id_)}/move-on", _mapping, json=wish)


def kernel(id_: str) -> Call[Json]:
    """`{"running", "ready", "exit"}`: how the process of a launch of kind kernel is."""
    return Call("GET", f"/api/launches/{_launch(id_)}/kernel", _mapping)


def keys(id_: str) -> Call[Json]:
    """What a client of that kernel needs, under the names of a Jupyter connection file."""
    return Call("GET", f"/api/launches/{_launch(id_)}/keys", _mapping)


def interrupt(id_: str) -> Call[Json]:
    return Call("POST", f"/api/launches/{_launch(id_)}/interrupt", _mapping)


def kill(id_: str) -> Call[Json]:
    """Ends the kernel's process, not its job."""
    return Call("POST", f"/api/launches/{_launch(id_)}/kill", _mapping)


def restart(id_: str) -> Call[Json]:
    return Call("POST", f"/api/launches/{_launch(id_)}/restart", _mapping)


def socket(id_: str, name: str) -> str:
    """The path at which one of the kernel's sockets is a websocket."""
    return f"/api/launches/{_launch(id_)}/sockets/{quote(name, safe='')}"


def cluster(id_: str) -> Call[Json]:
    """How a Dask cluster is, as the kernel that holds it said last: its workers, what was asked for, and its pages."""
    return Call("GET", f"/api/clusters/{_launch(id_)}", _mapping)


def resize(id_: str, wish: Json) -> Call[Json]:
    """`wish`: `{"workers"}`, or `{"minimum", "maximum"}` between which it adapts."""
    return Call("PUT", f"/api/clusters/{_launch(id_)}/size", _mapping, json=wish)


def hire(id_: str, order: Json) -> Call[Json]:
    """Workers' jobs: `{"jobs": {number: job}}`."""
    return Call("POST", f"/api/clusters/{_launch(id_)}/workers", _mapping, json=order)


def dismiss(id_: str, jobs: Sequence[str]) -> Call[None]:
    return Call("POST", f"/api/clusters/{_launch(id_)}/leave", _nothing, json={"jobs": list(jobs)})


def tell_cluster(id_: str, state: Json) -> Call[None]:
    return Call("PUT", f"/api/clusters/{_launch(id_)}/state", _nothing, json=state)


def wishes(id_: str) -> Call[None]:
    """Lines of JSON for as long as the cluster's object listens."""
    return Call("GET", f"/api/clusters/{_launch(id_)}/wishes", _nothing)


def tell_activity(id_: str, idle_seconds: float) -> Call[Json]:
    return Call(
        "PUT", f"/api/launches/{_launch(id_)}/activity", _mapping, json={"idle_seconds": idle_seconds}
    )


def put_identity(id_: str, env: Mapping[str, str]) -> Call[None]:
    return Call("PUT", f"/api/launches/{_launch(id_)}/identity", _nothing, json={"env": dict(env)})


def get_identity(id_: str) -> Call[str | None]:
    return Call("GET", f"/api/launches/{_launch(id_)}/identity", _token)


def log(id_: str) -> Call[str]:
    return Call("GET", f"/api/launches/{_launch(id_)}/log", _text)


def search(
    text: str, chosen: Mapping[str, Sequence[str]], here: str | None, limit: int, *, offset: int = 0
) -> Call[Json]:
    """`{"total", "entries", "facets", "instead", "whole"}`: the best entries of the catalogue; facet → values, any of them."""
    page = {"q": text, "limit": str(limit), "offset": str(offset), "facets": "1"}
    params: dict[str, str | Sequence[str]] = {**page, **chosen}
    return Call(
        "GET", "/api/catalogue/search", _mapping, params=params if here is None else {**params, "here": here}
    )


def versions(provider: str, name: str) -> Call[list[Json]]:
    return Call("GET", f"/api/catalogue/entries/{_word(provider)}/{_word(name)}", _listing)


def entry(provider: str, name: str, version: str) -> Call[Json]:
    return Call("GET", _entry(provider, name, version), _mapping)


def picture(provider: str, name: str, version: str) -> Call[bytes]:
    """The preview of an entry's data, as PNG."""
    return Call("GET", f"{_entry(provider, name, version)}/picture", bytes, raw=True)


def put_entry(product: Json) -> Call[Json]:
    return Call("POST", "/api/catalogue/entries", _mapping, json=product)


def move_entry(provider: str, name: str, version: str, status: str) -> Call[Json]:
    return Call("PUT", f"{_entry(provider, name, version)}/status", _mapping, json={"status": status})


def use(provider: str, name: str, version: str, centre: str | None, replica: str) -> Call[None]:
    told = {"centre": centre, "replica": replica}
    return Call("POST", f"{_entry(provider, name, version)}/uses", _nothing, json=told)


def error_of(status: int, body: object, url: str) -> SampanError:
    """The error that an answer outside 2xx stands for: the broker's own, or a word about whoever answered instead."""
    if isinstance(body, dict) and isinstance(told := body.get("error"), dict) and "code" in told:
        message = Message.from_json(told)
        kind = ERRORS.get(status, Unavailable)
        if kind is Unavailable and message.code.endswith(".unreachable"):
            kind = Unreachable
        params = {key: value for key, value in message.params.items() if key != "cause"}
        return kind(message.code, cause=f"{url} answered {status}", **params)
    if status in AWAY:
        return Unreachable("broker.unreachable", cause=f"{url} answered {status}")
    return Unavailable("broker.no_answer", url=url, status=status)


def _launch(id_: str) -> str:
    if not id_.isalnum():
        raise Missing("launch.unknown_id", launch=id_)
    return quote(id_, safe="")


def _entry(*parts: str) -> str:
    return "/api/catalogue/entries/" + "/".join(map(_word, parts))


def _word(part: str) -> str:
    if not part.strip("."):
        raise Missing("entry.unknown", entry=part)
    return quote(part, safe="")


def _centre(id_: str) -> str:
    # A segment of dots would climb out of the route; quote() leaves dots alone.
    if not id_.strip("."):
        raise Missing("centre.unknown", centre=id_)
    return quote(id_, safe="")


def _mapping(body: Any) -> Json:
    if not isinstance(body, dict):
        raise TypeError(type(body).__name__)
    return body


def _listing(body: Any) -> list[Json]:
    if not isinstance(body, list):
        raise TypeError(type(body).__name__)
    return [_mapping(item) for item in body]


def _nothing(body: Any) -> None:
    return None


def _token(body: Any) -> str | None:
    token = _mapping(body)["api_token"]
    return None if token is None else str(token)


def _text(body: Any) -> str:
    return str(_mapping(body)["text"])
