"""How a session has ended, told to a page whose server and its token are gone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from sampan_hub.keys import MasterKey
from tests.sampan_hub.real_broker import RealBroker, real_broker
from tests.ways.whole_hub import came

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker() -> AsyncIterator[RealBroker]:
    async with real_broker() as made:
        yield made


async def asked(broker: RealBroker, launch: str, key: bytes) -> httpx.Response:
    """As a browser asks: no token, no cookie, not from the hub's own socket."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{broker.port}") as client:
        path = f"/services/sampan/api/launches/{launch}/end"
        return await client.get(path, headers=[(b"X-Sampan-End-Key", key)])


async def test_the_last_word_is_told_to_who_has_the_key_and_to_nobody_else(broker: RealBroker) -> None:
    wish = {"kind": "server", "options": {"plan": "light"}, "prefix": "/user/alice/"}
    launch = await broker.ask("POST", "/launches", json=wish)
    assert launch["end_key"] is None, "it is for the server alone"
    assert launch["most_minutes"] is None or launch["most_minutes"] >= 120
    key = MasterKey.load(broker.state / "secrets" / "master").end_key(launch["id"]).encode()
    assert (await asked(broker, launch["id"], key)).json() == {"ended_at": None, "message": None}
    await broker.ask("DELETE", f"/launches/{launch['id']}")

    async def ended() -> dict[str, object] | None:
        told: dict[str, object] = (await asked(broker, launch["id"], key)).json()
        return told if told["ended_at"] else None

    told = await came(ended)
    assert told["message"]["code"] == "launch.stopped"
    assert told["message"]["zh"]
    for wrong in (b"", b"0" * 32, key[:-1], "é".encode("latin-1")):
        assert (await asked(broker, launch["id"], wrong)).status_code == 404
    assert (await asked(broker, "abcd1234", key)).status_code == 404
    assert (await asked(broker, "..%2F..", key)).status_code in (400, 404)
