"""The way of a session whose time runs out: a new one at the same centre, behind the same address."""

from __future__ import annotations

from typing import Any

from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came, whole_hub

LEFT = "import sampan; h = sampan.here(); print(h.launch, h.centre, round(h.time_left.total_seconds()))"
SAVE = "open('kept.txt', 'w').write('saved before'); kept = 42"


async def _kernel_elsewhere(hub: WholeHub, session: str) -> dict[str, Any]:
    wish = {"kind": "kernel", "name": "elsewhere", "parent": session, "options": {"plan": "light"}}
    launch = (await hub.ask("POST", "/launches", "ann", json=wish))["id"]

    async def ready() -> dict[str, Any] | None:
        shown: dict[str, Any] = await hub.ask("GET", f"/launches/{launch}", "ann")
        return shown if shown["stage"] == "ready" else None

    found: dict[str, Any] = await came(ready, 60)
    return found


async def test_a_session_moves_on_to_a_new_walltime(kind: str) -> None:
    """A file saved before is there, the variables are not, address and token are the same; a kernel elsewhere goes on."""
    async with whole_hub(kind) as hub, Person(hub, "ann") as ann:
        await ann.start(plan="light", hours="1")
        await ann.ready()
        kernel = await ann.kernel()
        await kernel.run(SAVE)
        before = await ann.launch()
        elsewhere = await _kernel_elsewhere(hub, before["id"])
        route, token = (await ann.server())["url"], await hub.ask("GET", _identity(before), "ann")
        assert before["may_move_on"] is True
        told = await hub.ask("POST", f"/launches/{before['id']}/move-on", "ann", json={"minutes": 120})
        assert told["message"]["code"] == "launch.moving"
        assert (told["stage"], told["may_move_on"], told["ends_at"]) == ("ready", False, before["ends_at"])

        # Nobody who takes part in it has to live through it.
        for part in ("broker", "hub"):
            await hub.restarted(part, hub.kill(part))
        await came(hub.answers, 60)

        async def moved() -> Any:
            now = await ann.launch()
            return now if now["job"] != before["job"] and now["stage"] == "ready" else None

        after = await came(moved, 120, every=0.3)
        assert (after["id"], after["centre"], after["door"]) == (
            before["id"],
            before["centre"],
            before["door"],
        )
        assert after["message"]["code"] == "launch.ready_again"
        jobs = [one["id"] for centre in hub.centres for one in hub.live_jobs(centre)]
        assert sorted(jobs) == sorted([after["job"], elsewhere["job"]])
        kernel_after = await hub.ask("GET", f"/launches/{elsewhere['id']}", "ann")
        assert (kernel_after["stage"], kernel_after["parent"]) == ("ready", after["id"])
        assert ((await ann.server())["url"], await hub.ask("GET", _identity(after), "ann")) == (route, token)
        again = await ann.kernel()
        assert (await again.run("print(open('kept.txt').read(), 'kept' in globals())")).split() == [
            "saved",
            "before",
            "False",
        ]
        name, centre, left = (await again.run(LEFT)).split()
        assert (name, centre) == (before["id"], before["centre"])
        assert 115 * 60 < int(left) <= 120 * 60
        assert after["ends_at"] - before["ends_at"] > 59 * 60
        await ann.stop()
        await ann.at("ended")

        async def none() -> bool:
            return not any(hub.live_jobs(centre) for centre in hub.centres)

        await came(none)


def _identity(launch: dict[str, Any]) -> str:
    return f"/launches/{launch['id']}/identity"
