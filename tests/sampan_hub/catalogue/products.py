"""Products as providers write them."""

from __future__ import annotations

from typing import Any

from sampan_hub.catalogue.product import Product

__all__ = ["document", "product"]


def document(name: str = "sst", **more: Any) -> dict[str, Any]:
    return {
        "schema": "sampan/product/1",
        "provider": "ocean",
        "name": name,
        "version": "1.0",
        "kind": "dataset",
        "title": {"zh": "海表温度月平均", "en": "Monthly sea surface temperature"},
        "summary": {"zh": "全球。", "en": "Global."},
        "licence": "CC-BY-4.0",
        **more,
    }


def product(name: str = "sst", **more: Any) -> Product:
    return Product.model_validate(document(name, **more))
