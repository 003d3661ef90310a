"""The start form: what is marked, what is shown of each centre, and that nothing from outside becomes markup."""

import json
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sampan.client import AsyncBroker
from sampan_spawners.spawn_form import chosen, options_form, places, sendable, wanted_plan
from tests.sampan_spawners import scripted_broker
from tests.sampan_spawners.federation import CENTRES, PLANS, placed
from tests.sampan_spawners.scripted_broker import SECRET, ScriptedBroker, serving

pytestmark = pytest.mark.fast

HOSTILE = '"><script>alert(1)</script>{{7*7}}'


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[AsyncBroker]:
    async with (
        serving(ScriptedBroker(), tmp_path / "s"),
        AsyncBroker(socket=tmp_path / "s", secret=SECRET, user="alice") as client,
    ):
        yield client


def spawner(broker: AsyncBroker, query: dict[str, list[bytes]] | None = None, **last: Any) -> Any:
    """What the form looks at of a spawner."""
    handler = SimpleNamespace(request=SimpleNamespace(query_arguments=query or {}))
    return SimpleNamespace(broker=broker, handler=handler, user_options=last, simulated=True)


def test_options_are_shown_one_text_each() -> None:
    raw = {"cores": ["2"], "memory": 4, "hours": "", "plan": ["a", "b"], "strange": "x", "data": True}
    assert chosen(raw) == {"cores": "2", "memory": "4"}


@pytest.mark.parametrize(
    ("options", "plan"),
    [
        ({}, "standard"),
        ({"plan": "light"}, "light"),
        ({"plan": "gone"}, None),
        ({"cores": "2", "memory": "4", "hours": "4"}, "standard"),
        ({"cores": "3", "memory": "4", "hours": "4"}, None),
        ({"centre": "east"}, "standard"),
    ],
)
def test_the_plan_that_is_marked(options: dict[str, str], plan: str | None) -> None:
    found = wanted_plan(options, PLANS)
    assert (found and found["id"]) == plan


async def test_plans_come_first_and_every_centre_has_its_reason(broker: AsyncBroker) -> None:
    html = await options_form(spawner(broker))
    assert html.index('value="light"') < html.index('value="standard"') < html.index('value="east"')
    assert 'value="standard" data-options' in html
    assert "Has room now: 21 of 32 cores are free." in html
    assert "目前没有空位，前面还有 3 个等待者" in html
    assert "A single machine here has at most 16 GiB of memory" in html
    assert "Usually starts within 1–4 min." in html
    assert "通常在 1–4 分钟内启动。" in html
    assert "not known yet" not in html, "where there is room that is nothing to worry about"
    assert "simulated" in html
    assert html.count("First choice") == 1


async def test_a_link_fills_the_form(broker: AsyncBroker) -> None:
    link = {
        "opt-v": [b"1"],
        "opt-cores": [b"3"],
        "opt-centre": [b"west"],
        "opt-data": [b"era5"],
        "next": [b"/x"],
    }
    html = await options_form(spawner(broker, link, cores=["9"]))
    assert 'name="cores" type="number" step="any" inputmode="numeric" value="3"' in html
    assert 'name="data" value="era5"' in html
    assert 'value="west" checked' in html
    assert html.count("checked") == 2


async def test_the_last_choice_is_kept(broker: AsyncBroker) -> None:
    html = await options_form(spawner(broker, None, plan=["light"], cores=["1"], memory=["2"], hours=["2"]))
    assert 'value="light" data-options="{&#34;cores&#34;: &#34;1&#34;' in html
    assert " checked>" in html[html.index('value="light"') : html.index('value="standard"')]


async def test_a_pin_is_in_the_link_and_the_others_are_still_shown(broker: AsyncBroker) -> None:
    answer = await places(broker, {"cores": "2", "centre": "west"})
    assert answer["query"] == "opt-v=1&opt-cores=2&opt-centre=west"
    assert answer["startable"]
    assert "East Lake" in answer["html"]
    assert 'value="west" checked' in answer["html"]


async def test_a_pin_on_a_centre_that_cannot_is_not_startable(broker: AsyncBroker) -> None:
    answer = await places(broker, {"centre": "core"})
    assert not answer["startable"]


async def test_a_wrong_value_is_a_sentence_that_names_the_field(broker: AsyncBroker) -> None:
    answer = await places(broker, {"cores": HOSTILE})
    assert (answer["field"], answer["startable"], answer["query"]) == ("cores", False, "")
    assert "“cores” must be 1-64" in answer["html"]
    assert "<script>" not in answer["html"]


async def test_without_a_broker_there_is_a_form_and_a_sentence(tmp_path: Path) -> None:
    async with AsyncBroker(socket=tmp_path / "nobody", secret=SECRET, user="alice") as away:
        html = await options_form(spawner(away))
        answer = await places(away, {"cores": "2"})
    assert "The broker does not answer just now" in html
    assert 'name="cores"' in html
    assert answer["startable"]


async def test_nothing_from_outside_becomes_markup(
    broker: AsyncBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = json.loads(json.dumps([PLANS, CENTRES]).replace("East Lake", json.dumps(HOSTILE)[1:-1]))
    plans, centres = hostile
    plans[0] |= {"id": HOSTILE, "names": {"en": HOSTILE, "zh": HOSTILE}, "options": {"cores": HOSTILE}}
    centres[0]["place"] = {"city": {"en": HOSTILE}}
    centres[0]["shares"][0]["accelerators"] = {HOSTILE: [1, 1]}
    monkeypatch.setattr(scripted_broker, "PLANS", plans)
    monkeypatch.setattr(scripted_broker, "CENTRES", centres)

    def judge(options: dict[str, Any]) -> dict[str, Any]:
        answer = placed({})
        one = answer["ranked"][0]
        one["names"] = {"en": HOSTILE, "zh": HOSTILE}
        one["reasons"] = [{"code": HOSTILE, "params": {}, "en": HOSTILE, "zh": HOSTILE}]
        return answer

    monkeypatch.setattr(scripted_broker, "placed", judge)
    html = await options_form(
        spawner(broker, {"opt-data": [HOSTILE.encode()], "opt-cores": [HOSTILE.encode()]})
    )
    assert "<script" not in html
    assert HOSTILE in unescape(html)
    assert "49" not in html


def test_options_go_on_unread_but_for_bytes() -> None:
    raw = {"cores": ["2\n#SBATCH --account=x"], "n": 3, "list": ["a", 1], "deep": {"a": [1]}, "none": None}
    assert sendable(raw) == raw
    assert sendable({"up_file": [{"body": b"x"}], "raw": b"\xff"}) == {
        "up_file": "[{'body': b'x'}]",
        "raw": "b'\\xff'",
    }
