"""sampan.clusters, with a kernel of a real broker at one centre. Several centres are in tests/ways/test_clusters.py."""

from __future__ import annotations

import _thread
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
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


@pytest.fixture
def home(centre: ProcessCentre, monkeypatch: pytest.MonkeyPatch) -> ProcessCentre:
    """This process is a notebook of alice's, in a session that is the centre's kernel."""
    broker = centre.broker
    way = broker.state / "run" / "broker.sock"
    address = Address.parse(None, socket=way, secret=broker.secret("hub-broker"), user="alice")
    monkeypatch.setattr(Address, "from_environment", lambda _: address)
    for name, value in centre.environment.items():
        if name.startswith("SAMPAN_") and name != "SAMPAN_BROKER_TOKEN":
            monkeypatch.setenv(name, value)
    return centre


@pytest.fixture(autouse=True)
def _as_in_a_notebook() -> Iterator[None]:
    """Its functions are not in a module that is there, too; and it can be interrupted, which tests run beside others cannot."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def launches(centre: ProcessCentre) -> dict[str, dict[str, Any]]:
    """Those that live, beside the session itself."""
    return {one["id"]: one for one in centre.ask("GET", "/launches") if one["id"] != centre.kernel}


def must_be_free(centre: ProcessCentre) -> None:
    wait_until(lambda: not launches(centre))
    wait_until(lambda: len(centre.broker.live_jobs("east")) == 1)
    assert not [one.name for one in threading.enumerate() if one.name.startswith(("kernel ", "clusters"))]


def where(client: Any, *parts: int) -> tuple[str, int]:
    print("computing")
    return os.environ["SAMPAN_LAUNCH"], client.submit(sum, parts).result(timeout=30)


def fails(client: Any) -> None:
    client.submit(divmod, 1, 0).result(timeout=30)


def test_functions_go_there_and_what_is_small_comes_back(
    home: ProcessCentre, capsys: pytest.CaptureFixture[str]
) -> None:
    with sampan.clusters(east=SMALL) as fleet:
        assert "east: " in capsys.readouterr().out, "what it waits for is said"
        found = launches(home)
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
        fleet.scale(2)
        wait_until(lambda: len(home.running(fleet["east"].launch)) == 2)
        # As the Lab's panel does with the launch that stands for all.
        home.ask("PUT", f"/clusters/{kinds['cluster']['id']}/size", json={"minimum": 0, "maximum": 0})
        wait_until(lambda: not home.running(fleet["east"].launch))
        wait_until(lambda: fleet["east"].wanted == 0)
        assert "0/0" in repr(fleet)
    must_be_free(home)
    with pytest.raises(Conflict) as closed:
        fleet.run(where)
    assert closed.value.code == "clusters.closed"
    fleet.close()


def test_what_is_interrupted_here_is_interrupted_there(home: ProcessCentre) -> None:
    def waits(_: Any) -> None:
        import time

        print("begun", flush=True)
        time.sleep(600)

    with sampan.clusters(east=SMALL) as fleet:
        threading.Timer(1, _thread.interrupt_main).start()
        with pytest.raises(KeyboardInterrupt):
            fleet.run(waits)
        assert fleet.run(where, 1)["east"][1] == 1


def test_what_waits_in_a_queue_says_so_and_can_be_given_up(
    home: ProcessCentre, capsys: pytest.CaptureFixture[str]
) -> None:
    filler = home.broker.fill("east", 7)
    try:
        threading.Timer(3, _thread.interrupt_main).start()
        with pytest.raises(KeyboardInterrupt):
            sampan.clusters(east=SMALL)
        assert "place 1 in the queue" in capsys.readouterr().out
        must_be_free(home)
    finally:
        home.broker.free("east", filler)


@pytest.mark.parametrize("all_of_it", [False, True])
def test_what_ends_elsewhere_is_told(home: ProcessCentre, all_of_it: bool) -> None:
    """One kernel alone, and by the one launch that the panel shows for all."""
    with sampan.clusters(east=SMALL) as fleet:
        kernel = fleet["east"].kernel
        home.ask("DELETE", f"/launches/{launches(home)[kernel]['parent'] if all_of_it else kernel}")
        wait_until(lambda: fleet["east"].news.get("state") == "over")
        with pytest.raises(SampanError) as caught:
            fleet.run(where)
        assert caught.value.code == "clusters.over"
    must_be_free(home)


@pytest.mark.parametrize(
    ("also", "code"),
    [({"options": {"cores": 4000}}, "place.nowhere"), ({**SMALL, "cores": 4000}, "cluster.cores")],
)
def test_where_one_does_not_come_all_are_given_up(
    home: ProcessCentre, also: Mapping[str, Any], code: str
) -> None:
    """The kernel is refused; and what it opens. Both at the one centre there is, under another name of the same."""
    fleet = Fleet({"a": Wanted.parse("east", SMALL), "b": Wanted.parse("east", also)})
    with pytest.raises(Refused) as caught:
        fleet.open()
    assert caught.value.code == code
    must_be_free(home)


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGKILL)", ""])
def test_a_process_that_did_not_close_it_leaves_nothing(centre: ProcessCentre, end: str) -> None:
    """One that is killed is missed by the broker after twenty seconds without a listener: what this takes."""
    way, secret = centre.broker.state / "run" / "broker.sock", centre.broker.secret("hub-broker")
    program = f"""
import os, signal, sampan
from sampan.address import Address
address = Address.parse(None, socket={str(way)!r}, secret={secret!r}, user="alice")
Address.from_environment = classmethod(lambda *_: address)
fleet = sampan.clusters(east={SMALL!r})
{end}
"""
    environ = {name: value for name, value in centre.environment.items() if name != "SAMPAN_BROKER_TOKEN"}
    argv = [sys.executable, "-c", program]
    done = subprocess.run(argv, env=os.environ | environ, timeout=60, check=False, capture_output=True)
    assert done.returncode == (-9 if end else 0), done.stderr.decode()
    assert done.stderr == b""
    must_be_free(centre)


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
