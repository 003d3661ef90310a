"""What pages hear of their person's launches over Jupyter's event bus, and from when to when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from queue import Queue

import pytest
import pytest_asyncio
from jupyter_events import EventLogger

from sampan_lab import following
from sampan_lab.asking import Asking
from sampan_lab.following import LAUNCHES, Following
from tests.sampan_lab.a_broker import Broker, a_broker

pytestmark = pytest.mark.fast


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with a_broker(tmp_path / "b.sock") as server:
        yield server
        for steps in server.steps.values():
            steps.put({})


@pytest_asyncio.fixture
async def asking(broker: Broker) -> AsyncIterator[Asking]:
    found = Asking(
        {"SAMPAN_BROKER_URL": broker.url, "JUPYTERHUB_API_TOKEN": "t", "SAMPAN_LAUNCH": "abcd1234"}
    )
    yield found
    await found._way().aclose()


class Page:
    """Listens as every Lab does."""

    def __init__(self, bus: EventLogger) -> None:
        self.heard = 0
        bus.add_listener(schema_id=LAUNCHES, listener=self._hear)

    async def _hear(self, logger: EventLogger, schema_id: str, data: dict[str, object]) -> None:
        self.heard += 1

    async def comes(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 (it is set by another thread)
                await asyncio.sleep(0.02)


async def test_what_happens_is_told_while_somebody_looks(
    broker: Broker, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOKED", 1.5)
    broker.steps = {"one12345": Queue(), "two12345": Queue()}
    bus = EventLogger()
    page, followed = Page(bus), Following(asking, bus)
    followed.shown(["one12345", "two12345"])
    for steps in broker.steps.values():
        steps.put({"stage": "queued"})
    await page.comes(lambda: page.heard == 1)  # two at once are one
    broker.steps["two12345"].put({"stage": "ended", "final": "ended"})
    await page.comes(lambda: page.heard == 2)
    followed.shown(["one12345"])
    await page.comes(lambda: not followed._followed)  # nobody looks any more
    broker.steps["one12345"].put({"stage": "ready"})
    await asyncio.sleep(0.6)
    assert page.heard == 2
    broker.steps["one12345"] = Queue()
    broker.steps["one12345"].put({"stage": "ready"})
    followed.shown(["one12345"])
    await page.comes(lambda: page.heard == 3)
    followed.close()


async def test_a_launch_that_is_gone_ends_nothing(broker: Broker, asking: Asking) -> None:
    broker.steps = {"one12345": Queue()}
    bus = EventLogger()
    page, followed = Page(bus), Following(asking, bus)
    followed.shown(["gone1234", "one12345"])
    broker.steps["one12345"].put({"stage": "queued"})
    await page.comes(lambda: page.heard == 1)
    followed.close()


async def test_without_a_bus_nobody_is_asked(broker: Broker, asking: Asking) -> None:
    Following(asking, None).shown(["one12345"])
    await asyncio.sleep(0)
    assert broker.asked == []
