"""A person's way from words to data: a real hub and broker, the demo catalogue, and each of its real entries opened."""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

import sampan
from sampan.errors import Conflict, Forbidden, Invalid, Missing, Refused
from sampan.finding import Results
from sampan_hub.catalogue.command import CatalogueCommand, demo
from tests.sampan_hub.catalogue.products import document
from tests.sampan_hub.real_broker import RealBroker, real_broker
from tests.small_hub import SmallHub, small_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")
MAKER = "fedcba9876543210fedcba9876543210"
EXTRA = f"""
c.Authenticator.admin_users = {{"root"}}
c.JupyterHub.services += [{{"name": "sampan"}}, {{"name": "maker", "api_token": "{MAKER}"}}]
c.JupyterHub.load_roles += [
    {{"name": "maker", "services": ["maker"], "scopes": ["admin:users", "tokens"]}},
    {{"name": "user", "scopes": ["self", "access:services!service=sampan"]}},
]
"""
REAL = [one for one in demo(True) if one.kind == "dataset"]
SPOTS = {
    "demo-iris/ostia-monthly@1": "surface_temperature",
    "demo-nyc/flights@1": "dep_delay",
    "demo-bokeh/penguins@1": "species",
    "demo-vega/cars@1": "Horsepower",
}
"""Some entries, each with something that stands in its data."""


async def _tokens(hub: SmallHub) -> dict[str, str]:
    found = {}
    base = f"http://127.0.0.1:{hub.port}/hub/api"
    async with httpx.AsyncClient(headers={"Authorization": f"token {MAKER}"}, timeout=20) as client:
        for user in ("alice", "root"):
            await client.post(f"{base}/users/{user}")
            made = await client.post(f"{base}/users/{user}/tokens", json={})
            found[user] = made.json()["token"]
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[RealBroker, dict[str, str]]]:
    folder: Path = tmp_path_factory.mktemp("hub")

    def prepare(broker: RealBroker) -> None:
        broker.only("east")
        archive = Path(broker.descriptor("east")["scratch"]).parent / "archive"
        archive.mkdir()
        broker.describe("east", roots={"ocean": str(folder), "archive": str(archive)})

    async with small_hub(folder, EXTRA) as made:
        tokens = await _tokens(made)
        async with real_broker(prepare, f"http://127.0.0.1:{made.port}/hub/api") as broker:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("SAMPAN_URL", f"http://127.0.0.1:{broker.port}")
                patch.setenv("SAMPAN_TOKEN", tokens["root"])
                args = argparse.Namespace(what="demo", data=True, files=[])
                assert await asyncio.to_thread(CatalogueCommand().run, args) == 0
            (folder / "table.csv").write_text("a;b\n1;2\n")
            yield broker, tokens


@pytest.fixture(autouse=True)
def as_alice(hub: tuple[RealBroker, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPAN_URL", f"http://127.0.0.1:{hub[0].port}")
    monkeypatch.setenv("SAMPAN_TOKEN", hub[1]["alice"])


async def publish(hub: tuple[RealBroker, dict[str, str]], name: str, **more: Any) -> None:
    broker, tokens = hub
    made = await broker.tcp(
        "POST", "/catalogue/entries", f"token {tokens['root']}", json=document(name, **more)
    )
    assert made.status_code == 201, made.text
    way = f"/catalogue/entries/ocean/{name}/1.0/status"
    done = await broker.tcp("PUT", way, f"token {tokens['root']}", json={"status": "published"})
    assert done.is_success, done.text


def at_east(monkeypatch: pytest.MonkeyPatch, centre: str = "east") -> None:
    told = {"CENTRE": centre, "CENTRE_EN": "East", "CENTRE_ZH": "东", "SHARE": "all", "CORES": "1"}
    told |= {"MEMORY_MIB": "1024", "LAUNCH": "abcdef", "SCHEDULER": "process"}
    for key, value in told.items():
        monkeypatch.setenv(f"SAMPAN_{key}", value)


async def test_there_are_at_least_sixty_real_ones() -> None:
    every = list(demo(True))
    assert len(REAL) >= 60
    assert not any(one.generated for one in every)
    assert max(Counter((one.provider, one.name) for one in every).values()) == 1


@pytest.mark.parametrize("ref", [f"{one.provider}/{one.name}@{one.version}" for one in REAL])
async def test_every_real_entry_opens(ref: str) -> None:
    data = await asyncio.to_thread(sampan.open, ref)
    assert data.attrs["sampan_entry"] == ref
    assert data.attrs["sampan_licence"]
    assert sum(data.sizes.values()) if hasattr(data, "sizes") else len(data) > 0
    if ref in SPOTS:
        assert SPOTS[ref] in data


@pytest.mark.parametrize(
    "one", [one for one in demo(False) if one.kind == "software"], ids=lambda one: str(one.name)
)
async def test_software_is_what_the_environment_has(one: Any) -> None:
    assert version(one.builds[0].name) == one.builds[0].version
    with pytest.raises(Refused) as caught:
        await asyncio.to_thread(sampan.open, f"{one.provider}/{one.name}")
    assert caught.value.code == "entry.is_software"


async def test_one_word_in_either_language_finds_it_and_data_stay_lazy() -> None:
    for words in ("海表温度 月平均", "ostia", "sea surface temp", "haibiaowendu"):
        found = await asyncio.to_thread(sampan.find, words)
        assert "demo-iris/ostia-monthly@1" in [one.ref for one in found], words
    data = await asyncio.to_thread(sampan.open, "ostia monthly")
    assert data["surface_temperature"].chunks is not None
    assert float(data["surface_temperature"].isel(time=0).mean()) > 200


async def test_a_person_browses_and_looks() -> None:
    browser = await asyncio.to_thread(sampan.browse, "海表温度")
    assert browser.facets["kind"].options[0][1] == ""
    browser.entries.value = "demo-iris/ostia-monthly@1"
    await asyncio.to_thread(browser.look.click)
    assert bytes(browser.picture.value).startswith(b"\x89PNG")
    assert "sampan.open('demo-iris/ostia-monthly@1')" in browser.code.value


async def test_the_centres_shares_are_offered() -> None:
    found = await asyncio.to_thread(sampan.find, kind="offer", centre="east")
    assert [one.provider for one in found] == ["demo-centres"] * len(found)
    assert found
    assert not found[0].generated


async def test_several_matches_are_listed_with_what_tells_them_apart() -> None:
    found = await asyncio.to_thread(sampan.open, "stocks")
    assert isinstance(found, Results)
    assert {"demo-bokeh/stocks@1", "demo-vega/stocks@1"} <= {one.ref for one in found}
    assert "demo-vega/stocks@1" in repr(found)
    with pytest.raises(Missing) as caught:
        await asyncio.to_thread(sampan.open, "no such thing at all")
    assert caught.value.code == "entry.none"


async def test_use_is_recorded(hub: tuple[RealBroker, dict[str, str]]) -> None:
    path = "/catalogue/entries/demo-iris/soi-darwin/1"
    before = (await hub[0].tcp("GET", path, f"token {hub[1]['alice']}")).json()["uses"]
    await asyncio.to_thread(sampan.open, "demo-iris/soi-darwin")
    assert (await hub[0].tcp("GET", path, f"token {hub[1]['alice']}")).json()["uses"] == before + 1


async def test_it_opens_where_it_lies_and_elsewhere_says_where(
    hub: tuple[RealBroker, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = {"centre": "east", "href": "{ocean}/table.csv", "format": "CSV", "opener": "csv", "separator": ";"}
    await publish(hub, "only-east", replicas=[{**copy, "bytes": 2_500_000}])
    with pytest.raises(Refused) as caught:
        await asyncio.to_thread(sampan.open, "ocean/only-east")
    assert caught.value.code == "entry.elsewhere"
    assert "2.5 MB" in str(caught.value)
    at_east(monkeypatch, "west")
    with pytest.raises(Refused):
        await asyncio.to_thread(sampan.open, "ocean/only-east")
    at_east(monkeypatch)
    data = await asyncio.to_thread(sampan.open, "ocean/only-east")
    assert (data["b"][0], data.attrs["sampan_centre"]) == (2, "east")
    assert (await asyncio.to_thread(sampan.find, "only-east"))[0].reasons[:2] == ("readable", "here")


async def test_what_cannot_be_opened_says_why(hub: tuple[RealBroker, dict[str, str]]) -> None:
    copy = {"href": "{packages}/no/such.nc", "format": "netCDF", "opener": "netcdf4"}
    for name, more, kind, code in (
        ("gone", {"replicas": [copy]}, Missing, "entry.gone"),
        ("grib", {"replicas": [{**copy, "opener": "cfgrib"}]}, Refused, "entry.engine"),
        ("members", {"access": "group", "group": "polar", "replicas": [copy]}, Forbidden, "entry.group"),
        ("request", {"access": "request", "replicas": [copy]}, Forbidden, "entry.request"),
        ("partial", {"replicas": [{**copy, "state": "nearline"}]}, Refused, "entry.state"),
        ("nowhere", {"replicas": [{**copy, "href": "{nosuch}/x.nc"}]}, Invalid, "entry.root"),
    ):
        await publish(hub, name, **more)
        with pytest.raises(kind) as caught:
            await asyncio.to_thread(sampan.open, f"ocean/{name}")
        assert caught.value.code == code


def run(what: str, *files: str, **more: Any) -> int:
    args = argparse.Namespace(what=what, files=list(files), data=False, subject="general", **more)
    return CatalogueCommand().run(args)


async def test_an_administrator_has_it_looked_at_and_harvested(
    hub: tuple[RealBroker, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broker, tokens = hub
    monkeypatch.setenv("SAMPAN_TOKEN", tokens["root"])
    archive = Path(broker.descriptor("east")["roots"]["archive"])
    for name in ("ice", "snow"):
        (archive / f"{name}.csv").write_text("a,b\n1,2\n3,4\n")
        (archive / f"{name}.csv").chmod(0o644)
    told = {"provider": "east-archive", "licence": "CC0-1.0"}
    assert await asyncio.to_thread(run, "harvest", "east", "folder", "{archive}", **told) == 0
    assert set(capsys.readouterr().out.splitlines()) == {
        "+ east-archive/ice@1",
        "+ east-archive/snow@1",
        "= 0",
    }
    found = await asyncio.to_thread(sampan.find, "ice", provider="east-archive")
    assert found[0].reasons == ("title", "verified", "readable")
    assert "data:image/png;base64," in found._repr_html_()
    (archive / "ice.csv").unlink()
    assert await asyncio.to_thread(run, "verify", "east-archive/snow@1") == 0
    assert await asyncio.to_thread(run, "verify", "east-archive/ice@1") == 1
    said = capsys.readouterr().out
    assert "east-archive/ice@1  quarantined" in said
    assert "{archive}/ice.csv is not there at" in said
    at_east(monkeypatch)
    with pytest.raises(Conflict) as caught:
        await asyncio.to_thread(sampan.open, "east-archive/ice@1")
    assert caught.value.code == "entry.quarantined"
    assert await asyncio.to_thread(run, "harvest", "east", "folder", "{archive}", **told) == 0
    assert "- east-archive/ice@1" in capsys.readouterr().out
    with pytest.raises(Invalid) as wrong:
        await asyncio.to_thread(run, "harvest", "east", "folder", provider=None, licence=None)
    assert wrong.value.code == "harvest.arguments"
