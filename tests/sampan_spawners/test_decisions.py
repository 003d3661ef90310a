"""Silent servers: a stop does not hold the hub up, a new start says what it waits for, the person decides."""

import asyncio
import time

import pytest

from sampan.stages import Stage
from tests.sampan_spawners.live_hub import Browser, LiveHub, came, launched
from tests.sampan_spawners.scripted_broker import Script, door
from tests.sampan_spawners.test_handlers import told

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def unconfirmed(script: Script) -> None:
    script.seen = "unreachable"
    await script.tell(
        Stage.READY, "launch.stopping_unconfirmed", centre="<East>", since="2025-11-25 04:40 UTC"
    )


async def test_a_stop_that_is_not_confirmed_and_the_start_after_it(hub: LiveHub) -> None:
    hub.broker.on_stop = unconfirmed
    async with Browser(hub, "olga") as olga, door() as address:
        script = await olga.started(address)
        token = hub.broker.running_token[script.id]
        await olga.send("DELETE", "/hub/api/users/olga/server")
        await came(olga.is_idle)
        assert script.stage is Stage.READY, "the broker still waits for its end"
        assert await hub.whose(token) is None
        listing = (await olga.send("GET", "/hub/sampan/unsettled")).json()["html"]
        assert "Stopping at &lt;East&gt;, not confirmed" in listing
        assert f'data-let-go="{script.id}"' in listing
        assert (await olga.send("GET", "/hub/sampan/unsettled?name=other")).json()["html"] == ""
        await olga.submit()
        listening = asyncio.create_task(olga.page(f"/hub/sampan/events/?_xsrf={await olga.xsrf()}"))
        await came(lambda: olga.page_with("/hub/spawn-pending/olga", "sampan-unsettled"))
        await asyncio.sleep(1)
        assert (await olga.post(f"/hub/sampan/let-go/{script.id}")).status_code == 202
        second = await launched(hub, "olga")
        assert second.id != script.id
        await hub.broker.end(second, "ended.finished")
        events = told((await listening).text)
        assert any(
            "Your former session of this name has to end first" in event["message"] for event in events
        )


async def test_when_there_is_nothing_to_decide(hub: LiveHub) -> None:
    async with Browser(hub, "pia") as pia, Browser(hub, "quin") as quin, door() as address:
        script = await pia.started(address)
        assert (await pia.send("GET", "/hub/sampan/unsettled")).json()["html"] == ""
        refused = await pia.post(f"/hub/sampan/let-go/{script.id}")
        assert refused.status_code == 409
        assert refused.json()["error"]["code"] == "launch.not_silent"
        script.seen, script.seen_since = "unknown", time.time()
        listing = (await pia.send("GET", "/hub/sampan/unsettled")).json()["html"]
        assert "Most such silences are short" in listing
        assert "data-let-go" not in listing, "not yet"
        assert (await quin.send("GET", "/hub/sampan/unsettled")).json()["html"] == ""
        assert (await quin.post(f"/hub/sampan/let-go/{script.id}")).status_code == 404
        assert script.stage is Stage.READY


async def test_who_comes_back_is_told_how_the_last_one_ended(hub: LiveHub) -> None:
    async with Browser(hub, "rosa") as rosa, door() as address:
        script = await rosa.started(address)
        await hub.broker.end(script, "ended.idle", about="<1 h>")
        await came(rosa.is_idle)
        told = (await rosa.send("GET", "/hub/sampan/unsettled?ended=1")).json()
        assert told["html"] == ""
        assert "Nothing was done in it for &lt;1 h&gt;" in told["ended"]
        assert "ended" not in (await rosa.send("GET", "/hub/sampan/unsettled")).json()
        assert "data-ended" in (await rosa.page("/hub/home")).text
        # One that they stopped themselves is no news, and the newest one is the one that counts.
        second = await rosa.started(address)
        assert (await rosa.send("GET", "/hub/sampan/unsettled?ended=1")).json()["ended"] == ""
        await hub.broker.end(second, "ended.stopped")
        await came(rosa.is_idle)
        assert (await rosa.send("GET", "/hub/sampan/unsettled?ended=1&name=")).json()["ended"] == ""
