"""`build/broken-on-purpose.md`, written by every run of this folder's tests from what they told.

With SAMPAN_BROKEN=1 the page goes to docs/explanation too, if nothing failed and every case is in it (`make broken`). Where a
run is of several processes (tools/tests), SAMPAN_PART names each, and `python -m tests.faults.page` puts together what they
left.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.faults.broken import PROPERTY, Fault
from tests.faults.cases import CASES, LATER

__all__ = ["BUILT", "PUBLISHED", "compose", "put_together", "pytest_runtest_logreport", "write_page"]

ROOT: Final = Path(__file__).resolve().parents[2]
BUILT: Final = ROOT / "build" / "broken-on-purpose"
PUBLISHED: Final = ROOT / "docs" / "explanation" / "broken-on-purpose.md"
_PARTS: Final = {
    "federation": "real Slurm and OpenSSH",
    "embedded": "real processes of one machine",
    "scripted": "scripted centres",
}
_INTRODUCTION: Final = """\
# What was broken on purpose

This page is written by the test run itself (`make broken`): each line is a fault that a test made, and what it counted
afterwards. Nothing here is asserted by hand. *Lost* are launches that were wanted and are gone, *orphans* jobs that nobody
wants and that live a minute later, *duplicates* further jobs of one attempt: counted from the broker's rows and from what the
schedulers say. *To heal* is how long it took, once the fault was over, until all was as before.

Faults are made in real parts wherever they can be: in a federation of {federation}, or in
{embedded} (the embedded default). For timings that no real part hits on demand, the
broker runs over {scripted}, which do as a test tells them. Two shared cores ran all of it.

**{faults} faults in {cases} cases: {lost} launches lost, {orphans} orphans after 60 s, {duplicates} duplicate jobs.**
"""
_HEAD: Final = """\
| What was done | Made in | What the person saw | Lost | Orphans | Duplicates | To heal |
|---|---|---|---|---|---|---|
"""


def compose(faults: Sequence[Fault]) -> str:
    """The page."""
    cases = sorted({fault.case for fault in faults})
    parts = [
        _INTRODUCTION.format(
            **_PARTS,
            faults=len(faults),
            cases=len(cases),
            lost=sum(fault.losses.launches for fault in faults),
            orphans=sum(fault.losses.orphans for fault in faults),
            duplicates=sum(fault.losses.duplicates for fault in faults),
        )
    ]
    for case in cases:
        english, chinese = CASES[case]
        lines = "".join(_line(fault) for fault in faults if fault.case == case)
        parts.append(f"## {case}. {english} · {chinese}\n\n{_HEAD}{lines}")
    later = "".join(f"- {case}. {english} · {chinese}\n" for case, (english, chinese) in LATER.items())
    parts.append(
        f"## Not here yet\n\nTheir proofs lie with the code that they are about, as far as there are any.\n\n{later}"
    )
    return "\n".join(parts)


def _line(fault: Fault) -> str:
    cells = [
        " · ".join(fault.done),
        _PARTS[fault.on],
        "<br>".join(filter(None, fault.saw)),
        *map(str, (fault.losses.launches, fault.losses.orphans, fault.losses.duplicates)),
        "–" if fault.seconds is None else f"{fault.seconds:.1f} s",
    ]
    return f"| {' | '.join(_cell(text) for text in cells)} |\n"


def _cell(text: str) -> str:
    """Text of a scheduler's may hold anything; a table's cell may not."""
    escaped = re.sub(r"([\\|`*_\[\](])", r"\\\1", text).replace("<", "&lt;")
    return " ".join(escaped.replace("&lt;br>", "<br>").split())


# --- what pytest calls, where the reports of all processes come together

_reports: Final[list[pytest.TestReport]] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if "tests/faults/" in report.nodeid and (report.when == "call" or report.failed):
        _reports.append(report)


def write_page(say: Callable[[str], None]) -> None:
    """At the end of a run; nothing where no test of this folder ran."""
    if not _reports:
        return
    failed = sorted({report.nodeid for report in _reports if report.failed})
    faults = _told(_reports, failed)
    part = os.environ.get("SAMPAN_PART")
    if part is None:
        _write(faults, failed, say)
    else:
        kept = {"failed": failed, "faults": [fault.to_json() for fault in faults]}
        BUILT.parent.mkdir(exist_ok=True)
        _part(part).write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def put_together(parts: Sequence[str]) -> None:
    """The page of those processes of one run; nothing where none of them ran a test of this folder."""
    kept = [json.loads(file.read_text(encoding="utf-8")) for file in map(_part, parts) if file.exists()]
    if kept:
        faults = [Fault.from_json(told) for one in kept for told in one["faults"]]
        _write(faults, [nodeid for one in kept for nodeid in one["failed"]], print)
    for file in map(_part, parts):
        file.unlink(missing_ok=True)


def _part(name: str) -> Path:
    return BUILT.with_suffix(f".{name}.json")


def _write(faults: Sequence[Fault], failed: Sequence[str], say: Callable[[str], None]) -> None:
    page = compose(sorted(faults, key=lambda fault: fault.case))
    BUILT.parent.mkdir(exist_ok=True)
    BUILT.with_suffix(".md").write_text(page, encoding="utf-8")
    say(f"{len(faults)} faults that were made on purpose: {BUILT.with_suffix('.md')}")
    if os.environ.get("SAMPAN_BROKEN") == "1":
        missing = sorted(CASES.keys() - {fault.case for fault in faults})
        if missing or failed:
            say(f"{PUBLISHED} stays as it is: {len(failed)} failures; cases without a line: {missing}")
        else:
            PUBLISHED.write_text(page, encoding="utf-8")


def _told(reports: Iterable[pytest.TestReport], failed: Collection[str]) -> list[Fault]:
    return [
        Fault.from_json(told)
        for report in reports
        if report.when == "call" and report.nodeid not in failed
        for name, told in report.user_properties
        if name == PROPERTY and isinstance(told, dict)
    ]


if __name__ == "__main__":
    put_together(sys.argv[1:])
