"""Parents and children: what a session started ends with it, but not because it was lost."""

from __future__ import annotations

from sampan.stages import Stage, Target
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
    """Sets the target of a child to stopped when its parent has ended on purpose, or was lost too long ago."""
    if launch.parent is None or launch.target is not Target.READY:
        return False
    parent = await services.store.launch(launch.parent)
    if parent is None or parent.stage is not Stage.ENDED:
        return False
    code = parent.cause.code if parent.cause else ""
    lost_for = services.now() - (parent.ended_at or 0.0)
    if code not in _ON_PURPOSE and lost_for < _ORPHAN_SECONDS:
        return False
    await services.store.update_launch(launch.id, target=Target.STOPPED)
    return True


async def adopt(services: Services, child: Launch, parent: str) -> None:
    """Gives a child whose parent was lost to the session that came back and asked for the same launch again."""
    if child.parent in (None, parent) or child.ended_at is not None:
        return
    before = await services.store.launch(str(child.parent))
    if before is None or before.stage is Stage.ENDED:
        await services.store.update_launch(child.id, parent=parent)
