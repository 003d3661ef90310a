"""A kernel at whichever centre has room, for everything that starts kernels by Jupyter's kernel manager.

A kernelspec names it: `"metadata": {"kernel_provisioner": {"provisioner_name": "sampan-provisioner", "config": {"options":
{"cores": "2"}}}}`. https://jupyter-client.readthedocs.io/en/stable/provisioning.html
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from jupyter_core.paths import jupyter_runtime_dir
from traitlets import Dict, Unicode

from sampan import calls
from sampan.address import Address
from sampan.errors import Conflict, Missing, SampanError
from sampan.messages import Message
from sampan.side_loop import SideLoop
from sampan.whereabouts import spoken_language
from sampan_kernels.bridge import private_folder
from sampan_kernels.far_kernel import FarKernel, Wish
from sampan_kernels.speaking import spoken_here

__all__ = ["CentreProvisioner"]

ENDS: Final = frozenset({signal.SIGTERM, signal.SIGKILL})
GONE: Final = 1
"""The exit status told of a kernel whose job is over."""


class CentreProvisioner(KernelProvisionerBase):
    """A kernel is a launch: it is placed, waits, starts, is reached and ends like any other, and outlives our way to it.

    The broker and the token are those of the session (SAMPAN_BROKER_URL), or of a person's own machine (SAMPAN_URL,
    SAMPAN_TOKEN). Started in a session, the kernel ends when that one is stopped, or with what is named `within` it.
    """

    options = Dict(help="What it needs, as in a start link: plan, cores, memory, hours, centre, …").tag(
        config=True
    )
    within = Unicode(help="The launch that it ends with, where that is not the session's own.").tag(
        config=True
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._side: SideLoop | None = None
        self._kernel: FarKernel | None = None
        self._runs = False
        self._resumed = False
        """Whether it goes on with a kernel that it has not been asked to start yet."""

    @property
    def has_process(self) -> bool:
        return self._runs

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        # What runs is decided where it runs: nothing of this machine is a command there.
        kwargs.pop("extra_arguments", None)
        launch = kwargs.pop("launch", None)
        if launch is not None and self._kernel is None:
            await self.load_provisioner_info({"kernel_id": self.kernel_id, "launch": launch})
        return await super().pre_launch(cmd=[], **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """At once: whoever speaks to it while it waits in a queue is answered. Again after its end: in the same job."""
        if self._kernel is None or self._side is None:
            return await self._begin(None)
        if self._resumed:
            self._resumed = False
            return self.connection_info
        return self._runs_at(await self._side.do(self._kernel.restart()))

    async def _begin(self, launch: str | None) -> KernelConnectionInfo:
        """Asks for a launch, or goes on with one there is."""
        self._side = SideLoop(f"kernel {self.kernel_id}")
        try:
            self._kernel = await self._side.do(self._make())
            start = self._kernel.start() if launch is None else self._kernel.resume(launch)
            return self._runs_at(await self._side.do(start))
        except BaseException as error:
            await asyncio.shield(self.cleanup())
            if isinstance(error, SampanError):
                # What the Lab's dialog shows.
                error.args = (error.message.say(spoken_here()),)
            raise

    async def _make(self) -> FarKernel:
        parent = None if os.environ.get("SAMPAN_URL") else self.within or os.environ.get("SAMPAN_LAUNCH")
        wish = Wish(self.kernel_id, self.options, parent, spoken_here())
        # Beside Jupyter's connection files, where the server that comes after this one looks.
        memory = Path(jupyter_runtime_dir())
        return FarKernel(Address.from_environment(os.environ), wish, private_folder(), self._say, memory)

    def _runs_at(self, info: Any) -> KernelConnectionInfo:
        self._runs = True
        self.connection_info = cast("KernelConnectionInfo", {**info, "key": str(info["key"]).encode()})
        return self.connection_info

    @property
    def over(self) -> Message | None:
        """Why nothing will start it again, None while something can."""
        return self._kernel.over if self._kernel is not None else None

    async def poll(self) -> int | None:
        """None while it runs or waits to run, as far as anybody knows: no answer is not an end."""
        if self._kernel is None or self._side is None or not self._runs:
            return 0
        if self._kernel.over is not None:
            return GONE
        if not self._kernel.leads:
            return None
        try:
            told = await self._side.do(self._kernel.ask(calls.kernel))
        except (Conflict, Missing):
            return GONE
        except SampanError as error:
            self.log.debug("kernel %s: %s", self.kernel_id, error)
            return None
        return None if told["running"] else int(told["exit"] or 0)

    async def wait(self) -> int | None:
        while (code := await self.poll()) is None:  # noqa: ASYNC110 (it asks another process)
            await asyncio.sleep(0.1)
        self._runs = False
        return code

    async def send_signal(self, signum: int) -> None:
        """Interrupts or ends the kernel's process. Its job stays, for a restart, until :meth:`cleanup`."""
        if self._kernel is None or self._side is None or signum not in (signal.SIGINT, *ENDS):
            return
        ends = signum in ENDS
        if ends and not self._kernel.leads:
            self._runs = False
            return
        try:
            await self._side.do(self._kernel.ask(calls.kill) if ends else self._kernel.interrupt())
        except SampanError as error:
            # Not raised: whoever shuts a kernel down interrupts it first, and its job is to be given back all the same.
            self.log.warning("kernel %s: %s", self.kernel_id, error)

    async def kill(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGTERM)

    async def shutdown_requested(self, restart: bool = False) -> None:
        """One that is not there yet is asked in vain: nobody needs to wait for its end."""
        if self._kernel is not None and not self._kernel.leads:
            self._runs = False

    async def cleanup(self, restart: bool = False) -> None:
        """The one place that gives the job back: `kill` comes before a restart, too, and is not always told so."""
        if not restart:
            await self._let_go(FarKernel.free)

    async def leave(self) -> None:
        """Lets go of the kernel, which goes on: for a server that ends and whose session does not."""
        await self._let_go(FarKernel.leave)

    async def _let_go(self, how: Callable[[FarKernel], Coroutine[Any, Any, None]]) -> None:
        if self._side is None:
            return
        side, kernel = self._side, self._kernel
        self._side, self._kernel, self._runs = None, None, False
        if kernel is not None:
            await side.do(how(kernel))
        if kernel is not None and kernel.owes:
            side.end_with(kernel.settle())
        else:
            side.close()

    def told(self, message: str) -> None:
        """A page has got that message of the kernel, and no server has to tell it again."""
        if self._kernel is not None:
            self._kernel.told(message)

    async def get_provisioner_info(self) -> dict[str, Any]:
        """With the launch, by which another server goes on with it."""
        launch = self._kernel.launch if self._kernel is not None else ""
        return {**await super().get_provisioner_info(), "launch": launch}

    async def load_provisioner_info(self, provisioner_info: dict[str, Any]) -> None:
        """Goes on with the kernel of that launch. Its connection is another one, as the keys here are each server's own."""
        self.kernel_id = provisioner_info["kernel_id"]
        await self._begin(provisioner_info["launch"])
        self._resumed = True

    def _say(self, message: Message) -> None:
        self.log.info("kernel %s: %s", self.kernel_id, message.say(spoken_language(os.environ)))
