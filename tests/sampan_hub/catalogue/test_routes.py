"""The catalogue over HTTP: who may do what, and what is told. Who somebody is, is tested in test_people."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from sampan.entries import Status
from sampan.messages import Message
from sampan_hub import asking
from sampan_hub.body_limit import BodyLimit
from sampan_hub.catalogue import face_routes, intake_export
from sampan_hub.catalogue.check_routes import routes as check_routes
from sampan_hub.catalogue.findings import Findings
from sampan_hub.catalogue.routes import routes
from sampan_hub.catalogue.shelf import Shelf
from sampan_hub.catalogue.verdicts import Check, Conclusion
from sampan_hub.database import Database
from sampan_hub.http_errors import answer_errors
from sampan_hub.people import Person
from tests.sampan_hub.catalogue.products import document

PEOPLE = {
    "alice": Person("alice"),
    "pola": Person("pola", frozenset({"polar"})),
    "olga": Person("olga", frozenset({"sampan:provider:ocean"})),
    "root": Person("root", admin=True),
    "job": Person("alice", within="abcdef"),
}
REPLICA = {"centre": "west", "href": "{ocean}/sst.nc", "format": "netCDF", "opener": "netcdf4", "bytes": 10}
SST = "/entries/ocean/sst/1.0"


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'broker.sqlite'}")
    west = SimpleNamespace(descriptor=SimpleNamespace(roots={"ocean": "/data/ocean"}))
    app = FastAPI()
    shelf = Shelf(database, tmp_path / "catalogue")
    app.state.services = SimpleNamespace(
        shelf=shelf,
        verifier=SimpleNamespace(findings=Findings(database, shelf)),
        directory=SimpleNamespace(centres={"west": west}),
        names=lambda name: {"en": name, "zh": name},
    )
    app.include_router(routes)
    app.include_router(check_routes)
    app.add_middleware(BodyLimit)
    answer_errors(app)
    app.dependency_overrides[asking._anybody] = _who
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://b/api/catalogue", headers={"who": "alice"}
    ) as made:
        yield made
    await database.close()


def _who(request: Request) -> Person:
    return PEOPLE[request.headers["who"]]


async def put(web: httpx.AsyncClient, who: str = "olga", **more: Any) -> httpx.Response:
    return await web.post("/entries", json=document(**more), headers={"who": who})


async def stand(
    web: httpx.AsyncClient, status: str, who: str = "olga", path: str = SST, **more: Any
) -> httpx.Response:
    return await web.put(f"{path}/status", json={"status": status, **more}, headers={"who": who})


async def search(web: httpx.AsyncClient, who: str = "alice", **params: Any) -> dict[str, Any]:
    answer = await web.get("/search", params=params, headers={"who": who})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def code(answer: httpx.Response) -> str:
    told: str = answer.json()["error"]["code"]
    return told


async def test_a_provider_s_way_from_draft_to_withdrawn(web: httpx.AsyncClient) -> None:
    made = await put(web, replicas=[REPLICA])
    assert (made.status_code, made.json()["status"]) == (201, "draft")
    assert (await web.get(SST)).status_code == 404, "a draft is nobody's business"
    assert (await web.get(SST, headers={"who": "olga"})).status_code == 200
    assert (await stand(web, "published")).status_code == 200
    shown = (await web.get(SST)).json()
    assert (shown["replicas"][0]["href"], shown["roots"]) == (
        "{ocean}/sst.nc",
        {"west": {"ocean": "/data/ocean"}},
    )
    assert shown["centres"] == {"west": {"en": "west", "zh": "west"}}
    assert (await search(web, q="海表"))["total"] == 1
    assert (await stand(web, "withdrawn")).status_code == 200
    assert (await search(web, q="海表"))["total"] == 0
    assert (await web.get(SST)).json()["status"] == "withdrawn", "whoever has a link to it is told"
    assert [row["status"] for row in (await web.get(f"{SST}/revisions", headers={"who": "olga"})).json()] == [
        "draft",
        "published",
        "withdrawn",
    ]


async def test_nobody_speaks_for_another_provider(web: httpx.AsyncClient) -> None:
    await put(web)
    assert code(await put(web, "alice")) == "access.provider"
    assert code(await put(web, provider="other")) == "access.provider"
    assert code(await put(web, "job")) == "access.job"
    for who in ("alice", "pola"):
        assert code(await stand(web, "published", who)) == "access.provider"
        assert code(await web.get(f"{SST}/revisions", headers={"who": who})) == "access.provider"
    assert (await put(web, "root", provider="other")).status_code == 201


async def test_quarantine_is_an_administrator_s_and_says_why(web: httpx.AsyncClient) -> None:
    await put(web)
    await stand(web, "published")
    why = {"en": "Its bytes have changed.", "zh": "内容已改变。"}
    assert code(await stand(web, "quarantined", reason=why)) == "access.admin"
    assert code(await stand(web, "quarantined", "root")) == "entry.reason"
    assert (await stand(web, "quarantined", "root", reason=why)).json()["reason"]["zh"] == "内容已改变。"
    assert code(await stand(web, "published")) == "access.admin"
    assert (await stand(web, "published", "root")).json()["reason"] is None
    assert code(await stand(web, "draft", "root")) == "entry.status"


async def test_access_is_known_beforehand(web: httpx.AsyncClient) -> None:
    for name, more in (("a", {}), ("b", {"access": "group", "group": "polar"}), ("c", {"access": "request"})):
        await put(web, name=name, **more)
        await stand(web, "published", path=f"/entries/ocean/{name}/1.0")

    async def told(who: str) -> dict[str, bool]:
        return {one["name"]: one["readable"] for one in (await search(web, who, q="海表"))["entries"]}

    assert await told("alice") == {"a": True, "b": False, "c": False}
    assert await told("pola") == {"a": True, "b": True, "c": False}
    assert await told("olga") == {"a": True, "b": True, "c": True}, "its provider"
    assert next(iter(await told("alice"))) == "a", "what one can read comes first"
    facets = (await search(web, q="海表", facets=True, access="group"))["facets"]
    assert facets["access"] == {"public": 1, "group": 1, "request": 1}
    assert facets["provider"] == {"ocean": 1}


async def test_use_is_counted_by_jobs_too(web: httpx.AsyncClient) -> None:
    await put(web)
    await stand(web, "published")
    used = await web.post(f"{SST}/uses", json={"centre": "east"}, headers={"who": "job"})
    assert (used.status_code, (await web.get(SST)).json()["uses"]) == (204, 1)
    assert (await search(web, q="海表", here="east"))["entries"][0]["reasons"] == [
        "title",
        "readable",
        "used",
    ]


async def test_a_preview_is_for_whoever_may_read_the_data_and_nothing_but_a_picture(
    web: httpx.AsyncClient,
) -> None:
    app = web._transport.app  # type: ignore[attr-defined]
    services = app.state.services
    await put(web, access="group", group="polar")
    await stand(web, "published")
    assert code(await web.get(f"{SST}/picture", headers={"who": "pola"})) == "entry.no_picture"
    kept = await services.shelf.entry("ocean", "sst", "1.0")
    why = Message("check.not_opened", {"what": "{data}/a", "centre": "west", "why": "ValueError: 'secret'"})
    check = Check("{data}/a", "west", 5.0, False, why, ())
    await services.verifier.findings.write(kept, [check], {"dims": {"x": 1}, "picture": "abc"}, b"\x89PNG")
    assert code(await web.get(f"{SST}/picture")) == "entry.group"
    got = await web.get(f"{SST}/picture", headers={"who": "pola"})
    assert (got.content, got.headers["content-type"]) == (b"\x89PNG", "image/png")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"
    await services.verifier.findings.conclude(kept, Conclusion(None, Status.QUARANTINED, why))
    shown = (await web.get(SST, headers={"who": "pola"})).json()
    assert (shown["found"]["dims"], shown["picture"]) == ({"x": 1}, "abc")
    assert shown["checks"][0]["reason"]["params"]["why"] == "ValueError: 'secret'"
    # Whoever may not read them is not told what is in them either.
    told = await web.get(SST)
    assert (told.json()["found"], told.json()["checks"][0]["reason"]["params"]["why"]) == (None, "…")
    assert told.json()["reason"]["code"] == "check.not_opened"
    assert "secret" not in told.text


async def test_an_export_keeps_nobody_waiting(
    web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of entries are written beside the loop."""
    threads: list[int] = []

    def export(*told: Any) -> str:
        threads.append(threading.get_ident())
        return intake_export.export(*told)

    monkeypatch.setattr(face_routes, "export", export)
    app = web._transport.app  # type: ignore[attr-defined]
    app.include_router(face_routes.routes)
    app.state.services.centre = lambda name: app.state.services.directory.centres[name]
    await put(web, replicas=[REPLICA])
    await stand(web, "published")
    told = await web.get("/intake.yaml", params={"centre": "west"})
    assert "/data/ocean/sst.nc" in told.text
    assert len(set(threads) - {threading.get_ident()}) == 1


async def test_looking_is_asked_for_by_its_provider_and_at_everything_by_an_administrator(
    web: httpx.AsyncClient,
) -> None:
    await put(web)
    assert code(await web.post(f"{SST}/checks")) == "access.provider"
    for who in ("alice", "olga"):
        assert code(await web.post("/checks", headers={"who": who})) == "access.admin"


async def test_harvesting_is_an_administrator_s_below_a_root(web: httpx.AsyncClient) -> None:
    told = {"provider": "ocean", "centre": "west", "form": "folder", "href": "{data}", "licence": "MIT"}
    assert code(await web.post("/harvests", json=told, headers={"who": "olga"})) == "access.admin"
    for wrong in ({"href": "/etc"}, {"href": "{data}/../x"}, {"form": "code"}, {"licence": "mine"}):
        answer = await web.post("/harvests", json={**told, **wrong}, headers={"who": "root"})
        assert (answer.status_code, answer.json()["field"]) == (400, next(iter(wrong)))


async def test_versions(web: httpx.AsyncClient) -> None:
    for version in ("1.0", "2.0"):
        await put(web, version=version)
    assert code(await web.get("/entries/ocean/sst")) == "entry.unknown"
    await stand(web, "published")
    assert [one["version"] for one in (await web.get("/entries/ocean/sst")).json()] == ["1.0"]
    own = await web.get("/entries/ocean/sst", headers={"who": "olga"})
    assert [one["version"] for one in own.json()] == ["2.0", "1.0"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/search?q=" + "x" * 300, None),
        ("GET", "/search?limit=0", None),
        ("GET", "/search?offset=-1", None),
        ("GET", "/entries/..%2f..%2fetc/passwd/1", None),
        ("GET", "/entries/a%00b/c/d", None),
        ("POST", "/entries", {}),
        ("POST", "/entries", {"schema": "sampan/product/1"}),
        ("POST", "/entries", document(description={"zh": "x", "en": "x" * 300_000})),
        ("PUT", f"{SST}/status", {"status": "nosuch"}),
        ("POST", f"{SST}/uses", {"centre": "../x"}),
    ],
)
async def test_what_is_wrong_is_refused_in_words(
    web: httpx.AsyncClient, method: str, path: str, body: Any
) -> None:
    answer = await web.request(method, path, json=body, headers={"who": "olga"})
    assert answer.status_code in (400, 404), answer.text
    if answer.status_code == 400:
        assert answer.json()["field"]
