"""Runs stac-api-validator in a process of its own; what it would fetch from schemas.stacspec.org comes from pystac, which ships it.

`python -m tests.sampan_hub.catalogue.validate_stac URL COLLECTION GEOMETRY TOKEN` ends with 0 where it found nothing wrong.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import requests
from pystac.validation.local_validator import get_local_schema_cache
from requests.adapters import BaseAdapter
from stac_api_validator.validations import QueryConfig, validate_api

_CLASSES = ["core", "collections", "features", "item-search"]


class _Shipped(BaseAdapter):
    """The schemas of STAC 1.1.0 and GeoJSON, as pystac ships them."""

    schemas = get_local_schema_cache()

    def send(self, request: Any, *args: Any, **more: Any) -> requests.Response:
        answer = requests.Response()
        answer.url, answer.request = request.url, request
        found = self.schemas.get(request.url.removesuffix("#"))
        answer.status_code = 404 if found is None else 200
        answer._content = json.dumps(found).encode()
        return answer

    def close(self) -> None:
        pass


def main(url: str, collection: str, geometry: str, token: str) -> int:
    made = requests.Session.__init__

    def begin(session: requests.Session) -> None:
        made(session)
        for place in ("https://schemas.stacspec.org/", "https://geojson.org/"):
            session.mount(place, _Shipped())

    requests.Session.__init__ = begin  # type: ignore[method-assign,assignment]
    warnings, errors = validate_api(
        root_url=url,
        ccs_to_validate=_CLASSES,
        collection=collection,
        geometry=geometry,
        auth_bearer_token=None,
        auth_query_parameter=None,
        fields_nested_property=None,
        validate_pagination=True,
        query_config=QueryConfig(*([None] * 13)),
        transaction_collection=None,
        headers={"Authorization": f"token {token}"},
        open_assets_urls=False,
    )
    print("warnings:", *warnings, sep="\n  ")
    print("errors:", *errors, sep="\n  ")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
