"""A silence at a real broker: what its person is told, when they may decide, and what becomes of the job."""

from __future__ import annotations

from typing import Any

from tests.sampan_hub.real_broker import RealBroker, real_broker
from tests.ways.whole_hub import came


def _settle(broker: RealBroker) -> None:
    broker.only("east")
    broker.flags = ["--decide-after", "8"]


async def test_silence_decision_and_the_end_of_the_job() -> None:
    async with real_broker(_settle, start=False) as broker:
        python = broker.awkward("east")
        await broker.begin()
        launch = (await broker.create("lea"))["id"]
        shown = await broker.at(launch, "running", "reachable", user="lea")
        assert (shown["seen"], shown["may_decide_at"]) == ("alive", None)
        early = await broker.send("POST", f"/launches/{launch}/let-go", "lea")
        assert (early.status_code, early.json()["error"]["code"]) == (409, "launch.not_silent")
        python.fail("*")
        await broker.ask("DELETE", f"/launches/{launch}", "lea")

        async def silent() -> dict[str, Any] | None:
            found = await broker.show(launch, "lea")
            return found if found["message"]["code"] == "launch.stopping_unconfirmed" else None

        found = await came(silent)
        assert found["seen"] in ("unknown", "unreachable"), "a silent one may be set aside"
        assert found["may_decide_at"] == found["seen_since"] + 8
        early = await broker.send("POST", f"/launches/{launch}/let-go", "lea")
        assert (early.status_code, early.json()["error"]["code"]) == (409, "launch.silent_briefly")
        assert (await broker.send("POST", f"/launches/{launch}/let-go", "mia")).status_code == 404

        async def let_go() -> bool:
            return (await broker.send("POST", f"/launches/{launch}/let-go", "lea")).status_code == 202

        await came(let_go)
        ended = await broker.at(launch, "ended", user="lea")
        assert ended["cause"]["code"] == "ended.let_go"
        assert (await broker.send("POST", f"/launches/{launch}/let-go", "lea")).status_code == 202, (
            "twice is once"
        )
        assert (await broker.create("lea"))["id"] != launch, "its name is free again"
        python.mend("*")

        async def gone() -> bool:
            return not [job for job in broker.live_jobs("east") if launch in job["tag"]]

        # The sweep comes every minute; a broker that starts sweeps at once.
        await broker.again()
        await came(gone)
