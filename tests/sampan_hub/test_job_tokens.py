"""Code in a far kernel asks the broker with its job's own token: its launch and what was started from it, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient

from sampan.address import Address
from sampan.client import AsyncBroker
from sampan.errors import Forbidden
from sampan_hub.keys import MasterKey
from sampan_kernels.bridge import Bridge
from sampan_kernels.connection import PORTS
from tests.sampan_hub.real_broker import API, RealBroker, real_broker
from tests.sampan_hub.test_kernel_api import address
from tests.sampan_kernels.test_kernel_launch import run

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPEN: Final = frozenset(
    {
        ("GET", "/centres/{centre}/facts"),
        ("GET", "/launches"),
        ("POST", "/launches"),
        ("GET", "/launches/{launch}"),
        ("DELETE", "/launches/{launch}"),
        ("GET", "/launches/{launch}/events"),
        ("GET", "/launches/{launch}/log"),
        ("POST", "/clusters/{launch}/workers"),
        ("POST", "/clusters/{launch}/leave"),
        ("PUT", "/clusters/{launch}/state"),
        ("GET", "/clusters/{launch}/wishes"),
        ("GET", "/clusters/{launch}"),
        ("PUT", "/clusters/{launch}/size"),
        ("GET", "/catalogue/search"),
        ("GET", "/catalogue/entries/{provider}/{name}"),
        ("GET", "/catalogue/entries/{provider}/{name}/{version}"),
        ("GET", "/catalogue/entries/{provider}/{name}/{version}/picture"),
        ("POST", "/catalogue/entries/{provider}/{name}/{version}/uses"),
        ("GET", "/catalogue/entries/{provider}/{name}/{version}/dcat.jsonld"),
        ("GET", "/catalogue/entries/{provider}/{name}/{version}/schema.jsonld"),
        ("GET", "/catalogue/dcat.jsonld"),
        ("GET", "/catalogue/intake.yaml"),
        ("GET", "/catalogue/stac"),
        ("GET", "/catalogue/stac/conformance"),
        ("GET", "/catalogue/stac/collections"),
        ("GET", "/catalogue/stac/collections/{collection}"),
        ("GET", "/catalogue/stac/collections/{collection}/items"),
        ("GET", "/catalogue/stac/collections/{collection}/items/{item}"),
        ("GET", "/catalogue/stac/search"),
        ("POST", "/catalogue/stac/search"),
    }
)
"""What a job may ask."""
PUBLIC: Final = frozenset({("GET", "/"), ("GET", "/launches/{launch}/end")})
"""What needs no login at all."""


@dataclass
class Scene:
    """A kernel with its job's token, a child of it, and another launch of the same person."""

    broker: RealBroker
    kernel: str
    child: str
    other: str
    token: str

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return await self.broker.tcp(method, path, f"token {self.token}", **options)

    async def code(self, method: str, path: str, **options: Any) -> str:
        answer = await self.ask(method, path, **options)
        return "" if answer.is_success else str(answer.json()["error"]["code"])


def wish(name: str, **more: Any) -> dict[str, Any]:
    return {"kind": "kernel", "name": name, "options": {"cores": 1, "memory": 0.5}, **more}


@asynccontextmanager
async def client_of(scene: Scene, folder: Path) -> AsyncIterator[AsyncKernelClient]:
    """The kernel as its person reaches it."""
    keys = await scene.broker.ask("GET", f"/launches/{scene.kernel}/keys", "alice")
    bridge = Bridge(address(scene.broker), scene.kernel, folder / "far")
    await bridge.open()
    client = AsyncKernelClient()
    ports = {f"{name}_port": number for name, number in PORTS.items()}
    told: Any = {"transport": "ipc", "ip": bridge.ip, **ports, **keys}
    client.load_connection_info(told)
    client.start_channels()
    await client.wait_for_ready(timeout=30)
    yield client
    client.stop_channels()
    await bridge.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene() -> AsyncIterator[Scene]:
    async with real_broker(lambda made: made.only("east")) as broker:

        async def made(name: str, **more: Any) -> str:
            return str((await broker.ask("POST", "/launches", "alice", json=wish(name, **more)))["id"])

        kernel = await made("far")
        await broker.at(kernel, "ready")
        master = MasterKey.load(broker.state / "secrets" / "master")
        token = master.job_token(f"sampan-test1-{kernel}-1")
        yield Scene(broker, kernel, await made("child", parent=kernel), await made("other"), token)


async def test_code_in_the_kernel_has_it_and_is_told_where_it_is(scene: Scene, tmp_path: Path) -> None:
    """By `sampan` alone: nothing is set up by hand."""
    code = """
import os, sampan
from sampan.dask_cluster import facts_of
place = sampan.here()
print(place.launch, facts_of(place.centre, place.share).centre, os.environ["SAMPAN_BROKER_TOKEN"])
"""
    async with client_of(scene, tmp_path) as person:
        said = (await run(person, code)).split()
    assert said == [scene.kernel, "east", scene.token]


async def test_it_reaches_its_own_launch_and_its_children(scene: Scene) -> None:
    # Two are the most that are told, and the newest of the person's is another.
    for path in ("/launches", "/launches?limit=2"):
        assert {one["id"] for one in (await scene.ask("GET", path)).json()} == {scene.kernel, scene.child}
    for launch in (scene.kernel, scene.child):
        assert await scene.code("GET", f"/launches/{launch}") == ""
        assert await scene.code("GET", f"/launches/{launch}/log") == ""
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/log"), ("GET", "/events")):
        assert await scene.code(method, f"/launches/{scene.other}{path}") == "launch.unknown_id"
    assert await scene.code("GET", f"/clusters/{scene.other}") == "launch.unknown_id"


async def test_it_starts_nothing_that_is_not_its_own(scene: Scene) -> None:
    for body in (wish("more"), wish("more", parent=scene.kernel), wish("more", parent=scene.other)):
        assert await scene.code("POST", "/launches", json=body) == "access.job"
    assert await scene.code("POST", "/launches", json={"kind": "server"}) == "launch.server_by_hub"
    assert await scene.code("GET", "/launches?owner=bob") == "access.owner"


async def test_every_other_door_is_shut(scene: Scene) -> None:
    """By the broker's own list of its routes, so that a new one is shut until somebody opens it."""
    async with httpx.AsyncClient() as client:
        listed = await client.get(f"http://127.0.0.1:{scene.broker.port}/services/sampan/openapi.json")
    routes = {
        (method.upper(), path.removeprefix(API))
        for path, methods in listed.json()["paths"].items()
        for method in methods
        if path.startswith(API)
    }
    assert routes >= OPEN
    for method, path in sorted(routes - OPEN - PUBLIC):
        place = path.format_map(defaultdict(lambda: "east", launch=scene.kernel))
        answer = await scene.ask(method, place, json={} if method in ("POST", "PUT") else None)
        assert not answer.is_success, (method, path)
        assert answer.json()["error"]["code"] in ("access.job", "access.hub_away"), (
            method,
            path,
            answer.text,
        )


async def test_anothers_and_a_changed_one_open_nothing(scene: Scene) -> None:
    theirs = f"sampan-test1-{scene.other}-1.{scene.token.partition('.')[2]}"
    for token in (theirs, scene.token[:-1], scene.token + "0", scene.token.partition(".")[0]):
        answer = await scene.broker.tcp("GET", "/launches", f"token {token}")
        # (The hub of this test does not answer: to it goes what is none of ours.)
        assert answer.json()["error"]["code"] in ("access.token", "access.hub_away"), token


async def test_it_is_good_after_a_restart_of_the_broker_and_void_with_its_launch(scene: Scene) -> None:
    await scene.broker.again()
    assert await scene.code("GET", f"/launches/{scene.kernel}") == ""
    assert await scene.code("DELETE", f"/launches/{scene.child}") == ""
    await scene.broker.at(scene.child, "ended")
    assert await scene.code("DELETE", f"/launches/{scene.kernel}") == ""
    await scene.broker.at(scene.kernel, "ended")
    assert await scene.code("GET", f"/launches/{scene.kernel}") == "access.token"
    there = Address.parse(f"http://127.0.0.1:{scene.broker.port}", token=scene.token)
    async with AsyncBroker(there) as broker:
        with pytest.raises(Forbidden):
            await broker.facts("east", None)
