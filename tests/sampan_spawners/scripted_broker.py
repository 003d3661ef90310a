"""A broker whose launches go where a test says, on a real socket: the hub's half can be tried at moments that the real
broker passes through in milliseconds. Its routes and shapes are those of the client's contract."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from sampan.messages import Message
from sampan.stages import PROGRESS, Stage
from tests.sampan.small_broker import listening, served
from tests.sampan_spawners.federation import CENTRES, PLANS, placed

Json = dict[str, Any]
SECRET = "the-secret-of-the-hub"


class Script:
    """One launch, its steps so far, and who waits for the next."""

    def __init__(self, id_: str, owner: str, wish: Json) -> None:
        self.id = id_
        self.owner = owner
        self.wish = wish
        self.stage = Stage.PLACED
        self.target = "ready"
        self.seen = "alive"
        self.created_at = time.time()
        self.ended_at: float | None = None
        self.seen_since = 1_790_000_000.0
        self.attempts: list[Json] = []
        self.cause: Json | None = None
        self.tail: str | None = None
        self.door: str | None = None
        self.moves_on = False
        """Whether a new session is to follow the one that serves."""
        self.steps: list[Json] = []
        self.news = asyncio.Condition()

    async def tell(self, stage: Stage, code: str, /, final: str | None = None, **params: str | int) -> None:
        self.stage = stage
        message = Message(code, params).to_json()
        progress = 100 if stage is Stage.ENDED else PROGRESS[stage]
        self.steps.append(
            {"at": 1_790_000_000 + len(self.steps), "progress": progress, "stage": stage, "seen": self.seen}
            | {"centre": "east", "message": message, "final": final}
        )
        async with self.news:
            self.news.notify_all()


class ScriptedBroker:
    """`on_create` and `on_stop` are the script; both are given the launch. By default a stop ends at once."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.identities: dict[str, dict[str, str]] = {}
        self.deaf_to_identities = 0
        """How many tellings of an identity are still lost."""
        self.running_token: dict[str, str] = {}
        self.created: list[Json] = []
        self.stopped: list[str] = []
        self.refuse: Message | None = None
        self.away = False
        self.starts = 1
        self.listening: set[str] = set()
        """Launches of which somebody has heard."""
        self.on_create: Callable[[Script], Any] = lambda script: None
        self.on_stop: Callable[[Script], Any] = lambda script: self.end(script, "ended.stopped")
        self.app = FastAPI()
        self.app.include_router(self._routes(), prefix="/services/sampan/api")
        self.app.middleware("http")(self._check)

    async def ready(self, script: Script, door: str) -> None:
        """The server runs with the identity that was handed over."""
        script.door = door
        self.running_token[script.id] = self.identities[script.id]["JUPYTERHUB_API_TOKEN"]
        await script.tell(Stage.READY, "launch.ready", "ready", centre="East")

    async def end(self, script: Script, code: str, /, tail: str | None = None, **params: str | int) -> None:
        script.cause = Message(code, params).to_json()
        script.tail = tail
        script.ended_at = time.time()
        await script.tell(Stage.ENDED, code, "ended", **params)

    async def leave(self) -> None:
        """As when it restarts: nobody is answered, and those who listen are cut off. It forgets what was in its memory."""
        self.away = True
        self.starts += 1
        self.identities.clear()
        for script in self.scripts.values():
            async with script.news:
                script.news.notify_all()

    def live(self, owner: str, name: str = "") -> Script | None:
        found = [
            script
            for script in self.scripts.values()
            if script.owner == owner and script.wish["name"] == name and script.stage is not Stage.ENDED
        ]
        return found[0] if found else None

    async def _check(self, request: Request, follow: Any) -> Response:
        if self.away:
            return Response(status_code=503)
        request.state.starts = self.starts
        if request.headers.get("authorization") != f"Sampan {SECRET}":
            return _refusal(Message("access.token"), 403)
        request.state.user = request.headers["x-sampan-user"]
        answer: Response = await follow(request)
        return answer

    def _routes(self) -> APIRouter:
        routes = APIRouter()
        routes.add_api_route("/plans", lambda: PLANS)
        routes.add_api_route("/centres", lambda: CENTRES)
        routes.add_api_route("/place", self._place, methods=["POST"])
        routes.add_api_route("/launches", self._create, methods=["POST"])
        routes.add_api_route("/launches", self._list)
        routes.add_api_route("/launches/{id_}", self._show)
        routes.add_api_route("/launches/{id_}", self._stop, methods=["DELETE"])
        routes.add_api_route("/launches/{id_}/let-go", self._let_go, methods=["POST"])
        routes.add_api_route("/launches/{id_}/events", self._events)
        routes.add_api_route("/launches/{id_}/identity", self._put_identity, methods=["PUT"])
        routes.add_api_route("/launches/{id_}/identity", self._get_identity)
        return routes

    async def _place(self, request: Request) -> Any:
        options = (await request.json())["options"]
        if not str(options.get("cores", "1")).isdecimal():
            value = str(options["cores"])
            message = Message("need.not_a_number", {"field": "cores", "expected": "1-64", "value": value})
            return _refusal(message, 400)
        return placed(options)

    async def _create(self, request: Request) -> Response:
        wish = await request.json()
        if self.refuse is not None:
            return _refusal(self.refuse, 400)
        owner = request.state.user
        if (found := self.live(owner, wish["name"])) is not None:
            return JSONResponse(self._view(found))
        script = Script(f"l{len(self.scripts):07}", owner, wish)
        self.scripts[script.id] = script
        self.created.append(wish)
        await script.tell(Stage.PLACED, "launch.accepted")
        answer = JSONResponse(self._view(script), 201)
        if (work := self.on_create(script)) is not None:
            await work
        return answer

    async def _list(self, request: Request) -> list[Json]:
        return [self._view(script) for script in self.scripts.values() if script.owner == request.state.user]

    def _found(self, id_: str, request: Request) -> Script | None:
        script = self.scripts.get(id_)
        return script if script is not None and script.owner == request.state.user else None

    async def _show(self, id_: str, request: Request) -> Any:
        script = self._found(id_, request)
        return _missing(id_) if script is None else self._view(script)

    async def _stop(self, id_: str, request: Request) -> Any:
        script = self._found(id_, request)
        if script is None:
            return _missing(id_)
        self.stopped.append(id_)
        script.target = "stopped"
        if script.stage is not Stage.ENDED:
            await self.on_stop(script)
        return JSONResponse(self._view(script), 202)

    async def _let_go(self, id_: str, request: Request) -> Any:
        script = self._found(id_, request)
        if script is None:
            return _missing(id_)
        if script.seen == "alive":
            return _refusal(Message("launch.not_silent"), 409)
        script.target = "let_go"
        await self.end(script, "ended.let_go", centre="East")
        return JSONResponse(self._view(script), 202)

    async def _put_identity(self, id_: str, request: Request) -> Response:
        if self.deaf_to_identities:
            self.deaf_to_identities -= 1
            # What a client is told of a connection that was closed under it, by the proxy's own word for it.
            return Response(status_code=503)
        self.identities[id_] = (await request.json())["env"]
        return Response(status_code=204)

    async def _get_identity(self, id_: str) -> Json:
        return {"api_token": self.running_token.get(id_)}

    async def _events(self, id_: str, request: Request) -> Any:
        script = self._found(id_, request)
        if script is None:
            return _missing(id_)
        after = int(request.headers.get("last-event-id", "-1"))
        return StreamingResponse(
            self._stream(script, after, request.state.starts), media_type="text/event-stream"
        )

    def _view(self, script: Script) -> Json:
        last = script.steps[-1] if script.steps else None
        return {
            "id": script.id,
            "owner": script.owner,
            "kind": script.wish["kind"],
            "name": script.wish["name"],
            "target": script.target,
            "stage": script.stage,
            "created_at": script.created_at,
            "ended_at": script.ended_at,
            "seen": script.seen,
            "seen_since": script.seen_since,
            "may_decide_at": None
            if script.seen == "alive" or script.ended_at is not None
            else script.seen_since + 120,
            "progress": last["progress"] if last else 0,
            "attempts": script.attempts,
            "message": last["message"] if last else None,
            "needs_identity": script.id not in self.identities
            and (script.moves_on or script.stage is not Stage.READY),
            "door": script.door,
            "cause": script.cause,
            "log_tail": script.tail,
        }

    async def _stream(self, script: Script, after: int, starts: int) -> AsyncIterator[str]:
        self.listening.add(script.id)
        yield ": welcome\n\n"
        told = after + 1
        while True:
            while told < len(script.steps):
                yield f"id: {told}\ndata: {json.dumps(script.steps[told])}\n\n"
                if script.steps[told]["final"] == "ended":
                    return
                told += 1
            async with script.news:
                # A restart cuts off who listens, also one that is over before this one has looked.
                await script.news.wait_for(lambda: told < len(script.steps) or self.starts != starts)  # noqa: B023
            if self.starts != starts:
                return


def _refusal(message: Message, status: int) -> JSONResponse:
    return JSONResponse(
        {"error": message.to_json(), "retry": False, "field": message.params.get("field")}, status
    )


def _missing(id_: str) -> JSONResponse:
    return _refusal(Message("launch.unknown_id", {"launch": id_}), 404)


@asynccontextmanager
async def door(status: int = 200) -> AsyncIterator[str]:
    """A door: answers every request at once, as one of the broker's does."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"version": "here"}'
        head = f"HTTP/1.1 {status} OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, family=socket.AF_INET)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def serving(broker: ScriptedBroker, path: Path) -> AsyncIterator[None]:
    """The broker on its unix socket."""
    with listening(path) as sock:
        async with served(broker, sock):  # type: ignore[arg-type]
            yield
