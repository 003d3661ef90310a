"""The table of a search: what it tells, and that a provider's words are never more than words in it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from sampan.entries import Entry, resolve
from sampan.errors import Invalid, Refused, SampanError
from sampan.finding import Results, size
from sampan.opening import nearest

pytestmark = pytest.mark.fast

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e"


def entry(**more: Any) -> Entry:
    told = {
        "provider": "ocean",
        "name": "sst",
        "version": "1",
        "kind": "dataset",
        "licence": "MIT",
        "title": {"en": "Sea", "zh": "海"},
        "summary": {"en": "s", "zh": "概"},
        "status": "published",
        "revision": 1,
        "replicas": [{"centre": "west", "href": "{a}/b", "opener": "netcdf4", "bytes": 1_234_567}],
        **more,
    }
    return Entry.from_json({**told, "of_a_newer_broker": 1})


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_a_preview_is_a_part_of_the_table() -> None:
    one = entry()
    assert Tags(Results((one,), 1)._repr_html_()).tags >= {"svg"}
    shown = Results((one,), 1, pictures={one.ref: b"\x89PNG"})._repr_html_()
    assert 'src="data:image/png;base64,iVBORw=="' in shown
    assert "svg" not in Tags(shown).tags


def test_hostile_words_are_words() -> None:
    pair = {"en": HOSTILE, "zh": HOSTILE}
    copy = {"centre": HOSTILE, "href": HOSTILE, "opener": HOSTILE}
    bad = entry(
        title=pair,
        summary=pair,
        licence=HOSTILE,
        kind=HOSTILE,
        group=HOSTILE,
        readable=False,
        replicas=[copy],
    )
    for results in (Results((bad,), 1), Results((), 0, instead=HOSTILE)):
        found = Tags(results._repr_html_())
        assert found.tags <= {
            "table",
            "caption",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "code",
            "br",
            "small",
            "svg",
            "path",
            "p",
        }
        assert not any(name.startswith("on") for name in found.attributes)
    assert "\u202e" not in repr(Results((bad,), 1))


@pytest.mark.parametrize(
    ("more", "language", "said"),
    [
        ({}, "en", "only there"),
        ({"centre": "west"}, "en", "opens here"),
        ({"readable": False, "group": "polar"}, "en", "needs the group “polar”: ask"),
        ({"readable": False}, "zh", "需向服务商申请"),
        ({"generated": True}, "en", "Sea [generated]"),
        ({"generated": True}, "zh", "海 [自动生成]"),
        ({}, "en", "1.23 MB"),
        ({}, "zh", "共 7 项，显示 1 项"),
    ],
)
def test_what_it_tells(more: dict[str, Any], language: Any, said: str) -> None:
    centre = more.pop("centre", "east")
    results = Results((entry(**more),), 7, centre=centre, language=language)
    assert said in repr(results)
    assert said in results._repr_html_()


def test_it_is_a_sequence() -> None:
    results = Results((entry(), entry(name="b")), 2)
    assert (len(results), results[1].ref, [one.name for one in results]) == (2, "ocean/b@1", ["sst", "b"])


def test_nothing_found_says_what_may_have_been_meant() -> None:
    assert "Did you mean “temperature”" in repr(Results((), 0, instead="temperature"))
    assert "没有找到" in Results((), 0, language="zh")._repr_html_()


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1_234_567, "1.23 MB"), (5 * 10**18, "5e+03 PB")],
)
def test_sizes(count: int, said: str) -> None:
    assert size(count) == said


@pytest.mark.parametrize(
    "href",
    ["{a}/../x", "{a}/x/../../y", "/etc/passwd", "{a}", "{a}//x", "{a}/./x", "a/x", "{a}/x\0", "{a}/.."],
)
def test_no_place_is_above_its_root(href: str) -> None:
    with pytest.raises(Invalid):
        resolve(href, {"a": "/data"})


def test_a_place_is_below_its_root() -> None:
    assert resolve("{a}/x/y.nc", {"a": "/data"}) == "/data/x/y.nc"
    with pytest.raises(Invalid) as caught:
        resolve("{b}/x", {"a": "/data"})
    assert caught.value.code == "entry.root"


def copies(*some: tuple[str | None, str]) -> Entry:
    told = [{"centre": centre, "href": "{a}/b", "opener": "csv", "state": state} for centre, state in some]
    return entry(replicas=told)


@pytest.mark.parametrize(
    ("some", "place", "taken"),
    [
        ([("west", "online"), ("east", "online")], "east", "east"),
        ([(None, "online"), ("east", "online")], "east", "east"),
        ([(None, "online"), ("east", "corrupt")], "east", None),
        ([(None, "online")], None, None),
        ([("west", "online")], "east", "entry.elsewhere"),
        ([("west", "online")], None, "entry.elsewhere"),
        ([("east", "missing"), ("west", "online")], "east", "entry.state"),
        ([], "east", "entry.no_data"),
    ],
)
def test_the_nearest_copy(some: list[tuple[str | None, str]], place: str | None, taken: str | None) -> None:
    if taken is not None and taken.startswith("entry."):
        with pytest.raises(Refused) as caught:
            nearest(copies(*some), place, {})
        assert caught.value.code == taken
    else:
        assert nearest(copies(*some), place, {}).centre == taken


def test_elsewhere_tells_where_and_how_much() -> None:
    with pytest.raises(SampanError) as caught:
        nearest(entry(), "east", {"west": {"en": "West", "zh": "西部"}})
    assert "lies at West, not here" in caught.value.message.say("en")
    assert "存放在西部" in caught.value.message.say("zh")
    assert "1.23 MB" in caught.value.message.say("zh")


def test_a_copy_that_was_found_to_be_broken_is_not_opened_there() -> None:
    here = {"href": "{packages}/a.nc", "opener": "netcdf4"}
    reason = {"code": "check.gone", "params": {"what": "{packages}/a.nc", "centre": "east"}}
    dead = {"what": "{packages}/a.nc", "centre": "east", "at": 1.0, "sound": False, "reason": reason}
    one = entry(replicas=[here], checks=[dead])
    with pytest.raises(Refused) as caught:
        nearest(one, "east", {})
    assert caught.value.code == "entry.dead"
    assert "is not there at east" in str(caught.value)
    assert nearest(one, "west", {}).href == "{packages}/a.nc"
    two = entry(replicas=[here, {"centre": "east", "href": "{a}/b.nc", "opener": "netcdf4"}], checks=[dead])
    assert nearest(two, "east", {}).href == "{a}/b.nc"
