"""What is said to a kernel: its sockets as streams of bytes, its keys, interrupt, restart. For its owner alone."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, WebSocket

from sampan.errors import Unavailable
from sampan.stages import Stage
from sampan_hub.asking import OwnKernel, Parts, Still
from sampan_hub.kernel_sockets import place_of
from sampan_hub.link import Link, Status
from sampan_hub.records import Launch
from sampan_hub.services import Services
from sampan_hub.socket_stream import carry

__all__ = ["routes"]

routes = APIRouter(prefix="/api/launches/{launch}")


@routes.get("/kernel")
async def show_kernel(launch: OwnKernel, services: Parts) -> dict[str, Any]:
    """How the kernel's process is: whether it runs, whether it answers, how it has ended (negative: by that signal)."""
    return _view(await _link(services, launch).status())


@routes.get("/keys")
async def show_keys(launch: OwnKernel, services: Parts) -> dict[str, str]:
    """The keys that a client of the kernel needs, as in a connection file. Made in its job; nobody keeps them here."""
    return await _link(services, launch).keys()


@routes.post("/interrupt")
async def interrupt_kernel(launch: OwnKernel, services: Parts) -> dict[str, Any]:
    """Interrupts what the kernel does."""
    return await _signal(services, launch, "INT")


@routes.post("/kill")
async def kill_kernel(launch: OwnKernel, services: Parts) -> dict[str, Any]:
    """Ends the kernel's process at once. Its job goes on for a minute, for a restart."""
    return await _signal(services, launch, "KILL")


@routes.post("/restart")
async def restart_kernel(launch: OwnKernel, services: Parts) -> dict[str, Any]:
    """Ends the kernel's process where it runs, and starts it again in the same job, with the same keys."""
    return _view(await _link(services, launch).restart())


@routes.websocket("/sockets/{name}")
async def open_socket(
    websocket: WebSocket, launch: OwnKernel, name: str, services: Parts, still: Still
) -> None:
    """A stream to one of the kernel's sockets, or a Dask scheduler's pages in it, as binary messages. A no comes before."""
    place_of(name)
    link = _link(services, launch)
    inside = await link.open_kernel(name)
    await websocket.accept()
    await carry(websocket, inside, link.closed, still)


def _link(services: Services, launch: Launch) -> Link:
    link = services.links.get(launch.id)
    if launch.stage is not Stage.READY or link is None or link.closed.is_set():
        raise Unavailable("launch.not_linked", why=launch.message)
    return link


async def _signal(services: Services, launch: Launch, name: str) -> dict[str, Any]:
    link = _link(services, launch)
    await link.signal(name)
    return _view(await link.status())


def _view(status: Status) -> dict[str, Any]:
    return {"running": status.running, "ready": status.ready, "exit": status.exit}
