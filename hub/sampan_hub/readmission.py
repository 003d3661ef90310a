"""Writing anew, within one transaction, what a job's papers tell of its launch."""

from __future__ import annotations

import time

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sampan.errors import Conflict
from sampan.messages import Message
from sampan.stages import PROGRESS, Seen, Stage, Target
from sampan_hub.changes import say
from sampan_hub.jobs import FoundJob
from sampan_hub.papers import Papers
from sampan_hub.records import Launch
from sampan_hub.rows import read_launch
from sampan_hub.tables import attempts, launches

__all__ = ["readmit"]


async def readmit(connection: AsyncConnection, papers: Papers, job: FoundJob, message: Message) -> Launch:
    """The launch with this job as a live attempt.

    Raises `Conflict` where its place is taken: the launch is over, another job of it came later, its parent is not known;
    `IntegrityError` where another launch of the same owner, kind and name lives.
    """
    row = await _launch(connection, papers, message)
    rival = await _attempt(connection, papers, job)
    if rival:
        # Its launch is where the holder is.
        stage, progress = Stage(row["stage"]), None
    else:
        stage, progress = Stage.SUBMITTED, PROGRESS[Stage.SUBMITTED]
    await say(connection, row, message, stage, Seen.ALIVE, progress, papers.number, papers.centre)
    launch = update(launches).where(launches.c.id == papers.launch)
    # Whoever reaches its launcher finds out whether it was told whose it is; until then nobody makes that anew.
    told = {} if rival or not job.began else {"identity_attempt": papers.number}
    made = await connection.execute(launch.values(id=papers.launch, **told).returning(launches))
    return read_launch(made.mappings().one())


async def _launch(connection: AsyncConnection, papers: Papers, message: Message) -> RowMapping:
    query = select(launches).where(launches.c.id == papers.launch).with_for_update()
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        if papers.parent is not None:
            above = select(launches.c.id).where(launches.c.id == papers.parent)
            if (await connection.execute(above)).one_or_none() is None:
                raise Conflict("launch.unknown_id", launch=papers.parent)
        made = await connection.execute(insert(launches).values(_row(papers, message)).returning(launches))
        row = made.mappings().one()
    if row["ended_at"] is not None or row["owner"] != papers.owner:
        raise Conflict("launch.over", launch=papers.launch)
    return row


def _row(papers: Papers, message: Message) -> dict[str, object]:
    return {
        "id": papers.launch,
        "owner": papers.owner,
        "kind": papers.kind,
        "name": papers.name,
        "need": papers.need.to_json(),
        "options": dict(papers.options),
        "prefix": papers.prefix,
        "target": Target.READY,
        "parent": papers.parent,
        "door_port": papers.door_port,
        "created_at": papers.created_at,
        "stage": Stage.SUBMITTED,
        "progress": PROGRESS[Stage.SUBMITTED],
        "message": message.to_json(),
    }


async def _attempt(connection: AsyncConnection, papers: Papers, job: FoundJob) -> bool:
    """Writes its row; whether it is a rival of a holder that lives."""
    now = time.time()
    mine = select(attempts).where(attempts.c.launch == papers.launch)
    rows = (await connection.execute(mine)).mappings().all()
    if any(row["number"] >= papers.number for row in rows):
        raise Conflict("launch.attempt", launch=papers.launch)
    rival = papers.rival and any(row["ended_at"] is None and not row["rival"] for row in rows)
    # It was made when those before it had been left: the copy of the database is older than that. What may still run of
    # them is the sweep's.
    left = [row["number"] for row in rows if row["ended_at"] is None and (row["rival"] or not rival)]
    before = update(attempts).where(attempts.c.launch == papers.launch, attempts.c.number.in_(left))
    cause = Message("ended.older").to_json()
    ended = {"stage": Stage.ENDED, "seen": Seen.UNKNOWN, "ended_at": now, "cause": cause}
    await connection.execute(before.values(ended))
    row = {
        "launch": papers.launch,
        "number": papers.number,
        "centre": papers.centre,
        "share": papers.share,
        "account": papers.account,
        "tag": papers.tag,
        "submit_began_at": papers.submitted_at,
        "submitted_at": papers.submitted_at,
        "created_at": papers.submitted_at,
        "minutes": papers.minutes,
        "rival": rival,
        "job": job.id,
        "stage": Stage.SUBMITTED,
        "stage_at": now,
        "seen": Seen.ALIVE,
        "seen_at": now,
        # One that runs may have been ready, and have variables: it is neither given up for a slow link nor started elsewhere.
        "ready_at": now if job.began else None,
    }
    await connection.execute(insert(attempts).values(row))
    return rival
