"""The client against a real HTTP server, on TCP and on a unix socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from sampan import errors
from sampan.address import Address
from sampan.client import AsyncBroker, Broker
from tests.sampan.small_broker import SECRET, STEPS, TOKEN, SmallBroker, listening, served
from tests.waiting import until


@pytest.fixture
def small() -> SmallBroker:
    return SmallBroker()


@pytest.fixture
async def url(small: SmallBroker) -> AsyncIterator[str]:
    with listening() as sock:
        async with served(small, sock) as url:
            yield url


@pytest.fixture
async def broker(url: str) -> AsyncIterator[AsyncBroker]:
    async with AsyncBroker(url, token=TOKEN, deadline=5) as broker:
        yield broker


async def test_every_question_over_tcp(broker: AsyncBroker, small: SmallBroker) -> None:
    assert (await broker.version())["api"] == 1
    assert await broker.plans() == [{"id": "light"}]
    assert [centre["id"] for centre in await broker.centres()] == ["east", "west"]
    assert (await broker.facts("east"))["scheduler"] == "process"
    assert (await broker.place({"cores": "2"}))["query"] == "opt-cores=2"
    launch = await broker.create("server", "", {"v": ["1"]}, "/user/alice/", key="k1")
    assert launch["owner"] == "alice"
    assert launch["options"] == {"v": ["1"]}
    assert (await broker.launch(launch["id"]))["prefix"] == "/user/alice/"
    assert [row["id"] for row in await broker.launches(all=True, owner="bob")] == [launch["id"]]
    assert (await broker.stop(launch["id"]))["id"] == launch["id"]
    assert await broker.log(launch["id"]) == "log of l0000000"
    heads = {(method, target.split("/api")[1]): headers for method, target, headers, _ in small.asked}
    assert heads["POST", "/launches"]["idempotency-key"] == "k1"
    assert ("GET", "/launches?all=1&owner=bob") in heads


async def test_the_hub_acts_for_its_users_over_the_unix_socket(small: SmallBroker, tmp_path: Path) -> None:
    path = tmp_path / "broker.sock"
    with listening(path) as sock:
        async with served(small, sock), AsyncBroker(socket=path, secret=SECRET) as hub:
            alice, bob = hub.as_user("alice"), hub.as_user("bob")
            launch = await alice.create("server", "", {}, "/user/alice/")
            assert launch["owner"] == "alice"
            assert await alice.get_identity(launch["id"]) is None
            await alice.put_identity(launch["id"], {"JUPYTERHUB_API_TOKEN": "t"})
            assert await alice.get_identity(launch["id"]) == "t"
            await alice.aclose()
            assert (await bob.create("server", "", {}, "/user/bob/"))["owner"] == "bob"
        async with served(small, sock):
            inside = {"SAMPAN_BROKER_URL": f"http+unix://{quote(str(path), safe='')}/services/sampan"}
            async with AsyncBroker.from_environment(inside | {"JUPYTERHUB_API_TOKEN": TOKEN}) as session:
                assert await session.plans() == [{"id": "light"}]


async def test_what_the_broker_refuses_comes_back_as_it_was_raised(broker: AsyncBroker, url: str) -> None:
    with pytest.raises(errors.Invalid) as invalid:
        await broker.place({"cores": "many"})
    assert invalid.value.code == "need.not_a_number"
    assert invalid.value.message.params["value"] == "many"
    with pytest.raises(errors.Missing, match="no launch zzzz"):
        await broker.stop("zzzz")
    async with AsyncBroker(url, token="mistaken") as stranger:
        with pytest.raises(errors.Forbidden) as forbidden:
            await stranger.plans()
    assert forbidden.value.code == "access.token"
    assert "mistaken" not in str(forbidden.value) + repr(Address.parse(url, token="mistaken"))


@pytest.mark.parametrize(
    ("status", "told", "kind", "code"),
    [
        (
            409,
            {"error": {"code": "launch.exists", "params": {"name": "a"}}},
            errors.Conflict,
            "launch.exists",
        ),
        (422, {"error": {"code": "ended.failed", "params": {"code": 3}}}, errors.Refused, "ended.failed"),
        (424, {"error": {"code": "centre.timeout", "params": {}}}, errors.Unavailable, "centre.timeout"),
        (
            424,
            {"error": {"code": "centre.unreachable", "params": {}}},
            errors.Unreachable,
            "centre.unreachable",
        ),
        (500, {"error": {"code": "x.y", "params": {"cause": "z"}}}, errors.Unavailable, "x.y"),
        (503, "<html>Service Unavailable</html>", errors.Unreachable, "broker.unreachable"),
        (404, "<html>the hub's own page</html>", errors.Unavailable, "broker.no_answer"),
        (302, "", errors.Unavailable, "broker.no_answer"),
        (200, "<html>a login page</html>", errors.Unavailable, "broker.no_answer"),
        (200, {"not": "a list"}, errors.Unavailable, "broker.no_answer"),
        (418, {"error": "text"}, errors.Unavailable, "broker.no_answer"),
    ],
)
async def test_errors_by_status(
    broker: AsyncBroker, small: SmallBroker, status: int, told: Any, kind: type, code: str
) -> None:
    small.answer_with = (status, told)
    with pytest.raises(errors.SampanError) as caught:
        await broker.plans()
    assert (type(caught.value), caught.value.code) == (kind, code)


async def test_nobody_there_is_unreachable_and_told_at_once() -> None:
    with listening() as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    async with AsyncBroker(url, token=TOKEN) as broker:
        with pytest.raises(errors.Unreachable):
            await broker.plans()
        with pytest.raises(errors.Unreachable):
            await anext(broker.events("abcd", reconnect=False))


async def test_a_broker_that_accepts_and_never_answers_costs_the_deadline() -> None:
    with listening() as sock:
        async with AsyncBroker(f"http://127.0.0.1:{sock.getsockname()[1]}", deadline=0.3) as broker:
            with pytest.raises(errors.Unreachable):
                await broker.plans()


async def test_events_from_the_first_to_the_end(broker: AsyncBroker, small: SmallBroker) -> None:
    told = [event async for event in broker.events("abcd")]
    assert [event["id"] for event in told] == [0, 1, 2, 3]
    assert [event["stage"] for event in told] == [step["stage"] for step in STEPS]
    assert [event["id"] async for event in broker.events("abcd", after=1)] == [2, 3]


async def test_events_go_on_where_the_connection_broke(broker: AsyncBroker, small: SmallBroker) -> None:
    small.cut_after = [1, 0, 2]
    assert [event["id"] async for event in broker.events("abcd")] == [0, 1, 2, 3]
    seen = [headers.get("last-event-id") for _, target, headers, _ in small.asked if "events" in target]
    assert seen == [None, "0", "0", "2"]


async def test_events_survive_a_restart_of_the_broker(small: SmallBroker) -> None:
    """Between the two brokers nobody listens, then a stranger answers for a moment: the follower waits for both."""
    with listening() as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        async with AsyncBroker(url, token=TOKEN) as broker:
            small.steps = STEPS[:2]
            follower = broker.events("abcd")
            async with served(small, sock):
                assert (await anext(follower))["id"] == 0
                assert (await anext(follower))["id"] == 1
                rest = asyncio.create_task(_collect(follower))
                await until(lambda: len(small.asked) >= 2)
                small.answer_with = (404, "<html>the hub, without its routes</html>")
                await until(lambda: len(small.asked) >= 4)
            small.steps, small.answer_with = list(STEPS), None
            async with served(small, sock):
                assert [event["id"] for event in await rest] == [2, 3]


async def test_events_of_a_launch_that_is_not_ours_end_at_once(
    broker: AsyncBroker, small: SmallBroker
) -> None:
    small.answer_with = (404, {"error": {"code": "launch.unknown_id", "params": {"launch": "abcd"}}})
    with pytest.raises(errors.Missing):
        await anext(broker.events("abcd"))
    small.answer_with = (404, "<html>a wrong address</html>")
    with pytest.raises(errors.Unavailable) as caught:
        await anext(broker.events("abcd"))
    assert caught.value.code == "broker.no_answer"


async def _collect(follower: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event async for event in follower]


@pytest.mark.parametrize("id_", ["", "..", "a/b", "a?b", "a b", "%2e"])
async def test_an_id_never_becomes_another_route(broker: AsyncBroker, small: SmallBroker, id_: str) -> None:
    with pytest.raises(errors.Missing):
        await broker.launch(id_)
    if not id_.strip("."):
        with pytest.raises(errors.Missing):
            await broker.facts(id_)
    assert small.asked == []


async def test_notebooks_ask_without_awaiting(small: SmallBroker, url: str) -> None:
    def ask() -> None:
        with Broker.from_environment({"SAMPAN_URL": url, "SAMPAN_TOKEN": TOKEN}) as broker:
            assert broker.plans() == [{"id": "light"}]
            assert len(broker.centres()) == 2
            assert broker.facts("east")["id"] == "east"
            assert broker.place({"cores": 1})["ranked"]
            assert broker.launches() == []
            with pytest.raises(errors.Missing):
                broker.launch("abcd")
            with pytest.raises(errors.Missing):
                broker.stop("abcd")

    await asyncio.to_thread(ask)


def test_notebooks_are_told_when_nobody_is_there() -> None:
    with listening() as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    with Broker(url) as broker, pytest.raises(errors.Unreachable):
        broker.plans()
