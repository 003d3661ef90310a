"""The catalogue as a STAC API: browsed by pystac-client, held against stac-pydantic and stac-api-validator, over a real broker."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pystac_client import Client
from stac_pydantic import Collection, Item
from stac_pydantic.api import ItemCollection, LandingPage

from tests.sampan_hub.catalogue.products import document
from tests.sampan_hub.catalogue.served import Served, served
from tests.ways.whole_hub import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="module")

STAC = "/catalogue/stac"
COPIES = [
    {"centre": "east", "href": "{ocean}/a+b.nc", "format": "netCDF", "opener": "netcdf4"},
    {"href": "{packages}/data/table.csv", "format": "CSV", "opener": "csv"},
    {"centre": "gone", "href": "{ocean}/a.nc", "format": "netCDF", "opener": "netcdf4"},
]
EXTENT = {"bbox": [10, 10, 30, 30], "start": "2020-01-01", "end": "2020-12-31"}
FIJI = {"bbox": [170, -20, -170, -10], "start": "2021-01-01", "end": "2021-01-01"}
INSIDE = {"type": "Polygon", "coordinates": [[[12, 12], [14, 12], [14, 14], [12, 14], [12, 12]]]}
TRIANGLE = {"type": "Polygon", "coordinates": [[[31, 31], [9, 31], [31, 9], [31, 31]]]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with served(tmp_path_factory.mktemp("hub")) as made:
        for name, more in (
            ("nowhere", {}),
            ("sea", {"extent": EXTENT, "replicas": COPIES, "doi": "10.1234/sea(1)"}),
            ("fiji", {"extent": FIJI}),
            ("corner", {"extent": {"bbox": [10, 10, 11, 11]}, "generated": True}),
            ("members", {"extent": EXTENT, "access": "group", "group": "polar"}),
            ("a-tool", {"kind": "software"}),
        ):
            await made.publish(document(name, **more))
        await made.publish(document("sea", version="2.0+b", extent=EXTENT))
        await made.publish(document("other", provider="land"))
        draft = await made.ask("POST", "/catalogue/entries", "root", json=document("draft"))
        assert draft.status_code == 201
        yield made


async def found(hub: Served, **body: Any) -> list[str]:
    """Names and versions, by either way of asking."""
    posted = await hub.ask("POST", f"{STAC}/search", json=body)
    query = {
        key: ",".join(map(str, value)) if isinstance(value, list) else value for key, value in body.items()
    }
    query = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in query.items()}
    got = await hub.ask("GET", f"{STAC}/search", params=query)
    both = [[one["id"] for one in answer.json()["features"]] for answer in (posted, got)]
    assert both[0] == both[1]
    return both[0]


async def test_pystac_client_browses_and_searches(hub: Served) -> None:
    def browse() -> tuple[list[str], list[str], list[str]]:
        client = Client.open(
            f"{hub.url}/api{STAC}", headers={"Authorization": f"token {hub.tokens['alice']}"}
        )
        collections = [one.id for one in client.get_collections()]
        ocean = client.get_collection("ocean")
        assert ocean is not None
        items = [item.id for item in ocean.get_items()]
        searched = client.search(collections=["ocean"], intersects=INSIDE, datetime="2020-06", limit=1)
        return collections, items, [item.id for item in searched.items()]

    collections, items, searched = await asyncio.to_thread(browse)
    assert collections == ["land", "ocean"]
    assert items == ["nowhere@1.0", "sea@1.0", "fiji@1.0", "corner@1.0", "members@1.0", "sea@2.0+b"]
    assert searched == ["sea@1.0", "members@1.0", "sea@2.0+b"]


async def test_everything_has_the_shape_that_stac_pydantic_knows(hub: Served) -> None:
    LandingPage.model_validate((await hub.ask("GET", STAC)).json())
    for one in (await hub.ask("GET", f"{STAC}/collections")).json()["collections"]:
        Collection.model_validate(one)
    ItemCollection.model_validate((await hub.ask("GET", f"{STAC}/search")).json())
    items = (await hub.ask("GET", f"{STAC}/collections/ocean/items")).json()
    ItemCollection.model_validate(items)
    for item in items["features"]:
        told = await hub.ask("GET", f"{STAC}/collections/ocean/items/{item['id']}")
        assert told.headers["content-type"] == "application/geo+json"
        Item.model_validate(told.json())


async def test_an_item_says_where_its_copies_lie_and_who_may_read_it(hub: Served) -> None:
    item = (await hub.ask("GET", f"{STAC}/collections/ocean/items/sea@1.0")).json()
    lies, everywhere, gone = item["assets"].values()
    assert lies["href"].startswith("file:///")
    assert lies["href"].endswith("/a%2Bb.nc")
    assert (everywhere["roles"], gone["roles"]) == (["metadata"], ["metadata"])
    assert everywhere["href"] == f"{hub.url}/api/catalogue/entries/ocean/sea/1.0"
    assert {"rel": "cite-as", "href": "https://doi.org/10.1234/sea(1)"} in item["links"]
    members = (await hub.ask("GET", f"{STAC}/collections/ocean/items/members@1.0")).json()
    assert members["properties"]["sampan:readable"] is False
    corner = (await hub.ask("GET", f"{STAC}/collections/ocean/items/corner@1.0")).json()
    assert corner["properties"]["title"].startswith("[generated · 自动生成] ")
    for missing in ("draft@1.0", "a-tool@1.0", "sea@9", "sea", "..%2f..", "sea@1.0@x"):
        assert (await hub.ask("GET", f"{STAC}/collections/ocean/items/{missing}")).status_code == 404, missing


async def test_a_question_by_place_and_time(hub: Served) -> None:
    every = ["nowhere@1.0", "sea@1.0", "fiji@1.0", "corner@1.0", "members@1.0", "sea@2.0+b", "other@1.0"]
    sea = ["sea@1.0", "members@1.0", "sea@2.0+b"]
    assert await found(hub) == every
    assert await found(hub, ids=["sea@1.0", "other@1.0"]) == ["sea@1.0", "other@1.0"]
    assert await found(hub, ids=["sea@1.0", "other@1.0"], collections=["land"]) == ["other@1.0"]
    assert await found(hub, bbox=[11.5, 11.5, 12, 12]) == sea
    assert await found(hub, bbox=[11.5, 11.5, 0, 12, 12, 9]) == sea
    assert await found(hub, bbox=[175, -15, -175, -14]) == ["fiji@1.0"]
    assert await found(hub, bbox=[-179, -15, -175, -14]) == ["fiji@1.0"]
    assert await found(hub, bbox=[0, -15, 1, -14]) == []
    assert await found(hub, intersects=TRIANGLE) == sea
    assert await found(hub, datetime="2020-12-31T23:59:59Z") == sea
    assert await found(hub, datetime="2021-01-01T00:00:00+00:00/2021-06-01T00:00:00Z") == ["fiji@1.0"]
    assert await found(hub, datetime="../1999-01-01T00:00:00Z") == []
    made = (await hub.ask("GET", f"{STAC}/collections/land/items/other@1.0")).json()["properties"]["datetime"]
    assert await found(hub, datetime=made) == ["other@1.0"]
    assert await found(hub, limit=1000) == every


async def test_pages_lead_from_one_to_the_next(hub: Served) -> None:
    seen, body = [], {"limit": 1, "intersects": TRIANGLE}
    for _ in range(9):
        page = (await hub.ask("POST", f"{STAC}/search", json=body)).json()
        seen += [one["id"] for one in page["features"]]
        more = [link for link in page["links"] if link["rel"] == "next"]
        if not more:
            break
        body = more[0]["body"]
    assert seen == ["sea@1.0", "members@1.0", "sea@2.0+b"]


@pytest.mark.parametrize(
    "body",
    [
        {"bbox": [0, 0, 1]},
        {"bbox": [0, 5, 1, 1]},
        {"bbox": [0, 0, 1, 1], "intersects": INSIDE},
        {"bbox": "0,0,1,1"},
        {"bbox": [-181, 0, 1, 1]},
        {"intersects": {"type": "Point", "coordinates": ["x", 1]}},
        {"intersects": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 2], [3, 3]]]}},
        {"intersects": {"type": "LineString", "coordinates": [[0, at / 100] for at in range(1001)]}},
        {"intersects": {"type": "Nonsense"}},
        {"datetime": "2020-01-01"},
        {"datetime": "../.."},
        {"datetime": "2021-01-01T00:00:00Z/2020-01-01T00:00:00Z"},
        {"datetime": "2020-13-01T00:00:00Z"},
        {"limit": 0},
        {"token": -1},
        {"token": 2**70},
        {"filter": "x"},
        {"ids": ["x"] * 101},
    ],
)
async def test_what_is_wrong_is_refused_in_words(hub: Served, body: dict[str, Any]) -> None:
    answer = await hub.ask("POST", f"{STAC}/search", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "request.field")


async def test_links_are_made_from_the_configured_address_alone(hub: Served) -> None:
    told = await hub.ask("GET", STAC, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert "evil" not in told.text
    nobody = await hub.broker.tcp("GET", STAC)
    assert nobody.status_code == 403


async def test_stac_api_validator_finds_nothing_wrong(hub: Served, tmp_path: Path) -> None:
    """Some two hundred requests, links followed: it takes its time."""
    argv = [sys.executable, "-m", "tests.sampan_hub.catalogue.validate_stac", f"{hub.url}/api{STAC}", "ocean"]
    with (tmp_path / "told").open("wb") as told:
        child = await asyncio.create_subprocess_exec(
            *argv, json.dumps(INSIDE), hub.tokens["alice"], cwd=ROOT, stdout=told, stderr=told
        )
        code = await child.wait()
    assert code == 0, (tmp_path / "told").read_text()
