"""Everything of the catalogue that is answered over HTTP."""

from __future__ import annotations

from sampan_hub.catalogue import face_routes, routes, stac_routes

__all__ = ["PARTS"]

PARTS = (routes, face_routes, stac_routes)
