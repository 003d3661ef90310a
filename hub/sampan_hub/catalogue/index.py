"""Finding entries by words: an index in a folder, made from the rows and made anew whenever it is not theirs.

Rank is a tuple of questions, each a bit of the score (title, verified, readable, here, used): it sorts as the tuple does,
and can be told in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tantivy import Document, Index, IndexWriter, Occur, Query, SchemaBuilder, Searcher, SearchResult

from sampan_hub.catalogue.question import Term, read
from sampan_hub.catalogue.words import SHORT, Run, chars, pairs, runs, sound, sounds, starts, tokens

__all__ = ["FACETS", "REASONS", "Found", "SearchIndex", "Seeker", "Texts"]

FACETS: Final = ("kind", "provider", "subject", "centre", "licence", "access", "generated")
REASONS: Final[Mapping[str, int]] = {"title": 16, "verified": 8, "readable": 4, "here": 2, "used": 1}
"""The questions that the rank is made of, the weightiest first, each with its bit of the score."""
EVERYWHERE: Final = "*"
"""As a centre: in the environment of every one. As a reader: everybody."""
_HEAP: Final = 64_000_000
_CHOICES: Final = 50
_WORDS: Final = "whitespace"


@dataclass(frozen=True, slots=True)
class Texts:
    """One entry as far as it is found: what its title (with keywords and names of variables) and the rest say, its facets."""

    number: int
    title: tuple[str, ...]
    rest: tuple[str, ...]
    facets: Mapping[str, tuple[str, ...]]
    readers: tuple[str, ...]
    """Everybody, or one group, or nobody."""
    used: bool = False
    verified: bool = False
    """Whether it was seen to be sound where it was last looked at."""


@dataclass(frozen=True, slots=True)
class Seeker:
    """For whom the rank is made: the readers they count as, and the centre they are at."""

    readers: tuple[str, ...] = (EVERYWHERE,)
    centre: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The numbers of the best, each with its reasons; how many there are; and facet → value → how many."""

    total: int
    hits: tuple[tuple[int, tuple[str, ...]], ...]
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


class SearchIndex:
    """Blocking, for a thread of its own; one writes at a time, any number search."""

    def __init__(self, folder: Path | None = None) -> None:
        """In memory where no folder is given."""
        builder = SchemaBuilder()
        builder.add_integer_field("number", indexed=True, fast=True)
        for name, how in (
            ("text", "position"),
            ("title", "position"),
            ("short", "basic"),
            ("title_short", "basic"),
            ("sound", "basic"),
        ):
            builder.add_text_field(name, tokenizer_name=_WORDS, index_option=how)
        for name in FACETS:
            builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
        for name in ("reader", "place", "used", "verified"):
            builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
        self._schema = builder.build()
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._index = Index(self._schema, path=None if folder is None else str(folder))
        # Kept: it merges what was written, beside whoever searches.
        self._writer: IndexWriter | None = None

    def write(self, some: Iterable[Texts], gone: Iterable[int] = (), *, empty: bool = False) -> None:
        """Puts each in the place of what had its number, and takes the others away; all of it is found afterwards, or nothing."""
        writer = self._writer = self._writer or self._index.writer(_HEAP, 1)
        if empty:
            writer.delete_all_documents()
        for number in gone:
            writer.delete_documents_by_term("number", number)
        for one in some:
            writer.delete_documents_by_term("number", one.number)
            writer.add_document(self._document(one))
        writer.commit()
        self._index.reload()

    def close(self) -> None:
        """Lets another process write to the folder."""
        if self._writer is not None:
            self._writer.wait_merging_threads()
            self._writer = None

    def _document(self, one: Texts) -> Document:
        every = (*one.title, *one.rest)
        document = Document()
        document.add_integer("number", one.number)
        document.add_text("text", " ".join(tokens(every)))
        document.add_text("title", " ".join(tokens(one.title)))
        document.add_text("short", " ".join(chars(every) | starts(every)))
        document.add_text("title_short", " ".join(chars(one.title) | starts(one.title)))
        document.add_text("sound", " ".join(sounds(one.title)))
        for name, values in one.facets.items():
            for value in values:
                document.add_text(name, value)
        places = one.facets.get("centre", ())
        for place in (EVERYWHERE,) if EVERYWHERE in places else places:
            document.add_text("place", place)
        for reader in one.readers:
            document.add_text("reader", reader)
        if one.used:
            document.add_text("used", "1")
        if one.verified:
            document.add_text("verified", "1")
        return document

    def search(
        self,
        text: str,
        seeker: Seeker = Seeker(),
        chosen: Mapping[str, Sequence[str]] | None = None,
        *,
        limit: int = 20,
        offset: int = 0,
        counted: bool = False,
    ) -> Found:
        """The best `limit` after `offset`; with `counted`, how many each further choice would leave.

        `chosen`: facet → values, of which one must be there. A facet's own choice does not take its other values away.
        """
        asked, chosen = self._asked(read(text)), chosen or {}
        searcher = self._index.searcher()
        query = self._ranked(self._narrowed(asked, chosen), read(text), seeker)
        found = searcher.search(query, limit=limit, offset=offset, count=True)
        reasons = [_reasons(score) for score, _ in found.hits]
        hits = tuple(zip(_numbers(searcher, found), reasons, strict=True))
        facets = self._facets(searcher, asked, chosen) if counted else {}
        total: int = getattr(found, "count", 0)  # the library's stub has forgotten it
        return Found(total, hits, facets)

    def known(self, prefix: str, limit: int = 5000) -> list[tuple[str, int]]:
        """Words that begin so, each with the number of entries that it stands in."""
        return list(self._index.searcher().terms_with_prefix("title", prefix, limit=limit))

    def sounding(self, text: str) -> list[int]:
        """The numbers of some entries whose titles hold something that sounds like this."""
        asked = sound("".join(run.text for run in runs(text) if run.dense))
        searcher = self._index.searcher()
        return _numbers(searcher, searcher.search(self._is("sound", asked), limit=_CHOICES))

    # --- questions

    def _asked(self, terms: Sequence[Term], field: str = "text") -> Query:
        last = len(terms) - 1
        parts = [self._term(term, field, at == last) for at, term in enumerate(terms)]
        return _all(parts) if parts else Query.all_query()

    def _term(self, term: Term, field: str, last: bool) -> Query:
        ways = [_all([self._run(run, field, last and run is term.runs[-1]) for run in term.runs])]
        ways += [_all([self._run(run, field, False) for run in row]) for row in term.same]
        if term.parts:
            ways.append(_all([self._term(part, field, False) for part in term.parts]))
        return _any(ways)

    def _run(self, run: Run, field: str, last: bool) -> Query:
        short = "short" if field == "text" else "title_short"
        if run.dense:
            if len(run.text) == 1:
                return self._is(short, run.text)
            some = pairs(run.text)
            return self._is(field, some[0]) if len(some) == 1 else self._phrase(field, some)
        heard = [] if field != "text" or len(run.text) < 2 else [self._is("sound", run.text)]
        if not last:
            return _any([self._is(field, run.text), *heard])
        if len(run.text) <= SHORT:
            return _any([self._is(short, run.text), *heard])
        # A run holds letters and digits alone: none of them means anything in a pattern.
        begins = f"{run.text}.*"
        heard = [Query.regex_query(self._schema, "sound", begins)] if heard and run.text.isascii() else []
        return _any([Query.regex_query(self._schema, field, begins), *heard])

    def _is(self, field: str, value: str) -> Query:
        return Query.term_query(self._schema, field, value, "basic")

    def _phrase(self, field: str, words: list[str]) -> Query:
        return Query.phrase_query(self._schema, field, list(words))

    def _narrowed(self, query: Query, chosen: Mapping[str, Sequence[str]], but: str = "") -> Query:
        parts = [query]
        for name, values in chosen.items():
            if name != but:
                wide = (*values, EVERYWHERE) if name == "centre" else values
                parts.append(_any([self._is(name, value) for value in wide]))
        return _all(parts)

    def _ranked(self, query: Query, terms: Sequence[Term], seeker: Seeker) -> Query:
        """The query with each bit that an entry earns. Of the ways to a bit no entry has two, or it would count twice."""
        groups = [self._is("reader", reader) for reader in seeker.readers if reader != EVERYWHERE]
        ways = [
            ("readable", self._is("reader", EVERYWHERE)),
            ("here", self._is("place", EVERYWHERE)),
            ("used", self._is("used", "1")),
            ("verified", self._is("verified", "1")),
        ]
        if groups:
            ways.append(("readable", _any(groups)))
        if seeker.centre is not None:
            ways.append(("here", self._is("place", seeker.centre)))
        if terms:
            ways.append(("title", self._asked(terms, "title")))
        ranked = Query.const_score_query(query, 0.0)
        for name, way in ways:
            # One inside the other: of several beside each other the library reads every list to its end, found or not.
            earned = Query.const_score_query(way, REASONS[name])
            ranked = Query.boolean_query([(Occur.Must, ranked), (Occur.Should, earned)])
        return ranked

    def _facets(
        self, searcher: Searcher, asked: Query, chosen: Mapping[str, Sequence[str]]
    ) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        groups: list[tuple[str, tuple[str, ...]]] = [(name, (name,)) for name in FACETS if name in chosen]
        groups.append(("", tuple(name for name in FACETS if name not in chosen)))
        for but, names in groups:
            if names:
                wanted = {name: {"terms": {"field": name, "size": _CHOICES}} for name in names}
                counted = searcher.aggregate(self._narrowed(asked, chosen, but), wanted)
                for name in names:
                    found[name] = {
                        str(b["key"]): int(b["doc_count"]) for b in counted[name]["buckets"] if b["doc_count"]
                    }
        return found


def _numbers(searcher: Searcher, found: SearchResult) -> list[int]:
    told = searcher.fast_field_values("number", [address for _, address in found.hits])
    return [int(number) for number in told if number is not None]


def _all(parts: Sequence[Query]) -> Query:
    return parts[0] if len(parts) == 1 else Query.boolean_query([(Occur.Must, part) for part in parts])


def _any(parts: Sequence[Query]) -> Query:
    return parts[0] if len(parts) == 1 else Query.boolean_query([(Occur.Should, part) for part in parts])


def _reasons(score: float) -> tuple[str, ...]:
    return tuple(name for name, bit in REASONS.items() if round(score) & bit)
