"""A citation in words and in BibTeX, from what the catalogue tells. Asking for it is tested in test_faces."""

from __future__ import annotations

from typing import Any

from sampan.citing import bibtex, sentence

SEA: dict[str, Any] = {
    "provider": "ocean",
    "name": "sea",
    "version": "1.0",
    "kind": "dataset",
    "title": {"zh": "海", "en": "The sea"},
    "contacts": [],
    "issued": None,
    "doi": None,
    "citation": None,
}


def test_without_anybody_s_words() -> None:
    assert sentence(SEA) == "ocean (n.d.): The sea. Version 1.0. ocean. Sampan: ocean/sea@1.0"


def test_words_of_a_provider_are_cited_as_they_are() -> None:
    told = {**SEA, "citation": "Lee 2024, Sea, v1.0.", "doi": "10.1/x_y"}
    assert sentence(told) == "Lee 2024, Sea, v1.0. https://doi.org/10.1/x_y"
    assert sentence({**told, "version": "3"}).startswith("Lee 2024, Sea, v1.0 (version 3). ")
    hostile = bibtex({**told, "title": {"zh": "x", "en": "}} \\input{/etc/passwd} @misc{x, $%"}})
    assert r"\}\} \textbackslash{}input\{/etc/passwd\} @misc\{x, \$\%" in hostile


def test_software_is_cited_as_that() -> None:
    assert bibtex({**SEA, "kind": "software"}).splitlines()[0] == "@software{ocean-sea-1-0,"
