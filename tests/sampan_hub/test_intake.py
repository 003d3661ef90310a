"""Options from outside: every one is a Need or an error that names the field."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.errors import Invalid
from sampan.need import Need
from sampan_hub.intake import LARGEST, read_need
from sampan_hub.plans import PLANS


def test_nothing_said_is_the_smallest_need() -> None:
    assert read_need({}) == Need()


def test_a_form_and_a_link_send_lists_of_one() -> None:
    assert read_need({"cores": ["2"], "memory": ["1.5"], "hours": ["0.5"], "software": [""]}) == Need(
        cores=2, memory_mib=1536, minutes=30
    )


@pytest.mark.parametrize("name", list(PLANS))
def test_a_plan_is_its_need_and_what_is_said_beside_it_wins(name: str) -> None:
    assert read_need({"plan": name}) == PLANS[name].need
    assert read_need({"plan": name, "hours": "1"}).minutes == 60


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"cores": "0"}, "cores"),
        ({"cores": "-1"}, "cores"),
        ({"cores": "1.5"}, "cores"),
        ({"cores": "1e3"}, "cores"),
        ({"cores": "٣"}, "cores"),
        ({"cores": "2\n#SBATCH --account=physics"}, "cores"),
        ({"cores": ["1", "2"]}, "cores"),
        ({"cores": True}, "cores"),
        ({"cores": {"a": 1}}, "cores"),
        ({"memory": "NaN"}, "memory"),
        ({"memory": "inf"}, "memory"),
        ({"memory": "1e309"}, "memory"),
        ({"memory": float("nan")}, "memory"),
        ({"memory": "0"}, "memory"),
        ({"hours": "9999999"}, "hours"),
        ({"hours": "-0.5"}, "hours"),
        ({"accelerator": "dcu; rm -rf ~"}, "accelerator"),
        ({"accelerators": "1"}, "accelerator"),
        ({"software": "$(id)"}, "software"),
        ({"software": "{{ config }}"}, "software"),
        ({"software": "a%0Ab"}, "software"),
        ({"software": "a\0b"}, "software"),
        ({"software": "a\u2028b"}, "software"),
        ({"centre": "../east"}, "centre"),
        ({"centre": "еast"}, "centre"),
        ({"data": "era5,../x"}, "data"),
        ({"data": ",".join(["era5"] * 17)}, "data"),
        ({"plan": "gold"}, "plan"),
        ({"v": "2"}, "v"),
        ({"reservation": "vip"}, "reservation"),
    ],
)
def test_what_is_wrong_names_its_field(options: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_need(options)
    assert caught.value.message.params["field"] == field
    for language in ("en", "zh"):
        said = caught.value.message.say(language)
        assert said.isprintable()
        assert len(said) < 300


def test_too_much_is_refused_before_it_is_read() -> None:
    with pytest.raises(Invalid) as caught:
        read_need({"software": "a" * (1 << 20)})
    assert caught.value.code == "need.too_large"
    assert caught.value.message.params["limit"] == LARGEST


names = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,20}\Z")


cards: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.fixed_dictionaries(
    {"accelerator": names, "accelerators": st.integers(1, 64)}
)


@given(
    st.builds(
        Need,
        cores=st.integers(1, 4096),
        memory_mib=st.integers(128, 65536 * 1024),
        minutes=st.integers(1, 720 * 60),
        software=st.none() | names,
        data=st.lists(names, max_size=16).map(tuple),
        centre=st.none() | names,
    ),
    cards,
)
def test_a_link_says_what_its_need_said(need: Need, cards: dict[str, Any]) -> None:
    need = replace(need, **cards)
    assert read_need(need.to_options()) == need


@given(
    st.dictionaries(
        st.text(max_size=8), st.text(max_size=20) | st.integers() | st.lists(st.text(), max_size=2)
    )
)
def test_whatever_is_sent_is_a_need_or_a_sentence(options: dict[str, Any]) -> None:
    with suppress(Invalid):
        assert isinstance(read_need(options), Need)
