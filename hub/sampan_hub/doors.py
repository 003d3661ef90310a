"""All doors of the broker: each launch's port, found again after a restart."""

from __future__ import annotations

import random
import socket
from typing import Final

from sampan.errors import Unavailable
from sampan.messages import Message
from sampan_hub import notify
from sampan_hub.door import Door, Explain
from sampan_hub.link import Link

__all__ = ["Doors"]

HOST: Final = "127.0.0.1"
BACKLOG: Final = 512
_NAME: Final = "door-{launch}"


def _on_its_way(_: str) -> tuple[Message, int]:
    return Message("door.waiting"), 0


class Doors:
    """Ports are bound when they are chosen and stay bound while their launch lives: nobody else can sit down on one.

    With a supervisor that keeps sockets (see :mod:`sampan_hub.notify`) that is true while the broker restarts, too.
    """

    def __init__(
        self,
        ports: tuple[int, int],
        *,
        accounts: frozenset[int],
        explain: Explain = _on_its_way,
        kept: dict[str, socket.socket] | None = None,
        home: str = "",
    ) -> None:
        """`ports`: the first and the last. `accounts`: user ids whose connections are accepted. `kept`: see `notify`."""
        self.explain = explain
        self._home = home
        self._ports = range(ports[0], ports[1] + 1)
        self._accounts = accounts
        self._doors: dict[str, Door] = {}
        self._kept = notify.stored_sockets() if kept is None else kept

    async def open(self, launch: str, port: int | None = None, prefix: str = "/") -> int:
        """The launch's port, opened unless it is open. `port` is the one of before a restart: kept wherever possible.

        `prefix`: the path that its server is at; no other is let through.

        Raises `Unavailable` where no port of the range is free.
        """
        if launch not in self._doors:
            name = _NAME.format(launch=launch)
            sock = self._kept.pop(name, None)
            if sock is None:
                sock = self._listen(port)
                notify.store_socket(name, sock)
            self._doors[launch] = Door(
                launch,
                sock,
                accounts=self._accounts,
                explain=self._say,
                expecting=port is not None,
                prefix=prefix,
                home=self._home,
            )
        return self._doors[launch].port

    def url(self, launch: str) -> str | None:
        """`http://127.0.0.1:PORT`, None where there is no door."""
        door = self._doors.get(launch)
        return door.url if door else None

    def attach(self, launch: str, link: Link) -> None:
        """Leads the launch's door to what is behind `link`."""
        if door := self._doors.get(launch):
            door.attach(link)

    def detach(self, launch: str) -> None:
        """The attempt behind the door is over; the door stays and says what happens next."""
        if door := self._doors.get(launch):
            door.detach()

    async def remove(self, launch: str) -> None:
        """The launch is over: its port is free again. Idempotent."""
        door = self._doors.pop(launch, None)
        if door is not None:
            await door.close()
            notify.remove(_NAME.format(launch=launch))

    def remove_unknown(self) -> None:
        """After all live launches have opened theirs at a start: lets go of what was kept for launches that are over."""
        for name in [name for name in self._kept if name.startswith(_NAME.format(launch=""))]:
            self._kept.pop(name).close()
            notify.remove(name)

    async def close(self) -> None:
        """Lets go of all doors for a restart; a supervisor that keeps the sockets keeps them listening."""
        for door in self._doors.values():
            await door.close()
        self._doors.clear()

    def _say(self, launch: str) -> tuple[Message, int]:
        return self.explain(launch)

    def _listen(self, wanted: int | None) -> socket.socket:
        # At random: a port just given up may still be known to somebody as another launch's.
        others = random.SystemRandom().sample(self._ports, len(self._ports))
        for port in (*([wanted] if wanted in self._ports else []), *others):
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
            try:
                # A port with connections in their last minute can be listened on; one that is listened on cannot.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((HOST, port))
                sock.listen(BACKLOG)
            except OSError:
                sock.close()
            else:
                return sock
        raise Unavailable("door.full", first=self._ports[0], last=self._ports[-1])
