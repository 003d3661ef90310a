"""Centres come, break, are mended, drain and go while the hub runs; what runs there goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came, whole_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADMIN = "only-for-this-test-" + "x" * 16
SETTINGS = f"""
c.Authenticator.admin_users = {{"root"}}
c.SharedPasswordAuthenticator.admin_password = {ADMIN!r}
c.JupyterHub.load_groups = {{"sampan:operator:lake": {{"users": ["olga"]}}, "sampan:operator:core": {{"users": ["olga"]}}}}
"""
PROBLEMS = "/services/sampan/api/problems"


def _without(key: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda facts: {name: value for name, value in facts.items() if name != key}


def _with(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda facts: {**facts, **changes}


def _shares(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda facts: {**facts, "shares": [{**facts["shares"][0], **changes}]}


# What is done to the file → the key that is named, and the code of what was expected there.
BROKEN: dict[str, tuple[Callable[[dict[str, Any]], Any], str, str]] = {
    "a misspelt key": (_with(colour="blue"), "colour", "descriptor.unknown"),
    "a missing key": (_without("home"), "home", "descriptor.missing"),
    "cores below nothing": (_shares(cores=-4), "shares.0.cores", "descriptor.at_least"),
    "hours that are no number": (_shares(max_hours="lots"), "shares.0.max_hours", "descriptor.number"),
    "no such transport": (_with(endpoint={"transport": "pigeon"}), "endpoint.transport", "descriptor.one_of"),
    "a list": (lambda facts: [facts], "(file)", "descriptor.mapping"),
    "another's id": (_with(id="west"), "id", "descriptor.another_centre"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(kind: str) -> AsyncIterator[WholeHub]:
    async with whole_hub(kind, settings=SETTINGS) as running:
        yield running


class Operator(Person):
    """A person who asks by a token of their own, as a script does."""

    async def problems(self) -> tuple[int, dict[str, list[dict[str, Any]]]]:
        if "Authorization" not in self.client.headers:
            answer = await self.api("POST", f"/users/{self.name}/tokens", json={"note": "problems"})
            self.client.headers["Authorization"] = f"token {answer.json()['token']}"
        answer = await self.client.get(PROBLEMS)
        return answer.status_code, answer.json()


def _victim(hub: WholeHub) -> str:
    """The centre that things are done to: neither east nor west."""
    return "lake" if hub.kind == "embedded" else "core"


def _file(hub: WholeHub, centre: str) -> Path:
    return hub.state / "centres" / f"{centre}.yaml"


async def _states(hub: WholeHub) -> dict[str, str]:
    return {one["id"]: one["state"] for one in await hub.ask("GET", "/centres")}


async def test_broken_and_mended(hub: WholeHub) -> None:
    """A running server at the broken centre goes on, the others take starts, and operators are told precisely."""
    victim = _victim(hub)
    file = _file(hub, victim)
    whole = file.read_text(encoding="utf-8")
    async with Person(hub, "ann") as ann, Operator(hub, "olga") as olga, Operator(hub, "root", ADMIN) as root:
        await ann.start(plan="light", centre=victim)
        await ann.ready()
        kernel = await ann.kernel()
        await kernel.run("kept = 42")
        for name, (change, key, expected) in BROKEN.items():
            file.write_text(
                yaml.safe_dump(change(yaml.safe_load(whole)), allow_unicode=True), encoding="utf-8"
            )
            await came(partial(_named, olga, file.name, key, expected))
            code, problems = await root.problems()
            assert code == 200, name
            # A clash has two sides; both are told, and neither takes the other's place.
            assert set(problems) == {file.name} | ({"west.yaml"} if name == "another's id" else set()), name
            assert {one["params"]["file"] for one in problems[file.name]} == {file.name}, name
            states = await _states(hub)
            assert (states["east"], states["west"]) == ("ok", "ok"), name
        file.write_text(f"{whole}\nnames: [", encoding="utf-8")
        await came(partial(_named, olga, file.name, "(file)", "descriptor.yaml"))
        assert (await kernel.run("print(kept)")).strip() == "42"
        assert (await ann.launch())["stage"] == "ready"
        # Nobody else is told, and nothing is told without a token.
        async with Operator(hub, "eve") as eve:
            assert (await eve.problems())[0] == 403
            await eve.start(plan="light", centre="east")
            assert (await eve.at("ready"))["centre"] == "east"
            await eve.stop()
            await eve.at("ended")
        file.write_text(whole, encoding="utf-8")
        await came(lambda: _mended(root))
        assert (await came(lambda: _ok(hub, victim)))[victim] == "ok"
        assert (await kernel.run("print(kept)")).strip() == "42"
        await ann.stop()
        await ann.at("ended")


async def _named(operator: Operator, file: str, key: str, expected: str) -> bool:
    _, problems = await operator.problems()
    said = [one["params"] for one in problems.get(file, ())]
    return any((one["key"], one["expected"]["code"]) == (key, expected) for one in said)


async def _mended(operator: Operator) -> bool:
    return await operator.problems() == (200, {})


async def _ok(hub: WholeHub, centre: str) -> dict[str, str]:
    states = await _states(hub)
    return states if states.get(centre) == "ok" else {}


async def test_a_centre_comes_and_goes(hub: WholeHub) -> None:
    west = _file(hub, "west")
    facts = yaml.safe_load(west.read_text(encoding="utf-8"))
    facts["names"] = {"en": "North Pier", "zh": "北码头"}
    new = _file(hub, "north")
    kept = west.rename(west.with_suffix(".kept"))

    async def gone() -> bool:
        return "west" not in await _states(hub)

    await came(gone)
    offers = await hub.ask("POST", "/place", json={"options": {"plan": "light"}})
    assert {one["centre"] for one in offers["ranked"]} == set(hub.centres)
    new.write_text(yaml.safe_dump({**facts, "id": "north"}, allow_unicode=True), encoding="utf-8")
    hub.places.known_as("west", "north")
    await came(lambda: _ok(hub, "north"))
    async with Person(hub, "bob") as bob:
        await bob.start(plan="light", centre="north")
        launch = await bob.at("ready")
        assert (launch["centre"], launch["names"]["en"]) == ("north", "North Pier")
        # A centre whose file is taken away under a running server is not a server that has ended.
        await bob.stop()
        await bob.at("ended")
    new.unlink()
    kept.rename(west)
    await came(lambda: _ok(hub, "west"))
    assert "north" not in await _states(hub)


async def test_a_draining_centre_takes_nothing_new(hub: WholeHub) -> None:
    async with Person(hub, "cat") as cat, Person(hub, "dan") as dan:
        victim = _victim(hub)
        await cat.start(plan="light", centre=victim)
        await cat.ready()
        kernel = await cat.kernel()
        await kernel.run("kept = 'here'")
        hub.describe(victim, state="draining")

        async def draining() -> bool:
            return (await _states(hub)).get(victim) == "draining"

        await came(draining)
        offers = await hub.ask("POST", "/place", json={"options": {"plan": "light"}})
        assert {one["centre"] for one in offers["ranked"]} == set(hub.centres) - {victim}
        [refused] = offers["refused"]
        assert (refused["centre"], refused["reasons"][0]["code"]) == (victim, "place.draining")
        await dan.start(plan="light")
        assert (await dan.at("ready"))["centre"] != victim
        assert (await kernel.run("print(kept)")).strip() == "here"
        assert (await cat.launch())["stage"] == "ready"
