"""Rules are asked for now and then, in one question for everybody, and never forbid anything by their absence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.errors import Refused, Unavailable
from sampan.need import Need
from sampan_hub import seldom as module
from sampan_hub import vetting
from sampan_hub.limits import Limit
from sampan_hub.rules import NO_RULES, Closure, Rules
from sampan_hub.steps.placing import decide, refuse_impossible
from tests.sampan_hub.scripted_centre import Bench, bench
from tests.waiting import until

IMPOSED = Rules({"main": "short"})


@pytest.fixture
async def east(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east") as made:
        made.plans("east")
        yield made
        await made.services.entitlements.close()


async def test_one_question_for_however_many_and_none_each_tick(east: Bench) -> None:
    watch, site = east.services.watches["east"], east.sites["east"]
    site.rules = IMPOSED
    await asyncio.gather(*(watch.seldom.learn() for _ in range(20)))
    assert watch.seldom.rules == IMPOSED
    for _ in range(3):
        await watch.tick()
        await watch.seldom.learn()
    assert site.asked.count("rules") == 1


async def test_whoever_watches_asks_by_itself_and_is_kept_from_nothing(east: Bench) -> None:
    watch, site = east.services.watches["east"], east.sites["east"]
    site.hangs.add("rules")
    running = asyncio.create_task(watch.run())
    await until(lambda: watch.fresh() is not None and "rules" in site.asked)
    assert watch.trouble is None
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 5)


async def test_what_nobody_says_is_as_before_and_no_trouble(
    east: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_EVERY", 0.0)
    watch, site = east.services.watches["east"], east.sites["east"]
    site.rules = IMPOSED
    await watch.seldom.learn()
    site.trouble["rules"] = Unavailable("scheduler.no_answer", cause="slurm_load_partitions error")
    await watch.seldom.learn()
    assert (watch.seldom.rules, watch.trouble) == (IMPOSED, None)
    site.trouble.clear()
    site.rules = NO_RULES
    await watch.seldom.learn()
    assert watch.seldom.rules == NO_RULES


async def test_a_scheduler_without_rules_is_not_asked(tmp_path: Path) -> None:
    async with bench(tmp_path, "east") as plain:
        await plain.services.watches["east"].seldom.learn()
        assert "rules" not in plain.sites["east"].asked


async def test_what_will_be_closed_is_no_room_for_what_lasts_into_it(east: Bench) -> None:
    watch, site = east.services.watches["east"], east.sites["east"]
    now = time.time()
    site.rules = Rules(closures=(Closure(frozenset({"n1"}), now + 7200, now + 9000),))
    await watch.measure()
    assert _verdict(east, 180) == ("now", "place.fits_now")
    await watch.seldom.learn()
    assert _verdict(east, 180) == ("queue", "place.closes"), (
        "the answer counts at once, not from the next reading on"
    )
    assert _verdict(east, 110) == ("now", "place.fits_now")


def _verdict(bench: Bench, minutes: int) -> tuple[str, str]:
    [offer] = decide(bench.services, Need(cores=1, minutes=minutes), "alice").ranked
    return offer.verdict, offer.reasons[0].code


async def test_an_environment_that_does_not_suit_is_known_before_anybody_is_placed_there(
    east: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And mended, it is noticed, though nobody is sent there meanwhile."""
    monkeypatch.setattr(module, "_EVERY", 0.0)
    monkeypatch.setattr(vetting, "SOONER", 0.0)
    facts = east.services.directory.centres["east"].descriptor
    environment = facts.environment.model_copy(
        update={"prefix": str(tmp_path / "none"), "python": str(tmp_path / "none/bin/python")}
    )
    east.put("east", facts.model_copy(update={"environment": environment}))
    watch = east.services.watches["east"]
    await watch.measure()
    need = Need(cores=1)
    assert decide(east.services, need, "alice").ranked, "what nobody knows yet is no reason"
    await watch.seldom.learn()
    [refused] = decide(east.services, need, "alice").refused
    said = refused.reasons[0].say("en")
    assert refused.reasons[0].code == "environment.unfit"
    assert "has no software environment of this hub's yet" in said
    with pytest.raises(Refused, match="has no software environment"):
        await refuse_impossible(east.services, need, "alice")
    monkeypatch.setattr(vetting, "unfit", lambda *_: None)
    await watch.seldom.learn()
    assert decide(east.services, need, "alice").ranked


async def test_limits_are_asked_under_the_rules_of_the_day(east: Bench) -> None:
    site, told = east.sites["east"], []
    centre = east.services.directory.centres["east"]
    site.rules = IMPOSED
    ask = centre.scheduler.limits

    def limits(account: str, rules: Rules) -> object:
        told.append(rules)
        return ask(account, rules)

    centre.scheduler.limits = limits  # type: ignore[method-assign, assignment]
    site.limits["hpc7"] = (Limit(cores=1),)
    await east.services.watches["east"].measure()
    await east.services.entitlements.learn(east.services, "alice")
    assert told == [IMPOSED]
