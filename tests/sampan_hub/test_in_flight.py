"""Claims count until a reading shows the job by itself."""

from __future__ import annotations

from sampan.need import Need
from sampan_hub.in_flight import InFlight


def _launches(claims: InFlight, measured: dict[str, float], besides: str = "") -> list[str]:
    return [claim.launch for claim in claims.claims(measured, besides)]


def test_a_claim_counts_until_a_later_reading_shows_the_job() -> None:
    claims = InFlight()
    claims.claim("a", "east", "main", Need())
    assert _launches(claims, {"east": 100.0}) == ["a"], "not submitted: no reading shows it"
    claims.submitted("a", 50.0)
    assert _launches(claims, {"east": 49.0}) == ["a"]
    assert _launches(claims, {"east": 50.0}) == ["a"], "the same moment is not later"
    assert _launches(claims, {"east": 51.0}) == []
    assert _launches(claims, {}) == ["a"], "nothing was measured"


def test_one_claim_a_launch_and_none_of_one_s_own() -> None:
    claims = InFlight()
    claims.claim("a", "east", "main", Need())
    claims.claim("a", "west", "main", Need())
    claims.claim("b", "west", "main", Need())
    assert [(claim.launch, claim.centre) for claim in claims.claims({})] == [("a", "west"), ("b", "west")]
    assert _launches(claims, {}, besides="a") == ["b"]
    claims.release("b")
    claims.release("b")
    claims.submitted("b", 1.0)
    assert _launches(claims, {}, besides="a") == []
