"""What the broker tells of a centre: read into a value, or an error that names the field."""

from typing import Any

import pytest

from sampan.errors import Unavailable
from sampan.facts import Facts

pytestmark = pytest.mark.fast

ANSWER: dict[str, Any] = {
    "id": "east",
    "scheduler": "slurm",
    "share": "cpu",
    "queue": "normal",
    "cores_max": 8,
    "memory_per_core_mib": 2048,
    "directives": [["account", "climate"]],
    "modules": ["python/3.11"],
    "python": "/opt/sampan/bin/python",
    "scratch": "/scratch/alice",
    "spool": None,
    "nodes_may_submit": True,
}


def test_an_answer_becomes_a_value() -> None:
    facts = Facts.parse({**ANSWER, "told_by_a_newer_broker": 1})
    assert (facts.centre, facts.scheduler, facts.queue, facts.cores_max) == ("east", "slurm", "normal", 8)
    assert (facts.directives, facts.modules) == ((("account", "climate"),), ("python/3.11",))
    assert (facts.scratch, facts.spool) == ("/scratch/alice", None)
    assert facts.nodes_may_submit


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", ""),
        ("id", None),
        ("scheduler", 3),
        ("queue", "normal\n#SBATCH --account=other"),
        ("queue", "a b"),
        ("cores_max", 0),
        ("cores_max", True),
        ("cores_max", "8"),
        ("memory_per_core_mib", -1),
        ("memory_per_core_mib", float("nan")),
        ("python", "/opt/$(id)/python"),
        ("python", "/opt/python;id"),
        ("scratch", "/scratch/`id`"),
        ("scratch", "/scratch/{user}"),
        ("spool", "/spool\u2028x"),
        ("modules", ["python; id"]),
        ("directives", [["account"]]),
        ("directives", [["account", "x y"]]),
        ("directives", 7),
        ("python", "/" + "a" * 1000),
    ],
)
def test_nothing_that_means_more_than_itself_reaches_a_job_script(field: str, value: object) -> None:
    with pytest.raises(Unavailable) as caught:
        Facts.parse({**ANSWER, field: value})
    assert caught.value.code == "cluster.facts"
    assert caught.value.message.params["field"] == field


def test_nodes_may_submit_only_where_the_broker_says_so() -> None:
    assert not Facts.parse({**ANSWER, "nodes_may_submit": "yes"}).nodes_may_submit
    assert not Facts.parse({**ANSWER, "nodes_may_submit": None}).nodes_may_submit
