"""The page about the centres: both languages, everything escaped, nobody's name, no script but ours."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.errors import Unavailable, Unreachable
from sampan.need import Need
from sampan_hub.status_page import language_of, page, policy, rows
from sampan_hub.waits import Wait
from tests.sampan_hub.scripted_centre import Bench, bench

HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east", "west") as made:
        yield made


def html(one: Bench, language: str = "en") -> str:
    return page(
        rows(one.services),
        language="zh" if language == "zh" else "en",
        home="http://hub.example/hub/home",
        now=one.services.now(),
        running=1,
        coming=0,
    )


def wait(one: Bench, seconds: float, *, started: bool = True) -> None:
    made = Wait(seconds, 1, 60, one.services.now() - 600, started=started)
    one.services.history = one.services.history.with_(
        "east", one.services.centre("east").descriptor.shares[0].id, made
    )


@pytest.mark.fast
@pytest.mark.parametrize(
    ("asked", "cookie", "accepted", "language"),
    [
        ("zh", "en", "en-GB,en", "zh"),
        ("", "zh", "en", "zh"),
        ("", "", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("", "", "de;q=1, en;q=0.5, zh", "en"),
        ("<x>", "<x>", "", "en"),
    ],
)
def test_the_language_that_was_chosen(asked: str, cookie: str, accepted: str, language: str) -> None:
    assert language_of(asked, cookie, accepted) == language


async def test_all_is_well(one: Bench) -> None:
    for seconds in (2.0, 4.0, 600.0):
        wait(one, seconds)
    wait(one, 60.0, started=False)
    text = html(one)
    assert "All 2 centres take new work." in text
    assert "2 个中心均正常接收任务。" in text
    assert "1 session runs." in text
    assert "3 starts in the last 24 hours" in text
    assert text.count('class="began"') == 3 + 1, "and one in the legend"
    assert "cores free" in text
    assert 'class="why' not in text


@pytest.mark.parametrize(
    ("error", "word", "said"),
    [
        (Unreachable("centre.unreachable", centre="east"), "Unreachable", "The way to it is cut"),
        (Unavailable("scheduler.no_answer"), "Unknown", "says nothing clear"),
        (Unavailable("centre.login", centre="east", account="zhang3"), "Unknown", "lets us in no more"),
    ],
)
async def test_what_is_wrong_and_what_is_done(one: Bench, error: Unavailable, word: str, said: str) -> None:
    one.sites["east"].trouble["*"] = error
    await one.tick()
    text = html(one)
    assert "1 of 2 centres takes new work." in text
    assert word in text
    assert said in text
    assert "zhang3" not in text, "troubles in their own words may name accounts"


async def test_nobody_is_named(one: Bench) -> None:
    launch = await one.launch(owner="somebody-special", need=Need(cores=1))
    attempt = await one.put_ready(launch)
    text = html(one)
    for secret in ("somebody-special", launch.id, attempt.tag, attempt.account):
        assert secret not in text


async def test_each_language_says_all_and_hides_the_other(one: Bench) -> None:
    one.sites["east"].trouble["*"] = Unreachable("centre.unreachable", centre="east")
    await one.tick()
    text = html(one, "zh")
    assert '<html lang="zh">' in text
    shown = re.sub(
        r'<span lang="zh">.*?</span>|<(style|script|title).*?</\1>|舢板', "", text, flags=re.DOTALL
    )
    shown = re.sub(r"<[^>]*>", " ", re.sub(r'<a [^>]*lang="".*?</a>', "", shown))
    assert HAN.search(shown) is None, "said in Chinese alone, without its English"


async def test_what_comes_from_outside_is_escaped(one: Bench) -> None:
    facts = one.services.directory.centres["east"].descriptor
    hostile = facts.names.model_copy(update={"en": "<script>alert(1)</script>", "zh": '"><img src=x>'})
    one.put("east", facts.model_copy(update={"names": hostile}))
    await one.tick()
    text = html(one)
    assert "<script>alert" not in text
    assert "<img" not in text


async def test_the_one_script_is_the_one_of_the_policy(one: Bench) -> None:
    scripts = re.findall(r"<script>(.*?)</script>", html(one), re.DOTALL)
    assert len(scripts) == 1
    digest = b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy()
    assert "unsafe-inline" not in policy().split("script-src")[1].split(";")[0]
