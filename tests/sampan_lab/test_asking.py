"""What a server asks of the broker, and how often, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from sampan.errors import Unreachable
from sampan_lab.asking import Asking
from tests.sampan_lab.a_broker import Broker, a_broker

pytestmark = pytest.mark.fast


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with a_broker(tmp_path / "b.sock") as server:
        yield server


@pytest_asyncio.fixture
async def asking(broker: Broker) -> AsyncIterator[Asking]:
    environment = {"SAMPAN_BROKER_URL": broker.url, "JUPYTERHUB_API_TOKEN": "t", "SAMPAN_LAUNCH": "abcd1234"}
    found = Asking(environment)
    yield found
    await found._way().aclose()  # a server's lives as long as the server


async def test_many_pages_are_one_question(broker: Broker, asking: Asking) -> None:
    assert [await asking.launch() for _ in range(5)] == [{"id": "abcd1234", "seen": "alive"}] * 5
    assert broker.asked == [("GET /services/sampan/api/launches/abcd1234", None)]


async def test_nobody_waits_twice_for_a_broker_that_is_away(broker: Broker, asking: Asking) -> None:
    broker.away = True
    assert [await asking.launch() for _ in range(5)] == [None] * 5
    assert len(broker.asked) == 1
    with pytest.raises(Unreachable):
        await asking.move_on()


@pytest.mark.parametrize(("minutes", "wish"), [(None, {}), (90, {"minutes": 90})])
async def test_moving_on_is_what_pages_see_next(
    broker: Broker, asking: Asking, minutes: int | None, wish: object
) -> None:
    told = await asking.move_on(minutes)
    assert broker.asked == [("POST /services/sampan/api/launches/abcd1234/move-on", wish)]
    assert await asking.launch() == told
    assert len(broker.asked) == 1
