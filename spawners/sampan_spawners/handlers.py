"""The hub's own small routes for our pages: what a wish would get, a start as it goes on, its stop, and what is undecided.

They go on where JupyterHub's progress route stops: while the hub checks its servers after a restart.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any, Final

from jupyterhub.utils import url_escape_path, url_path_join
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError

from sampan.errors import SampanError
from sampan.messages import Message
from sampan_spawners.decisions import LetGoHandler, UnsettledHandler
from sampan_spawners.failure import Failure
from sampan_spawners.following import Json
from sampan_spawners.fragments import both, plain
from sampan_spawners.own_handler import OwnHandler
from sampan_spawners.progress import steps
from sampan_spawners.spawn_form import places

__all__ = ["HANDLERS", "outcome"]

# How often the hub's own view is looked at while nothing comes from the broker, and how often a silent line says something.
LOOK: Final = 0.25
ALIVE: Final = 10.0
LARGEST: Final = 64 * 1024


class PlaceHandler(OwnHandler):
    """POST /hub/sampan/place `{"options"}`: the list of centres for the form as it is now."""

    async def post(self) -> None:
        if len(self.request.body) > LARGEST:
            raise HTTPError(413)
        body = self.get_json_body()
        options = body.get("options") if isinstance(body, dict) else None
        if not isinstance(options, dict):
            raise HTTPError(400, "“options” must be an object")
        try:
            broker = self.current_user.spawner.broker
        except SampanError as error:
            self.say(error)
            return
        self.finish(json.dumps(await places(broker, options)))


class StopHandler(OwnHandler):
    """POST /hub/sampan/stop/NAME: stops a start or a server, also while the hub looks for it after its own restart."""

    async def post(self, name: str = "") -> None:
        spawner = self.own(name)
        if spawner.pending == "check":
            spawner.ask_to_stop()
        elif spawner.pending == "spawn":
            await self._interrupt(spawner, name)
        elif spawner.ready:
            await self.stop_single_user(self.current_user, name)
        elif spawner.pending == "rename":
            raise HTTPError(400, "It is being renamed")
        self.set_status(202 if spawner.pending else 200)
        self.finish(json.dumps({"pending": spawner.pending}))

    async def _interrupt(self, spawner: Any, name: str) -> None:
        """What JupyterHub's own DELETE does, without its fixed second of waiting."""
        # Said at once: a start that is cancelled clears its flag before the stop sets its own, and with neither of them
        # a server that has an address already looks ready to whoever asks in between.
        spawner._stop_pending = True  # noqa: SLF001
        if (start := spawner._spawn_future) is not None:  # noqa: SLF001
            start.cancel()
            await asyncio.wait([start], timeout=5)
        # The future's callbacks, which clear the flag, run after it is done.
        await asyncio.sleep(0)
        spawner._spawn_pending = spawner._stop_pending = False  # noqa: SLF001
        await self.stop_single_user(self.current_user, name)


class EventsHandler(OwnHandler):
    """GET /hub/sampan/events/NAME: the start in words, as server-sent events, until it is ready or has failed.

    The events have the shape of JupyterHub's progress route, with the broker's numbers as ids; `?after=` or Last-Event-ID
    continues where a broken connection was.
    """

    def get_content_type(self) -> str:
        return "text/event-stream"

    async def get(self, name: str = "") -> None:
        spawner = self.own(name)
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Accel-Buffering", "no")
        queue: asyncio.Queue[Json] = asyncio.Queue()
        reader = asyncio.ensure_future(self._read(spawner, queue))
        quiet = 0.0
        try:
            await self._send(": hello\n\n")
            while True:
                try:
                    await self._tell(await asyncio.wait_for(queue.get(), LOOK))
                    quiet = 0.0
                    continue
                except TimeoutError:
                    quiet += LOOK
                if (last := outcome(spawner)) is not None:
                    await self._tell(last)
                    return
                if quiet >= ALIVE:
                    await self._send(": still here\n\n")
                    quiet = 0.0
        except StreamClosedError:
            return
        finally:
            reader.cancel()

    async def _read(self, spawner: Any, queue: asyncio.Queue[Json]) -> None:
        async with aclosing(steps(spawner, self._after())) as events:
            async for event in events:
                queue.put_nowait(event)

    def _after(self) -> int | None:
        number = self.request.headers.get("Last-Event-ID") or self.get_argument("after", "")
        return int(number) if number.isdecimal() and len(number) < 10 else None

    async def _tell(self, event: Json) -> None:
        number = f"id: {event['id']}\n" if event.get("id") is not None else ""
        await self._send(f"{number}data: {json.dumps(event)}\n\n")

    async def _send(self, text: str) -> None:
        self.write(text)
        await self.flush()


def outcome(spawner: Any) -> Json | None:
    """The last event of a start, None while it goes on. JupyterHub's flags decide: a page is sent on when the route stands."""
    if spawner.pending in {"spawn", "check", "rename"}:
        return None
    if spawner.ready:
        url = url_path_join(spawner.user.url, url_escape_path(spawner.name), "/")
        return {"progress": 100, "ready": True, "url": url, **_said(Message("hub.ready"))}
    if spawner.pending == "stop":
        return {"progress": 100, "stopping": True, **_said(Message("hub.stopping"))}
    future = spawner._spawn_future  # noqa: SLF001
    error = future.exception() if future and future.done() and not future.cancelled() else None
    if isinstance(error, Failure):
        return {
            "progress": 100,
            "failed": True,
            "message": error.jupyterhub_message,
            "html_message": error.jupyterhub_html_message,
        }
    code = "hub.failed" if error is not None else "hub.stopped"
    return {"progress": 100, "failed": error is not None, "stopped": error is None, **_said(Message(code))}


def _said(message: Message) -> Json:
    return {"message": plain(message), "html_message": str(both(message))}


HANDLERS: Final = [
    (r"/sampan/place", PlaceHandler),
    (r"/sampan/events/?([^/]*)", EventsHandler),
    (r"/sampan/stop/?([^/]*)", StopHandler),
    (r"/sampan/unsettled", UnsettledHandler),
    (r"/sampan/let-go/([a-z0-9]+)", LetGoHandler),
]
"""For `c.JupyterHub.extra_handlers`. JupyterHub would rather have a service there; these need its spawners in the process."""
