"""A server from the start form to its end, in a real hub behind a real proxy: one job, one token, one sentence."""

import asyncio

import pytest

from sampan.messages import Message
from sampan.stages import Stage
from tests.sampan_spawners.live_hub import Browser, LiveHub, came, launched, ready
from tests.sampan_spawners.scripted_broker import Script, door
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_start_from_the_form_ends_at_the_door(hub: LiveHub) -> None:
    async with Browser(hub, "anna") as anna, door() as address:
        answer = await anna.submit(plan="standard", cores="2", v="1")
        assert answer.status_code == 302
        assert answer.headers["location"].startswith("/hub/spawn-pending/anna")
        script = await launched(hub, "anna")
        # As JupyterHub hands them over: whoever reads them is the broker.
        assert script.wish["options"] == {"plan": ["standard"], "cores": ["2"], "v": ["1"]}
        assert (script.wish["kind"], script.wish["name"], script.wish["prefix"]) == (
            "server",
            "",
            "/user/anna/",
        )
        await ready(hub, script, address)
        await came(anna.is_ready)
        assert (await anna.page("/user/anna/api")).json() == {"version": "here"}


async def test_the_server_gets_jupyterhubs_variables_and_a_token_that_is_good(hub: LiveHub) -> None:
    async with Browser(hub, "bert") as bert, door() as address:
        await bert.submit()
        script = await launched(hub, "bert")
        await ready(hub, script, address)
        env = hub.broker.identities[script.id]
        assert {key for key in env if not key.startswith("JUPYTERHUB_")} == set()
        assert env["JUPYTERHUB_SERVICE_PREFIX"] == "/user/bert/"
        assert await hub.whose(env["JUPYTERHUB_API_TOKEN"]) == "bert"
        model = await hub.who(env["JUPYTERHUB_API_TOKEN"])
        assert "access:services!service=sampan" in model.json()["scopes"]
        assert "self" not in model.json()["scopes"]


async def test_an_identity_that_was_not_heard_is_told_again(hub: LiveHub) -> None:
    """Else the launch waits at its centre for an identity that nobody brings, and the person is told that it failed."""
    hub.broker.deaf_to_identities = 2
    async with Browser(hub, "bruno") as bruno, door() as address:
        await bruno.submit()
        script = await launched(hub, "bruno")
        await until(lambda: script.id in hub.broker.identities)
        await ready(hub, script, address)
        await came(bruno.is_ready)
    assert hub.broker.deaf_to_identities == 0


async def test_a_link_starts_with_its_options(hub: LiveHub) -> None:
    async with Browser(hub, "cora") as cora:
        await cora.page("/hub/spawn?opt-v=1&opt-cores=3")
        script = await launched(hub, "cora")
        assert script.wish["options"] == {"v": ["1"], "cores": ["3"]}


async def test_clicking_twice_is_one_launch(hub: LiveHub) -> None:
    async with Browser(hub, "dora") as dora:
        await asyncio.gather(dora.submit(), dora.submit(), dora.page("/hub/spawn?opt-v=1"))
        script = await launched(hub, "dora")
        assert [one.id for one in hub.broker.scripts.values() if one.owner == "dora"] == [script.id]


async def test_a_named_server_is_a_launch_of_its_own(hub: LiveHub) -> None:
    async with Browser(hub, "emil") as emil, door() as address:
        await emil.submit()
        await emil.submit("second")
        first, second = await launched(hub, "emil"), await launched(hub, "emil", "second")
        assert first.id != second.id
        assert second.wish["prefix"] == "/user/emil/second/"
        await ready(hub, second, address)
        await came(lambda: emil.is_ready("second"))
        assert not await emil.is_ready()


async def test_a_wish_that_the_broker_refuses_is_a_sentence_on_the_form(hub: LiveHub) -> None:
    hub.broker.refuse = Message("need.not_a_number", {"field": "cores", "expected": "1-64", "value": "<x>"})
    async with Browser(hub, "fred") as fred:
        answer = await fred.submit(cores="<x>")
        assert answer.status_code == 400
        assert "“cores” must be 1-64; &lt;x&gt; is not." in answer.text
        assert "“cores”应为1-64" in answer.text
        assert hub.broker.live("fred") is None


async def test_an_end_is_heard_and_not_only_asked_for(hub: LiveHub) -> None:
    """Long before the next poll: whoever comes back at once is not led to where nothing is any more."""
    async with Browser(hub, "greta") as greta, door() as address:
        script = await greta.started(address)
        token = hub.broker.running_token[script.id]
        await hub.broker.end(script, "ended.node")

        async def revoked() -> bool:
            return await hub.whose(token) is None

        await came(revoked, deadline=8)
        assert 'id="spawn_form"' in (await greta.page("/hub/spawn")).text


async def test_a_failed_start_tells_why_and_how_the_log_ended(hub: LiveHub) -> None:
    async with Browser(hub, "gina") as gina:
        await gina.submit()
        script = await launched(hub, "gina")
        await script.tell(Stage.RUNNING, "launch.running", centre="East", node="n1")
        await hub.broker.end(script, "ended.failed", tail="no <b>python</b>", code=127)
        page = await came(lambda: gina.page_with("/hub/spawn-pending/gina", "ended with exit code 127"))
        assert page.status_code == 424
        assert "no &lt;b&gt;python&lt;/b&gt;" in page.text
        assert "您可以" in page.text
        # Nothing is left of it: the next start is a new launch.
        await gina.submit()
        assert (await launched(hub, "gina")).id != script.id


async def test_jupyterhubs_own_progress_route_speaks_too(hub: LiveHub) -> None:
    async with Browser(hub, "hugo") as hugo:
        await hugo.submit()
        script = await launched(hub, "hugo")
        await script.tell(Stage.QUEUED, "launch.queued", centre="East", place=3)
        url = f"/hub/api/users/hugo/server/progress?_xsrf={await hugo.xsrf()}"
        async with hugo.client.stream("GET", url) as answer:
            async for line in answer.aiter_lines():
                if "place 3 in the queue" in line:
                    break


@pytest.mark.parametrize("way", ["page", "api"])
async def test_a_stop_while_it_is_pending_ends_the_launch(hub: LiveHub, way: str) -> None:
    name = f"ida{way}"
    async with Browser(hub, name) as ida:
        await ida.submit()
        script = await launched(hub, name)
        await until(lambda: script.id in hub.broker.identities)
        token = hub.broker.identities[script.id]["JUPYTERHUB_API_TOKEN"]
        if way == "page":
            await ida.post("/hub/sampan/stop/")
        else:
            await ida.send("DELETE", f"/hub/api/users/{name}/server")
        await came(ida.is_idle)
        assert hub.broker.stopped.count(script.id) == 1
        assert await hub.whose(token) is None


async def test_a_stop_wins_over_a_winner_that_arrives_late(hub: LiveHub) -> None:
    async def end_slowly(script: Script) -> None:
        await script.tell(Stage.RUNNING, "launch.stopping", centre="East")

    hub.broker.on_stop = end_slowly
    async with Browser(hub, "jens") as jens, door() as address:
        await jens.submit()
        script = await launched(hub, "jens")
        await until(lambda: script.id in hub.broker.identities)
        stopping = asyncio.create_task(jens.post("/hub/sampan/stop/"))
        await until(lambda: script.target == "stopped")
        await ready(hub, script, address)
        # It is over when the broker says that the job is gone, and not before.
        assert (await jens.server()).get("pending") == "stop"
        await hub.broker.end(script, "ended.stopped")
        await stopping
        await came(jens.is_idle)


async def test_a_stop_of_a_running_server_revokes_its_token(hub: LiveHub) -> None:
    async with Browser(hub, "kira") as kira, door() as address:
        script = await kira.started(address)
        token = hub.broker.running_token[script.id]
        assert await hub.whose(token) == "kira"
        await kira.send("DELETE", "/hub/api/users/kira/server")
        await came(kira.is_idle)
        assert script.id in hub.broker.stopped
        assert await hub.whose(token) is None


async def test_a_session_that_ends_by_itself_is_noticed_and_its_token_revoked(hub: LiveHub) -> None:
    async with Browser(hub, "lena") as lena, door() as address:
        script = await lena.started(address)
        token = hub.broker.running_token[script.id]
        await hub.broker.end(script, "ended.time")
        await came(lena.is_idle)
        assert script.id not in hub.broker.stopped
        assert await hub.whose(token) is None


async def test_a_start_waits_for_a_broker_that_is_away(hub: LiveHub) -> None:
    async with Browser(hub, "mark") as mark, door() as address:
        await hub.broker.leave()
        assert (await mark.submit()).status_code == 302
        hub.broker.away = False
        await ready(hub, await launched(hub, "mark"), address)
        await came(mark.is_ready)


async def test_a_stop_that_the_hub_calls_for_itself_leaves_the_launch_alone(hub: LiveHub) -> None:
    """The proxy refuses the route of a server that has just started, and the hub stops it "to avoid inconsistent state".

    The next start finds it again: its token stays good, the new one is dropped.
    """
    async with Browser(hub, "nora") as nora, door() as address:
        await nora.submit()
        script = await launched(hub, "nora")
        await until(lambda: script.id in hub.broker.identities)
        hub.kill("proxy")
        hub.start_proxy("another token")
        await hub.broker.ready(script, address)
        await until(lambda: "nora: the hub lost it" in hub.log)
        hub.kill("proxy")
        hub.start_proxy()
        await hub.restore_routes()
        assert await nora.is_idle()
        assert hub.broker.stopped.count(script.id) == 0
        token = hub.broker.running_token[script.id]
        assert await hub.whose(token) == "nora"
        script.attempts = [{"number": 1}]
        await nora.submit()
        await came(nora.is_ready)
        assert hub.broker.live("nora") is script
        assert hub.broker.identities[script.id]["JUPYTERHUB_API_TOKEN"] == token
        assert await hub.whose(token) == "nora"
