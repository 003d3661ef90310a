"""What a program inside a job needs to know about its centre."""

from __future__ import annotations

from typing import Any

from sampan_hub.centre import Centre

__all__ = ["notebook_facts"]


def notebook_facts(centre: Centre, share_id: str | None = None) -> dict[str, Any]:
    """Facts for starting Dask workers at the centre the code runs at. No secret, nothing of other people."""
    descriptor = centre.descriptor
    share = centre.share(share_id) if share_id else descriptor.shares[0]
    known = centre.facts.share(share.id)
    room = known.room if known is not None else None
    return {
        "id": centre.id,
        "scheduler": descriptor.scheduler.kind,
        "share": share.id,
        "cores_max": share.cores,
        "memory_per_core_mib": round(share.memory_per_core_gib * 1024),
        "accelerators": {kind: count for kind, count in room.accelerators.items() if count} if room else {},
    }
