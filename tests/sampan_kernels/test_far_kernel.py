"""A kernel elsewhere beside a broker that a test lets answer as it likes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sampan.address import Address
from sampan.messages import Message
from sampan_kernels import far_kernel
from sampan_kernels.bridge import private_folder
from sampan_kernels.far_kernel import FarKernel, Wish
from tests.sampan.small_broker import STEPS, TOKEN, SmallBroker, listening, served
from tests.waiting import until

LAUNCH = "l0000000"


@asynccontextmanager
async def followed(small: SmallBroker, memory: Path) -> AsyncIterator[tuple[FarKernel, list[str]]]:
    """One that goes on with a launch, and the codes of what it says of it."""
    said: list[str] = []
    with listening() as sock:
        async with served(small, sock) as url:
            address, wish = Address.parse(url, token=TOKEN), Wish("k1", {}, None, "en")
            kernel = FarKernel(address, wish, private_folder(), lambda told: said.append(told.code), memory)
            await kernel.resume(LAUNCH)
            try:
                yield kernel, said
            finally:
                await kernel.leave()


async def test_a_broker_that_does_not_know_it_yet_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(far_kernel, "AGAIN", 0.01)
    small = SmallBroker()
    small.steps = [STEPS[0], STEPS[-1]]
    small.answer_with = (424, {"error": {"code": "launch.not_known_yet", "params": {}}})
    async with followed(small, tmp_path) as (kernel, said):
        await until(lambda: len(small.asked) >= 3)
        small.answer_with = None
        await until(lambda: kernel.over is not None)
        assert kernel.over == Message.from_json(STEPS[-1]["message"])
        assert said == ["launch.placed", "launch.stopped"]


async def test_what_is_not_one_s_own_is_over_at_once(tmp_path: Path) -> None:
    small = SmallBroker()
    small.answer_with = (404, {"error": {"code": "launch.unknown_id", "params": {"launch": LAUNCH}}})
    async with followed(small, tmp_path) as (kernel, said):
        await until(lambda: kernel.over is not None)
        assert kernel.over == Message("launch.unknown_id", {"launch": LAUNCH})
        assert said == []
