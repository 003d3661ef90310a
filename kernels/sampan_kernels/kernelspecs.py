"""The kernelspecs of a Jupyter server with those of kernels elsewhere among them, as the centres are now.

`ServerApp.kernel_spec_manager_class = "sampan_kernels.kernelspecs.CentreKernelSpecs"`
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

from sampan_kernels import offers
from sampan_kernels.speaking import spoken_here

__all__ = ["CentreKernelSpecs"]

FRESH: Final = 15.0
"""Seconds for which the broker's answer stands. JupyterLab asks once a minute."""
FIRST: Final = 4.0
"""Seconds that the first page waits for an answer; later ones are shown what was said last."""


class CentreKernelSpecs(KernelSpecManager):
    """What is installed here, and one for each way to ask the broker for a kernel."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._offered: list[str] = []
        self._names: Mapping[str, Mapping[str, str]] = {}
        self._at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Also of one that is not offered just now: a notebook may name it."""
        told = offers.specification(kernel_name, self._names, spoken_here())
        if told is None:
            return super().get_kernel_spec(kernel_name)
        return self.kernel_spec_class(resource_dir=_pictures(), **told)

    def find_kernel_specs(self) -> dict[str, str]:
        return {**super().find_kernel_specs(), **dict.fromkeys(self._offered, _pictures())}

    async def get_all_specs(self) -> dict[str, Any]:  # type: ignore[override]  # Jupyter's handler awaits it where it can be
        """Those here at once, those elsewhere as the broker said last; before it has said anything it is waited for a moment."""
        if time.monotonic() - self._at >= FRESH and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask())
        if self._asking is not None and not self._offered:
            await asyncio.wait([self._asking], timeout=FIRST)
        return super().get_all_specs()

    async def _ask(self) -> None:
        # Kept from the start of a server: the client's imports cost a seventh of a second.
        from sampan.client import AsyncBroker
        from sampan.errors import SampanError

        try:
            async with AsyncBroker.from_environment(os.environ) as broker:
                centres = await broker.centres()
            self._names = {str(centre["id"]): centre["names"] for centre in centres}
            self._offered = [offers.name_of(offers.options_of(need)) for need in offers.needs(centres)]
        except SampanError as error:
            self.log.info("which kernels are offered elsewhere is not known just now: %s", error)
        self._at = time.monotonic()


def _pictures() -> str:
    """ipykernel's own, found without importing it."""
    found = find_spec("ipykernel")
    places = (found.submodule_search_locations if found else None) or [""]
    return str(Path(next(iter(places)), "resources"))
