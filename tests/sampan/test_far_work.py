"""What travels between a notebook and its clusters elsewhere, and what is said of what cannot."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from sampan import far_work
from sampan.errors import Invalid, Refused, SampanError

pytestmark = pytest.mark.fast


def _refuses() -> object:
    raise RuntimeError


class Sealed:
    """Can be packed, and not be unpacked, whoever has taught pickle about errors in this process (dask's tblib does)."""

    def __reduce__(self) -> tuple[Callable[[], object], tuple[()]]:
        return _refuses, ()


class Rude(Exception):
    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.holds = Sealed()


def there(monkeypatch: pytest.MonkeyPatch, order: str) -> dict[str, str]:
    """Does it, and what that displayed."""
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr("IPython.display.publish_display_data", shown.append)
    far_work.work(order)
    [told] = shown
    assert told.keys() == {far_work.KIND}
    found: dict[str, str] = told[far_work.KIND]
    return found


def test_a_function_of_the_notebook_goes_and_its_result_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    scale = 3
    order = far_work.order(lambda numbers, by: numbers.sum() * by + scale, np.arange(5), by=2)
    assert far_work.read(there(monkeypatch, order), "west") == 23


def test_what_it_raises_is_raised_here_with_what_was_said_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise ZeroDivisionError("at all")

    with pytest.raises(ZeroDivisionError, match="at all") as caught:
        far_work.read(there(monkeypatch, far_work.order(fails)), "west")
    [note] = caught.value.__notes__
    assert note.startswith("west:\nTraceback")
    assert "in work" not in note
    assert "in fails" in note


def test_our_own_errors_keep_their_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise Refused("cluster.cores", centre="West", have=8, want=9)

    with pytest.raises(Refused) as caught:
        far_work.read(there(monkeypatch, far_work.order(fails)), "west")
    assert (caught.value.code, caught.value.message.params["want"]) == ("cluster.cores", 9)


def test_an_error_that_cannot_travel_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise Rude("one, two")

    with pytest.raises(Invalid, match="west") as caught:
        far_work.read(there(monkeypatch, far_work.order(fails)), "west")
    assert caught.value.code == "clusters.raised"
    assert "Rude: one, two" in str(caught.value)


@pytest.mark.parametrize(
    ("make", "code"),
    [(partial(np.zeros, 17 << 17), "clusters.large"), (threading.Lock, "clusters.travel")],
)
def test_what_is_too_large_or_cannot_travel_is_refused_where_it_is(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], object], code: str
) -> None:
    with pytest.raises(Invalid) as caught:
        far_work.order(len, make())
    assert caught.value.code == code
    with pytest.raises(Invalid) as caught:
        far_work.read(there(monkeypatch, far_work.order(make)), "west")
    assert caught.value.code == code


def test_as_much_as_may_travel_does(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = np.zeros(2_000_000)
    told = there(monkeypatch, far_work.order(lambda got: got, sent))
    assert far_work.read(told, "west").nbytes == sent.nbytes


def test_a_module_that_is_not_here_is_told() -> None:
    with pytest.raises(SampanError, match="nosuchmodule") as caught:
        far_work.unpack("gASVGgAAAAAAAACMDG5vc3VjaG1vZHVsZZSMBXRoaW5nlJOULg==")
    assert caught.value.code == "clusters.travel"
