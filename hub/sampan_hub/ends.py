"""How a session has ended, for a page that its server has left behind: the token that it asked with died with it."""

from __future__ import annotations

import hmac
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path

from sampan.errors import Missing
from sampan_hub.asking import Parts

__all__ = ["routes"]

routes = APIRouter(prefix="/api")


@routes.get("/launches/{launch}/end")
async def tell_end(
    launch: Annotated[str, Path(pattern=r"^[a-z0-9]{4,16}$")],
    services: Parts,
    x_sampan_end_key: Annotated[str, Header(max_length=64)] = "",
) -> dict[str, Any]:
    """When the launch has ended and its last word, null while it lives; to whoever shows the key that its server had."""
    proof = services.master.end_key(launch).encode()
    shown = hmac.compare_digest(proof, x_sampan_end_key.encode())
    row = await services.store.launch(launch) if shown else None
    if row is None:
        raise Missing("launch.unknown_id", launch=launch)
    return {"ended_at": row.ended_at, "message": None if row.live else row.message.to_json()}
