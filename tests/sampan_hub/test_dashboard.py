"""The dashboard that ships asks for metrics and labels that there are, shows all of ours, and the docs explain each."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.metrics import RUNNING_SERVERS
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from sampan_hub.metrics import Metrics
from tests.sampan_hub.scripted_centre import bench

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "docs/grafana/sampan.json"
NAME = re.compile(r"\b(?:sampan|jupyterhub|process|python)_[a-z0-9_]+")
SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "gauge": ("",),
    "info": ("_info",),
}


def expressions() -> list[str]:
    told: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    panels = [panel for panel in told["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in told["panels"]}) == len(told["panels"])
    asked = [target["expr"] for panel in panels for target in panel["targets"]]
    return asked + [one["query"] for one in told["templating"]["list"] if one["type"] == "query"]


@pytest.fixture
async def ours(tmp_path: Path) -> dict[str, frozenset[str]]:
    """Every metric of the broker's, as it is asked for → its labels."""
    async with bench(tmp_path, "east") as one:
        page = (await Metrics(one.services).page()).decode()
    found: dict[str, frozenset[str]] = {}
    for family in text_string_to_metric_families(page):
        labels = frozenset(label for sample in family.samples for label in sample.labels)
        found |= {family.name + suffix: labels for suffix in SUFFIXES.get(family.type, ("",))}
    return found


async def test_every_metric_on_it_exists(ours: dict[str, frozenset[str]]) -> None:
    assert RUNNING_SERVERS in REGISTRY._collector_to_names, "importing JupyterHub's metrics registers them"
    families = [(metric.name, SUFFIXES.get(metric.type, ("",))) for metric in REGISTRY.collect()]
    hub = {name + suffix for name, suffixes in families for suffix in suffixes}
    asked = {name for expression in expressions() for name in NAME.findall(expression)}
    assert len(asked) > 15
    assert asked - ours.keys() - hub == set()


async def test_all_of_ours_are_on_it_and_explained(ours: dict[str, frozenset[str]]) -> None:
    asked = {name for expression in expressions() for name in NAME.findall(expression)}
    text = (ROOT / "docs/how-to/watch-over.md").read_text(encoding="utf-8")
    mine = {name for name in ours if name.startswith("sampan_") and not name.endswith("_created")}
    plain = {re.sub(r"_(bucket|sum|count)$", "", name) for name in mine}
    assert {name for name in plain if not any(one.startswith(name) for one in asked)} == set()
    assert {name for name in plain if name not in text} == set()
    told = {name for name in NAME.findall(text) if name.startswith("sampan_") and "hub" not in name}
    assert told - mine - plain == set()


def test_labels_are_those_that_there_are() -> None:
    known = {
        "centre",
        "stage",
        "kind",
        "seen",
        "cause",
        "state",
        "share",
        "what",
        "verb",
        "fate",
        "le",
        "job",
    }
    for expression in expressions():
        grouped = {
            word for group in re.findall(r"by \(([^)]*)\)", expression) for word in re.split(r",\s*", group)
        }
        matched = set(re.findall(r"[{,]\s*([a-z]+)=~?\"", expression))
        assert grouped | matched <= known, expression
