"""The job script of a worker under Slurm, and what is said where Slurm does not answer."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sampan.crew import Crew
from sampan.dask_cluster import open_cluster
from sampan.errors import Invalid, Refused, Unavailable
from sampan.facts import Facts
from sampan.slurm_cluster import SlurmCluster
from sampan.whereabouts import Here

FACTS = Facts(
    "east", "slurm", "cpu", "normal", 8, 2048, "/opt/python",
    directives=(("account", "climate"), ("gres", "dcu:1")), modules=("python/3.11",), nodes_may_submit=True,
)  # fmt: skip
PLACE = Here(
    "east", {"en": "East", "zh": "东部"}, "cpu", "n1", 2, 4096, timedelta(hours=26), "abcd1234", "slurm"
)


def environment(tmp_path: Path) -> dict[str, str]:
    return {"SAMPAN_ATTEMPT_DIR": str(tmp_path), "SAMPAN_TAG": "sampan-hub1-abcd1234-1"}


def test_the_script_says_what_the_centre_demands(tmp_path: Path) -> None:
    crew = Crew(workers=0, cores=2, memory_mib=1536, minutes=1530)
    cluster = open_cluster(FACTS, PLACE, crew, environment(tmp_path))
    try:
        assert isinstance(cluster, SlurmCluster)
        tag = cluster.name
        assert tag.startswith("sampan-hub1-abcd1234-1-dask-")
        header, _, command = cluster.job_script().rpartition("\n/opt/python ")
        assert [
            line.removeprefix("#SBATCH ") for line in header.splitlines() if line.startswith("#SBATCH")
        ] == [
            f"-J {tag}",
            f"-e {tmp_path}/{tag}-%J.err",
            f"-o {tmp_path}/{tag}-%J.out",
            "-p normal",
            "-n 1",
            "--cpus-per-task=2",
            "--mem=2G",
            "-t 25:30:00",
            "--export=NIL",
            "--no-requeue",
            "--account=climate",
            "--gres=dcu:1",
        ]
        assert "module load python/3.11 || exit 65" in header.splitlines()
        words = command.split()
        assert words[:3] == ["-m", "distributed.cli.dask_worker", cluster.scheduler_address]
        assert words[2].startswith("tls://")
        assert words[words.index("--death-timeout") + 1] == "60"
        assert words[words.index("--dashboard-address") + 1] == "127.0.0.1:0"
        assert {"--no-nanny", "--no-dashboard", "--tls-key"} <= set(words)
        assert "PRIVATE KEY" not in cluster.job_script()
    finally:
        cluster.close()
    assert list(tmp_path.glob("dask-*")) == []


def test_workers_stay_in_the_environment_that_the_session_began_with(tmp_path: Path) -> None:
    """The broker names the link, which may lead to a newer build by now; the job said where it really is."""
    own = "/public/sampan/builds/33a9b12393a3-0123abcd-20260102030405/bin/python"
    here = {**environment(tmp_path), "SAMPAN_PYTHON": own}
    cluster = open_cluster(FACTS, PLACE, Crew(0, 1, 512, 10), here)
    try:
        assert cluster.job_script().splitlines()[-1].startswith(f"{own} -m distributed.cli.dask_worker ")
    finally:
        cluster.close()
    with pytest.raises(Invalid, match="SAMPAN_PYTHON"):
        open_cluster(FACTS, PLACE, Crew(0, 1, 512, 10), {**here, "SAMPAN_PYTHON": "/x; id"})


@pytest.mark.parametrize(
    ("sbatch", "kind", "code"),
    [
        (None, Unavailable, "cluster.no_answer"),
        ("echo 'sbatch: error: Invalid account' >&2; exit 1", Refused, "cluster.refused"),
    ],
)
def test_a_submission_that_fails_raises_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sbatch: str | None, kind: type[Exception], code: str
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    if sbatch:
        (programs / "sbatch").write_text(f"#!/bin/sh\n{sbatch}\n")
        (programs / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(kind) as caught:
        open_cluster(replace(FACTS, modules=()), PLACE, Crew(1, 1, 512, 10), environment(tmp_path))
    error = caught.value
    assert isinstance(error, Refused | Unavailable)
    assert error.code == code
    if code == "cluster.refused":
        assert error.message.params["why"] == "sbatch: error: Invalid account"
    assert list(tmp_path.glob("dask-*")) == []


def test_it_opens_beside_a_running_event_loop(tmp_path: Path) -> None:
    """As in a notebook, whose cells run on a loop."""

    async def cell() -> str:
        cluster = open_cluster(FACTS, PLACE, Crew(0, 1, 512, 10), environment(tmp_path))
        status = str(cluster.status.name)
        cluster.close()
        return status

    assert asyncio.run(cell()) == "running"
