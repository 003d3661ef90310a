"""The hub is killed (-9) at awkward moments: what runs goes on, what was pending is taken over, tokens are what they should be."""

import asyncio

import pytest

from sampan.stages import Stage
from tests.sampan_spawners.live_hub import Browser, LiveHub, came, launched, ready
from tests.sampan_spawners.scripted_broker import door
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def restart(hub: LiveHub) -> None:
    hub.start_hub()
    await hub.up()


async def test_one_running_and_one_pending_are_both_there_afterwards(hub: LiveHub) -> None:
    async with Browser(hub, "olga") as olga, Browser(hub, "otto") as otto, door() as one, door() as two:
        runs = await olga.started(one)
        token = hub.broker.running_token[runs.id]
        await otto.submit(cores="2")
        waits = await launched(hub, "otto")
        await until(lambda: waits.id in hub.broker.identities)
        handed = hub.broker.identities[waits.id]["JUPYTERHUB_API_TOKEN"]
        hub.kill("hub")
        # The proxy and the door do not need the hub.
        assert (await olga.client.get("/user/olga/api")).json() == {"version": "here"}
        await restart(hub)
        await came(olga.is_ready)
        assert await hub.whose(token) == "olga"
        assert (await otto.server())["pending"] == "check"
        page = await otto.page("/hub/spawn-pending/otto")
        assert 'data-events="/hub/sampan/events/"' in page.text
        await ready(hub, waits, two)
        await came(otto.is_ready)
        await came(lambda: otto.page_with("/user/otto/api", "here"))
        # It runs with what the first hub handed over, and that is good.
        assert hub.broker.running_token[waits.id] == handed
        assert await hub.whose(handed) == "otto"
        assert hub.broker.stopped.count(runs.id) == hub.broker.stopped.count(waits.id) == 0
        assert len([one for one in hub.broker.scripts.values() if one.owner == "otto"]) == 1


async def test_hub_and_broker_restarted_while_it_is_pending_it_gets_a_new_identity(hub: LiveHub) -> None:
    async with Browser(hub, "pia") as pia, door() as address:
        await pia.submit()
        script = await launched(hub, "pia")
        await until(lambda: script.id in hub.broker.identities)
        old = hub.broker.identities[script.id]["JUPYTERHUB_API_TOKEN"]
        hub.kill("hub")
        await hub.broker.leave()
        hub.broker.away = False
        await restart(hub)
        await ready(hub, script, address)
        await came(pia.is_ready)
        new = hub.broker.running_token[script.id]
        assert new != old
        assert (await hub.whose(old), await hub.whose(new)) == (None, "pia")
        env = hub.broker.identities[script.id]
        assert env["JUPYTERHUB_SERVICE_PREFIX"] == "/user/pia/"
        scopes = (await hub.who(new)).json()["scopes"]
        assert "access:services!service=sampan" in scopes
        await pia.send("DELETE", "/hub/api/users/pia/server")
        await came(pia.is_idle)
        assert await hub.whose(new) is None


async def test_a_session_that_moves_on_after_the_restart_keeps_its_token(hub: LiveHub) -> None:
    """Hub and broker have forgotten it; the launcher of the session that serves has it, and the next one gets the same."""
    async with Browser(hub, "pavo") as pavo, door() as address:
        script = await pavo.started(address)
        token = hub.broker.running_token[script.id]
        hub.kill("hub")
        hub.broker.identities.clear()
        await restart(hub)
        await came(pavo.is_ready)
        assert script.id not in hub.broker.identities
        script.moves_on = True
        await until(lambda: script.id in hub.broker.identities, 30)
        assert hub.broker.identities[script.id]["JUPYTERHUB_API_TOKEN"] == token
        assert await hub.whose(token) == "pavo"


async def test_a_broker_that_is_away_after_the_restart_is_waited_for(hub: LiveHub) -> None:
    async with Browser(hub, "quin") as quin, door() as address:
        script = await quin.started(address)
        token = hub.broker.running_token[script.id]
        hub.kill("hub")
        hub.broker.away = True
        await restart(hub)
        assert (await quin.server())["pending"] == "check"
        # The open notebook goes on meanwhile.
        assert (await quin.client.get("/user/quin/api")).json() == {"version": "here"}
        hub.broker.away = False
        await came(quin.is_ready)
        assert script.id not in hub.broker.stopped
        assert await hub.whose(token) == "quin"


async def test_what_ended_while_the_hub_was_away_is_cleaned_up_and_its_token_revoked(hub: LiveHub) -> None:
    async with Browser(hub, "rosa") as rosa, Browser(hub, "rolf") as rolf, door() as address:
        ran = await rosa.started(address)
        token = hub.broker.running_token[ran.id]
        await rolf.submit()
        waited = await launched(hub, "rolf")
        await until(lambda: waited.id in hub.broker.identities)
        handed = hub.broker.identities[waited.id]["JUPYTERHUB_API_TOKEN"]
        hub.kill("hub")
        await hub.broker.end(ran, "ended.node")
        await restart(hub)
        await came(rosa.is_idle)
        assert await hub.whose(token) is None
        # This one ends while the hub waits for it.
        await hub.broker.end(waited, "ended.failed", tail="no python", code=127)
        await came(rolf.is_idle)
        assert await hub.whose(handed) is None
        events = await rolf.page("/hub/sampan/events/", params={"_xsrf": await rolf.xsrf()})
        assert "exit code 127" in events.text
        assert "no python" in (await rolf.page("/hub/spawn-pending/rolf")).text


async def test_a_person_stops_what_the_hub_is_still_looking_for(hub: LiveHub) -> None:
    async with Browser(hub, "saul") as saul:
        await saul.submit()
        script = await launched(hub, "saul")
        await until(lambda: script.id in hub.broker.identities)
        token = hub.broker.identities[script.id]["JUPYTERHUB_API_TOKEN"]
        hub.kill("hub")
        await restart(hub)
        assert (await saul.server())["pending"] == "check"
        assert (await saul.post("/hub/sampan/stop/")).status_code == 202
        await came(saul.is_idle)
        assert hub.broker.stopped.count(script.id) == 1
        assert await hub.whose(token) is None


async def test_a_hub_killed_before_it_knew_the_launch_finds_it_by_its_name(hub: LiveHub) -> None:
    """The broker has the launch, the hub died while it asked: one launch, and it becomes the person's server."""
    answered = asyncio.Event()

    async def hold(_: object) -> None:
        await answered.wait()

    async with Browser(hub, "tina") as tina, door() as address:
        hub.broker.on_create = hold
        await tina.submit()
        script = await launched(hub, "tina")
        hub.kill("hub")
        answered.set()
        await restart(hub)
        await ready(hub, script, address)
        await came(tina.is_ready)
        assert [one.id for one in hub.broker.scripts.values() if one.owner == "tina"] == [script.id]


async def test_the_events_go_on_after_a_restart_where_they_were(hub: LiveHub) -> None:
    async with Browser(hub, "udo") as udo, door() as address:
        await udo.submit()
        script = await launched(hub, "udo")
        await script.tell(Stage.QUEUED, "launch.queued", centre="East", place=2)
        hub.kill("hub")
        await restart(hub)
        await script.tell(Stage.RUNNING, "launch.running", centre="East", node="n1")
        params = {"_xsrf": await udo.xsrf(), "after": "1"}
        listening = asyncio.create_task(udo.page("/hub/sampan/events/", params=params))
        await ready(hub, script, address)
        text = (await listening).text
        assert "place 2" not in text
        assert "The job runs at East" in text
        assert '"ready": true' in text
        assert text.rstrip().endswith("}")
