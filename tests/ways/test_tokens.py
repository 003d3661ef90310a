"""Tokens and cookies: each opens what is its person's, until its server ends, and for nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came, whole_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASK_TOKEN = "import os; print(os.environ['JUPYTERHUB_API_TOKEN'])"


@dataclass
class Scene:
    """A hub, and alice with a running server; `token` is that server's."""

    hub: WholeHub
    alice: Person
    token: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(kind: str) -> AsyncIterator[Scene]:
    async with whole_hub(kind) as hub, Person(hub, "alice") as alice:
        await alice.start(plan="light")
        await alice.ready()
        kernel = await alice.kernel()
        yield Scene(hub, alice, (await kernel.run(ASK_TOKEN)).strip())


@pytest.mark.parametrize("hub_killed", [False, True])
async def test_a_token_ends_with_its_server(scene: Scene, hub_killed: bool) -> None:
    hub = scene.hub
    name = "dave" if hub_killed else "carol"
    async with Person(hub, name) as person:
        await person.start(plan="light")
        await person.ready()
        kernel = await person.kernel()
        token = (await kernel.run(ASK_TOKEN)).strip()
        assert await _status(hub, token, "/hub/api/user") == 200
        if hub_killed:
            await hub.restarted("hub", hub.kill("hub"))
            await came(hub.answers, 60)
            await person.ready()
            assert await _status(hub, token, "/hub/api/user") == 200
        await person.stop()
        await person.at("ended")

        async def gone() -> bool:
            return not await person.server()

        await came(gone)
        assert await _status(hub, token, "/hub/api/user") == 403
        assert await _status(hub, token, "/services/sampan/api/launches") == 403


async def test_a_token_is_for_its_own_person(scene: Scene) -> None:
    hub = scene.hub
    launch = await scene.alice.launch()
    alices = scene.token
    async with Person(hub, "bob") as bob:
        answer = await bob.api("POST", "/users/bob/tokens", json={"note": "a script"})
        bobs = answer.json()["token"]
        # Whole without being told apart: the person's own things answer.
        assert await _status(hub, bobs, "/services/sampan/api/launches") == 200
        assert await _status(hub, alices, "/user/alice/api/kernels") == 200
        refused = {403, 404}
        for path in ("/user/alice/api/kernels", "/hub/api/users/alice", "/hub/api/users/alice/server"):
            assert await _status(hub, bobs, path) in refused | {405}, path
        for method in ("GET", "DELETE"):
            path = f"/services/sampan/api/launches/{launch['id']}"
            assert await _status(hub, bobs, path, method) == 404
        assert await _status(hub, bobs, "/services/sampan/api/launches?owner=alice") == 403
        assert await _status(hub, alices, "/hub/api/users/bob") in refused
        assert await _status(hub, alices, "/services/sampan/api/launches?owner=bob") == 403
        # A server's token is for its own server; it makes no other token, and starts or stops nothing at the hub.
        assert await _status(hub, alices, "/hub/api/users/alice/tokens", "POST") in refused
        assert await _status(hub, alices, "/hub/api/users/alice/server", "DELETE") in refused
        assert await _status(hub, alices, f"/services/sampan/api/launches/{launch['id']}/identity") == 403
        # A page of bob's in alice's browser and the other way round: the cookies of one server do not open another.
        page = await bob.client.get("/user/alice/api/kernels")
        assert page.status_code in refused
    assert (await scene.alice.launch())["stage"] == "ready"


async def _status(hub: WholeHub, token: str, path: str, method: str = "GET") -> int:
    async with httpx.AsyncClient(base_url=hub.url, timeout=30) as client:
        answer = await client.request(method, path, headers={"Authorization": f"token {token}"})
    return answer.status_code


async def test_pages_elsewhere_act_for_nobody(scene: Scene) -> None:
    """alice's browser opens a page that means harm: what it sends with her cookies is refused (FAULTS 20, in part)."""
    alice, path = scene.alice, scene.alice.path()
    harm: list[tuple[str, dict[str, Any]]] = [
        # Another site, and a page on somebody else's server of this hub: neither knows the token that the page sends back.
        (
            "POST",
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Origin": "https://evil.example"},
        ),
        ("POST", {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Origin": scene.hub.url}),
        ("POST", {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "X-XSRFToken": "x" * 40}),
    ]
    for method, headers in harm:
        for target in (
            f"{path}api/kernels",
            f"{path}api/terminals",
            "/hub/api/users/alice/servers/more",
            "/hub/spawn",
        ):
            answer = await alice.client.request(
                method, target, headers=headers, json={}, follow_redirects=False
            )
            assert answer.status_code == 403, (target, headers, answer.status_code)
    # No page of ours lies in somebody's frame, and no cookie that lets in is sent to another person's server.
    for target in ("/hub/home", f"{path}lab"):
        page = await alice.client.get(target)
        assert "frame-ancestors" in page.headers["content-security-policy"], target
    for cookie in alice.client.cookies.jar:
        wide = cookie.path == "/"
        assert not wide or cookie.name == "jupyterhub-session-id", (cookie.name, cookie.path)
    assert len(await scene.hub.launches("alice")) == 1


async def test_the_one_cookie_that_is_logged_opens_nothing(scene: Scene) -> None:
    """JupyterHub logs a session's number when it makes a token for its pages; alone it is nobody's proof."""
    async with httpx.AsyncClient(base_url=scene.hub.url) as client:
        for cookie in scene.alice.client.cookies.jar:
            if cookie.name == "jupyterhub-session-id":
                client.cookies.set(cookie.name, str(cookie.value))
        assert client.cookies
        for path in ("/hub/api/user", "/user/alice/api/kernels"):
            assert (await client.get(path)).status_code == 403
        assert "/hub/login" in (await client.get("/hub/home")).headers["location"]


async def test_the_services_tokens_open_what_is_written_of_them(scene: Scene) -> None:
    """docs/explanation/security.md: the broker's opens nothing at the hub; that of `sampan up` only the proxy's routes; the
    culler's people's servers, to look at and to end, and at the broker nobody's launches.
    """
    hub = scene.hub
    brokers, ups = hub.secret("service-token"), hub.secret("routes-token")
    for path in ("/hub/api/users", "/hub/api/users/alice", "/hub/api/proxy", "/user/alice/api/kernels"):
        assert await _status(hub, brokers, path) in (403, 404), path
    assert await _status(hub, ups, "/hub/api/proxy") == 200
    for path in ("/hub/api/users", "/hub/api/users/alice", "/user/alice/api/kernels"):
        assert await _status(hub, ups, path) in (403, 404), path
    cullers = hub.secret("culler-token")
    for path in ("/hub/api/users", "/services/sampan/api/idle"):
        assert await _status(hub, cullers, path) == 200, path
    for path in (
        "/hub/api/proxy",
        "/hub/api/users/alice/tokens",
        "/user/alice/api/kernels",
        "/hub/api/services",
    ):
        assert await _status(hub, cullers, path) in (403, 404), path
    # It starts nothing, makes nobody, and ends nobody's server by the broker.
    launch = (await scene.alice.launch())["id"]
    ours = f"/services/sampan/api/launches/{launch}"
    for method, path in (
        ("POST", "/hub/api/users/alice/servers/x"),
        ("POST", "/hub/api/users/eve"),
        ("DELETE", ours),
    ):
        assert await _status(hub, cullers, path, method) in (403, 404), path


async def test_the_login_page_says_whose_account_it_is(scene: Scene) -> None:
    async with httpx.AsyncClient(base_url=scene.hub.url) as client:
        page = (await client.get("/hub/login")).text
    assert "one account of this machine" in page
    assert "同一个账号" in page
