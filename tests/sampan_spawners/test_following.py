"""Waiting for a launch: an end is believed from the broker alone, and its absence is waited out."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.client import AsyncBroker
from sampan.errors import Missing
from sampan.messages import Message
from sampan.stages import Kind, Stage
from sampan_spawners import following
from sampan_spawners.following import Json, ended, exit_code, follow, settled, waits
from tests.sampan_spawners.scripted_broker import SECRET, Script, ScriptedBroker, serving
from tests.waiting import until

pytestmark = pytest.mark.fast


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[tuple[ScriptedBroker, AsyncBroker]]:
    scripted = ScriptedBroker()
    async with (
        serving(scripted, tmp_path / "s"),
        AsyncBroker(socket=tmp_path / "s", secret=SECRET, user="alice") as client,
    ):
        yield scripted, client


async def launched(scripted: ScriptedBroker, client: AsyncBroker) -> Script:
    made = await client.create(Kind.SERVER, "", {}, "/user/alice/")
    return scripted.scripts[made["id"]]


async def test_it_waits_through_a_broker_that_goes_and_comes_back(
    broker: tuple[ScriptedBroker, AsyncBroker],
) -> None:
    scripted, client = broker
    script = await launched(scripted, client)
    supplied: list[str] = []

    async def supply(launch: Json) -> None:
        supplied.append(launch["id"])
        await client.put_identity(launch["id"], {"JUPYTERHUB_API_TOKEN": f"t{len(supplied)}"})

    waiting = asyncio.create_task(settled(client, script.id, supply))
    await until(lambda: script.id in scripted.identities)
    await scripted.leave()
    await asyncio.sleep(0.2)
    assert not waiting.done()
    scripted.away = False
    # Its memory was empty, so the identity is handed over again.
    await until(lambda: len(supplied) == 2 and script.id in scripted.identities)
    await scripted.ready(script, "http://127.0.0.1:7")
    assert (await waiting)["stage"] == Stage.READY
    assert scripted.running_token[script.id] == "t2"


async def test_however_many_are_followed_others_are_answered(
    broker: tuple[ScriptedBroker, AsyncBroker],
) -> None:
    """The hub follows everybody who waits, over one unix socket: at a hundred its client's pool once was full for ever."""
    scripted, client = broker
    people = [client.as_user(f"p{number}") for number in range(150)]
    scripts = [await launched(scripted, person) for person in people]
    following = [
        asyncio.create_task(settled(person, script.id, None))
        for person, script in zip(people, scripts, strict=True)
    ]
    await until(lambda: len(scripted.listening) == len(people))
    async with asyncio.timeout(10):
        assert await client.plans()
    for script in scripts:
        await scripted.end(script, "ended.node")
    assert all(ended(launch) for launch in await asyncio.gather(*following))


async def test_a_launch_that_was_ready_once_is_ready_only_when_it_is_again(
    broker: tuple[ScriptedBroker, AsyncBroker],
) -> None:
    scripted, client = broker
    script = await launched(scripted, client)
    scripted.identities[script.id] = {"JUPYTERHUB_API_TOKEN": "t"}
    await scripted.ready(script, "http://127.0.0.1:7")
    await script.tell(Stage.QUEUED, "launch.queued", centre="East", place=1)
    waiting = asyncio.create_task(settled(client, script.id, None))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await scripted.end(script, "ended.node")
    assert (await waiting)["cause"]["code"] == "ended.node"


async def test_an_unknown_launch_is_given_up_after_a_while_only(
    broker: tuple[ScriptedBroker, AsyncBroker], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client = broker
    monkeypatch.setattr(following, "GONE_AFTER", 0.2)
    with pytest.raises(Missing):
        await settled(client, "nobodys1", None)


async def test_following_ends_with_the_launch(broker: tuple[ScriptedBroker, AsyncBroker]) -> None:
    scripted, client = broker
    script = await launched(scripted, client)
    await scripted.end(script, "ended.stopped")
    assert [event["stage"] async for event in follow(client, script.id)] == ["placed", "ended"]
    assert [event["stage"] async for event in follow(client, script.id, after=0)] == ["ended"]
    with pytest.raises(Missing):
        await anext(follow(client, "nobodys1"))


@pytest.mark.parametrize(
    ("code", "params", "expected"),
    [
        ("ended.failed", {"code": 3}, 3),
        ("ended.finished", {}, 0),
        ("ended.stopped", {}, 0),
        ("ended.node", {}, 1),
        ("ended.failed", {"code": "?"}, 1),
    ],
)
def test_exit_codes(code: str, params: dict[str, int | str], expected: int) -> None:
    assert exit_code({"cause": Message(code, params).to_json()}) == expected
    assert exit_code({"cause": None}) == 1


def test_pauses_double_up_to_a_limit() -> None:
    pause = waits()
    assert [next(pause) for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0]
