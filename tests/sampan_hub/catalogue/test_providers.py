"""From a stranger to a provider: registered, approved, publishing, seeing what is used; and who may not. Over a real broker."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sampan.errors import Forbidden, Invalid, Missing
from sampan_hub.catalogue.command import CatalogueCommand
from sampan_hub.catalogue.provider_command import ProvidersCommand
from tests.sampan_hub.catalogue.products import document
from tests.sampan_hub.catalogue.served import Served, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

WHY = {"en": "Nobody answers at this address.", "zh": "此地址无人应答。"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with served(tmp_path_factory.mktemp("hub")) as made:
        yield made


def registration(name: str) -> dict[str, Any]:
    pair = {"en": "A laboratory", "zh": "实验室"}
    contacts = [{"name": "Ann Lee", "email": "ann@example.org"}]
    return {"name": name, "sort": "data", "title": pair, "summary": pair, "contacts": contacts}


async def register(hub: Served, name: str, who: str = "alice", /, **more: Any) -> httpx.Response:
    return await hub.ask("POST", "/catalogue/providers", who, json={**registration(name), **more})


async def decide(hub: Served, name: str, standing: str, who: str = "root", **more: Any) -> httpx.Response:
    path = f"/catalogue/providers/{name}/standing"
    return await hub.ask("PUT", path, who, json={"standing": standing, **more})


async def publish(hub: Served, provider: str, who: str = "alice", version: str = "1.0") -> httpx.Response:
    body = document("sst", provider=provider, version=version)
    made = await hub.ask("POST", "/catalogue/entries", who, json=body)
    if made.status_code != 201:
        return made
    path = f"/catalogue/entries/{provider}/sst/{version}/status"
    return await hub.ask("PUT", path, who, json={"status": "published"})


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def named(hub: Served, who: str) -> dict[str, str]:
    told = (await hub.ask("GET", "/catalogue/providers", who)).json()
    return {one["name"]: one["standing"] for one in told}


async def test_a_stranger_becomes_a_provider(hub: Served) -> None:
    assert (await register(hub, "lab")).json()["standing"] == "asked"
    assert code(await publish(hub, "lab")) == (403, "access.provider")
    assert await named(hub, "olga") == {}
    assert (await named(hub, "root"))["lab"] == (await named(hub, "alice"))["lab"] == "asked"
    assert code(await decide(hub, "lab", "approved", "alice")) == (403, "access.admin")
    assert (await decide(hub, "lab", "approved")).json()["decided_by"] == "root"
    assert "lab" in (await hub.ask("GET", "/me")).json()["provides"]
    assert (await publish(hub, "lab")).status_code == 200
    assert (await publish(hub, "lab", version="2.0")).status_code == 200
    assert code(await publish(hub, "lab", "olga")) == (403, "access.provider")
    told = (await hub.ask("GET", "/catalogue/providers", "olga")).json()
    assert [(one["name"], "contacts" in one) for one in told] == [("lab", False)]
    assert (
        await hub.ask("PUT", "/catalogue/entries/lab/sst/1.0/status", json={"status": "withdrawn"})
    ).is_success


async def test_it_sees_what_is_used(hub: Served) -> None:
    await register(hub, "used")
    await decide(hub, "used", "approved")
    await publish(hub, "used")
    for who, centre in (("alice", "east"), ("olga", "east"), ("olga", "east"), ("olga", None)):
        path = "/catalogue/entries/used/sst/1.0/uses"
        assert (await hub.ask("POST", path, who, json={"centre": centre})).status_code == 204
    told = (await hub.ask("GET", "/catalogue/providers/used/uses")).json()
    assert {(one["centre"], one["uses"], one["people"]) for one in told} == {(None, 1, 1), ("east", 3, 2)}
    assert code(await hub.ask("GET", "/catalogue/providers/used/uses", "olga")) == (403, "access.provider")


async def test_who_was_refused_is_told_why_and_may_ask_again(hub: Served) -> None:
    await register(hub, "unclear")
    assert code(await decide(hub, "unclear", "refused")) == (400, "provider.reason")
    assert code(await decide(hub, "unclear", "approved", reason=WHY)) == (400, "provider.reason")
    assert code(await decide(hub, "unclear", "asked")) == (400, "provider.reason")
    assert code(await decide(hub, "nobody", "approved")) == (404, "provider.unknown")
    assert (await decide(hub, "unclear", "refused", reason=WHY)).json()["reason"] == WHY
    assert code(await publish(hub, "unclear")) == (403, "access.provider")
    assert code(await register(hub, "unclear", "olga")) == (409, "provider.taken")
    again = (await register(hub, "unclear", sort="model")).json()
    assert (again["standing"], again["sort"], again["reason"]) == ("asked", "model", None)


async def test_while_it_is_suspended_nobody_speaks_for_it(hub: Served) -> None:
    assert (await publish(hub, "ocean", "olga")).status_code == 200, "of the hub's group"
    assert code(await register(hub, "ocean")) == (409, "provider.taken"), "it has entries"
    await register(hub, "ocean", "olga")
    await decide(hub, "ocean", "suspended", reason=WHY)
    assert code(await publish(hub, "ocean", "olga", "2.0")) == (403, "access.provider")
    assert code(await register(hub, "ocean", "olga")) == (409, "provider.taken")
    await decide(hub, "ocean", "approved")
    assert (await publish(hub, "ocean", "olga", "2.0")).status_code == 200


async def test_nobody_waits_for_any_number_of_them(hub: Served) -> None:
    for at in range(10):
        assert (await register(hub, f"many-{at}", "olga")).status_code == 201
    assert code(await register(hub, "many-10", "olga")) == (409, "provider.many")


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("name", {"name": "A"}),
        ("sort", {"sort": "bank"}),
        ("title.zh", {"title": {"en": "x"}}),
        ("contacts", {"contacts": []}),
        ("title.en", {"title": {"en": "a\u202eb", "zh": "x"}}),
        ("founder", {"founder": "root"}),
    ],
)
async def test_what_is_wrong_is_named(hub: Served, field: str, more: dict[str, Any]) -> None:
    answer = await register(hub, "x", **more)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


async def test_a_form_is_told_everything_that_is_wrong(hub: Served) -> None:
    schema = (await hub.ask("GET", "/catalogue/product.schema.json")).json()
    assert "title" in schema["properties"]
    bad = document(licence="no such", replicas=[{"href": "/etc", "format": "x", "opener": "sh"}], surplus=1)
    told = (await hub.ask("POST", "/catalogue/products/check", json=bad)).json()["errors"]
    assert {one["field"] for one in told} == {"licence", "replicas.0.href", "replicas.0.opener", "surplus"}
    assert all(one["expected"] for one in told)
    good = await hub.ask("POST", "/catalogue/products/check", json=document())
    assert good.json() == {"errors": []}


@contextmanager
def as_(hub: Served, who: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPAN_URL", f"http://127.0.0.1:{hub.broker.port}")
        patch.setenv("SAMPAN_TOKEN", hub.tokens[who])
        yield


def run(hub: Served, who: str, what: str, which: str | None = None, **more: str | None) -> int:
    reasons = {"reason_en": None, "reason_zh": None, **more}
    with as_(hub, who):
        return ProvidersCommand().run(argparse.Namespace(what=what, which=which, **reasons))


async def test_the_same_by_command(hub: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "provider.yaml"
    file.write_text(
        "name: by-hand\nsort: software\ntitle: {en: By hand, zh: 手工}\nsummary: {en: s, zh: 概}\n"
        "contacts: [{name: Ann Lee}]\n"
    )
    assert await asyncio.to_thread(run, hub, "alice", "register", str(file)) == 0
    with pytest.raises(Forbidden):
        await asyncio.to_thread(run, hub, "alice", "approve", "by-hand")
    assert await asyncio.to_thread(run, hub, "root", "refuse", "by-hand", reason_zh="不清楚") == 0
    assert await asyncio.to_thread(run, hub, "root", "approve", "by-hand") == 0
    assert await asyncio.to_thread(run, hub, "alice", "list") == 0
    said = capsys.readouterr().out
    assert "by-hand  software  asked" in said
    assert "不清楚" in said
    assert "by-hand  software  approved" in said
    await publish(hub, "by-hand")
    await hub.ask("POST", "/catalogue/entries/by-hand/sst/1.0/uses", "olga", json={"centre": "east"})
    with as_(hub, "alice"):
        args = argparse.Namespace(what="deprecate", files=["by-hand/sst@1.0"])
        assert await asyncio.to_thread(CatalogueCommand().run, args) == 0
        args = argparse.Namespace(what="withdraw", files=["by-hand/sst@1.0", "by-hand"])
        with pytest.raises(Missing):
            await asyncio.to_thread(CatalogueCommand().run, args)
    assert capsys.readouterr().out.splitlines() == [
        "by-hand/sst@1.0  deprecated",
        "by-hand/sst@1.0  withdrawn",
    ]
    assert await asyncio.to_thread(run, hub, "alice", "uses", "by-hand") == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:4] == ["sst@1.0", "east", "1", "1"]
    file.write_text("name: by-hand\n")
    with pytest.raises(Invalid) as caught:
        await asyncio.to_thread(run, hub, "alice", "register", str(file))
    assert "sort" in str(caught.value)
    with pytest.raises(Invalid):
        await asyncio.to_thread(run, hub, "alice", "approve")
