"""Parents and children: what a session started ends with it, but not because it was lost."""

from __future__ import annotations

from sampan.messages import Message
from sampan.stages import Kind, Stage, Target
from sampan_hub.records import Launch
from sampan_hub.services import Services

__all__ = ["adopt", "outlived"]

_ON_PURPOSE = frozenset(
    {
        "ended.stopped",
        "ended.finished",
        "ended.time",
        "ended.cancelled_by_person",
        "ended.deserted",
        "ended.idle",
        "ended.let_go",
    }
)
_ORPHAN_SECONDS = 15 * 60
"""How long the children of a lost parent stay, to be adopted by a session that comes back."""


async def outlived(services: Services, launch: Launch) -> bool:
    """Sets the target of a child to stopped when its parent has ended on purpose, or was lost too long ago.

    A Dask cluster goes with the job that it was made in, whyever that has ended: its scheduler was a process there.
    """
    if launch.parent is None or launch.target is not Target.READY:
        return False
    parent = await services.store.launch(launch.parent)
    if parent is None:
        return False
    over = parent.stage is Stage.ENDED
    on_purpose = over and parent.cause is not None and parent.cause.code in _ON_PURPOSE
    if launch.kind is Kind.CLUSTER:
        lost = over or await _left_behind(services, launch)
    else:
        lost = over and services.now() - (parent.ended_at or 0.0) >= _ORPHAN_SECONDS
    if not on_purpose and not lost:
        return False
    orphan = {} if on_purpose or launch.kind is not Kind.CLUSTER else {"cause": Message("ended.deserted")}
    await services.store.update_launch(launch.id, target=Target.STOPPED, **orphan)
    return True


async def _left_behind(services: Services, cluster: Launch) -> bool:
    """Whether the job that a cluster was made in has ended, and its parent goes on in another."""
    made = await services.store.attempts(cluster.id)
    if not made:
        return False
    above = await services.store.attempts(str(cluster.parent))
    # A rival that came to nothing was never where the cluster is.
    return any(not one.rival and (one.ended_at or 0.0) > made[-1].created_at for one in above)


async def adopt(services: Services, child: Launch, parent: str) -> None:
    """Gives a child whose parent was lost to the session that came back and asked for the same launch again.

    Not a Dask cluster, which ends with its parent's job.
    """
    if child.parent in (None, parent) or child.ended_at is not None or child.kind is Kind.CLUSTER:
        return
    before = await services.store.launch(str(child.parent))
    if before is None or before.stage is Stage.ENDED:
        await services.store.update_launch(child.id, parent=parent)
