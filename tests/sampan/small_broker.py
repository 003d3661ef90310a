"""A small broker of our own for the client's tests: the routes and shapes of the real one, launches from a list."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse

from sampan.messages import Message
from tests.waiting import until

SECRET = "a-secret-of-the-hub"
TOKEN = "a-token-of-alice"


def step(number: int, stage: str, progress: int, final: str | None = None) -> dict[str, Any]:
    message = Message(
        f"launch.{stage}", {"centre": "East", "node": "e1", "job": "7", "place": 2, "why": "room"}
    )
    return {
        "at": 1000.0 + number,
        "progress": progress,
        "stage": stage,
        "seen": "alive",
        "centre": "east",
        "message": message.to_json(),
        "final": final,
    }


STEPS = [
    step(0, "placed", 10),
    step(1, "queued", 30),
    step(2, "ready", 100, "ready"),
    step(3, "stopped", 100, "ended"),
]


class SmallBroker:
    """Keeps what it was asked; `steps` are told to followers, `cut_after` ends a stream early after so many."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.steps = list(STEPS)
        self.cut_after: list[int] = []
        self.answer_with: tuple[int, str | dict[str, Any] | list[Any]] | None = None
        self.launches: dict[str, dict[str, Any]] = {}
        self.identities: dict[str, dict[str, str]] = {}
        self.app = FastAPI()
        self.app.include_router(self._routes(), prefix="/services/sampan")
        self.app.middleware("http")(self._remember)

    async def _remember(self, request: Request, follow: Any) -> Response:
        body = await request.body()
        self.asked.append(
            (request.method, str(request.url), dict(request.headers), json.loads(body or b"null"))
        )
        if self.answer_with is not None:
            status, told = self.answer_with
            return (
                JSONResponse(told, status) if not isinstance(told, str) else PlainTextResponse(told, status)
            )
        user = self._who(request)
        if user is None:
            return JSONResponse(
                {"error": Message("access.token").to_json(), "retry": False, "field": None}, 403
            )
        request.state.user = user
        answer: Response = await follow(request)
        return answer

    def _who(self, request: Request) -> str | None:
        proof = request.headers.get("authorization", "")
        if proof == f"Sampan {SECRET}":
            return request.headers.get("x-sampan-user")
        return "alice" if proof == f"token {TOKEN}" else None

    def _routes(self) -> APIRouter:
        routes = APIRouter(prefix="/api")
        routes.add_api_route("/", lambda: {"version": "0", "api": 1})
        routes.add_api_route("/plans", lambda: [{"id": "light"}])
        routes.add_api_route("/centres", lambda: CENTRES)
        routes.add_api_route("/centres/{id_}/facts", self._facts)
        routes.add_api_route("/place", self._place, methods=["POST"])
        routes.add_api_route("/launches", self._create, methods=["POST"])
        routes.add_api_route("/launches", lambda: list(self.launches.values()))
        routes.add_api_route("/launches/{id_}", self._launch)
        routes.add_api_route("/launches/{id_}", self._launch, methods=["DELETE"], status_code=202)
        routes.add_api_route("/launches/{id_}/events", self._events)
        routes.add_api_route("/launches/{id_}/identity", self._put_identity, methods=["PUT"])
        routes.add_api_route("/launches/{id_}/identity", self._get_identity)
        routes.add_api_route("/launches/{id_}/log", lambda id_: {"text": f"log of {id_}"})
        return routes

    async def _facts(self, id_: str) -> dict[str, Any]:
        return {"id": id_, "scheduler": "process"}

    async def _place(self, request: Request) -> Any:
        options = (await request.json())["options"]
        if "cores" in options and not str(options["cores"]).isdecimal():
            told = Message(
                "need.not_a_number", {"field": "cores", "expected": "1-8", "value": str(options["cores"])}
            )
            return JSONResponse({"error": told.to_json(), "retry": False, "field": "cores"}, 400)
        return {**PLACED, "query": "&".join(f"opt-{key}={value}" for key, value in options.items())}

    async def _create(self, request: Request) -> Response:
        wish = await request.json()
        launch = {"id": "l" + "0" * 7, "owner": request.state.user, "stage": "placed", "progress": 10, **wish}
        launch |= {"centre": "east", "names": {"en": "East", "zh": "东"}, "message": STEPS[0]["message"]}
        new = launch["id"] not in self.launches
        self.launches[launch["id"]] = launch
        return JSONResponse(launch, 201 if new else 200)

    async def _launch(self, id_: str) -> Any:
        if id_ not in self.launches:
            told = Message("launch.unknown_id", {"launch": id_}).to_json()
            return JSONResponse({"error": told, "retry": False, "field": None}, 404)
        return self.launches[id_]

    async def _put_identity(self, id_: str, request: Request) -> Response:
        self.identities[id_] = (await request.json())["env"]
        return Response(status_code=204)

    async def _get_identity(self, id_: str) -> dict[str, str | None]:
        return {"api_token": self.identities.get(id_, {}).get("JUPYTERHUB_API_TOKEN")}

    async def _events(self, request: Request) -> Response:
        after = int(request.headers.get("last-event-id", -1))
        return StreamingResponse(self._tell(after), media_type="text/event-stream")

    async def _tell(self, after: int) -> AsyncIterator[str]:
        left = self.cut_after.pop(0) if self.cut_after else len(self.steps)
        yield ": welcome\n\n"
        for number, told in enumerate(self.steps):
            if number <= after:
                continue
            if left == 0:
                yield f"id: {number}\ndata: half an eve"
                return
            left -= 1
            yield f"id: {number}\ndata: {json.dumps(told)}\n\n"
            await asyncio.sleep(0)


CENTRES: list[dict[str, Any]] = [
    {
        "id": "east",
        "names": {"en": "East", "zh": "东部中心"},
        "place": "Wuxi",
        "state": "ok",
        "age": 2.0,
        "problem": None,
        "shares": [
            {
                "id": "cpu",
                "names": {"en": "cpu", "zh": "通用"},
                "cores_max": 8,
                "cores_total": 8,
                "cores_free": 6,
                "max_hours": 24,
                "accelerators": {"dcu": [2, 1]},
                "pending": 0,
                "nodes": [],
            }
        ],
    },
    {
        "id": "west",
        "names": {"en": "West", "zh": "西部中心"},
        "place": "Chengdu",
        "state": "unreachable",
        "age": 90.0,
        "problem": Message("place.unreachable").to_json(),
        "shares": [],
    },
]
PLACED: dict[str, Any] = {
    "need": {"cores": 2},
    "ranked": [
        {
            "centre": "east",
            "names": {"en": "East", "zh": "东部中心"},
            "share": "cpu",
            "verdict": "now",
            "reasons": [Message("place.fits_now", {"free": 6, "total": 8}).to_json()],
            "start": {"starts": 12, "short": Message("time.range_s", {"low": "2", "high": "5"}).to_json()},
        }
    ],
    "refused": [
        {
            "centre": "west",
            "names": {"en": "West", "zh": "西部中心"},
            "share": None,
            "verdict": "no",
            "reasons": [Message("place.unreachable").to_json()],
        }
    ],
}


def listening(path: Path | None = None) -> socket.socket:
    """A bound socket, on a free port of this machine or at a path."""
    if path is None:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
    else:
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(str(path))
    sock.listen()
    return sock


@asynccontextmanager
async def served(broker: SmallBroker, sock: socket.socket) -> AsyncIterator[str]:
    """Serves until the block ends; yields the address. The socket is the caller's and stays open."""
    config = uvicorn.Config(broker.app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(sockets=[sock.dup()]))
    await until(lambda: server.started)
    try:
        yield (
            f"http://127.0.0.1:{sock.getsockname()[1]}"
            if sock.family == socket.AF_INET
            else str(sock.getsockname())
        )
    finally:
        server.should_exit = True
        await task
