"""sampan.clusters, with a kernel of a real broker at one centre. Several centres are in tests/ways/test_clusters.py."""

from __future__ import annotations

import _thread
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import cloudpickle
import numpy
import pytest

import sampan
from sampan.address import Address
from sampan.errors import Conflict, Forbidden, Invalid, Refused, SampanError
from sampan.far_cluster import Wanted
from sampan.fleet import Fleet, share
from tests.sampan.process_centre import ProcessCentre, process_centre
from tests.waiting import wait_until

SMALL = {"workers": 1, "cores": 1, "memory": "0.5 GiB", "options": {"cores": 1, "memory": 0.5}}


@pytest.fixture(scope="module")
def centre() -> Iterator[ProcessCentre]:
    with process_centre() as centre:
        yield centre


@pytest.fixture(scope="module")
def left(centre: ProcessCentre) -> frozenset[str]:
    """What two processes leave that did not close their clusters: one that has only ended, and one that was killed. The broker
    misses that one after twenty seconds without a listener, while other tests go on.
    """
    way, secret = centre.broker.state / "run" / "broker.sock", centre.broker.secret("hub-broker")
    environ = {name: value for name, value in centre.environment.items() if name != "SAMPAN_BROKER_TOKEN"}
    ends = {0: "", -9: "os.kill(os.getpid(), signal.SIGKILL)"}
    program = f"""
import os, signal, sampan
from sampan.address import Address
address = Address.parse(None, socket={str(way)!r}, secret={secret!r}, user="alice")
Address.from_environment = classmethod(lambda *_: address)
fleet = sampan.clusters(east={SMALL!r})
"""
    pipe = subprocess.PIPE
    programs = {
        status: subprocess.Popen(
            [sys.executable, "-c", program + end], env=os.environ | environ, stdout=pipe, stderr=pipe
        )
        for status, end in ends.items()
    }
    for status, running in programs.items():
        _, errors = running.communicate(timeout=120)
        assert (running.returncode, errors) == (status, b"")
    # A kernel and two clusters of the one that was killed, and what has not ended yet of the other.
    found = frozenset(one["id"] for one in centre.ask("GET", "/launches")) - {centre.kernel}
    assert len(found) >= 3
    return found


@pytest.fixture(scope="module")
def home(centre: ProcessCentre, left: frozenset[str]) -> Iterator[ProcessCentre]:
    """This process is a notebook of alice's, in a session that is the centre's kernel."""
    broker = centre.broker
    way = broker.state / "run" / "broker.sock"
    address = Address.parse(None, socket=way, secret=broker.secret("hub-broker"), user="alice")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Address, "from_environment", lambda _: address)
        for name, value in centre.environment.items():
            if name.startswith("SAMPAN_") and name != "SAMPAN_BROKER_TOKEN":
                patch.setenv(name, value)
        yield centre


@pytest.fixture(autouse=True)
def _as_in_a_notebook() -> Iterator[None]:
    """Its functions are not in a module that is there, too; and it can be interrupted, which tests run beside others cannot."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def launches(centre: ProcessCentre, but: frozenset[str]) -> dict[str, dict[str, Any]]:
    """Those that live, beside the session itself and some others."""
    found = {one["id"]: one for one in centre.ask("GET", "/launches")}
    return {name: one for name, one in found.items() if name not in but | {centre.kernel}}


def must_be_free(centre: ProcessCentre, but: frozenset[str] = frozenset()) -> None:
    def jobs() -> set[str]:
        return {job["tag"].split("-")[2] for job in centre.broker.live_jobs("east")} - but

    wait_until(lambda: not launches(centre, but), 90)
    wait_until(lambda: jobs() == {centre.kernel}, 90)
    assert not [one.name for one in threading.enumerate() if one.name.startswith(("kernel ", "clusters"))]


@pytest.fixture
def interrupted_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has the notebook interrupted when that is said in it."""

    def when(words: str) -> None:
        def speak(line: str, *, flush: bool) -> None:
            print(line, flush=flush)
            if words in line:
                _thread.interrupt_main()

        monkeypatch.setattr("sampan.side_loop.print", speak, raising=False)

    return when


def where(client: Any, *parts: int) -> tuple[str, int]:
    print("computing")
    return os.environ["SAMPAN_LAUNCH"], client.submit(sum, parts).result(timeout=30)


def fails(client: Any) -> None:
    client.submit(divmod, 1, 0).result(timeout=30)


def waits(_: Any) -> None:
    import time

    print("begun", flush=True)
    time.sleep(600)


@pytest.mark.parametrize(
    ("also", "code"),
    [({"options": {"cores": 4000}}, "place.nowhere"), ({**SMALL, "cores": 4000}, "cluster.cores")],
)
def test_where_one_does_not_come_all_are_given_up(
    home: ProcessCentre, left: frozenset[str], also: Mapping[str, Any], code: str
) -> None:
    """The kernel is refused; and what it opens. Both at the one centre there is, under another name of the same."""
    fleet = Fleet({"a": Wanted.parse("east", SMALL), "b": Wanted.parse("east", also)})
    with pytest.raises(Refused) as caught:
        fleet.open()
    assert caught.value.code == code
    must_be_free(home, left)


def test_functions_go_there_and_what_is_small_comes_back(
    home: ProcessCentre,
    left: frozenset[str],
    interrupted_at: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with sampan.clusters(east=SMALL) as fleet:
        assert "east: " in capsys.readouterr().out, "what it waits for is said"
        found = launches(home, left)
        kinds = {
            one["kind"] + ("" if one["parent"] == home.kernel else " below"): one for one in found.values()
        }
        assert kinds.keys() == {"cluster", "kernel below", "cluster below"}
        assert kinds["kernel below"]["parent"] == kinds["cluster"]["id"], (
            "one launch that all of it ends with"
        )
        assert kinds["cluster below"]["parent"] == kinds["kernel below"]["id"]
        assert fleet.run(where, 40, 2) == {"east": (kinds["kernel below"]["id"], 42)}
        assert "east: computing\n" in capsys.readouterr().out
        sent = numpy.arange(1_900_000.0)
        assert (fleet["east"].run(lambda _, got: got[::-1], sent) == sent[::-1]).all(), "what just may travel"
        with pytest.raises(ZeroDivisionError):
            fleet.run(fails)
        with pytest.raises(Refused) as caught:
            fleet["east"].run(lambda _: sampan.cluster(cores=4000))
        assert caught.value.code == "cluster.cores"
        interrupted_at("begun")
        with pytest.raises(KeyboardInterrupt):
            fleet.run(waits)
        assert fleet.run(where, 1)["east"][1] == 1, "it is interrupted there, too, and goes on"
        fleet.scale(2)
        wait_until(lambda: len(home.running(fleet["east"].launch)) == 2)
        # As the Lab's panel does with the launch that stands for all.
        home.ask("PUT", f"/clusters/{kinds['cluster']['id']}/size", json={"minimum": 0, "maximum": 0})
        wait_until(lambda: not home.running(fleet["east"].launch))
        wait_until(lambda: fleet["east"].wanted == 0)
        assert "0/0" in repr(fleet)
    must_be_free(home, left)
    with pytest.raises(Conflict) as closed:
        fleet.run(where)
    assert closed.value.code == "clusters.closed"
    fleet.close()


def test_what_ends_elsewhere_is_told(home: ProcessCentre, left: frozenset[str]) -> None:
    """One kernel alone; then all, by the one launch that the panel shows. Both at the one centre there is, under two names."""
    fleet = Fleet({name: Wanted.parse("east", SMALL) for name in ("a", "b")})
    fleet.open()
    with fleet:
        whole = launches(home, left)[fleet["a"].kernel]["parent"]
        for name, ended in (("a", fleet["a"].kernel), ("b", whole)):
            assert fleet[name].news.get("state") != "over"
            home.ask("DELETE", f"/launches/{ended}")
            wait_until(lambda: fleet[name].news.get("state") == "over", 60)  # noqa: B023
            with pytest.raises(SampanError) as caught:
                fleet.run(where)
            assert caught.value.code == "clusters.over"
        wait_until(lambda: all(task.done() for task in fleet._tasks))
        assert {one.say_workers() for one in fleet.values()} == {"0/0"}, "and nobody goes on telling of them"
    must_be_free(home, left)


def test_a_process_that_did_not_close_it_leaves_nothing(centre: ProcessCentre, left: frozenset[str]) -> None:
    assert left
    must_be_free(centre)
    assert {centre.ask("GET", f"/launches/{one}")["stage"] for one in left} == {"ended"}


def test_what_waits_in_a_queue_says_so_and_can_be_given_up(
    home: ProcessCentre, interrupted_at: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    filler = home.broker.fill("east", 7)
    try:
        interrupted_at("place 1 in the queue")
        with pytest.raises(KeyboardInterrupt):
            sampan.clusters(east=SMALL)
        assert "place 1 in the queue" in capsys.readouterr().out
        must_be_free(home)
    finally:
        home.broker.free("east", filler)


@pytest.mark.fast
def test_what_nobody_understands_is_said_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    for told, code in (
        ({}, "clusters.none"),
        ({"east": 2}, "clusters.given"),
        ({"east": {"worker": 2}}, "clusters.given"),
    ):
        with pytest.raises(Invalid) as caught:
            sampan.clusters(**told)
        assert caught.value.code == code
    monkeypatch.setenv("SAMPAN_BROKER_TOKEN", "a job's own")
    with pytest.raises(Forbidden) as refused:
        sampan.clusters(east={})
    assert refused.value.code == "clusters.elsewhere"


@pytest.mark.fast
def test_hours_are_the_kernels_and_its_workers_live_as_long() -> None:
    wanted = Wanted.parse(
        "west", {"workers": 3, "hours": 0.5, "options": {"plan": "light", "centre": "east"}}
    )
    assert wanted.options == {"plan": "light", "hours": "0.5", "centre": "west"}
    assert wanted.given == {"workers": 3}
    assert Wanted.parse("west", {}).options == {"cores": "1", "memory": "1", "centre": "west"}


@pytest.mark.fast
def test_what_is_asked_for_all_is_shared_by_them() -> None:
    for total in range(12):
        shares = [share(total, place, 3) for place in range(3)]
        assert (sum(shares), max(shares) - min(shares) <= 1) == (total, True)


@pytest.mark.fast
def test_its_table_is_the_persons_language_and_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "zh_CN")
    fleet = Fleet({"east": Wanted({}, {})})
    fleet["east"].news = {"zh": "<b>排队</b>"}
    assert fleet._repr_html_().startswith('<table lang="zh"><thead><tr><th scope="col"')
    assert "&lt;b&gt;排队" in fleet._repr_html_()
    assert "超算中心" in repr(fleet)
    fleet.close()


@pytest.mark.fast
def test_the_trunk_knows_clusters_without_jupyter_or_dask() -> None:
    program = (
        "import sys, sampan; sampan.clusters\n"
        "print(*{'dask', 'distributed', 'cloudpickle', 'jupyter_client', 'IPython'} & set(sys.modules))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], text=True, capture_output=True, check=True, timeout=30
    )
    assert shown.stdout.split() == []
