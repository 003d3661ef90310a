"""Docs that cannot fall behind: what is made from the code is current, and the links in the text lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import parse_descriptor
from tests.faults.cases import CASES
from tools.reference import REFERENCE, pages

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("hub/decisions/*.md"),
]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("name", sorted(pages()))
def test_reference_pages_are_current(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == pages()[name], "run: python tools/reference.py"


def test_the_documentation_can_be_made(tmp_path: Path) -> None:
    """As `make docs` does: each warning is an error."""
    argv = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", str(tmp_path)]
    made = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "index.html").exists()


def test_the_descriptor_to_begin_with_is_one() -> None:
    page = (ROOT / "docs/how-to/join-a-centre.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    descriptor = parse_descriptor(example, "join-a-centre.md")
    assert isinstance(descriptor, Descriptor), descriptor


def test_links_in_the_text_lead_somewhere() -> None:
    found = [(page, target) for page in PAGES for target in LINK.findall(page.read_text(encoding="utf-8"))]
    assert len(found) > 5
    missing = [
        f"{page.name}: {to}" for page, to in found if "://" not in to and not (page.parent / to).exists()
    ]
    assert missing == []


def test_what_was_broken_on_purpose_tells_of_every_case() -> None:
    """The page is written by `make broken`; a case that has come since is missing until then."""
    page = (ROOT / "docs/explanation/broken-on-purpose.md").read_text(encoding="utf-8")
    assert [int(case) for case in re.findall(r"^## (\d+)\. ", page, re.MULTILINE)] == sorted(CASES)
    assert "0 launches lost, 0 orphans after 60 s, 0 duplicate jobs" in page
