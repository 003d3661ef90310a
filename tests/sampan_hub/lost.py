"""A bench whose database forgets: jobs of a history that it does not know, and what is done with them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from sampan.need import Need
from sampan.stages import Kind
from sampan_hub.descriptor import Descriptor
from sampan_hub.papers import Papers
from sampan_hub.records import Launch
from sampan_hub.sweep import sweep
from tests.sampan_hub.scripted_centre import ACCOUNT, Bench, ScriptedJob

__all__ = ["age", "launch_of", "mapped", "ours", "settings", "sweep_all"]


async def sweep_all(two: Bench) -> None:
    for name in two.sites:
        await sweep(two.services, name)


def settings(two: Bench, **changes: Any) -> None:
    two.services.settings = replace(two.services.settings, **changes)


def age(two: Bench, seconds: float) -> None:
    for stray in two.services.strays.found.values():
        stray.since -= seconds


def ours(two: Bench, owner: str, **changes: Any) -> ScriptedJob:
    """A job at east that was submitted for that owner, in a history that this database does not know."""
    papers = Papers(
        **{
            "tag": f"sampan-test1-lost{owner}-1",
            "owner": owner,
            "account": ACCOUNT,
            "kind": Kind.SERVER,
            "name": "",
            "need": Need(),
            "options": {},
            "prefix": f"/user/{owner}/",
            "parent": None,
            "door_port": None,
            "centre": "east",
            "share": two.services.directory.centres["east"].descriptor.shares[0].id,
            "created_at": time.time(),
            "submitted_at": time.time(),
            **changes,
        }
    )
    script = f"#!/bin/bash\n# papers: {papers.seal(two.services.master)}\n"
    number = str(70 + len(two.sites["east"].jobs))
    job = ScriptedJob(number, papers.tag, papers.account, submitted_at=papers.submitted_at, script=script)
    two.sites["east"].jobs[number] = job
    return job


async def launch_of(two: Bench, job: ScriptedJob) -> Launch | None:
    return await two.store.launch(job.tag.split("-")[2])


def mapped(two: Bench, table: dict[str, str], name: str = "east") -> Descriptor:
    """From now on these people have these accounts there."""
    facts = two.services.directory.centres[name].descriptor
    accounts = facts.accounts.model_copy(update={"method": "table", "table": table, "account": None})
    two.put(name, facts.model_copy(update={"accounts": accounts}))
    return facts
