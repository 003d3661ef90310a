"""The catalogue for programs of others: linked data that rdflib reads, a catalogue that a real intake opens, citations."""

from __future__ import annotations

import asyncio
import json
import sysconfig
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import rdflib

import sampan
from sampan.errors import Conflict, Missing, Refused
from tests.sampan_hub.catalogue.products import document
from tests.sampan_hub.catalogue.served import Served, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

DCAT = rdflib.Namespace("http://www.w3.org/ns/dcat#")
DCT = rdflib.Namespace("http://purl.org/dc/terms/")
SCHEMA = rdflib.Namespace("https://schema.org/")
ANN = {"name": "Ann Lee", "email": "ann@example.org", "orcid": "0000-0002-1825-0097"}
FULL: dict[str, Any] = {
    "keywords": [{"zh": "海洋", "en": "ocean"}],
    "contacts": [ANN, {"name": "李安"}],
    "doi": "10.1234/sea(1)",
    "concept_doi": "10.1234/sea",
    "issued": "2024-03-01",
    "variables": ["tos"],
    "related": ["ocean/table"],
    "extent": {"bbox": [170, -20, -170, -10], "start": "2020-01-01", "end": "2020-12-31"},
    "replicas": [
        {"centre": "east", "href": "{ocean}/table.csv", "format": "CSV", "opener": "csv", "separator": ";"}
        | {"bytes": 10, "checksum": "sha256:" + "0" * 64, "skip": 1}
    ],
}
AS_JSON = {"centre": "east", "href": "{ocean}/x.json", "format": "JSON", "opener": "json"}
PACKAGED = {
    "href": "{packages}/iris_sample_data/sample_data/SOI_Darwin.nc",
    "format": "netCDF",
    "opener": "netcdf4",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    folder: Path = tmp_path_factory.mktemp("hub")
    (folder / "table.csv").write_text("written by hand\na;b\n1;2\n")
    async with served(folder) as made:
        await made.publish(document("table", **FULL))
        await made.publish(document("table", version="2.0", replicas=[AS_JSON]))
        await made.publish(document("darwin", replicas=[PACKAGED], title={"zh": "达尔文", "en": "Darwin"}))
        for kind in ("software", "model", "notebook", "service", "offer"):
            await made.publish(document(kind, kind=kind))
        yield made


@pytest.fixture
def as_alice(hub: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPAN_URL", f"http://127.0.0.1:{hub.broker.port}")
    monkeypatch.setenv("SAMPAN_TOKEN", hub.tokens["alice"])


async def graph(hub: Served, path: str) -> Any:
    answer = await hub.ask("GET", path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/ld+json")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # rdflib's reader of JSON-LD says that of itself
        return rdflib.Graph().parse(data=answer.text, format="json-ld")


async def test_one_entry_in_dcat(hub: Served) -> None:
    told = await graph(hub, "/catalogue/entries/ocean/table/1.0/dcat.jsonld")
    one = rdflib.URIRef(f"{hub.url}/api/catalogue/entries/ocean/table/1.0")
    assert (one, rdflib.RDF.type, DCAT.Dataset) in told
    assert {str(text.language) for text in told.objects(one, DCT.title)} == {"zh", "en"}
    assert told.value(one, DCT.license) == rdflib.URIRef("https://spdx.org/licenses/CC-BY-4.0")
    assert str(told.value(told.value(one, DCT.temporal), DCAT.startDate)) == "2020-01-01"
    assert len(list(told.objects(one, DCT.spatial))) == 2, "over the 180th meridian there are two boxes"
    copy = told.value(one, DCAT.distribution)
    assert told.value(copy, DCAT.accessURL) == one
    assert told.value(copy, DCAT.byteSize).toPython() == 10
    people = list(told.objects(one, DCAT.contactPoint))
    assert rdflib.URIRef("https://orcid.org/0000-0002-1825-0097") in people


async def test_the_whole_catalogue_in_dcat(hub: Served) -> None:
    told = await graph(hub, "/catalogue/dcat.jsonld")
    every = set(told.objects(rdflib.URIRef(f"{hub.url}/api/catalogue"), DCAT.resource))
    assert len(every) == 8
    assert (
        rdflib.URIRef(f"{hub.url}/api/catalogue/entries/ocean/service/1.0"),
        None,
        DCAT.DataService,
    ) in told
    some = await hub.ask("GET", "/catalogue/dcat.jsonld", params={"after": 7})
    assert len(some.json()["dcat:resource"]) == 1


async def test_one_entry_for_search_engines(hub: Served) -> None:
    told = await graph(hub, "/catalogue/entries/ocean/table/1.0/schema.jsonld")
    one = rdflib.URIRef(f"{hub.url}/api/catalogue/entries/ocean/table/1.0")
    assert (one, rdflib.RDF.type, SCHEMA.Dataset) in told
    assert str(told.value(one, SCHEMA.identifier)) == "https://doi.org/10.1234/sea(1)"
    assert told.value(one, SCHEMA.isAccessibleForFree).toPython() is True
    for kind in ("software", "model", "notebook", "service", "offer"):
        assert len(await graph(hub, f"/catalogue/entries/ocean/{kind}/1.0/schema.jsonld")) > 5


async def test_a_real_intake_opens_what_lies_at_a_centre(hub: Served, tmp_path: Path) -> None:
    import intake

    packages = sysconfig.get_path("purelib")
    answer = await hub.ask("GET", "/catalogue/intake.yaml", params={"centre": "east", "packages": packages})
    (tmp_path / "catalogue.yaml").write_text(answer.text)
    catalogue = intake.open_catalog(str(tmp_path / "catalogue.yaml"))
    assert set(catalogue.entries) == {"ocean/table@1.0", "ocean/darwin@1.0"}
    table = await asyncio.to_thread(catalogue["ocean/table@1.0"].read)
    assert table["b"][0] == 2
    darwin = await asyncio.to_thread(catalogue["ocean/darwin@1.0"].read)
    assert sum(darwin.sizes.values()) > 0
    darwin.close()
    without = await hub.ask("GET", "/catalogue/intake.yaml", params={"centre": "east"})
    assert "darwin" not in without.text
    other = await hub.ask("GET", "/catalogue/intake.yaml", params={"centre": "east", "provider": "land"})
    assert "ocean" not in other.text
    assert (await hub.ask("GET", "/catalogue/intake.yaml", params={"centre": "no"})).status_code == 404


@pytest.mark.usefixtures("as_alice")
async def test_a_citation_says_the_version(hub: Served) -> None:
    assert await asyncio.to_thread(sampan.cite, "ocean/table@1.0") == (
        "Ann Lee, 李安 (2024): Monthly sea surface temperature. Version 1.0. ocean. https://doi.org/10.1234/sea(1)"
    )
    assert (await asyncio.to_thread(sampan.cite, "darwin")).endswith(
        "Version 1.0. ocean. Sampan: ocean/darwin@1.0"
    )
    assert "Version 2.0" in await asyncio.to_thread(sampan.cite, "ocean/table"), "the newest"
    made = await asyncio.to_thread(sampan.cite, "ocean/table@1.0", "bibtex")
    assert made.startswith("@misc{ocean-table-1-0,\n")
    assert "author = {{Ann Lee} and {李安}}," in made
    with pytest.raises(Conflict) as caught:
        await asyncio.to_thread(sampan.cite, "sea surface")
    assert caught.value.code == "entry.several"
    with pytest.raises(Missing):
        await asyncio.to_thread(sampan.cite, "no such thing at all")


@pytest.mark.usefixtures("as_alice")
@pytest.mark.parametrize("kind", ["software", "notebook", "service", "offer"])
async def test_what_holds_no_data_says_what_to_do_with_it(kind: str) -> None:
    with pytest.raises(Refused) as caught:
        await asyncio.to_thread(sampan.open, f"ocean/{kind}")
    assert caught.value.code == f"entry.is_{kind}"


async def test_nothing_of_it_is_for_nobody(hub: Served) -> None:
    one = "/catalogue/entries/ocean/table/1.0"
    for path in ("/catalogue/dcat.jsonld", "/catalogue/intake.yaml?centre=east", f"{one}/schema.jsonld"):
        assert (await hub.broker.tcp("GET", path)).status_code == 403
    draft = await hub.ask("POST", "/catalogue/entries", "root", json=document("draft"))
    assert draft.status_code == 201
    assert (await hub.ask("GET", "/catalogue/entries/ocean/draft/1.0/dcat.jsonld")).status_code == 404
    assert "draft" not in json.dumps((await hub.ask("GET", "/catalogue/dcat.jsonld")).json())
