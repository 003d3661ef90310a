"""The routes of our pages: for the person who is logged in, from our own pages, and for nobody else."""

import asyncio
import json
from typing import Any

import pytest
from jupyterhub.objects import Server
from jupyterhub.spawner import Spawner

from sampan.stages import Stage
from sampan_spawners.handlers import StopHandler, outcome
from tests.sampan_spawners.live_hub import Browser, LiveHub, came, launched, ready
from tests.sampan_spawners.scripted_broker import door

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Page:
    """As much of a request as an interrupted start takes."""

    current_user = None

    async def stop_single_user(self, _: None, name: str) -> None:
        assert name == ""


def told(text: str) -> list[dict[str, Any]]:
    return [
        json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")
    ]


async def test_place_answers_what_the_form_would_get(hub: LiveHub) -> None:
    async with Browser(hub, "vera") as vera:
        answer = (await vera.post("/hub/sampan/place", json={"options": {"cores": "2"}})).json()
        assert answer["query"] == "opt-v=1&opt-cores=2"
        assert "East Lake" in answer["html"]
        wrong = await vera.post("/hub/sampan/place", json={"options": {"cores": "<b>"}})
        assert wrong.status_code == 200
        assert wrong.json()["field"] == "cores"
        assert "&lt;b&gt;" in wrong.json()["html"]


async def test_place_says_when_the_broker_is_away(hub: LiveHub) -> None:
    async with Browser(hub, "vala") as vala:
        hub.broker.away = True
        answer = (await vala.post("/hub/sampan/place", json={"options": {}})).json()
        assert "The broker does not answer just now" in answer["html"]
        assert answer["startable"]


@pytest.mark.parametrize(
    ("body", "status"),
    [({"json": {"options": []}}, 400), ({"json": 7}, 400), ({"content": b"{" * 70_000}, 413)],
)
async def test_place_refuses_what_is_no_wish(hub: LiveHub, body: dict[str, Any], status: int) -> None:
    async with Browser(hub, "vida") as vida:
        headers = {"Content-Type": "application/json"}
        assert (await vida.post("/hub/sampan/place", headers=headers, **body)).status_code == status


@pytest.mark.parametrize("route", ["place", "stop/", "events/", "unsettled", "let-go/l0000000"])
async def test_other_sites_strangers_and_tokens_are_refused(hub: LiveHub, route: str) -> None:
    method = "GET" if route in {"events/", "unsettled"} else "POST"
    path = f"/hub/sampan/{route}"
    async with Browser(hub, "wim") as wim, door() as address:
        token = hub.broker.running_token[(await wim.started(address)).id]
        body: dict[str, Any] = {"options": {}}
        # No XSRF token, as from a page of somebody else's server.
        for mode in ("cors", "no-cors", "same-origin"):
            headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": mode}
            if (method, mode) != ("GET", "no-cors"):
                assert (await wim.client.request(method, path, headers=headers, json=body)).status_code == 403
        for site in ("cross-site", "same-site"):
            answer = await wim.send(method, path, headers={"Sec-Fetch-Site": site}, json=body)
            assert answer.status_code == 403
        wim.client.cookies.clear()
        assert (await wim.client.request(method, path, json=body)).status_code == 403
        proof = {"Authorization": f"token {token}"}
        assert (await wim.client.request(method, path, headers=proof, json=body)).status_code == 403
        assert hub.broker.live("wim") is not None


async def test_a_server_of_somebody_else_is_not_there(hub: LiveHub) -> None:
    async with Browser(hub, "xena") as xena, Browser(hub, "yann") as yann:
        await xena.submit("mine")
        script = await launched(hub, "xena", "mine")
        assert (await yann.post("/hub/sampan/stop/mine")).status_code == 404
        assert (await yann.page(f"/hub/sampan/events/mine?_xsrf={await yann.xsrf()}")).status_code == 404
        assert script.target == "ready"


async def test_events_tell_a_start_in_words_and_send_the_page_on(hub: LiveHub) -> None:
    async with Browser(hub, "zoe") as zoe, door() as address:
        await zoe.submit("named")
        url = f"/hub/sampan/events/named?_xsrf={await zoe.xsrf()}"
        listening = asyncio.create_task(zoe.page(url))
        script = await launched(hub, "zoe", "named")
        await script.tell(Stage.RUNNING, "launch.running", centre="<East>", node="n1")
        await script.tell(Stage.PLACED, "launch.next", centre="<East>", why="It failed.")
        await ready(hub, script, address)
        events = told((await listening).text)
        progress = [event["progress"] for event in events]
        assert progress == sorted(progress)
        assert events[-1]["ready"]
        assert events[-1]["url"] == "/user/zoe/named/"
        assert "<East>" not in json.dumps([event["html_message"] for event in events])
        assert "任务已在&lt;East&gt;" in "".join(event["html_message"] for event in events)


async def test_events_of_a_stop_and_of_a_failure_end(hub: LiveHub) -> None:
    async with Browser(hub, "abel") as abel:
        url = f"/hub/sampan/events/?_xsrf={await abel.xsrf()}"
        await abel.submit()
        script = await launched(hub, "abel")
        listening = asyncio.create_task(abel.page(url))
        await hub.broker.end(script, "ended.failed", tail="<i>", code=3)
        last = told((await listening).text)[-1]
        assert last["failed"]
        assert "&lt;i&gt;" in last["html_message"]
        await abel.submit()
        await launched(hub, "abel")
        listening = asyncio.create_task(abel.page(url))
        await abel.post("/hub/sampan/stop/")
        assert told((await listening).text)[-1].get("failed") in (None, False)
        await came(abel.is_idle)


async def test_a_stop_of_a_running_server_and_of_none(hub: LiveHub) -> None:
    async with Browser(hub, "bela") as bela, door() as address:
        assert (await bela.post("/hub/sampan/stop/")).status_code == 200
        script = await bela.started(address)
        assert (await bela.post("/hub/sampan/stop/")).is_success
        await came(bela.is_idle)
        assert hub.broker.stopped.count(script.id) == 1


async def test_a_start_that_is_being_stopped_never_looks_ready() -> None:
    """Between the end of the start, which clears its flag, and the stop that sets its own, a page may ask."""
    spawner = Spawner()
    spawner.server = Server(ip="127.0.0.1", port=1)
    spawner._spawn_pending = True
    start = spawner._spawn_future = asyncio.ensure_future(asyncio.Event().wait())
    seen: list[dict[str, Any] | None] = []

    def over(_: asyncio.Future[Any]) -> None:
        spawner._spawn_pending = False
        seen.append(outcome(spawner))

    start.add_done_callback(over)
    await StopHandler._interrupt(Page(), spawner, "")  # type: ignore[arg-type]
    assert start.cancelled()
    [told] = seen
    assert told is not None
    assert told["stopping"]
