"""What centres offer becomes entries, from the facts that the broker tells of them. Publishing them is tested in test_demo."""

from __future__ import annotations

from typing import Any

from sampan_hub.catalogue.shares import offers


def centre(name: str = "west", **shares: dict[str, Any]) -> dict[str, Any]:
    told = [
        {"id": key, "names": {"en": key, "zh": key}, "max_hours": 12, "accelerators": {}, **more}
        for key, more in shares.items()
    ]
    return {"id": name, "names": {"en": "West", "zh": "西"}, "shares": told}


def test_each_share_is_an_offer_with_its_unit() -> None:
    made = {
        one.name: one.offer for one in offers([centre(cpu={}, dcu_long={"accelerators": {"dcu": [4, 1]}})])
    }
    assert {name: (one.centre, one.plan, one.unit) for name, one in made.items() if one} == {
        "west-cpu": ("west", "standard", "core-hour"),
        "west-dcu-long": ("west", "accelerated", "card-hour"),
    }


def test_names_that_are_none_are_left_out() -> None:
    assert not list(offers([centre("West", cpu={}), centre("west", **{"a b": {}})]))


def test_it_is_told_in_both_languages() -> None:
    (one,) = offers([centre(cpu={"max_hours": 0.5})])
    assert (one.title.en, one.title.zh) == ("West: cpu", "西：cpu")
    assert "0.5 hours" in one.summary.en
    assert "核时" in one.summary.zh
