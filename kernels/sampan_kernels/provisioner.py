"""A kernel at whichever centre has room, for everything that starts kernels by Jupyter's kernel manager.

A kernelspec names it: `"metadata": {"kernel_provisioner": {"provisioner_name": "sampan-provisioner", "config": {"options":
{"cores": "2"}}}}`. https://jupyter-client.readthedocs.io/en/stable/provisioning.html
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any, Final, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Dict

from sampan import calls
from sampan.address import Address
from sampan.errors import Conflict, Missing, SampanError
from sampan.messages import Message
from sampan.whereabouts import spoken_language
from sampan_kernels.far_kernel import FarKernel
from sampan_kernels.side_loop import SideLoop

__all__ = ["CentreProvisioner"]

SIGNALS: Final = {signal.SIGINT: calls.interrupt, signal.SIGTERM: calls.kill, signal.SIGKILL: calls.kill}
GONE: Final = 1
"""The exit status told of a kernel whose job is over."""


class CentreProvisioner(KernelProvisionerBase):
    """A kernel is a launch: it is placed, waits, starts, is reached and ends like any other, and outlives our way to it.

    The broker and the token are those of the session (SAMPAN_BROKER_URL), or of a person's own machine (SAMPAN_URL,
    SAMPAN_TOKEN). Started in a session, the kernel ends when that one is stopped.
    """

    options = Dict(help="What it needs, as in a start link: plan, cores, memory, hours, centre, …").tag(
        config=True
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._side: SideLoop | None = None
        self._kernel: FarKernel | None = None
        self._runs = False

    @property
    def has_process(self) -> bool:
        return self._runs

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        # What runs is decided where it runs: nothing of this machine is a command there.
        kwargs.pop("extra_arguments", None)
        return await super().pre_launch(cmd=[], **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Waits for as long as it takes: in a queue that may be hours. Again after a kernel has ended: in the same job."""
        if self._kernel is None or self._side is None:
            info = await self._start()
        else:
            info = await self._side.do(self._kernel.restart())
        self._runs = True
        self.connection_info = cast("KernelConnectionInfo", {**info, "key": str(info["key"]).encode()})
        return self.connection_info

    async def _start(self) -> Any:
        address = Address.from_environment(os.environ)
        parent = None if os.environ.get("SAMPAN_URL") else os.environ.get("SAMPAN_LAUNCH")
        self._side = SideLoop(f"kernel {self.kernel_id}")

        async def make() -> FarKernel:
            return FarKernel(address, self.kernel_id, self.options, parent, self._say)

        try:
            self._kernel = await self._side.do(make())
            return await self._side.do(self._kernel.start())
        except BaseException:
            await asyncio.shield(self.cleanup())
            raise

    async def poll(self) -> int | None:
        """None while it runs, as far as anybody knows: no answer is not an end."""
        if self._kernel is None or self._side is None or not self._runs:
            return 0
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
        ask = SIGNALS.get(signal.Signals(signum)) if signum else None
        if ask is None or self._kernel is None or self._side is None:
            return
        try:
            await self._side.do(self._kernel.ask(ask))
        except SampanError as error:
            # Not raised: whoever shuts a kernel down interrupts it first, and its job is to be given back all the same.
            self.log.warning("kernel %s: %s", self.kernel_id, error)

    async def kill(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:
        """The one place that gives the job back: `kill` comes before a restart, too, and is not always told so."""
        if restart or self._side is None:
            return
        side, kernel = self._side, self._kernel
        self._side, self._kernel, self._runs = None, None, False
        if kernel is not None:
            await side.do(kernel.free())
        side.close()

    def _say(self, message: Message) -> None:
        self.log.info("kernel %s: %s", self.kernel_id, message.say(spoken_language(os.environ)))
