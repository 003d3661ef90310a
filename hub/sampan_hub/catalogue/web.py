"""Everything of the catalogue that is answered over HTTP."""

from __future__ import annotations

from sampan_hub.catalogue import check_routes, face_routes, provider_routes, routes, stac_routes

__all__ = ["PARTS"]

PARTS = (routes, check_routes, face_routes, provider_routes, stac_routes)
