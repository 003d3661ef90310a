"""What happened to launches, written down: within the transaction of the change itself."""

from __future__ import annotations

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sampan.errors import Missing
from sampan.messages import Message
from sampan.stages import Seen, Stage
from sampan_hub.tables import attempts, launches, transitions

__all__ = ["advance", "tell"]


async def advance(
    connection: AsyncConnection,
    launch: str,
    message: Message,
    stage: Stage,
    seen: Seen,
    progress: int | None,
    *,
    at: float,
    attempt: int | None = None,
    final: str | None = None,
) -> None:
    """Says it: on the launch's row and in its history."""
    wanted = select(launches.c.progress).where(launches.c.id == launch).with_for_update()
    before = (await connection.execute(wanted)).scalar_one_or_none()
    if before is None:
        raise Missing("launch.unknown_id", launch=launch)
    shown = max(int(before), progress or 0)
    said = {
        "message": message.to_json(),
        "progress": shown,
        "stage": str(stage),
        "seen": str(seen),
        "seen_at": at,
    }
    await connection.execute(update(launches).where(launches.c.id == launch).values(said))
    centre = None
    if attempt is not None:
        same = (attempts.c.launch == launch) & (attempts.c.number == attempt)
        centre = (await connection.execute(select(attempts.c.centre).where(same))).scalar_one_or_none()
    await tell(
        connection, launch, message, stage, seen, shown, at=at, attempt=attempt, centre=centre, final=final
    )


async def tell(
    connection: AsyncConnection,
    launch: str,
    message: Message,
    stage: Stage,
    seen: Seen,
    progress: int,
    *,
    at: float,
    attempt: int | None = None,
    centre: str | None = None,
    final: str | None = None,
) -> None:
    row = {
        "launch": launch,
        "attempt": attempt,
        "at": at,
        "stage": str(stage),
        "seen": str(seen),
        "centre": centre,
    }
    said = {"progress": progress, "message": message.to_json(), "final": final}
    await connection.execute(insert(transitions).values(**row, **said))
