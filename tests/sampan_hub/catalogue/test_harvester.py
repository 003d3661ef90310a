"""A centre's files and modules become entries in one step; found again they change nothing, and what has gone is told."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import netCDF4
import pytest

from sampan.entries import Status
from sampan.errors import Conflict, Refused, Unavailable
from sampan_hub.catalogue import harvester
from sampan_hub.catalogue.harvest import Harvest, product
from sampan_hub.catalogue.harvester import Harvested, harvest
from sampan_hub.database import Database
from tests.sampan_hub.catalogue.a_verifier import Looking


@pytest.fixture
async def looking(tmp_path: Path, place: Path) -> AsyncIterator[Looking]:
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'broker.sqlite'}")
    made = Looking(database, place)
    yield made
    await made.close()
    await database.close()


async def reaped(looking: Looking, form: str = "folder", href: str = "{data}", **more: Any) -> Harvested:
    west = looking.centres["west"]
    told = {"provider": "west-archive", "licence": "CC-BY-4.0", "subject": "climate", **more}
    what = Harvest(centre="west", form=form, href=href, names=west.descriptor.names.model_dump(), **told)
    looking.clock += 60
    return await harvest(looking.shelf, looking.verifier, west, what, "root", looking.clock)


def grid(path: Path) -> None:
    with netCDF4.Dataset(path, "w") as file:
        for name, values in (("lat", [-10.0, 20.0]), ("lon", [0.0, 90.0, 270.0])):
            file.createDimension(name, len(values))
            file.createVariable(name, "f8", (name,))[:] = values
        file.createVariable("tas", "f4", ("lat", "lon"))[:] = 1.0
    path.chmod(0o644)


async def entries(looking: Looking, *names: str) -> list[tuple[Status, str | None]]:
    found = [await looking.shelf.entry("west-archive", name, "1") for name in names]
    return [(one.status, None if one.reason is None else one.reason.code) for one in found]


async def test_a_grid_with_what_it_holds_and_a_preview(looking: Looking) -> None:
    grid(looking.place / "west" / "data" / "tas_monthly.nc")
    looking.file("west", "broken.nc", "no netCDF")
    done = await reaped(looking)
    assert done.new == ("west-archive/tas-monthly@1",)
    assert [(what, why.code) for what, why in done.skipped] == [("broken", "check.not_opened")]
    tas = await looking.shelf.entry("west-archive", "tas-monthly", "1")
    assert (tas.status, tas.verified_at) == (Status.PUBLISHED, looking.clock)
    assert tas.document["variables"] == ["tas"]
    assert tas.document["extent"]["bbox"] == [0.0, -10.0, -90.0, 20.0]
    assert tas.document["replicas"][0]["bytes"] > 0
    assert tas.document["summary"] == {"en": "Found at Centre west.", "zh": "收录自west中心。"}
    assert tas.found is not None
    assert tas.found["dims"] == {"lat": 2, "lon": 3}
    assert await looking.verifier.findings.picture(tas.number) is not None


async def test_a_folder_from_the_first_time_to_the_last(looking: Looking) -> None:
    data = looking.place / "west" / "data"
    looking.file("west", "a.csv")
    looking.file("west", "b.csv")
    assert sorted((await reaped(looking)).new) == ["west-archive/a@1", "west-archive/b@1"]
    first = await looking.shelf.entry("west-archive", "a", "1")
    again = await reaped(looking)
    assert (again.new, again.changed, again.same, again.vanished) == ((), (), 2, ())
    assert (await looking.shelf.entry("west-archive", "a", "1")).revision == first.revision
    # One has changed, and one has gone.
    looking.file("west", "b.csv", "a,b,c\n1,2,3\n")
    (data / "a.csv").unlink()
    third = await reaped(looking)
    assert (third.changed, third.vanished) == (("west-archive/b@1",), ("west-archive/a@1",))
    assert await entries(looking, "a", "b") == [
        (Status.WITHDRAWN, "harvest.vanished"),
        (Status.PUBLISHED, None),
    ]
    # It comes back; what is there and cannot be opened for now is not taken for gone.
    looking.file("west", "a.csv")
    looking.file("west", "b.csv", "")
    fourth = await reaped(looking)
    assert (fourth.new, fourth.vanished) == (("west-archive/a@1",), ())
    assert await entries(looking, "a", "b") == [(Status.PUBLISHED, None)] * 2
    await looking.round()
    assert await entries(looking, "a", "b") == [(Status.PUBLISHED, None), (Status.QUARANTINED, "check.bytes")]


async def test_all_or_nothing(looking: Looking) -> None:
    looking.file("west", "a.csv")
    looking.file("west", "b.csv")
    (looking.place / "west" / "data" / "sub").mkdir()
    looking.file("west", "sub/b.csv")
    await reaped(looking, href="{data}/sub", provider="other")
    with pytest.raises(Refused) as failed:
        await reaped(looking, form="stac", href="{data}/nosuch.json")
    assert failed.value.code == "harvest.failed"
    # The name of the second belongs to somebody else: the first is not there either.
    with pytest.raises(Conflict) as taken:
        await reaped(looking, provider="other")
    assert taken.value.code == "harvest.taken"
    assert await looking.shelf.versions("other", "a") == ()
    looking.silence("west")
    with pytest.raises(Unavailable):
        await reaped(looking, href="{data}/sub", provider="other")
    (kept,) = await looking.shelf.versions("other", "b")
    assert kept.status is Status.PUBLISHED, "a centre that is away has lost nothing"


async def test_modules_of_lmod_are_software(looking: Looking) -> None:
    (looking.place / "west" / "data" / "octave").mkdir()
    looking.file("west", "octave/9.4.lua", 'whatis("Description: Octave, for matrices")\n')
    done = await reaped(looking, form="lmod", provider="west-modules", licence="GPL-3.0-or-later")
    assert done.new == ("west-modules/octave@9.4",)
    octave = await looking.shelf.entry("west-modules", "octave", "9.4")
    assert (octave.kind, octave.document["builds"][0]["name"]) == ("software", "octave/9.4")
    assert octave.verified_at == looking.clock
    before = octave.verified_at
    await looking.round()
    assert (await looking.shelf.entry("west-modules", "octave", "9.4")).verified_at == before


async def test_entries_are_made_beside_the_loop(looking: Looking, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []

    def made(*told: Any) -> Any:
        threads.append(threading.get_ident())
        return product(*told)

    monkeypatch.setattr(harvester, "product", made)
    looking.file("west", "a.csv")
    assert (await reaped(looking)).new == ("west-archive/a@1",)
    assert len(set(threads) - {threading.get_ident()}) == 1
