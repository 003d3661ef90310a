"""What a hostile provider may write: refused by the name of its field, or harmless wherever it is told.

One table of texts, tried in every field of a product; what is taken is then looked at in the interface, the tables and the
browser of a notebook, citations, and each face. The Lab's panel has a test of its own, in a browser.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
import yaml
from fastapi import FastAPI

from sampan.browsing import Browser
from sampan.citing import bibtex, sentence
from sampan.entries import Entry
from sampan.finding import Results
from sampan.messages import LANGUAGES
from sampan_hub import asking
from sampan_hub.body_limit import BodyLimit
from sampan_hub.catalogue.findings import Findings
from sampan_hub.catalogue.shelf import Shelf
from sampan_hub.catalogue.web import PARTS
from sampan_hub.database import Database
from sampan_hub.http_errors import answer_errors
from sampan_hub.people import Person
from tests.sampan_hub.catalogue.products import document

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXTS: Final = {
    "script": "<script>alert(1)</script>",
    "handler": "\"'><img src=x onerror=alert(1)>",
    "ends a script": "</script><script>alert(1)</script>",
    "link": "[x](javascript:alert(1))",
    "hidden link": "[x](java&#9;script&colon;alert(1))",
    "data link": "[x](data:text/html,<b>x</b>)",
    "right to left": "gnp.\u202egnp.exe",
    "isolates": "a\u2066b\u2069c",
    "zero width": "pay\u200bpal",
    "escape": "\x1b]8;;http://x\x07y\x1b[31m",
    "nul": "a\x00b",
    "half a character": "a\ud800b",
    "lines": "a\nb: c\n- d",
    "separators": "a\u2028b",
    "braces": "{env(HOME)} {{x}} {func(os:system)} ${HOME} %s %(x)s",
    "shell": "$(id); `id` && rm -rf ~",
    "climbs": "{packages}/../../etc/passwd",
    "dots": "{ocean}/a/./b/..",
    "absolute": "/etc/passwd",
    "drive": "file:///etc/passwd",
    "sql": "'); DROP TABLE entries; --",
    "formula": "=cmd|' /C calc'!A0",
    "latex": "\\input{/etc/passwd}}",
    "long": "x" * 300_000,
}
FIELDS: Final[dict[str, Any]] = {
    "title": lambda text: {"title": {"en": text, "zh": text}},
    "summary": lambda text: {"summary": {"en": text, "zh": text}},
    "description": lambda text: {"description": {"en": text, "zh": text}},
    "keywords": lambda text: {"keywords": [{"en": text, "zh": text}]},
    "citation": lambda text: {"citation": text},
    "variables": lambda text: {"variables": [text]},
    "contact": lambda text: {"contacts": [{"name": text}]},
    "mail": lambda text: {"contacts": [{"name": "x", "email": text}]},
    "doi": lambda text: {"doi": text},
    "licence": lambda text: {"licence": text},
    "subject": lambda text: {"subject": text},
    "group": lambda text: {"access": "group", "group": text},
    "related": lambda text: {"related": [text]},
    "format": lambda text: {"replicas": [{"href": "{ocean}/x.nc", "format": text, "opener": "netcdf4"}]},
    "href": lambda text: {"replicas": [{"href": text, "format": "netCDF", "opener": "netcdf4"}]},
    "opener": lambda text: {"replicas": [{"href": "{ocean}/x.nc", "format": "netCDF", "opener": text}]},
    "centre": lambda text: {
        "replicas": [{"centre": text, "href": "{ocean}/x", "format": "netCDF", "opener": "csv"}]
    },
    "build": lambda text: {
        "kind": "software",
        "builds": [{"method": "module", "name": text, "version": "1"}],
    },
    "limits": lambda text: {
        "kind": "software",
        "builds": [{"method": "module", "name": "x", "version": "1", "limits": {"en": text, "zh": text}}],
    },
    "plan": lambda text: {"kind": "offer", "offer": {"plan": text, "unit": "month"}},
    "card": lambda text: {"kind": "model", "card": {"pipeline_tag": text}},
}
PLAIN: Final = frozenset(
    {
        "title",
        "summary",
        "description",
        "keywords",
        "citation",
        "variables",
        "contact",
        "format",
        "limits",
        "group",
    }
)
"""Fields for words: what is only words to a program stands in them as it is."""
REFUSED_EVERYWHERE: Final = frozenset(
    {"right to left", "isolates", "zero width", "escape", "nul", "half a character", "separators", "long"}
)
REFUSED_AS_MARKDOWN: Final = frozenset({"link", "hidden link", "data link"})
KNOWN: Final = frozenset(
    {
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "code",
        "br",
        "small",
        "p",
        "svg",
        "path",
        "title",
    }
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    folder: Path = tmp_path_factory.mktemp("catalogue")
    database = await Database.open(f"sqlite+aiosqlite:///{folder / 'broker.sqlite'}")
    shelf = Shelf(database, folder / "catalogue")
    east = SimpleNamespace(descriptor=SimpleNamespace(roots={"ocean": "/data/ocean", "packages": "/env"}))
    app = FastAPI()
    app.state.services = SimpleNamespace(
        shelf=shelf,
        verifier=SimpleNamespace(findings=Findings(database, shelf)),
        directory=SimpleNamespace(centres={"east": east}),
        centre=lambda name: east,
        names=lambda name: {"en": name, "zh": name},
        address="https://hub.example/services/sampan",
    )
    for part in PARTS:
        app.include_router(part.routes)
    app.add_middleware(BodyLimit)
    answer_errors(app)
    app.dependency_overrides[asking._anybody] = lambda: Person("root", admin=True)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://b/api/catalogue") as made:
        yield made
    await database.close()


async def put(web: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
    # As text: half a character is something that a program would not even send.
    content = json.dumps(body).encode()
    return await web.post("/entries", content=content, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("field", FIELDS)
async def test_in_one_field_a_text_is_refused_by_its_name_or_is_only_words(
    web: httpx.AsyncClient, field: str
) -> None:
    for what, text in TEXTS.items():
        answer = await put(web, document(field, **FIELDS[field](text)))
        said = f"{what} in {field}: {answer.status_code} {answer.text[:300]}"
        if answer.status_code == 201:
            assert what not in REFUSED_EVERYWHERE, said
            continue
        assert (answer.status_code, bool(answer.json()["field"])) == (400, True), said
        assert len(answer.text) < 2000, said
        _harmless(answer.text)
        assert field not in PLAIN or what in _refused(field), said


@pytest.mark.parametrize("kind", ["dataset", "software"])
async def test_what_is_taken_is_harmless_wherever_it_is_told(web: httpx.AsyncClient, kind: str) -> None:
    """A product with the same text in every field that takes it, and the next one with the next text."""
    for at, text in enumerate(TEXTS.values()):
        told: dict[str, Any] = document(f"{kind}-{at}", kind=kind)
        for field in FIELDS:
            more = {**told, **FIELDS[field](text)}
            if more["kind"] == kind and (await put(web, {**more, "name": "tried"})).is_success:
                told = more
        answer = await put(web, told)
        path = f"/entries/ocean/{told['name']}/1.0"
        assert (await web.put(f"{path}/status", json={"status": "published"})).is_success
        await _looked_at(web, path, answer.json())
    await _told(web, "/search?q=sea&limit=100", "/dcat.jsonld", "/stac", "/stac/search?limit=100")
    made = await web.get("/intake.yaml", params={"centre": "east", "provider": "ocean"})
    entries = yaml.safe_load(made.text)["entries"]
    assert entries or kind != "dataset"
    for entry in entries.values():
        said = json.dumps(entry)
        assert re.fullmatch(r"\{data\([0-9a-f]{16}\)\}", entry["kwargs"]["args"][0]), said
        assert said.count("{") == said.count('": {') + 2, "nothing that intake would call"


def _refused(field: str) -> frozenset[str]:
    if field == "description":
        return REFUSED_EVERYWHERE | REFUSED_AS_MARKDOWN
    return REFUSED_EVERYWHERE | {"lines"}


async def _looked_at(web: httpx.AsyncClient, path: str, told: dict[str, Any]) -> None:
    """Wherever it is shown."""
    one = Entry.from_json(told)
    for language in LANGUAGES:
        found = Results((one,), 1, language=language)
        _words_only(found._repr_html_())
        _harmless(repr(found))
        browser = Browser("", lambda text, chosen, found=found: found, lambda ref: None, language)  # type: ignore[misc]
        _words_only(browser.card.value)
    for text in (sentence(told), bibtex(told)):
        _harmless(text)
    item = f"/stac/collections/ocean/items/{one.name}@1.0"
    await _told(web, path, f"{path}/dcat.jsonld", f"{path}/schema.jsonld")
    if one.kind == "dataset":
        await _told(web, item)


async def _told(web: httpx.AsyncClient, *paths: str) -> None:
    for path in paths:
        answer = await web.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert "json" in answer.headers["content-type"], path
        _harmless(answer.text)
        assert "<" not in answer.text or "jsonld" not in path, "it stands in a page as it is"
        _places(answer.json())


class _Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def _words_only(text: str) -> None:
    """HTML in which a provider's words are words."""
    tags = _Tags(text)
    assert tags.tags <= KNOWN, tags.tags
    assert not any(name.startswith("on") or name in {"href", "src"} for name in tags.attributes)
    _harmless(text)


def _harmless(text: str) -> None:
    """Nothing that a terminal obeys, or that turns the order of characters round."""
    assert not {char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs"}} - {"\n", "\t"}


def _places(told: Any) -> None:
    """Every address leads to the broker, to a folder below a centre's root, or to a DOI."""
    if isinstance(told, dict):
        for key, value in told.items():
            if key in {"href", "url", "@id"} and isinstance(value, str):
                assert re.match(
                    r"https://hub\.example/|file:///data/ocean/|https://doi\.org/10\.|https://spdx\.org/licenses/"
                    r"|https://orcid\.org/|mailto:|urn:sampan:|http://publications\.europa\.eu/|\{[a-z-]+\}/",
                    value,
                ), value
                assert "/../" not in value
            _places(value)
    elif isinstance(told, list):
        for value in told:
            _places(value)


async def test_ten_megabytes_are_not_read_to_their_end(web: httpx.AsyncClient) -> None:
    answer = await put(web, document("large", description={"en": "x" * 10_000_000, "zh": "x"}))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "need.too_large")
    many = await put(web, document("many", variables=["x"] * 50_000))
    assert (many.status_code, many.json()["field"]) == (400, "variables")
    deep = b'{"title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    answer = await web.post("/entries", content=deep, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
