"""Where the proxy sends people: to the door of their launch."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sampan.errors import SampanError
from sampan_spawners.following import settled, waits

if TYPE_CHECKING:
    from jupyterhub.spawner import Spawner

    from sampan_spawners.spawner import SampanSpawner

__all__ = ["follow_door", "notice_end", "put_back"]


async def put_back(spawner: Spawner) -> None:
    """The route, as soon as the hub has checked this server, not only when it has checked all of them."""
    pause = waits()
    while spawner._check_pending:  # noqa: ASYNC110, SLF001 (JupyterHub's flag; nothing can be awaited)
        await asyncio.sleep(next(pause))
    if spawner.ready:
        await _add(spawner)


async def follow_door(spawner: Spawner, door: str | None) -> None:
    """The route goes where the door is: a broker that lost its database may have had to open it elsewhere."""
    port = urlsplit(door or "").port
    if spawner.ready and port is not None and spawner.server.port != port:
        spawner.log.warning("%s: its door is at port %s now", spawner._log_name, port)  # noqa: SLF001
        spawner.server.port = port
        spawner.user.db.commit()
        await _add(spawner)


async def notice_end(spawner: SampanSpawner) -> None:
    """Whoever comes back just after the end of their session finds the start page, not a route that leads nowhere."""
    with suppress(SampanError):
        await settled(spawner.broker, spawner.launch_id, None, only_ended=True)
        # Not where somebody has stopped it: that is on its way already.
        if spawner.ready:
            await spawner.poll_and_notify()


async def _add(spawner: Spawner) -> None:
    await spawner.user.settings["proxy"].add_user(spawner.user, spawner.name)
