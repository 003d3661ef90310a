"""What a provider may say of a product, and what is refused, by the field's name."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import ValidationError

from sampan_hub.catalogue.product import Product, json_schema
from tests.sampan_hub.catalogue.products import document

pytestmark = pytest.mark.fast

REPLICA = {
    "centre": "west",
    "href": "{ocean}/sst/monthly.nc",
    "format": "application/netcdf",
    "opener": "netcdf4",
}


def refused(**more: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Product.model_validate(document(**more))
    return ".".join(str(part) for part in caught.value.errors()[0]["loc"])


def test_what_is_kept_can_be_read_again() -> None:
    told = Product.model_validate(document(replicas=[REPLICA], issued="2024-05-01"))
    assert Product.model_validate(told.to_json()) == told
    assert Product.model_validate_json(told.model_dump_json(by_alias=True)) == told
    Draft202012Validator(json_schema()).validate(told.to_json())


@pytest.mark.parametrize(
    ("href", "good"),
    [
        ("{ocean}/sst/monthly.nc", True),
        ("{packages}/a/.hidden/b.zarr", True),
        ("{ocean}/../secret", False),
        ("{ocean}/a/../../b", False),
        ("{ocean}/./b", False),
        ("{ocean}//etc/passwd", False),
        ("{ocean}", False),
        ("/etc/passwd", False),
        ("https://evil.example/x", False),
        ("{ocean}{root}/x", False),
        ("{ocean}/{root}", False),
        ("{0.__class__}/x", False),
        ("{ocean}/a\nb", False),
        ("{ocean}/a\x00b", False),
        ("{ocean}/..\\..\\x", False),
    ],
)
def test_a_place_is_below_a_root(href: str, good: bool) -> None:
    given = [{**REPLICA, "href": href}]
    if good:
        assert Product.model_validate(document(replicas=given)).replicas[0].href == href
    else:
        assert refused(replicas=given) == "replicas.0.href"


HOSTILE = [
    "[x](javascript:alert(1))",
    "[x]( JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](java&amp;#115;cript:alert(1))",
    "[x](javascript\\:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x]: data:text/html,x",
    "<vbscript:x>",
    "a\u202etxt.exe",
    "a\u2066b",
    "a\u200bb",
    "a\x1b[31m",
    "a\ud800",
    "",
    "x" * 20_001,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_refused_in_either_language(text: str) -> None:
    for language, other in (("en", "zh"), ("zh", "en")):
        told = {language: text, other: "good"}
        assert refused(description=told) == f"description.{language}"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>good",
        "<img src=x onerror=alert(1)>good",
        "<b onclick='x'>good</b>",
        "<svg/onload=x>good",
    ],
)
def test_html_is_taken_away(text: str) -> None:
    told = Product.model_validate(
        document(description={"en": text, "zh": "p < 0.05, *a* [b](https://c.d)\n\n- e"})
    )
    assert told.description is not None
    assert told.description.en == "good"
    assert told.description.zh == "p &lt; 0.05, *a* [b](https://c.d)\n\n- e"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", {"zh": "x", "en": "a\nb"}),
        ("title", {"en": "only one language"}),
        ("title", {"zh": "x", "en": "a\u202eb"}),
        ("summary", {"zh": "x", "en": "a" * 1001}),
        ("licence", "none at all"),
        ("licence", None),
        ("name", "../x"),
        ("version", ".."),
        ("related", ["javascript:x"]),
        ("doi", "10.1/<script>"),
        ("schema", "sampan/product/2"),
        ("keywords", [{"zh": "x", "en": "y"}] * 51),
        ("import", "os"),
        ("replicas", [{**REPLICA, "opener": "pickle"}]),
        ("replicas", [{**REPLICA, "bytes": float("inf")}]),
    ],
)
def test_what_is_wrong_is_named(field: str, value: Any) -> None:
    assert refused(**{field: value}).split(".")[0] == field


def test_a_licence_is_required_and_written_one_way() -> None:
    told = document()
    del told["licence"]
    with pytest.raises(ValidationError):
        Product.model_validate(told)
    assert Product.model_validate(document(licence="cc-by-4.0 or mit")).licence == "CC-BY-4.0 OR MIT"


def test_cards_and_offers_go_with_their_kinds() -> None:
    card = {
        "pipeline_tag": "image-classification",
        "base_model": "vision/resnet@50",
        "parameters": 25_000_000,
    }
    assert Product.model_validate(document(kind="model", card=card)).card is not None
    offer = {"plan": "small", "unit": "card-hour"}
    assert Product.model_validate(document(kind="offer", offer=offer)).offer is not None
    refused(card=card)
    refused(kind="model", offer=offer)
    assert refused(kind="offer", offer={**offer, "unit": "yuan"}) == "offer.unit"


def test_copies_that_are_notebooks_go_with_notebooks() -> None:
    copy = {**REPLICA, "href": "{ocean}/x.ipynb", "opener": "notebook"}
    assert refused(replicas=[copy]) == ""
    assert refused(kind="notebook", replicas=[REPLICA]) == ""
    assert Product.model_validate(document(kind="notebook", replicas=[copy])).replicas[0].opener == "notebook"


def test_a_group_goes_with_access_by_group() -> None:
    assert Product.model_validate(document(access="group", group="polar")).group == "polar"
    refused(access="group")
    refused(group="polar")
