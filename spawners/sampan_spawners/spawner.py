"""JupyterHub's seam: a spawner that asks the broker for a launch, and keeps nothing but its id.

What JupyterHub 6.1 does around a spawner, and what is answered here (FAULTS 4, 5, 13):

- It saves a spawner's state when a start has succeeded. The id is saved here as soon as the broker has given it.
- After its own restart it stops servers it cannot reach, and starts that were pending. `poll` answers from what the broker
  knows, `get_url` waits until there is something to reach, and a `stop` that no person asked for leaves the launch alone.
- It forgets a server's token at a restart. `identity.revoke` finds it by its note.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any, Final
from uuid import uuid4

from jupyterhub.spawner import Spawner
from jupyterhub.utils import url_path_join
from traitlets import Bool, Unicode, default

from sampan.client import AsyncBroker
from sampan.errors import Missing, SampanError, Unreachable
from sampan.logs import LaunchLog
from sampan.stages import Kind, Seen, Target
from sampan_spawners.connection import connect
from sampan_spawners.failure import failed, over, refused
from sampan_spawners.following import GONE_AFTER, Json, Later, ended, exit_code, gone, ready, settled, waits
from sampan_spawners.identity import base_url, environment, mint, revoke, take
from sampan_spawners.progress import steps
from sampan_spawners.routing import follow_door, notice_end, put_back
from sampan_spawners.spawn_form import options_form, sendable

__all__ = ["SampanSpawner"]

# Discard, RFC 863: where to send a hub that must not find anything. It gives up after PATIENCE seconds.
NOBODY: Final = "http://127.0.0.1:9"
PATIENCE: Final = 1
# Seconds of silence for which a stop is waited for; the broker goes on with it (decision 0015).
CONFIRM: Final = 15.0


class SampanSpawner(Spawner):  # type: ignore[misc, unused-ignore]
    """One server of one person, wherever the broker finds room for it."""

    broker_socket = Unicode(help="Path of the broker's unix socket.").tag(config=True)
    secret_file = Unicode(help="File with the secret that the broker knows the hub by.").tag(config=True)
    log: Any
    simulated = Bool(help="Whether the start page says that the centres are simulated.").tag(config=True)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.launch_id = ""
        self.log = LaunchLog(self.log, lambda: self.launch_id)
        self.where: Json = {}
        """Names of the centre in both languages, for the hub's pages; empty while nobody has said."""
        self.seen = Seen.UNKNOWN.value
        self.former: Json | None = None
        """The launch of an earlier start of this name, while this start waits for its end."""
        self._stop_asked = False
        self._patience: int | None = None
        self._missing_since: float | None = None
        self._later = Later(lambda error: self.log.error("%s: %r", self._log_name, error))

    @property
    def broker(self) -> AsyncBroker:
        """The broker, acting for this server's owner. Raises Unreachable while its secret is not there."""
        return connect(self.broker_socket, self.secret_file).as_user(self.user.name)

    # ---- what is kept ------------------------------------------------------------------------------------------

    def load_state(self, state: Json) -> None:
        super().load_state(state)
        self.launch_id = str(state.get("launch", ""))

    def get_state(self) -> Json:
        state: Json = super().get_state()
        return {**state, "launch": self.launch_id} if self.launch_id else state

    def clear_state(self) -> None:
        super().clear_state()
        self.launch_id = ""

    def _keep(self, launch: str) -> None:
        self.launch_id = launch
        self.orm_spawner.state = self.get_state()
        self.user.db.commit()

    # ---- start -------------------------------------------------------------------------------------------------

    @default("options_form")
    def _default_form(self) -> Any:
        return options_form

    @default("apply_user_options")
    def _no_options_here(self) -> Any:
        # They are the broker's to read; JupyterHub would warn that nobody did.
        return lambda spawner, options: None

    async def start(self) -> str:
        """Asks for a launch and waits for it, however long the queue is; returns the address of its door.

        The live launch of this person and server name is found again where there is one: a double click, a second tab or a
        hub that lost track never make a second job.
        """
        self.will_resume = self._stop_asked = False
        if self._patience is not None:
            self.http_timeout, self._patience = self._patience, None
        try:
            launch = await self._ask()
            adopted = bool(launch.get("attempts"))
            self._keep(launch["id"])
            if adopted:
                await take(self)
            # One lost connection ends no start that has its launch: what was not heard is told again.
            with suppress(Unreachable):
                await self._supply(launch)
            launch = await settled(self.broker, self.launch_id, self._supply)
            if adopted and ready(launch):
                await take(self)
        except SampanError as error:
            raise refused(error) from error
        if ended(launch):
            raise failed(launch)
        self._hear(launch)
        return str(launch["door"])

    def _hear(self, launch: Json) -> None:
        self.where, self.seen = launch.get("names") or {}, launch.get("seen", Seen.UNKNOWN)

    async def _ask(self) -> Json:
        """The launch for this server; a former one that is just being stopped is waited for, and told of meanwhile."""

        def hear(launch: Json) -> None:
            self.former = launch

        key, pause = uuid4().hex, waits()
        while True:
            try:
                launch = await self.broker.create(
                    Kind.SERVER,
                    self.name,
                    sendable(self.user_options),
                    base_url(self),
                    key=key,
                    groups=[group.name for group in self.user.groups],
                )
                if launch["target"] == Target.READY:
                    self.former = None
                    return launch
                hear(launch)
                await gone(self.broker, launch["id"], hear)
                key = uuid4().hex
            except Unreachable as error:
                self.log.warning("%s: the broker is away, asking again: %s", self._log_name, error)
                await asyncio.sleep(next(pause))

    async def _supply(self, launch: Json) -> None:
        """Hands over the identity its server is to get, a new one if this hub process has none (any more)."""
        if not self.api_token:
            # A session that serves has one: to make a new one would be the end of it.
            await (take(self) if ready(launch) else mint(self))
        if self.api_token:
            await self.broker.put_identity(launch["id"], environment(self))

    # ---- while it runs -----------------------------------------------------------------------------------------

    async def poll(self) -> int | None:
        """None while it lives, starts or nobody can tell; an exit code only when the broker says that it has ended."""
        if self._start_pending or self._waiting_for_response:
            # Judged here, a start that fails in this moment would be told as a bare 500 (FAULTS 13).
            return None
        try:
            launch = await self._find()
            self._missing_since = None
            if launch is None:
                return 0
            if ended(launch):
                return exit_code(launch)
            self._hear(launch)
            await follow_door(self, launch["door"])
            if launch.get("needs_identity") and not self._stop_pending:
                await self._supply(launch)
        except Missing as error:
            # Said only when no centre has its job: see the broker's `adoption.sure`.
            since = self._missing_since = self._missing_since or time.monotonic()
            self.log.warning("%s: %s", self._log_name, error)
            return 1 if time.monotonic() - since > GONE_AFTER else None
        except SampanError as error:
            self.log.warning("%s: nothing is known of it just now: %s", self._log_name, error)
        except Exception:  # a poll that raises is read as "not running", and the person's work would be lost
            self.log.exception("%s: cannot poll", self._log_name)
        return None

    def start_polling(self) -> None:
        """The hub watches it from now on: asks now and then, and listens for its end."""
        super().start_polling()
        self._later(notice_end(self))

    async def _find(self) -> Json | None:
        """What the broker says of our launch; None where there was none.

        A hub that was killed while it asked knows no id: the live launch of this name is ours then.
        """
        if self.launch_id:
            return await self.broker.launch(self.launch_id)
        if self.server is None:
            return None
        for launch in await self.broker.launches():
            if (launch["kind"], launch["name"]) == (Kind.SERVER, self.name) and not ended(launch):
                self._keep(launch["id"])
                return launch
        return None

    async def get_url(self) -> str:
        """Where its door is. Waits for a start that was pending when the hub stopped; never raises.

        A launch that has ended meanwhile has no address. The hub is sent where nobody is, gives up at once, and cleans up
        behind its user as it does for any other server that is gone.
        """
        path = base_url(self)
        try:
            launch = await settled(self.broker, self.launch_id, self._supply)
            if ready(launch):
                self._hear(launch)
                self._later(put_back(self))
                return str(url_path_join(launch["door"], path))
            if not self._stop_asked:
                self._spawn_future = over(failed(launch))
        except SampanError as error:
            self.log.warning("%s: lost while the hub was away: %s", self._log_name, error)
        except Exception:  # an error here would stop the checks of everybody else's servers
            self.log.exception("%s: cannot tell its address", self._log_name)
        if self._patience is None:
            self._patience, self.http_timeout = self.http_timeout, PATIENCE
        return str(url_path_join(NOBODY, path))

    async def progress(self) -> AsyncGenerator[Json, None]:
        """The launch's steps in words, from its first, as JupyterHub's own pages and API show them."""
        async with aclosing(steps(self)) as events:
            async for event in events:
                yield event

    # ---- stop --------------------------------------------------------------------------------------------------

    async def stop(self, now: bool = False) -> None:
        """Ends the launch if somebody asked for that, and leaves it alone where the hub only wants to tidy up (FAULTS 5).

        A stop that was asked for goes through the hub's `stop_single_user`, which keeps a future; the hub's own go straight
        to `User.stop`. `will_resume` makes the hub keep token and OAuth client of a server that goes on.
        """
        asked = self._stop_asked or getattr(self, "_stop_future", None) is not None
        # Somebody who may not come in any more: that is an administrator's stop, though the hub calls it at its start.
        asked = asked or self.user.name in self.authenticator.blocked_users
        self.will_resume = not asked
        if asked:
            await self.end_launch()
        else:
            self.log.warning("%s: the hub lost it; the launch %s goes on", self._log_name, self.launch_id)

    def ask_to_stop(self) -> None:
        """A person pressed stop while the hub is still looking for this server after its own restart."""
        self._stop_asked = True
        self._later(self.end_launch())

    async def end_launch(self) -> None:
        """Asks the broker for the end until it has heard, and waits until the job is gone. Safe to repeat.

        Not for ever: where the centre says nothing the launch stays "stopping, not confirmed", and its person decides.
        """
        pause = waits()
        while True:
            try:
                if (launch := await self._find()) is None:
                    return
                await self.broker.stop(launch["id"])
                revoke(self)
                if not await gone(self.broker, launch["id"], patience=CONFIRM):
                    self.log.warning("%s: the end of %s is not confirmed", self._log_name, launch["id"])
                return
            except Missing:
                return
            except SampanError as error:
                self.log.warning("%s: cannot stop it yet: %s", self._log_name, error)
                await asyncio.sleep(next(pause))

    def run_post_stop_hook(self) -> Any:
        """The hub's last call at every end: the place to revoke what an earlier hub process gave out."""
        if not self.will_resume:
            revoke(self)
        return super().run_post_stop_hook()
