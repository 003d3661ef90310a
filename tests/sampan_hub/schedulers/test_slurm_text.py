"""What Slurm prints is read as it was meant, or not at all."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sampan.errors import SampanError, Unavailable
from sampan_hub.asks import Completed
from sampan_hub.schedulers.slurm_text import (
    amounts,
    array_tasks,
    cards,
    count,
    duration,
    marked,
    moment,
    peak_mib,
    rows,
    tres_cards,
)

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
SHANGHAI = zoneinfo.ZoneInfo("Asia/Shanghai")


def utc(text: str) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "zone", "seconds"),
    [
        ("2026-11-25T09:17:30", SHANGHAI, utc("2026-11-25T01:17:30")),
        ("2026-07-01T12:00:00", BERLIN, utc("2026-07-01T10:00:00")),
        ("2026-12-01T12:00:00", BERLIN, utc("2026-12-01T11:00:00")),
        ("2028-02-29T23:59:59", SHANGHAI, utc("2028-02-29T15:59:59")),
        ("1795569450", BERLIN, 1795569450.0),
        ("N/A", BERLIN, None),
        ("Unknown", BERLIN, None),
        ("", BERLIN, None),
        ("None", BERLIN, None),
        ("2026-02-30T00:00:00", BERLIN, None),
        ("Tomorr 12:00", BERLIN, None),
        ("1970-01-01T00:00:00", SHANGHAI, None),
        ("9" * 30, BERLIN, None),
    ],
)
def test_moments(text: str, zone: zoneinfo.ZoneInfo, seconds: float | None) -> None:
    assert moment(text, zone) == seconds


def test_of_two_equal_hours_the_one_that_can_be() -> None:
    """25 October 2026: at three o'clock of summer it is two o'clock again, and 02:30 comes twice."""
    submitted = moment("2026-10-25T02:30:00", BERLIN)
    assert submitted == utc("2026-10-25T00:30:00")
    started = moment("2026-10-25T02:10:00", BERLIN, after=submitted)
    assert started == utc("2026-10-25T01:10:00"), "forty minutes later, and not twenty minutes before"
    assert moment("2026-10-25T02:40:00", BERLIN, after=submitted) == utc("2026-10-25T00:40:00")


@given(st.integers(946_684_800, 4_102_444_800), st.integers(0, 6 * 3600), st.sampled_from([BERLIN, SHANGHAI]))
@example(int(utc("2026-10-25T00:59:59")), 1, BERLIN)
def test_what_comes_later_is_never_read_as_earlier(began: int, after: int, zone: zoneinfo.ZoneInfo) -> None:
    first, second = (
        dt.datetime.fromtimestamp(at, zone).strftime("%Y-%m-%dT%H:%M:%S") for at in (began, began + after)
    )
    start = moment(first, zone)
    assert start is not None
    end = moment(second, zone, after=start)
    assert end is not None
    assert end >= start


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:07", 7),
        ("1-02:03:04", 93784),
        ("05:00", 300),
        ("03:10.250", 190),
        ("", None),
        ("UNLIMITED", None),
        ("-1:00:00", None),
        ("12", None),
    ],
)
def test_durations(text: str, seconds: int | None) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "kinds", "found"),
    [
        ("dcu:4", ("dcu",), {"dcu": 4}),
        ("(null)", ("dcu",), {}),
        ("gpu:a100:4(S:0-1),craynetwork:4", ("a100",), {"a100": 4}),
        ("gpu:A100:2(IDX:0,3),gpu:V100:1(IDX:4)", ("gpu", "a100"), {"gpu": 3, "a100": 2}),
        ("gpu:0(IDX:N/A)", ("gpu",), {"gpu": 0}),
        ("dcu:99999", ("gpu",), {}),
        ("", ("gpu",), {}),
    ],
)
def test_cards(text: str, kinds: tuple[str, ...], found: dict[str, int]) -> None:
    assert cards(text, kinds) == found


@pytest.mark.parametrize(
    ("text", "kinds", "found"),
    [
        ("billing=2,cpu=2,gres/dcu=3,mem=64M,node=1", ("dcu",), {"dcu": 3}),
        ("cpu=2,gres/gpu:a100=2,gres/gpu=2", ("gpu",), {"gpu": 2}),
        ("cpu=2,gres/gpu:a100=2,gres/gpu=2", ("a100", "gpu"), {"a100": 2, "gpu": 2}),
        ("cpu=2,gres/gpu:a100=2", ("a100",), {"a100": 2}),
        ("cpu=2", ("gpu",), {}),
    ],
)
def test_cards_that_were_taken_count_once(text: str, kinds: tuple[str, ...], found: dict[str, int]) -> None:
    assert tres_cards(text, kinds) == found


@pytest.mark.parametrize(
    ("text", "tasks"),
    [
        ("N/A", 1),
        ("7", 1),
        ("1-3,7%2", 4),
        ("0-9:3", 4),
        ("1-1000%5", 1000),
        ("1-3,5,...", 4),
        ("9-1", 1),
        ("", 1),
    ],
)
def test_array_tasks(text: str, tasks: int) -> None:
    assert array_tasks(text) == tasks


def test_amounts_of_memory() -> None:
    assert peak_mib("318476K") == pytest.approx(311.0, abs=0.1)
    assert (peak_mib("64M"), peak_mib("2G"), peak_mib("1.5G")) == (64, 2048, 1536)
    assert (peak_mib(""), peak_mib("0.00n"), peak_mib("16?")) == (None, None, None)
    assert amounts("cpu=4,mem=2G") == {"cpu": "4", "mem": "2G"}
    assert amounts("") == {}


@pytest.mark.parametrize("lie", ["-1", "1.5", "", "NaN", "١", "9" * 40, "0x10"])
def test_a_count_that_is_none(lie: str) -> None:
    with pytest.raises(ValueError, match="no count"):
        count(lie)


# --- tables


def table(text: str, *, status: int = 0) -> Completed:
    return Completed(status, text, "")


def test_an_empty_answer_has_a_heading_and_none_has_not() -> None:
    assert list(rows(table("A|B\n"), "A")) == []
    for text, status in (("", 0), ("\n", 0), ("Welcome!\n", 0), ("A|B\n", 1), ("A\n", 0), ("B|A\n", 0)):
        with pytest.raises(Unavailable):
            list(rows(table(text, status=status), "A"))


def test_a_banner_before_it_is_not_read() -> None:
    text = "Welcome | to the centre\nLast login: never\nA|B\n1|2\nlogout\n"
    assert list(rows(table(text), "A")) == [["1", "2"]]


def test_a_line_that_is_no_row_spoils_a_strict_table_only() -> None:
    broken = table("A|B\n1|2\n3|4|5\n6|7\n")
    with pytest.raises(Unavailable):
        list(rows(broken, "A"))
    assert list(rows(broken, "A", free=True)) == [["1", "2"], ["3", "4|5"], ["6", "7"]]


@given(st.text(max_size=200))
def test_free_text_stays_in_its_field(name: str) -> None:
    """Whatever somebody calls a job, it is no field of another, and other jobs are still told."""
    text = f"sampan|JOBID|NAME\nsampan|1|{name}\nsampan|2|after\n"
    found = list(marked(table(text), free=True))
    assert found[-1] == ["2", "after"]
    assert found[0] == ["1", name.split("\n")[0]]


@given(st.text(), st.sampled_from([True, False]))
def test_any_text_is_a_table_or_no_answer(text: str, free: bool) -> None:
    try:
        found = list(rows(table(text), "sampan", free=free))
    except SampanError:
        return
    assert all(isinstance(field, str) for fields in found for field in fields)


@given(st.text(max_size=60))
def test_no_field_breaks_its_reader(text: str) -> None:
    moment(text, BERLIN)
    duration(text)
    amounts(text)
    peak_mib(text)
    cards(text, ("dcu", "gpu"))
    tres_cards(text, ("dcu", "gpu"))
    assert array_tasks(text) >= 1
