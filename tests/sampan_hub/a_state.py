"""The state directory of a hub that has lived a little, and the commands that keep it."""

from __future__ import annotations

import argparse
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sampan.need import Need
from sampan.stages import Kind
from sampan_hub.authority import Authority
from sampan_hub.state_directory import StateDirectory
from sampan_hub.store import Store
from tests.sampan_hub.descriptions import far

__all__ = ["TEXT", "a_state", "make_launch", "owners", "run", "same_files"]

TEXT = far()


async def a_state(path: Path) -> StateDirectory:
    """One launch, one person at the hub, one centre with its keys."""
    state = StateDirectory(path)
    state.make()
    (state.path / "centres" / "core.yaml").write_text(TEXT, encoding="utf-8")
    (state.path / "log" / "broker.log").write_text("not kept")
    Authority(state.path / "ca" / "core", "prod").state()
    with closing(sqlite3.connect(state.path / "hub.sqlite")) as hub:
        hub.executescript("CREATE TABLE users (name TEXT); INSERT INTO users VALUES ('李雷');")
    await make_launch(f"sqlite:///{state.path / 'broker.sqlite'}", "alice")
    return state


async def make_launch(url: str, owner: str) -> None:
    store = await Store.open(url)
    await store.create_launch(owner, Kind.SERVER, "", Need(), {}, f"/user/{owner}/")
    await store.close()


async def owners(url: str) -> list[str]:
    store = await Store.open(url)
    try:
        return [launch.owner for launch in await store.launches(None)]
    finally:
        await store.close()


def run(command: Any, state: StateDirectory, file: Path, *more: str) -> None:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    assert command.run(parser.parse_args([str(file), "--state", str(state.path), *more])) == 0


def same_files(one: Path, two: Path, folder: str) -> bool:
    first, second = ({p.name: p.read_bytes() for p in (where / folder).iterdir()} for where in (one, two))
    return first == second
