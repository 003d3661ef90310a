"""The centres' shares as offers in the catalogue, from what the centres say of themselves. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from sampan_hub.catalogue.product import SCHEMA, Product

__all__ = ["PROVIDER", "offers"]

PROVIDER: Final = "demo-centres"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
_LONGEST: Final = 200


def offers(centres: Iterable[Mapping[str, Any]]) -> Iterator[Product]:
    """One a share, as the broker's list of centres tells of it; one whose name is no name of a product is left out."""
    for centre in centres:
        for share in centre["shares"]:
            name = f"{centre['id']}-{share['id']}".lower().replace("_", "-")
            if _NAME.fullmatch(name) and _NAME.fullmatch(centre["id"]):
                yield _offer(name, centre, share)


def _offer(name: str, centre: Mapping[str, Any], share: Mapping[str, Any]) -> Product:
    cards = sorted(share["accelerators"])
    hours = share["max_hours"]
    told = {
        "schema": SCHEMA,
        "provider": PROVIDER,
        "name": name,
        "version": "1",
        "kind": "offer",
        "title": {
            language: f"{centre['names'][language]}{between}{share['names'][language]}"[:_LONGEST]
            for language, between in (("zh", "："), ("en", ": "))
        },
        "summary": {
            "zh": f"按{'卡时' if cards else '核时'}计，每次最长 {hours} 小时{_with('，配有 ', cards, '、')}。",
            "en": f"Computing{_with(' with ', cards, ', ')}, for {hours} hours at a time at the most.",
        },
        "subject": "computing",
        "licence": "LicenseRef-terms-of-the-centre",
        "offer": {
            "centre": centre["id"],
            "plan": "accelerated" if cards else "standard",
            "unit": "card-hour" if cards else "core-hour",
        },
    }
    return Product.model_validate(told)


def _with(before: str, cards: list[str], between: str) -> str:
    return before + between.join(cards) if cards else ""
