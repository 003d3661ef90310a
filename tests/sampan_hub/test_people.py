"""Who is asking: the hub's secret on the unix socket alone, and tokens that a real JupyterHub vouches for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from starlette.requests import HTTPConnection

from sampan.errors import Forbidden
from sampan_hub import people
from sampan_hub.asking import _still
from sampan_hub.catalogue.members import Members
from sampan_hub.database import Database
from sampan_hub.keys import MasterKey
from sampan_hub.people import Logins, Person
from tests.sampan_hub.real_broker import RealBroker, real_broker
from tests.small_hub import SmallHub, small_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")
MAKER = "fedcba9876543210fedcba9876543210"
EXTRA = f"""
c.Authenticator.admin_users = {{"root"}}
c.JupyterHub.services += [{{"name": "sampan"}}, {{"name": "maker", "api_token": "{MAKER}"}}]
c.JupyterHub.load_groups = {{
    "sampan:operator:east": {{"users": ["olga"]}},
    "sampan:provider:ocean": {{"users": ["olga"]}},
    "elsewhere:provider:x": {{"users": ["olga"]}},
}}
c.JupyterHub.load_roles += [
    {{"name": "maker", "services": ["maker"], "scopes": ["admin:users", "tokens", "groups"]}},
    {{"name": "user", "scopes": ["self", "access:services!service=sampan"]}},
    {{"name": "server", "scopes": ["users:activity!user", "access:servers!server", "access:services!service=sampan"]}},
]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SmallHub]:
    folder: Path = tmp_path_factory.mktemp("hub")
    async with small_hub(folder, EXTRA) as made:
        for user in ("alice", "bob", "olga", "root"):
            await _maker(made, "POST", f"/users/{user}")
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(hub: SmallHub) -> AsyncIterator[RealBroker]:
    async with real_broker(hub_api=f"http://127.0.0.1:{hub.port}/hub/api") as made:
        yield made


async def _maker(hub: SmallHub, method: str, path: str, **options: Any) -> Any:
    async with httpx.AsyncClient(headers={"Authorization": f"token {MAKER}"}, timeout=20) as client:
        answer = await client.request(method, f"http://127.0.0.1:{hub.port}/hub/api{path}", **options)
    assert answer.is_success or answer.status_code == 409, answer.text
    return answer.json() if answer.content else None


async def _token(hub: SmallHub, user: str, **body: Any) -> tuple[str, str]:
    """A token of that user, and its number."""
    made = await _maker(hub, "POST", f"/users/{user}/tokens", json=body)
    return made["token"], made["id"]


def _code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "token",
        "Basic YTpi",
        "Bearer",
        "token nonsense",
        "token \xff",
        "token a b",
        "sampan",
    ],
)
async def test_no_proof_is_nobody(broker: RealBroker, header: str) -> None:
    for method, path in (("GET", "/centres"), ("GET", "/plans"), ("POST", "/place"), ("GET", "/launches")):
        answer = await broker.tcp(method, path, headers={"Authorization": header.encode("latin-1")})
        assert _code(answer) == (403, "access.token")
    assert (await broker.tcp("GET", "/")).is_success, "the version is everybody's"


async def test_the_secret_is_for_the_unix_socket(broker: RealBroker) -> None:
    secret = f"Sampan {broker.secret('hub-broker')}"
    over_tcp = await broker.tcp(
        "GET",
        "/launches",
        secret,
        headers={
            "X-Sampan-User": "alice",
            "X-Forwarded-For": "",
            "Forwarded": "for=unix",
            "Host": "localhost",
        },
    )
    assert _code(over_tcp) == (403, "access.token")
    assert (await broker.send("GET", "/launches", "alice")).is_success
    assert _code(await broker.send("GET", "/launches", "")) == (403, "access.token")
    for wrong in ("Sampan x", "Sampan", f"token {broker.secret('hub-broker')}"):
        answer = await broker.send("GET", "/launches", "alice", headers={"Authorization": wrong})
        assert _code(answer) == (403, "access.token")


async def test_the_socket_is_this_account_s_alone(broker: RealBroker) -> None:
    path = broker.state / "run" / "broker.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_token_with_the_access_scope(broker: RealBroker, hub: SmallHub) -> None:
    token, _ = await _token(hub, "alice", scopes=["access:services!service=sampan"])
    mine = (await broker.create("alice", "seen"))["id"]
    for scheme in ("token", "Bearer"):
        answer = await broker.tcp("GET", "/launches", f"{scheme} {token}")
        assert [launch["id"] for launch in answer.json()] == [mine]
        assert answer.json()[0]["door"] is None, "doors are told to the hub alone"
    for method, path in (("GET", "/identity"), ("PUT", "/identity")):
        answer = await broker.tcp(method, f"/launches/{mine}{path}", f"token {token}", json={"env": {}})
        assert _code(answer) == (403, "access.hub_only")
    started = await broker.tcp("POST", "/launches", f"token {token}", json={"options": {}})
    assert _code(started) == (403, "launch.server_by_hub")
    other, _ = await _token(hub, "bob")
    assert (await broker.tcp("GET", f"/launches/{mine}", f"token {other}")).status_code == 404
    assert (await broker.tcp("DELETE", f"/launches/{mine}", f"token {other}")).status_code == 404
    # Acting for somebody else is the hub's.
    as_bob = await broker.tcp("GET", "/launches", f"token {token}", headers={"X-Sampan-User": "bob"})
    assert [launch["owner"] for launch in as_bob.json()] == ["alice"]
    assert (await broker.tcp("DELETE", f"/launches/{mine}", f"token {token}")).status_code == 202
    await broker.at(mine, "ended")


async def test_a_token_without_the_access_scope(broker: RealBroker, hub: SmallHub) -> None:
    token, _ = await _token(hub, "alice", scopes=["read:users!user=alice"])
    assert _code(await broker.tcp("GET", "/launches", f"token {token}")) == (403, "access.scope")


async def test_a_service_s_token_is_no_person_s(broker: RealBroker) -> None:
    assert _code(await broker.tcp("GET", "/launches", f"token {MAKER}")) == (403, "access.token")


async def test_an_administrator_and_an_administrator_s_server(broker: RealBroker, hub: SmallHub) -> None:
    launch = (await broker.create("alice", "admin"))["id"]
    admin, _ = await _token(hub, "root", scopes=["admin:servers", "access:services!service=sampan"])
    assert (await broker.tcp("GET", f"/launches/{launch}", f"token {admin}")).is_success
    everybody = await broker.tcp("GET", "/launches", f"token {admin}", params={"owner": "*"})
    assert launch in {found["id"] for found in everybody.json()}
    assert (await broker.tcp("GET", "/problems", f"token {admin}")).is_success
    for body in ({"roles": ["server"]}, {"scopes": ["access:services!service=sampan"]}):
        server, _ = await _token(hub, "root", **body)
        shown = await broker.tcp("GET", f"/launches/{launch}", f"token {server}")
        assert shown.status_code == 404, "a server speaks for its owner's own things"
        assert (await broker.tcp("DELETE", f"/launches/{launch}", f"token {server}")).status_code == 404
        everybody = await broker.tcp("GET", "/launches", f"token {server}", params={"owner": "*"})
        assert everybody.status_code == 403
        assert (await broker.tcp("GET", "/problems", f"token {server}")).status_code == 403
    await broker.ask("DELETE", f"/launches/{launch}", "alice")
    await broker.at(launch, "ended")


async def test_a_server_s_token_is_good_while_its_server_lives(broker: RealBroker, hub: SmallHub) -> None:
    """At once, and not when the hub's word has grown old: what was believed a moment ago is believed no more."""
    scopes = ["access:servers!server=bob/", "access:services!service=sampan"]
    token, _ = await _token(hub, "bob", scopes=scopes)
    own, _ = await _token(hub, "bob")
    assert _code(await broker.tcp("GET", "/launches", f"token {token}")) == (403, "access.token")
    launch = (await broker.create("bob", ""))["id"]
    assert (await broker.tcp("GET", "/launches", f"token {token}")).is_success
    await broker.ask("DELETE", f"/launches/{launch}", "bob")
    await broker.at(launch, "ended", user="bob")
    assert _code(await broker.tcp("GET", "/launches", f"token {token}")) == (403, "access.token")
    assert (await broker.tcp("GET", "/launches", f"token {own}")).is_success, "the person's own goes on"


async def test_operators_by_group(broker: RealBroker, hub: SmallHub) -> None:
    token, _ = await _token(hub, "olga")
    assert (await broker.tcp("GET", "/problems", f"token {token}")).json() == {}
    told = (await broker.tcp("GET", "/me", f"token {token}")).json()
    assert told == {"name": "olga", "admin": False, "operates": ["east"], "provides": ["ocean"]}
    token, _ = await _token(hub, "bob")
    assert _code(await broker.tcp("GET", "/problems", f"token {token}")) == (403, "access.operator")
    told = (await broker.tcp("GET", "/me", f"token {token}")).json()
    assert told == {"name": "bob", "admin": False, "operates": [], "provides": []}
    assert _code(await broker.tcp("GET", "/me", "token abcdefgh")) == (403, "access.token")


async def test_an_operator_is_told_of_their_own_centres_alone(broker: RealBroker, hub: SmallHub) -> None:
    """By what the file described last, and by its name: a broken one may not even say whose it is."""
    folder = broker.state / "centres"
    east = (folder / "east.yaml").read_text(encoding="utf-8")
    operator, _ = await _token(hub, "olga")
    admin, _ = await _token(hub, "root", scopes=["admin:servers", "access:services!service=sampan"])
    broken = {"west.yaml": "west: [", "new.yaml": "new: [", "east.yaml": "east: ["}
    kept = {name: (folder / name).read_text(encoding="utf-8") for name in ("west.yaml", "east.yaml")}
    try:
        for name, text in broken.items():
            (folder / name).write_text(text, encoding="utf-8")
        await _problems(broker, admin, set(broken))
        await _problems(broker, operator, {"east.yaml"})
        (folder / "east.yaml").rename(folder / "orient.yaml")
        (folder / "orient.yaml").write_text(east, encoding="utf-8")
        await _problems(broker, admin, {"west.yaml", "new.yaml"})
        (folder / "orient.yaml").write_text("orient: [", encoding="utf-8")
        await _problems(broker, operator, {"orient.yaml"})
    finally:
        for name in ("new.yaml", "orient.yaml"):
            (folder / name).unlink(missing_ok=True)
        for name, text in kept.items():
            (folder / name).write_text(text, encoding="utf-8")
    await _problems(broker, admin, set())


async def _problems(broker: RealBroker, token: str, files: set[str]) -> None:
    async with asyncio.timeout(15):
        while set((await broker.tcp("GET", "/problems", f"token {token}")).json()) != files:  # noqa: ASYNC110 (it is another process)
            await asyncio.sleep(0.1)


async def test_believed_for_a_minute_at_most(hub: SmallHub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert people._CACHE_SECONDS <= 60
    monkeypatch.setattr(people, "_CACHE_SECONDS", 1)
    logins = Logins(f"http://127.0.0.1:{hub.port}/hub/api", "x", "secret")
    token, number = await _token(hub, "alice")
    assert await logins.who(f"token {token}", "", local=False) == Person("alice")
    await _maker(hub, "DELETE", f"/users/alice/tokens/{number}")
    assert await logins.who(f"token {token}", "", local=False) == Person("alice"), "asked once, not each time"
    async with asyncio.timeout(5):
        while True:
            try:
                await logins.who(f"token {token}", "", local=False)
            except Forbidden:
                break
            await asyncio.sleep(0.1)


async def test_a_stream_asks_whether_its_proof_is_one_still(
    hub: SmallHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(people, "_CACHE_SECONDS", 1)
    app = FastAPI()
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'broker.sqlite'}")
    app.state.services = SimpleNamespace(master=MasterKey(bytes(32)), members=Members(database))
    app.state.logins = Logins(f"http://127.0.0.1:{hub.port}/hub/api", "x", "secret")
    token, number = await _token(hub, "alice")
    stands = _still(HTTPConnection({"type": "websocket", "app": app}), f"token {token}", "")
    assert await stands()
    await _maker(hub, "DELETE", f"/users/alice/tokens/{number}")
    async with asyncio.timeout(5):
        while await stands():  # noqa: ASYNC110 (it asks the hub)
            await asyncio.sleep(0.1)
    app.state.logins = Logins("http://127.0.0.1:9/hub/api", "x", "secret")
    assert await stands(), "a hub that is away has taken nothing back"
    await database.close()


async def test_a_hub_that_is_away_is_said_and_is_no_refusal() -> None:
    async with real_broker(lambda broker: broker.only("east")) as alone:
        answer = await alone.tcp("GET", "/launches", "token abcdefgh")
        assert _code(answer) == (424, "access.hub_away")
        assert answer.json()["retry"] is True
