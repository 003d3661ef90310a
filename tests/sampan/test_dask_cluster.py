"""sampan.cluster(): what it says where there can be no workers. Its workers are in test_job_cluster.py."""

import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

import sampan
from sampan.crew import Crew
from sampan.dask_cluster import facts_of, open_cluster, own_address
from sampan.errors import Invalid, Missing, Unreachable
from sampan.facts import Facts
from sampan.whereabouts import Here

pytestmark = pytest.mark.fast

FACTS = Facts("east", "process", "cpu", 8, 2048)
PLACE = Here(
    "east", {"en": "East", "zh": "东部"}, "cpu", "n1", 2, 4096, timedelta(hours=2), "abcd1234", "process"
)
CREW = Crew(2, 1, 512, 10)


def test_outside_a_session_there_is_no_centre_to_work_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAMPAN_CENTRE", raising=False)
    with pytest.raises(Missing) as caught:
        sampan.cluster()
    assert caught.value.code == "here.outside"


def test_a_broker_that_is_away_is_told_and_asked_again_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAMPAN_URL", raising=False)
    with socket.socket() as bound_only:
        bound_only.bind(("127.0.0.1", 0))
        monkeypatch.setenv("SAMPAN_BROKER_URL", f"http://127.0.0.1:{bound_only.getsockname()[1]}")
        for _ in range(2):
            with pytest.raises(Unreachable):
                facts_of("east", "main")


def test_an_environment_without_dask_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "dask_jobqueue.core", None)
    monkeypatch.delitem(sys.modules, "sampan.job_cluster", raising=False)
    with pytest.raises(Missing) as caught:
        open_cluster(FACTS, PLACE, CREW, environ={"SAMPAN_ATTEMPT_DIR": str(tmp_path)})
    assert caught.value.code == "cluster.no_dask"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "environ",
    [
        {"SAMPAN_ATTEMPT_DIR": "/tmp/a b"},
        {"SAMPAN_ATTEMPT_DIR": "/tmp/$(id)"},
        {"SAMPAN_ATTEMPT_DIR": "/tmp/a", "SAMPAN_PYTHON": "/x; id"},
    ],
)
def test_what_would_mean_more_in_a_script_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(Invalid) as caught:
        open_cluster(FACTS, PLACE, CREW, environ=environ)
    assert caught.value.code == "here.field"


def test_a_broker_that_is_away_leaves_no_keys(tmp_path: Path) -> None:
    with socket.socket() as bound_only:
        bound_only.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound_only.getsockname()[1]}"
        with pytest.raises(Unreachable):
            open_cluster(
                FACTS, PLACE, CREW, environ={"SAMPAN_ATTEMPT_DIR": str(tmp_path), "SAMPAN_BROKER_URL": url}
            )
    assert list(tmp_path.iterdir()) == []


def test_the_trunk_knows_cluster_without_dask() -> None:
    program = (
        "import sys, sampan; sampan.cluster\n"
        "print(*{'dask', 'distributed', 'dask_jobqueue', 'numpy'} & set(sys.modules))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], text=True, capture_output=True, check=True, timeout=30
    )
    assert shown.stdout.split() == []


def test_the_schedulers_address_is_one_that_other_nodes_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the machine's own table of names; a name that leads back to itself, or nowhere, is left to Dask."""
    told = {"n1": ["127.0.1.1", "10.1.2.3"], "alone": ["127.0.1.1"]}

    def ask(node: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        if node not in told:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in told[node]]

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    assert [own_address(node) for node in ("n1", "alone", "nowhere")] == ["10.1.2.3", None, None]
