"""The browser of the catalogue, moved as a person's mouse moves it; its data are small, and a real xarray's and pandas's."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sampan.browsing import Browser
from sampan.entries import Entry
from sampan.errors import Refused, Unreachable
from sampan.finding import Results
from sampan.messages import Message
from sampan.opening import is_name
from sampan.pictures import draw, sliders, variables

HOSTILE = "<img src=x onerror=alert(1)>'\"$"
GRID = xr.Dataset(
    {
        "tas": (("time", "level", "lat", "lon"), np.random.default_rng(1).random((3, 2, 900, 5))),
        "series": (("time",), np.arange(3.0)),
        "name": (("time",), ["a", "b", "c"]),
        "alone": ((), 1.0),
        HOSTILE: (("time",), np.arange(3)),
    }
)
TABLE = pd.DataFrame({"n": range(9), "word": list("abcdefghi")})
PNG = b"\x89PNG"


def entry(name: str, kind: str = "dataset", title: str = "Sea") -> Entry:
    pair = {"en": title, "zh": title}
    told = {"provider": "ocean", "name": name, "version": "1", "kind": kind, "title": pair, "summary": pair}
    copy = {"centre": None, "href": "{a}/b", "opener": "csv"}
    return Entry.from_json(
        {**told, "licence": "MIT", "status": "published", "revision": 1, "replicas": [copy]}
    )


ENTRIES = (entry("grid"), entry("table"), entry("bad", title=HOSTILE), entry("code", "software"))


class Shop:
    """Entries that can be searched and opened, and what was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Sequence[str]]]] = []
        self.opened: list[str] = []

    def find(self, text: str, chosen: Mapping[str, Sequence[str]]) -> Results:
        self.asked.append((text, chosen))
        if text == "away":
            raise Unreachable("broker.unreachable")
        kinds = chosen.get("kind", ("dataset", "software"))
        found = tuple(one for one in ENTRIES if one.kind in kinds and text in one.name)
        counts = {"kind": {"dataset": 3, "software": 1}, "subject": {}, "centre": {"*": 4}}
        return Results(found, len(found), counts)

    def open(self, ref: str) -> Any:
        self.opened.append(ref)
        if ref == "ocean/bad@1":
            raise Refused("entry.engine", entry=HOSTILE, engine=HOSTILE)
        return {"ocean/grid@1": GRID, "ocean/table@1": TABLE}.get(ref, xr.Dataset())


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def browser(shop: Shop) -> Browser:
    return Browser("", shop.find, shop.open, "en")


def test_choices_narrow_what_is_listed(browser: Browser, shop: Shop) -> None:
    assert len(browser.entries.options) == 4
    browser.facets["kind"].value = "software"
    assert [ref for _, ref in browser.entries.options] == ["ocean/code@1"]
    browser.facets["kind"].value = ""
    browser.words.value = "tab"
    assert [ref for _, ref in browser.entries.options] == ["ocean/table@1"]
    assert shop.asked == [("", {}), ("", {"kind": ["software"]}), ("", {}), ("tab", {})], (
        "one question for each choice"
    )


def test_a_variable_is_drawn_where_the_sliders_stand(browser: Browser, shop: Shop) -> None:
    browser.entries.value = "ocean/grid@1"
    assert (shop.opened, browser.picture.value) == ([], b""), "nothing is opened before somebody looks"
    browser.look.click()
    assert list(browser.variable.options) == ["tas", "series", HOSTILE]
    assert {one.description: one.max for one in browser.places.children} == {"time": 2, "level": 1}
    first = bytes(browser.picture.value)
    assert first.startswith(PNG)
    browser.places.children[0].value = 2
    assert browser.picture.value != first
    assert browser.code.value.splitlines() == [
        "import sampan",
        "",
        "data = sampan.open('ocean/grid@1')",
        "data['tas'].isel({'time': 2, 'level': 0}).plot()",
    ]
    browser.variable.value = "series"
    assert browser.places.children == ()
    assert browser.code.value.endswith("data['series'].plot()")


def test_a_table_is_drawn_too_and_the_next_entry_begins_anew(browser: Browser) -> None:
    browser.entries.value = "ocean/table@1"
    browser.look.click()
    assert (list(browser.variable.options), bytes(browser.picture.value[:4])) == (["n"], PNG)
    browser.entries.value = "ocean/code@1"
    assert (browser.data, browser.picture.value, list(browser.variable.options)) == (None, b"", [])
    browser.look.click()
    assert "nothing in it" in browser.card.value


def test_what_fails_is_said_where_it_was_asked(browser: Browser) -> None:
    browser.entries.value = "ocean/bad@1"
    browser.look.click()
    assert 'role="alert"' in browser.card.value
    assert "<img" not in browser.card.value
    browser.words.value = "away"
    assert Message("broker.unreachable").say("en") in browser.card.value
    assert len(browser.entries.options) == 4, "what was found before stays"
    browser.words.value = "nosuch"
    assert "Nothing was found" in browser.card.value
    assert (browser.entry, len(browser.entries.options)) == (None, 0)
    browser.look.click()
    browser.words.value = "grid"
    assert browser.entry is not None


def test_hostile_names_are_text_in_pictures_and_code(browser: Browser) -> None:
    browser.entries.value = "ocean/grid@1"
    browser.look.click()
    browser.variable.value = HOSTILE
    assert bytes(browser.picture.value).startswith(PNG)
    last = ast.parse(browser.code.value).body[-1]
    assert [node.value for node in ast.walk(last) if isinstance(node, ast.Constant)] == [HOSTILE]


def test_the_bounds_of_cells_come_last() -> None:
    told = {"bounds_lon": (("x", "n"), np.zeros((3, 2))), "tos": (("x",), np.zeros(3))}
    data = xr.Dataset(told, coords={"lon": (("x",), np.zeros(3), {"bounds": "bounds_lon"})})
    assert variables(data) == ["tos", "bounds_lon"]


def test_no_more_is_read_than_is_shown() -> None:
    assert variables(TABLE) == ["n"]
    assert sliders(GRID, "series") == {}
    read: list[int] = []

    def block(_: Any, block_info: Any = None) -> Any:
        read.append(1)
        return np.zeros((1, 10, 10))

    import dask.array as da

    lazy = da.map_blocks(
        block, da.zeros((50, 10, 10), chunks=(1, 10, 10)), dtype=float, meta=np.zeros((0, 0, 0))
    )
    draw(xr.Dataset({"x": (("t", "a", "b"), lazy)}), "x", {"t": 7})
    assert len(read) == 1


@pytest.mark.parametrize(
    ("text", "named"),
    [("ocean/sst@1.0", True), (" ocean/sst ", True), ("sst", False), ("ocean/sst monthly", False)],
)
def test_a_name_is_told_from_words(text: str, named: bool) -> None:
    assert is_name(text) is named
