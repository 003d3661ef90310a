"""What is counted in the tables, on both kinds of database."""

from __future__ import annotations

from sampan.messages import Message
from sampan.need import Need
from sampan.stages import Kind, Seen, Stage
from sampan_hub import queries
from sampan_hub.store import Store


async def test_how_launches_stand_and_what_happened_to_them(url: str) -> None:
    store = await Store.open(url)
    try:
        (nothing,) = await store.rows(queries.last())
        assert nothing["number"] == 0
        for owner in ("ann", "ben"):
            await store.create_launch(owner, Kind.SERVER, "", Need(cores=1), {}, "/")
        (ann, _) = await store.create_launch("ann", Kind.SERVER, "", Need(cores=1), {}, "/")
        attempt = await store.add_attempt(
            ann.id,
            centre="east",
            share="main",
            account="a",
            hub_id="test1",
            message=Message("launch.accepted"),
            progress=1,
        )
        standings = {
            (row["centre"], row["seen"]): row["launches"] for row in await store.rows(queries.standings())
        }
        assert standings == {("", "alive"): 1, ("east", "alive"): 1}, "nobody has been silent yet"
        await store.step(
            ann.id,
            attempt=attempt.number,
            message=Message("launch.accepted"),
            stage=Stage.PLACED,
            seen=Seen.UNREACHABLE,
        )
        (silent,) = [row for row in await store.rows(queries.standings()) if row["centre"]]
        assert (silent["seen"], silent["kind"], silent["stage"]) == ("unreachable", "server", "placed")
        steps = [row["number"] for row in await store.rows(queries.after(0))]
        assert steps == sorted(steps)
        assert len(steps) == 4
        (last,) = await store.rows(queries.last())
        assert last["number"] == steps[-1]
        assert await store.rows(queries.after(steps[-1])) == ()
    finally:
        await store.close()
