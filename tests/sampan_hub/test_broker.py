"""The broker as a process: killed at awkward moments, beside centres that hang, lose replies, leave and come back."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import time
from typing import Any

import yaml

from tests.sampan_hub.real_broker import RealBroker, real_broker
from tests.ways.whole_hub import came


def _attempts(broker: RealBroker, launch: str) -> list[dict[str, Any]]:
    with sqlite3.connect(broker.state / "broker.sqlite") as connection:
        connection.row_factory = sqlite3.Row
        query = "SELECT * FROM attempts WHERE launch = ? ORDER BY number"
        return [dict(row) for row in connection.execute(query, (launch,))]


async def test_killed_between_the_submission_and_its_row() -> None:
    """The reply never comes, the broker is killed while it waits: the next one finds the job by its tag."""
    async with real_broker(lambda broker: broker.only("east"), start=False) as broker:
        python = broker.awkward("east")
        await broker.begin()
        python.drop("submit")
        launch = (await broker.create())["id"]

        async def submitted() -> bool:
            return len(broker.live_jobs("east")) == 1

        await came(submitted)
        (row,) = _attempts(broker, launch)
        assert row["submit_began_at"] is not None
        assert row["job"] is None
        python.mend("submit")
        await broker.again()
        shown = await broker.at(launch, "running", "reachable")
        assert shown["job"] == "1"
        assert python.asked("submit") == 1
        assert len(broker.jobs("east")) == 1
        await broker.ask("DELETE", f"/launches/{launch}", "alice")
        await broker.at(launch, "ended")


async def test_killed_while_running_and_while_stopping() -> None:
    async with real_broker(lambda broker: broker.only("east")) as broker:
        stays, goes = (await broker.create("ann"))["id"], (await broker.create("ben"))["id"]
        before = await broker.at(stays, "reachable", user="ann")
        await broker.at(goes, "reachable", user="ben")
        await broker.ask("DELETE", f"/launches/{goes}", "ben")
        await broker.again()
        assert (await broker.at(goes, "ended", user="ben"))["cause"]["code"] == "ended.stopped"
        after = await broker.at(stays, "reachable", user="ann")
        assert (after["job"], after["door"]) == (before["job"], before["door"])
        assert [job["id"] for job in broker.live_jobs("east")] == [before["job"]]
        codes = [found["message"]["code"] for found in await _history(broker, stays, "ann")]
        assert "launch.unknown" not in codes, "a restart is no news of anybody's session"
        await broker.ask("DELETE", f"/launches/{stays}", "ann")
        await broker.at(stays, "ended", user="ann")


async def _history(broker: RealBroker, launch: str, user: str) -> list[dict[str, Any]]:
    with sqlite3.connect(broker.state / "broker.sqlite") as connection:
        rows = connection.execute("SELECT message FROM transitions WHERE launch = ?", (launch,)).fetchall()
    return [{"message": yaml.safe_load(row[0])} for row in rows]


async def test_a_centre_that_hangs_delays_nobody() -> None:
    async with real_broker(lambda broker: broker.only("east", "west"), start=False) as broker:
        python = broker.awkward("west")
        await broker.begin()
        lives = (await _at(broker, "west"))["id"]
        python.hang("*")
        began = time.monotonic()
        answer = await broker.ask("POST", "/place", json={"options": {}})
        assert time.monotonic() - began < 3.0
        assert answer["ranked"][0]["centre"] == "east"

        async def in_trouble() -> bool:
            asked = time.monotonic()
            centres = {centre["id"]: centre for centre in await broker.ask("GET", "/centres")}
            assert time.monotonic() - asked < 3.0
            west = centres["west"]
            return bool(centres["east"]["state"] == "ok" and west["state"] == "unknown" and west["problem"])

        await came(in_trouble, 25)
        centres = {centre["id"]: centre for centre in await broker.ask("GET", "/centres")}
        assert centres["west"]["shares"][0]["cores_free"] is None, "unknown, never free"
        began = time.monotonic()
        other = (await broker.create("eric"))["id"]
        shown = await broker.at(other, "running", "reachable", user="eric")
        assert shown["centre"] == "east"
        assert time.monotonic() - began < 6.0
        kept = await broker.show(lives, "wendy")
        assert kept["target"] == "ready"
        assert kept["ended_at"] is None
        python.mend("*")

        async def healed() -> bool:
            return bool((await broker.show(lives, "wendy"))["seen"] == "alive")

        await came(healed, 30)
        for user, launch in (("wendy", lives), ("eric", other)):
            await broker.ask("DELETE", f"/launches/{launch}", user)
            await broker.at(launch, "ended", user=user)


async def _at(broker: RealBroker, centre: str, user: str = "wendy") -> dict[str, Any]:
    made = await broker.create(user, cores=1, memory=0.5, centre=centre)
    return await broker.at(made["id"], "reachable", user=user)


async def test_a_centre_that_leaves_ends_nothing_and_comes_back() -> None:
    async with real_broker(lambda broker: broker.only("east", "west")) as broker:
        launch = (await _at(broker, "west"))["id"]
        path = broker.state / "centres" / "west.yaml"
        kept = path.read_text()
        path.unlink()

        async def gone() -> bool:
            return [centre["id"] for centre in await broker.ask("GET", "/centres")] == ["east"]

        await came(gone)
        shown = await broker.show(launch, "wendy")
        assert shown["ended_at"] is None
        assert shown["centre"] == "west"
        assert shown["names"] == {"en": "west", "zh": "west"}
        assert (await broker.send("GET", f"/launches/{launch}/log", "wendy")).status_code == 200
        await asyncio.sleep(2)
        assert (await broker.show(launch, "wendy"))["ended_at"] is None
        path.write_text(kept)

        async def back() -> bool:
            found = await broker.show(launch, "wendy")
            return bool(found["names"]["en"] != "west" and found["seen"] == "alive")

        await came(back)
        await broker.ask("DELETE", f"/launches/{launch}", "wendy")
        ended = await broker.at(launch, "ended", user="wendy")
        assert ended["cause"]["code"] == "ended.stopped"
        assert broker.live_jobs("west") == []


async def test_a_python_that_is_missing_at_one_centre_means_the_next_one() -> None:
    """Accepted, and then it fails in the job: one continuous progress, the reason and the log's tail kept."""

    def prepare(broker: RealBroker) -> None:
        broker.only("east", "west")
        broker.awkward("east").fail("sampan_kernels.launcher")

    async with real_broker(prepare) as broker:
        made = await broker.create("pia", cores=1, memory=0.5)
        shown = await broker.at(made["id"], "reachable", user="pia")
        assert [attempt["centre"] for attempt in shown["attempts"]] == ["east", "west"]
        assert shown["attempts"][0]["cause"]["code"] == "ended.failed"
        (first, _) = _attempts(broker, made["id"])
        assert "cannot contact the controller" in first["tail"]
        await broker.ask("DELETE", f"/launches/{made['id']}", "pia")
        await broker.at(made["id"], "ended", user="pia")


async def test_no_address_is_left_for_a_door() -> None:
    """The launch that nobody could ever enter ends, and does not stand in the way of the next one."""
    async with real_broker(lambda broker: broker.only("east"), start=False) as broker:
        broker.flags = ["--door-ports", "24990-24990"]
        await broker.begin()
        first = await broker.create("fay")
        refused = await broker.send(
            "POST", "/launches", "gus", json={"options": {"cores": 1}, "prefix": "/user/gus/"}
        )
        assert refused.status_code == 424
        assert refused.json()["error"]["code"] == "door.full"

        async def nothing_left() -> bool:
            return await broker.launches("gus") == []

        await came(nothing_left)
        await broker.ask("DELETE", f"/launches/{first['id']}", "fay")
        await broker.at(first["id"], "ended", user="fay")


async def test_stops_in_order_and_says_why_it_cannot_start() -> None:
    async with real_broker(lambda broker: broker.only("east")) as broker:
        launch = (await broker.create("hal"))["id"]
        await broker.at(launch, "running", "reachable", user="hal")
        second = await asyncio.to_thread(
            subprocess.run, broker_argv(broker), capture_output=True, text=True, timeout=60, check=False
        )
        assert second.returncode == 1, second.stderr
        assert "cannot start" in second.stderr
        assert "Traceback" not in second.stderr
        assert "is described by" not in second.stderr, "it looked at no centre"
        os.kill(broker.pid(), signal.SIGTERM)
        assert broker._up is not None
        assert await asyncio.to_thread(broker._up.wait, 15) == 0
        assert len(broker.live_jobs("east")) == 1, "jobs are not touched by its going"
        await broker.begin()
        await broker.ask("DELETE", f"/launches/{launch}", "hal")
        await broker.at(launch, "ended", user="hal")


def broker_argv(broker: RealBroker) -> list[str]:
    import sys

    argv = [sys.executable, "-m", "sampan_hub.broker", "--state", str(broker.state)]
    return [*argv, "--port", str(broker.port), "--hub-api", broker.hub_api, "--hub-id", "test1"]


async def test_how_long_starts_took_is_remembered_over_a_restart() -> None:
    """Three starts that found room, one of them before a kill -9: the next broker tells of all of them."""
    async with real_broker(lambda broker: broker.only("east")) as broker:

        async def told(starts: int) -> dict[str, Any] | None:
            (offer,) = (await broker.ask("POST", "/place", json={"options": {"cores": "1"}}))["ranked"]
            return offer["start"] if offer["start"]["starts"] == starts else None

        assert await told(0)
        for number in range(3):
            launch = (await broker.create(name=str(number)))["id"]
            await broker.at(launch, "running", "reachable")
            await broker.ask("DELETE", f"/launches/{launch}", "alice")
            await broker.at(launch, "ended")
            if number == 0:
                await broker.again()
        start = await came(lambda: told(3))
        assert start["sure"] is False
        assert start["words"]["en"].startswith("So far 3 starts here took")
        await broker.again()
        assert await came(lambda: told(3)) == start
