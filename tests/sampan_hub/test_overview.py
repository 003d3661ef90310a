"""What those see who watch over a broker: its metrics, and to whom they are shown."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from tests.sampan_hub.real_broker import RealBroker, real_broker
from tests.small_hub import SmallHub, small_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")
READER, OTHER, CULLER = "a" * 32, "b" * 32, "c" * 32
EXTRA = f"""
c.JupyterHub.services += [
    {{"name": "prometheus", "api_token": "{READER}"}}, {{"name": "other", "api_token": "{OTHER}"}},
    {{"name": "culler", "api_token": "{CULLER}"}},
]
c.JupyterHub.load_roles += [{{"name": "culler", "services": ["culler"], "scopes": ["delete:servers"]}}]
c.JupyterHub.load_roles += [{{"name": "prometheus", "services": ["prometheus"], "scopes": ["read:metrics"]}}]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SmallHub]:
    async with small_hub(tmp_path_factory.mktemp("hub"), EXTRA) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(hub: SmallHub) -> AsyncIterator[RealBroker]:
    async with real_broker(hub_api=f"http://127.0.0.1:{hub.port}/hub/api") as made:
        yield made


async def test_the_status_page_is_for_everybody(broker: RealBroker) -> None:
    page = await get(broker, "/status", x_forwarded_for="192.0.2.7", accept_language="zh-CN,zh")
    assert page.status_code == 200
    assert '<html lang="zh">' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "set-cookie" not in page.headers
    assert "East Harbour" in page.text
    chosen = await get(broker, "/status?lang=en")
    assert "sampan_lang=en" in chosen.headers["set-cookie"]
    strange = await get(broker, "/status?lang=%3Cscript%3E", accept_language="-;q,,")
    assert (strange.status_code, "<script>alert" in strange.text) == (200, False)
    assert "set-cookie" not in strange.headers


async def get(broker: RealBroker, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{broker.port}", timeout=20) as client:
        return await client.get(
            f"/services/sampan{path}", headers={k.replace("_", "-"): v for k, v in headers.items()}
        )


def samples(text: str) -> Mapping[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_metrics_of_a_launch(broker: RealBroker) -> None:
    launch = (await broker.create("metric-person"))["id"]
    shown = await broker.at(launch, "running", "reachable", user="metric-person")
    answer = await get(broker, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = samples(answer.text)
    # It may have come further in between.
    here = {("kind", "server"), ("centre", shown["centre"])}
    assert [n for (name, labels), n in found.items() if name == "sampan_launches" and here <= labels] == [1]
    assert found["sampan_launches_accepted_total", frozenset()] == 1
    verbs = {
        dict(labels)["verb"]
        for name, labels in found
        if name == "sampan_questions_total" and ("centre", shown["centre"]) in labels
    }
    assert {"submit", "status", "capacity"} <= verbs
    for centre in broker.centres:
        assert 0 <= found["sampan_capacity_age_seconds", frozenset({("centre", centre)})] < 30
        assert found["sampan_centre_state", frozenset({("centre", centre), ("state", "open")})] == 1
        assert found["sampan_breaker_open", frozenset({("centre", centre)})] == 0
    assert found["sampan_loop_stall_longest_seconds", frozenset()] < 60
    assert found["process_resident_memory_bytes", frozenset()] > 0
    assert "metric-person" not in answer.text
    assert launch not in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "notebooks.example.org"}, 403),
        ({"x_forwarded_for": "192.0.2.7"}, 403),
        ({"forwarded": "for=192.0.2.7"}, 403),
        ({"x_forwarded_for": "192.0.2.7", "authorization": f"token {OTHER}"}, 403),
        ({"x_forwarded_for": "192.0.2.7", "authorization": "token wrong"}, 403),
        ({"x_forwarded_for": "192.0.2.7", "authorization": f"Bearer {READER}"}, 200),
        ({}, 200),
    ],
)
async def test_metrics_are_for_this_machine_and_for_who_may_measure(
    broker: RealBroker, headers: dict[str, str], status: int
) -> None:
    assert (await get(broker, "/metrics", **headers)).status_code == status


@pytest.mark.parametrize(("token", "status"), [("wrong", 403), (OTHER, 403), (READER, 403), (CULLER, 200)])
async def test_who_is_idle_is_told_to_those_who_may_end_servers(
    broker: RealBroker, token: str, status: int
) -> None:
    answer = await get(broker, "/api/idle", authorization=f"token {token}")
    assert answer.status_code == status
    assert answer.json() == {"prefixes": []} or status != 200


async def test_a_session_says_how_idle_it_is(broker: RealBroker) -> None:
    launch = (await broker.create("idle-person"))["id"]
    told = await broker.ask("PUT", f"/launches/{launch}/activity", "idle-person", json={"idle_seconds": 7})
    assert told == {"idle_limit": 3600}
    for wrong in (-1, "x", None):
        body = {"idle_seconds": wrong}
        assert (
            await broker.send("PUT", f"/launches/{launch}/activity", "idle-person", json=body)
        ).status_code == 400
    strange = await broker.send("PUT", f"/launches/{launch}/activity", "other", json={"idle_seconds": 7})
    assert strange.status_code == 404
