"""Files arrive whole, once, and go on where a run that was killed has stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sampan.errors import Refused, Unavailable, Unreachable
from sampan_hub import carriage, demo_account
from sampan_hub.asks import Completed
from sampan_hub.carriage import Carried, Freight, carry
from sampan_hub.centre import Centre, make_centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import parse_descriptor
from sampan_hub.transports.local import LocalTransport
from tests.sampan_hub.descriptions import here

SIZES = (0, 1, 65536, 65537, 200_000)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriage, "PIECE", 65536)


@pytest.fixture
def centre(place: Path) -> Centre:
    result = parse_descriptor(here("a", str(place), account=demo_account.ensure()), "a.yaml")
    assert isinstance(result, Descriptor), result
    return make_centre(result)


@pytest.fixture
def freight(tmp_path: Path, place: Path) -> list[Freight]:
    made = []
    for size in SIZES:
        source = tmp_path / f"f{size}"
        source.write_bytes(bytes(number * 7 % 251 for number in range(size)))
        digest = hashlib.sha256(source.read_bytes()).hexdigest()
        made.append(Freight(source, str(place / source.name), digest, size))
    return made


async def told(centre: Centre, freight: Sequence[Freight]) -> list[Carried]:
    return [carried async for carried in carry(centre, freight)]


def arrived(freight: Sequence[Freight]) -> list[bool]:
    return [
        Path(one.target).is_file() and Path(one.target).read_bytes() == one.source.read_bytes()
        for one in freight
    ]


async def test_everything_arrives_and_only_once(centre: Centre, freight: list[Freight], place: Path) -> None:
    steps = await told(centre, freight)
    assert steps[0] == Carried(0, 0, sum(SIZES))
    assert steps[-1] == Carried(0, sum(SIZES), sum(SIZES))
    assert all(arrived(freight))
    assert not list(place.glob("*.part"))
    assert await told(centre, freight) == [Carried(sum(SIZES), 0, 0)]


async def test_killed_in_the_middle_it_goes_on(centre: Centre, freight: list[Freight]) -> None:
    running = carry(centre, freight)
    async for carried in running:
        if carried.sent > sum(SIZES[:-1]):
            break
    await running.aclose()
    assert arrived(freight) == [True, True, True, True, False]
    steps = await told(centre, freight)
    assert steps[0] == Carried(sum(SIZES[:-1]), 0, SIZES[-1])
    assert all(arrived(freight))


async def test_what_was_damaged_there_is_sent_again(centre: Centre, freight: list[Freight]) -> None:
    await told(centre, freight)
    Path(freight[2].target).write_bytes(b"x" * 65536)
    assert (await told(centre, freight))[0].size == 65536
    assert all(arrived(freight))


class Lossy(LocalTransport):
    """A way that loses the last byte of each piece, or is cut after some."""

    def __init__(self, loses: bool, cut_after: int = 10**6) -> None:
        super().__init__({"en": "A", "zh": "甲"}, demo_account.ensure())
        self._loses, self._left = loses, cut_after

    async def run(self, argv: Sequence[str], stdin: bytes = b"", **options: Any) -> Completed:
        if argv[0] == "dd":
            self._left -= 1
            if self._left < 0:
                raise Unreachable("link.cut")
        return await super().run(argv, stdin[:-1] if self._loses else stdin, **options)


async def test_what_does_not_arrive_as_it_was_sent_gets_no_name(
    centre: Centre, freight: list[Freight]
) -> None:
    lossy = Centre(centre.descriptor, Lossy(loses=True), centre.scheduler)
    with pytest.raises(Unavailable) as caught:
        await told(lossy, freight[2:])
    assert caught.value.code == "environment.damaged"
    assert not any(arrived(freight))


async def test_a_way_that_is_cut(centre: Centre, freight: list[Freight]) -> None:
    cut = Centre(centre.descriptor, Lossy(loses=False, cut_after=5), centre.scheduler)
    with pytest.raises(Unreachable):
        await told(cut, freight)
    assert arrived(freight) == [True, True, True, True, False]
    await told(centre, freight)
    assert all(arrived(freight))


async def test_a_folder_that_is_not_ours(centre: Centre, freight: list[Freight]) -> None:
    elsewhere = [Freight(one.source, f"/proc/{one.source.name}", one.digest, one.size) for one in freight]
    with pytest.raises(Refused) as caught:
        await told(centre, elsewhere)
    assert "/proc/f0.part" in caught.value.message.say("en")
