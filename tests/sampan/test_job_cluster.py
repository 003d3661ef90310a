"""A cluster whose workers the broker submits as real jobs: apart from each other, closed to strangers, gone with their maker.

What makes it is a process of its own, because some tests kill it.
"""

import asyncio
import base64
import json
import os
import re
import signal
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from distributed import Client

from sampan import dask_cluster
from sampan.address import Address
from sampan.client import Broker
from sampan.errors import Conflict
from sampan.need import Need
from sampan.seal import Seal
from tests.sampan.listeners import Listener, listeners
from tests.sampan.process_centre import ProcessCentre, Session, process_centre
from tests.sampan.same_cells import alone
from tests.waiting import wait_until

PAGES = (
    *("/", "/status", "/sitemap.json", "/health", "/metrics", "/json/counts.json", "/json/identity.json"),
    *("/info/main/workers.html", "/api/v1/get_workers", "/proxy/1/127.0.0.1/", "/statics/css/base.css"),
)


@pytest.fixture(scope="module")
def centre() -> Iterator[ProcessCentre]:
    with process_centre() as centre:
        yield centre


@pytest.fixture(scope="module")
def session(centre: ProcessCentre) -> Iterator[Session]:
    """One for all tests that only look."""
    with centre.session() as session:
        yield session


def test_each_worker_is_a_job_of_its_own(centre: ProcessCentre, session: Session) -> None:
    jobs = {worker["job"] for worker in session.workers}
    pids = {worker["pid"] for worker in session.workers}
    assert len(jobs) == len(pids) == 2
    assert session.pid not in pids
    assert centre.running(session.name) == jobs
    assert session.told["digest"] == alone(12)


def test_a_worker_knows_where_it_is(centre: ProcessCentre, session: Session) -> None:
    for worker in session.workers:
        assert (worker["cores"], worker["launch"]) == (1, centre.kernel)
        assert centre.environment["SAMPAN_CENTRE_EN"] in worker["said"]


def test_nothing_listens_beyond_this_machine_or_says_anything_in_clear(session: Session) -> None:
    found = listeners(session.pids)
    assert {listener.pid for listener in found} == session.pids
    assert {listener.host for listener in found} == {"127.0.0.1"}
    assert len(found) == 6  # each: Dask's own protocol over TLS, and a web server without pages
    for listener in found:
        for page in PAGES:
            told = listener.say(f"GET {page} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            head, _, body = told.partition(b"\r\n\r\n")
            if page == "/sitemap.json" and b"200 OK" in head and listener.pid != session.pid:
                # A worker's, which has nothing else.
                assert body == b'{"paths": ["/sitemap.json"]}'
            else:
                assert told == b"" or head.startswith(b"HTTP/1.1 404 "), (listener, page, told)
    assert session.told["dashboard"] == ""
    assert "href" not in session.told["shown"]
    assert "Total threads" in session.told["shown"]


def test_a_stranger_with_no_certificate_or_a_foreign_one_gets_nothing(
    session: Session, tmp_path: Path
) -> None:
    without = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    without.check_hostname = False
    without.verify_mode = ssl.CERT_NONE
    foreign = Seal.make(tmp_path)
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    other.check_hostname = False
    other.verify_mode = ssl.CERT_NONE
    other.load_cert_chain(foreign.certificate, foreign.key)
    ports = {int(session.told["address"].rpartition(":")[2])}
    encrypted = [listener for listener in listeners(session.pids) if not _speaks_http(listener)]
    assert ports <= {listener.port for listener in encrypted}
    assert len(encrypted) == 3
    for listener in encrypted:
        for context in (without, other):
            assert listener.say_encrypted(b"\0" * 64, context) == b""
    with pytest.raises(OSError, match=r"(?s)."):
        Client(session.told["address"], security=foreign.security(), timeout=2)


def test_no_key_in_arguments_environments_scripts_logs_or_readable_files(
    centre: ProcessCentre, session: Session
) -> None:
    text = Path(session.told["keys"], "key.pem").read_text()
    key = text.splitlines()[1].encode()
    assert len(base64.b64decode(key)) == 48
    for pid in session.pids:
        for part in ("cmdline", "environ"):
            assert key not in Path(f"/proc/{pid}/{part}").read_bytes()
    holders = [path for path in centre.root.rglob("*") if path.is_file() and key in path.read_bytes()]
    assert [path.name for path in holders] == ["key.pem"]
    assert stat.S_IMODE(holders[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(holders[0].parent.stat().st_mode) == 0o700


def test_closing_ends_the_jobs_and_removes_the_keys(centre: ProcessCentre) -> None:
    with centre.session() as session:
        assert session.say("close") == 0
        session.must_be_gone()
        assert not Path(session.told["keys"]).exists()


def test_a_session_that_only_ends_takes_its_jobs_along(centre: ProcessCentre) -> None:
    with centre.session() as session:
        assert session.say("leave") == 0
        session.must_be_gone()
        assert not Path(session.told["keys"]).exists()


def test_a_killed_session_leaves_no_worker_and_no_job(centre: ProcessCentre) -> None:
    with centre.session() as session:
        os.kill(session.pid, signal.SIGKILL)
        session.must_be_gone()


def test_a_killed_worker_ends_its_job_alone(centre: ProcessCentre) -> None:
    with centre.session() as session:
        first, second = session.workers
        os.kill(int(first["pid"]), signal.SIGKILL)
        wait_until(lambda: centre.running(session.name) == {second["job"]})


def test_it_is_a_launch_beside_its_kernel(centre: ProcessCentre, session: Session) -> None:
    told = session.launch()
    assert (told["kind"], told["parent"], told["centre"], told["stage"]) == (
        *("cluster", centre.kernel, "east"),
        "ready",
    )
    assert told["message"]["code"] == "cluster.works"
    state = centre.ask("GET", f"/clusters/{session.name}")
    assert (state["workers"], state["wanted"], state["listens"]) == (2, 2, True)
    assert state["scheduler"] == session.told["address"]


def test_it_is_its_persons_alone_and_only_typed_requests_are_heard(
    centre: ProcessCentre, session: Session
) -> None:
    order = {
        "key": "0" * 32,
        "numbers": [7],
        "address": session.told["address"],
        "keys": session.told["keys"],
    }
    here = f"/clusters/{session.name}"
    for who, method, path, body, said in (
        ("bob", "GET", here, None, (404, "launch.unknown_id")),
        ("bob", "POST", f"{here}/workers", order, (404, "launch.unknown_id")),
        ("alice", "GET", f"/clusters/{centre.kernel}", None, (409, "cluster.is_none")),
        ("alice", "POST", f"{here}/workers", {**order, "address": "tls://$(id):1"}, (400, "request.field")),
        ("alice", "POST", f"{here}/workers", {**order, "keys": "/a;id"}, (400, "request.field")),
        ("alice", "POST", f"{here}/workers", {**order, "keys": "/a/../b"}, (400, "script.value")),
        ("alice", "POST", f"{here}/workers", {**order, "numbers": [-1]}, (400, "request.field")),
        ("alice", "POST", f"{here}/workers", {**order, "script": "id"}, (400, "request.field")),
        ("alice", "POST", f"{here}/leave", {"jobs": ["1 2"]}, (400, "request.field")),
        ("alice", "PUT", f"{here}/size", {"workers": 1, "minimum": 0, "maximum": 1}, (400, "request.field")),
        ("alice", "PUT", f"{here}/size", {"minimum": 2, "maximum": 1}, (400, "request.field")),
        *(
            (
                "alice",
                "PUT",
                f"{here}/state",
                {"workers": 1, "wanted": 1, "pages": pages},
                (400, "request.field"),
            )
            for pages in ("//a/", "/\\a/", f"//a/sampan/dask/{'0' * 32}/", "/user/bob/lab/", "/hub/logout/")
        ),
    ):
        answer = asyncio.run(centre.broker.send(method, path, who, **({"json": body} if body else {})))
        assert (answer.status_code, answer.json()["error"]["code"]) == said, (method, path, body)


def test_its_pages_are_below_a_secret_and_other_notebooks_are_clients(centre: ProcessCentre) -> None:
    with centre.session(JUPYTERHUB_SERVICE_PREFIX="/user/alice/", NAME="mine") as session:
        link = session.told["dashboard"]
        told = json.loads(Path(session.told["keys"], "pages.json").read_text())
        assert re.fullmatch(r"/user/alice/sampan/dask/[0-9a-f]{32}/status", link)
        assert link == f"{told['path']}status"
        # One link that is short to read, and no other: Dask's own would lead to the loopback address of a node.
        assert re.findall(r"<a .*?</a>", session.told["shown"]) == [
            f'<a href="{link}" target="_blank">status</a>'
        ]
        assert centre.ask("GET", f"/clusters/{session.name}")["pages"] == told["path"]
        here = f"http://127.0.0.1:{told['port']}"
        with httpx.Client(follow_redirects=True, timeout=30) as browser:
            for page in ("status", "individual-progress", "individual-plots.json", "info/main/workers.html"):
                assert browser.get(f"{here}{told['path']}{page}").status_code == 200, page
            # Bokeh, which has been asked for by now, would lead from / to the secret.
            for page in PAGES + tuple(f"/user/alice/sampan/dask/{'0' * 32}{page}" for page in PAGES):
                assert browser.get(f"{here}{page}").status_code == 404, page
        program = "client = sampan.dask_client('mine'); print(client.submit(sum, [40, 2]).result(), client.dashboard_link)"
        argv = [sys.executable, "-c", f"import sampan; {program}"]
        shown = subprocess.run(
            argv, capture_output=True, text=True, check=True, timeout=30, **centre.become()
        )
        assert shown.stdout == f"42 {link}\n"
        again = [
            sys.executable,
            "-c",
            "import sampan; sampan.cluster(workers=1, memory='0.2 GiB', name='mine')",
        ]
        refused = subprocess.run(
            again, capture_output=True, text=True, check=False, timeout=30, **centre.become()
        )
        assert "You already have a cluster named “mine”" in refused.stderr
        assert session.say("close") == 0
        session.must_be_gone()


def test_a_name_is_free_when_its_object_is_gone_and_never_taken_over(
    centre: ProcessCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened again sooner than the broker misses who was killed: what it had asked for is not what is wanted now."""
    monkeypatch.setattr(dask_cluster, "_LISTENS", 0.0)
    way, secret = centre.broker.state / "run" / "broker.sock", centre.broker.secret("hub-broker")
    need = Need(1, 512, 30, centre="east")
    with Broker(Address.parse(None, socket=way, secret=secret, user="alice")) as alice:
        first, _ = dask_cluster._launch(alice, "again", need, centre.kernel)
        with pytest.raises(Conflict) as elsewhere:
            dask_cluster._launch(alice, "again", need, "another")
        assert (elsewhere.value.code, alice.launch(first)["target"]) == ("cluster.name_taken", "ready")
        second, _ = dask_cluster._launch(alice, "again", replace(need, cores=2), centre.kernel)
        assert alice.launch(first)["stage"] == "ended"
        assert alice.launch(second)["need"]["cores"] == 2


def test_dask_jobqueues_own_tests_with_workers(centre: ProcessCentre) -> None:
    """Of three two pass; the third names its workers, and has lines of its own in their script."""
    argv = [sys.executable, "-m", "tests.sampan.a_foreign_suite"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=55, **centre.become())
    assert done.returncode == 0, done.stderr[-3000:]
    how = json.loads(done.stdout)
    assert how.keys() >= {"test_worker_name_uses_cluster_name"}, done.stderr[-3000:]
    third = how.pop("test_worker_name_uses_cluster_name")
    assert "unexpected keyword argument 'name'" in third
    assert how == {"test_basic": "passed", "test_adaptive": "passed"}, done.stderr[-3000:]


def test_its_person_scales_it_from_elsewhere(centre: ProcessCentre) -> None:
    with centre.session() as session:
        for size, jobs in (({"workers": 1}, 1), ({"minimum": 2, "maximum": 3}, 2), ({"workers": 0}, 0)):
            centre.ask("PUT", f"/clusters/{session.name}/size", json=size)
            wait_until(lambda: len(centre.running(session.name)) == jobs)  # noqa: B023
        # And in the notebook itself, by Dask's own display.
        session.type(1)
        wait_until(lambda: len(centre.running(session.name)) == 1)
        assert session.say("close") == 0
        session.must_be_gone()


def test_its_person_ends_it_from_elsewhere(centre: ProcessCentre) -> None:
    with centre.session() as session:
        centre.ask("DELETE", f"/launches/{session.name}")
        session.must_be_gone()
        wait_until(lambda: not Path(session.told["keys"]).exists())


def test_it_goes_on_over_a_restart_of_the_broker(centre: ProcessCentre) -> None:
    with centre.session() as session:
        asyncio.run(centre.broker.again())
        wait_until(lambda: centre.ask("GET", f"/clusters/{session.name}")["workers"] == 2)
        assert len(centre.running(session.name)) == 2
        centre.ask("PUT", f"/clusters/{session.name}/size", json={"workers": 1})
        wait_until(lambda: len(centre.running(session.name)) == 1)
        assert session.say("close") == 0
        session.must_be_gone()


def _speaks_http(listener: Listener) -> bool:
    return listener.say(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/")
