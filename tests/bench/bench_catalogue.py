"""Words to the ranked twenty, in catalogues of three sizes, beside SQLite FTS5 and PostgreSQL's GIN on the same questions.

The two others get our tokens, as text cut at spaces: they, too, find two Chinese characters that way. They rank by nothing
(the newest first) and count no facets, where ours does both: what is measured beside them is finding alone.
`python -m tests.bench.bench_catalogue 1000000` measures one size; `make bench` the two smaller ones.
"""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import psycopg

from sampan.entries import Status
from sampan_hub.catalogue.generated import products
from sampan_hub.catalogue.index import SearchIndex, Seeker
from sampan_hub.catalogue.product import Product
from sampan_hub.catalogue.question import read
from sampan_hub.catalogue.rows import Kept
from sampan_hub.catalogue.texts import texts
from sampan_hub.catalogue.words import normal, pairs, runs, tokens
from tests.bench.catalogue_mix import Question, mix
from tests.bench.figures import Figure, keep, measured, table
from tests.postgres import cluster

__all__ = ["run"]

SIZES: Final = (3_200, 100_000)
REACH: Final = {3_200: (2.0, 2.0), 1_000_000: (15.0, 80.0)}
"""Entries → the 99th percentile to reach in milliseconds: the ranked twenty, and with facets."""
_SAMPLE: Final = 2_000
_BATCH: Final = 5_000
_TRUTHS: Final = 60
_SAMPLE_OF_TRUTH: Final = 100_000
"""In a larger catalogue fewer questions are held against the truth: that takes a look at every entry for each."""
SEEKER: Final = Seeker(("*",), "east")

Search = Callable[[str], object]


async def run() -> list[Figure]:
    return await asyncio.to_thread(measure, SIZES)


def measure(sizes: Sequence[int]) -> list[Figure]:
    figures: list[Figure] = []
    with cluster() as socket, tempfile.TemporaryDirectory(prefix="catalogue-") as folder:
        for size in sizes:
            figures += _of_size(size, Path(folder) / str(size), socket)
    keep("catalogue-" + "-".join(map(str, sizes)), figures)
    return figures


def _of_size(size: int, folder: Path, socket: str) -> list[Figure]:
    folder.mkdir()
    questions = mix(list(products(min(size, _SAMPLE))))
    index, fts, gin = SearchIndex(folder / "index"), _Fts5(folder / "fts.sqlite"), _Gin(socket)
    truth = _Truth(questions, 20 if size > _SAMPLE_OF_TRUTH else _TRUTHS)
    built = 0.0
    for batch in _batches(size):
        began = time.perf_counter()
        index.write(texts(_kept(number, one)) for number, one in batch)
        built += time.perf_counter() - began
        rows = [(number, " ".join(tokens(_said(one)))) for number, one in batch]
        for other in (fts, gin):
            other.write(rows)
        truth.look(one for _, one in batch)
    gin.end()
    name, (short, long) = f"catalogue of {size:,}", REACH.get(size, (None, None))
    peers = {"SQLite FTS5": _times(fts.search, questions), "PostgreSQL GIN": _times(gin.search, questions)}
    found = _times(lambda text: index.search(text, SEEKER), questions)
    counted = _times(lambda text: index.search(text, SEEKER, counted=True), questions)
    recall = truth.recall(index)
    return [
        *(_p99(f"{name}: the ranked 20", found, short, peer, times) for peer, times in peers.items()),
        _p99(f"{name}: with facets", counted, long),
        measured(f"{name}: recall", "of truth", [recall], reach="1", met=recall == 1),
        measured(f"{name}: made anew", "s", [built]),
        measured(f"{name}: on disk", "MB", [_weight(folder / "index") / 1e6]),
        measured(
            "memory of the process so far", "MB", [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3]
        ),
    ]


def _kept(number: int, one: Product) -> Kept:
    identity = (one.provider, one.name, one.version, one.kind)
    return Kept(number, *identity, Status.PUBLISHED, None, 1, one.to_json(), 0.0, 0.0, int(number % 50 == 0))


def _times(search: Search, questions: Iterable[Question]) -> list[float]:
    """Milliseconds of each, after one round that nobody counts."""
    seen = []
    for round_ in range(2):
        for question in questions:
            began = time.perf_counter()
            search(question.text)
            if round_:
                seen.append((time.perf_counter() - began) * 1000)
    return seen


def _p99(
    name: str, times: list[float], reach: float | None, peer: str = "", peers: Sequence[float] = ()
) -> Figure:
    """A figure whose median is the 50th percentile; the 99th, which is what is to be reached, stands in its name."""
    p99 = _percentile(times)
    beside = f" (theirs {_percentile(peers):.3g})" if peers else ""
    return measured(
        f"{name}, p99 {p99:.3g} ms{beside}",
        "ms",
        times,
        peer=peer,
        peer_median=sorted(peers)[len(peers) // 2] if peers else None,
        reach="" if reach is None else f"p99 {reach:g} ms",
        met=None if reach is None else p99 <= reach,
    )


def _percentile(times: Sequence[float]) -> float:
    return sorted(times)[min(len(times) - 1, round(0.99 * (len(times) - 1)))]


def _said(one: Product) -> tuple[str, ...]:
    """All of a generated entry that is found by words."""
    return (*one.title.model_dump().values(), *one.summary.model_dump().values(), one.provider, one.name)


def _batches(size: int) -> Iterator[list[tuple[int, Product]]]:
    every = enumerate(products(size))
    while batch := list(islice(every, _BATCH)):
        yield batch


def _terms(text: str) -> list[tuple[str, bool]]:
    """The question as phrases of tokens; whether the last is a beginning."""
    some = list(runs(text))
    told = []
    for at, run in enumerate(some):
        phrase = " ".join(pairs(run.text)) if run.dense and len(run.text) > 1 else run.text
        told.append((phrase, len(run.text) == 1 if run.dense else at == len(some) - 1))
    return told


class _Fts5:
    """https://sqlite.org/fts5.html: phrases, and beginnings by its prefix indexes."""

    def __init__(self, file: Path) -> None:
        self._database = sqlite3.connect(file)
        made = (
            "CREATE VIRTUAL TABLE entries USING fts5(text, content='', prefix='1 2 3', tokenize='unicode61')"
        )
        self._database.execute(made)

    def write(self, rows: Sequence[tuple[int, str]]) -> None:
        self._database.executemany("INSERT INTO entries (rowid, text) VALUES (?, ?)", rows)
        self._database.commit()

    def search(self, text: str) -> object:
        match = " AND ".join(f'"{phrase}"' + (" *" if begins else "") for phrase, begins in _terms(text))
        query = "SELECT rowid FROM entries WHERE entries MATCH ? ORDER BY rowid DESC LIMIT 20"
        return self._database.execute(query, (match,)).fetchall()


class _Gin:
    """https://www.postgresql.org/docs/current/textsearch-indexes.html: words, phrases and beginnings over a tsvector."""

    def __init__(self, socket: str) -> None:
        self._database: Any = psycopg.connect(host=socket, user="sampan", dbname="postgres", autocommit=True)
        self._database.execute("DROP TABLE IF EXISTS entries")
        self._database.execute("CREATE TABLE entries (number int PRIMARY KEY, words tsvector)")

    def write(self, rows: Sequence[tuple[int, str]]) -> None:
        with self._database.cursor().copy("COPY entries (number, words) FROM STDIN") as copy:
            for number, text in rows:
                copy.write_row(
                    (number, " ".join(f"'{word}':{at}" for at, word in enumerate(text.split(), 1)))
                )

    def end(self) -> None:
        self._database.execute("CREATE INDEX entries_words ON entries USING gin (words)")
        self._database.execute("ANALYZE entries")

    def search(self, text: str) -> object:
        told = [
            " <-> ".join(f"'{word}'" + (":*" if begins else "") for word in phrase.split())
            for phrase, begins in _terms(text)
        ]
        query = "SELECT number FROM entries WHERE words @@ %s::tsquery ORDER BY number DESC LIMIT 20"
        return self._database.execute(query, (" & ".join(f"({part})" for part in told),)).fetchall()


class _Truth:
    """How many entries hold each question, by looking at all; of questions in which no word has others beside it."""

    def __init__(self, questions: Sequence[Question], most: int) -> None:
        plain = [one.text for one in questions if not any(term.same or term.parts for term in read(one.text))]
        self._counts = dict.fromkeys(plain[:most], 0)

    def look(self, some: Iterable[Product]) -> None:
        for one in some:
            said = _said(one)
            text, words = normal(" \n ".join(said)), {run.text for part in said for run in runs(part)}
            for question in self._counts:
                self._counts[question] += _holds(text, words, question)

    def recall(self, index: SearchIndex) -> float:
        got = {question: min(count, index.search(question).total) for question, count in self._counts.items()}
        return sum(got.values()) / max(1, sum(self._counts.values()))


def _holds(text: str, words: set[str], question: str) -> bool:
    *before, last = runs(question)
    if not all(run.text in (text if run.dense else words) for run in before):
        return False
    return last.text in text if last.dense else any(word.startswith(last.text) for word in words)


def _weight(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    print(table(measure([int(size) for size in sys.argv[1:]] or SIZES)))
