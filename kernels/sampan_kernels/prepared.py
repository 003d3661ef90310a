"""Kernels beside their Jupyter server, forked from the template of its job where there is one, and started plainly else."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from sampan_kernels.forks import claim

__all__ = ["PreparedProvisioner"]


class PreparedProvisioner(LocalProvisioner):
    """Jupyter's own for a process on this machine; SAMPAN_TEMPLATE names the template's socket."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        template = os.environ.get("SAMPAN_TEMPLATE")
        if template is None or not {"env", "cwd"} >= set(LocalProvisioner._scrub_kwargs(kwargs)):  # noqa: SLF001
            return await super().launch_kernel(cmd, **kwargs)
        environment = {**(kwargs.get("env") or os.environ), "JPY_PARENT_PID": str(os.getpid())}
        directory = kwargs.get("cwd") or Path.cwd()
        fork = await asyncio.to_thread(claim, Path(template), cmd, environment, directory)
        if fork is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process = fork  # type: ignore[assignment]  # it has what is asked of a Popen
        self.pid = self.pgid = fork.pid
        self.cwd = directory
        return self.connection_info
