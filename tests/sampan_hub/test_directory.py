from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_args

import pytest

from sampan_hub.centre import SCHEDULERS, TRANSPORTS
from sampan_hub.descriptor import Endpoint, SchedulerFacts
from sampan_hub.directory import CentreDirectory
from tests.sampan_hub.descriptions import far, here
from tests.sampan_hub.test_descriptor_file import BROKEN
from tests.waiting import until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "centres"
    folder.mkdir()
    for name in ("east", "west"):
        write(folder, name)
    return folder


def write(folder: Path, name: str, *, cores: int = 4) -> None:
    (folder / f"{name}.yaml").write_text(
        here(name, f"/srv/{name}", cores=cores, account="demo"), encoding="utf-8"
    )


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[tuple[CentreDirectory, list[set[str]]]]:
    """The directory at work, and the centres after each change it told of."""
    directory = CentreDirectory(folder)
    await directory.read()
    told: list[set[str]] = []
    running = asyncio.create_task(directory.run(lambda: told.append(set(directory.centres))))
    try:
        yield directory, told
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await directory.close()


async def test_centres_come_change_and_go_while_it_runs(folder: Path) -> None:
    async with watched(folder) as (directory, told):
        east, west = directory.centres["east"], directory.centres["west"]
        write(folder, "lake")
        await until(lambda: "lake" in directory.centres)
        write(folder, "east", cores=2)
        await until(lambda: directory.centres["east"].share("main").cores == 2)
        (folder / "lake.yaml").unlink()
        await until(lambda: "lake" not in directory.centres)
        assert directory.centres["east"] is not east
        assert directory.centres["west"] is west, "what did not change is the same object"
        assert told[0] == {"east", "west", "lake"}
        assert told[-1] == {"east", "west"}


async def test_broken_in_every_way_one_error_each_and_no_other_centre_the_worse(folder: Path) -> None:
    """Then each file is mended, and its centre comes without a restart."""
    count = 0
    for before, after, _, _ in BROKEN.values():
        count += 1
        (folder / f"broken{count}.yaml").write_text(far().replace(before, after, 1), encoding="utf-8")
    assert count >= 20
    async with watched(folder) as (directory, _):
        assert set(directory.centres) == {"east", "west"}
        assert len(directory.problems) == count
        for name, errors in directory.problems.items():
            assert {error.message.params["file"] for error in errors} == {name}
        for number in range(1, count + 1):
            text = here(f"c{number}", f"/srv/{number}", account="demo")
            (folder / f"broken{number}.yaml").write_text(text, encoding="utf-8")
        await until(lambda: len(directory.centres) == count + 2)
        assert directory.problems == {}


async def test_a_slip_of_the_pen_ends_no_session(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = CentreDirectory(folder)
    await directory.read()
    east = directory.centres["east"]
    good = (folder / "east.yaml").read_text(encoding="utf-8")
    (folder / "east.yaml").write_text(good.replace("cores: 4", "cores: four"), encoding="utf-8")
    with caplog.at_level(logging.ERROR):
        assert await directory.read()
        assert not await directory.read(), "and it is told once"
    assert directory.centres["east"] is east
    assert [error.message.params["key"] for error in directory.problems["east.yaml"]][:1] == [
        "scheduler.cores"
    ]
    assert sum("scheduler.cores" in record.message for record in caplog.records) == 1
    (folder / "east.yaml").write_text(good, encoding="utf-8")
    assert await directory.read()
    assert directory.problems == {}
    assert directory.centres["east"] is east


async def test_of_two_files_with_one_id_neither_is_guessed_at(folder: Path) -> None:
    directory = CentreDirectory(folder)
    await directory.read()
    east = directory.centres["east"]
    shutil.copy(folder / "east.yaml", folder / "copy.yaml")
    (folder / "one.yaml").write_text(here("twin", "/srv/1", account="demo"), encoding="utf-8")
    (folder / "two.yaml").write_text(here("twin", "/srv/2", account="demo"), encoding="utf-8")
    await directory.read()
    assert set(directory.problems) == {"east.yaml", "copy.yaml", "one.yaml", "two.yaml"}
    assert "two.yaml says twin too" in str(directory.problems["one.yaml"][0])
    assert "one.yaml says twin too" in str(directory.problems["two.yaml"][0])
    assert directory.centres == {"east": east, "west": directory.centres["west"]}, "what ran before goes on"
    (folder / "two.yaml").unlink()
    (folder / "copy.yaml").unlink()
    await directory.read()
    assert set(directory.centres) == {"east", "west", "twin"}
    assert directory.centres["east"] is east


async def test_a_file_may_be_renamed_and_a_centre_too(folder: Path) -> None:
    directory = CentreDirectory(folder)
    await directory.read()
    east = directory.centres["east"]
    (folder / "east.yaml").rename(folder / "harbour.yaml")
    await directory.read()
    assert directory.centres["east"] is east
    (folder / "harbour.yaml").write_text(here("harbour", "/srv/east", account="demo"), encoding="utf-8")
    await directory.read()
    assert set(directory.centres) == {"harbour", "west"}


async def test_a_folder_that_cannot_be_read_takes_no_centre_away(folder: Path) -> None:
    directory = CentreDirectory(folder)
    await directory.read()
    folder.rename(folder.with_name("moved"))
    await directory.read()
    assert set(directory.centres) == {"east", "west"}
    assert "No such file" in str(directory.problems["centres"][0])
    folder.with_name("moved").rename(folder)
    await directory.read()
    assert directory.problems == {}


async def test_what_is_no_descriptor_is_left_alone(folder: Path) -> None:
    (folder / ".east.yaml.swp").write_text("x")
    (folder / ".hidden.yaml").write_text("x")
    (folder / "east.yaml~").write_text("x")
    (folder / "README.md").write_text("x")
    directory = CentreDirectory(folder)
    await directory.read()
    assert (set(directory.centres), directory.problems) == ({"east", "west"}, {})


async def test_whatever_a_descriptor_may_name_is_built_in(folder: Path) -> None:
    (folder / "core.yaml").write_text(far(), encoding="utf-8")
    directory = CentreDirectory(folder)
    await directory.read()
    assert (set(directory.centres), directory.problems) == ({"core", "east", "west"}, {})
    assert set(TRANSPORTS) == set(get_args(Endpoint.model_fields["transport"].annotation))
    assert set(SCHEDULERS) == set(get_args(SchedulerFacts.model_fields["kind"].annotation))
    await directory.close()
