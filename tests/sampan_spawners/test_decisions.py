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
    async with Browser(hub, "oona") as oona, door() as address:
        script = await oona.started(address)
        token = hub.broker.running_token[script.id]
        await oona.send("DELETE", "/hub/api/users/oona/server")
        await came(oona.is_idle)
        assert script.stage is Stage.READY, "the broker still waits for its end"
        assert await hub.whose(token) is None
        listing = (await oona.send("GET", "/hub/sampan/unsettled")).json()["html"]
        assert "Stopping at &lt;East&gt;, not confirmed" in listing
        assert f'data-let-go="{script.id}"' in listing
        assert (await oona.send("GET", "/hub/sampan/unsettled?name=other")).json()["html"] == ""
        await oona.submit()
        listening = asyncio.create_task(oona.page(f"/hub/sampan/events/?_xsrf={await oona.xsrf()}"))
        await came(lambda: oona.page_with("/hub/spawn-pending/oona", "sampan-unsettled"))
        await asyncio.sleep(1)
        assert (await oona.post(f"/hub/sampan/let-go/{script.id}")).status_code == 202
        second = await launched(hub, "oona")
        assert second.id != script.id
        await hub.broker.end(second, "ended.finished")
        events = told((await listening).text)
        assert any(
            "Your former session of this name has to end first" in event["message"] for event in events
        )


async def test_when_there_is_nothing_to_decide(hub: LiveHub) -> None:
    async with Browser(hub, "pola") as pola, Browser(hub, "quill") as quill, door() as address:
        script = await pola.started(address)
        assert (await pola.send("GET", "/hub/sampan/unsettled")).json()["html"] == ""
        refused = await pola.post(f"/hub/sampan/let-go/{script.id}")
        assert refused.status_code == 409
        assert refused.json()["error"]["code"] == "launch.not_silent"
        script.seen, script.seen_since = "unknown", time.time()
        listing = (await pola.send("GET", "/hub/sampan/unsettled")).json()["html"]
        assert "Most such silences are short" in listing
        assert "data-let-go" not in listing, "not yet"
        assert (await quill.send("GET", "/hub/sampan/unsettled")).json()["html"] == ""
        assert (await quill.post(f"/hub/sampan/let-go/{script.id}")).status_code == 404
        assert script.stage is Stage.READY


async def test_who_comes_back_is_told_how_the_last_one_ended(hub: LiveHub) -> None:
    async with Browser(hub, "rita") as rita, door() as address:
        script = await rita.started(address)
        await hub.broker.end(script, "ended.idle", about="<1 h>")
        await came(rita.is_idle)
        told = (await rita.send("GET", "/hub/sampan/unsettled?ended=1")).json()
        assert told["html"] == ""
        assert "Nothing was done in it for &lt;1 h&gt;" in told["ended"]
        assert "ended" not in (await rita.send("GET", "/hub/sampan/unsettled")).json()
        assert "data-ended" in (await rita.page("/hub/home")).text
        # One that they stopped themselves is no news, and the newest one is the one that counts.
        second = await rita.started(address)
        assert (await rita.send("GET", "/hub/sampan/unsettled?ended=1")).json()["ended"] == ""
        await hub.broker.end(second, "ended.stopped")
        await came(rita.is_idle)
        assert (await rita.send("GET", "/hub/sampan/unsettled?ended=1&name=")).json()["ended"] == ""
