"""Claims count until a reading shows the job by itself."""

from __future__ import annotations

from sampan.need import Need
from sampan_hub.in_flight import InFlight


def test_a_claim_counts_until_a_later_reading() -> None:
    flying = InFlight()
    flying.claim("a", "east", "main", Need())
    assert [claim.launch for claim in flying.claims({"east": 50.0})] == ["a"]
    assert list(flying.claims({"east": 50.0}, besides="a")) == []
    flying.submitted("a", 60.0)
    assert [claim.launch for claim in flying.claims({"east": 60.0})] == ["a"]
    assert list(flying.claims({"east": 61.0})) == []
    flying.claim("a", "west", "main", Need())
    assert [claim.centre for claim in flying.claims({})] == ["west"]
    flying.release("a")
    flying.release("a")
    flying.submitted("a", 1.0)
    assert list(flying.claims({})) == []
