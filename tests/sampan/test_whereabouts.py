"""sampan.here(): the place as the job's environment and the machine tell it."""

import os
import socket
import subprocess
import sys
from datetime import timedelta

import pytest

import sampan
from sampan.errors import Invalid, Missing
from sampan.whereabouts import Here, read, spoken_language

pytestmark = pytest.mark.fast

JOB = {
    "SAMPAN_CENTRE": "east",
    "SAMPAN_CENTRE_EN": "East <b>Centre</b>",
    "SAMPAN_CENTRE_ZH": "东部中心",
    "SAMPAN_SHARE": "cpu",
    "SAMPAN_CORES": "4",
    "SAMPAN_MEMORY_MIB": "2560",
    "SAMPAN_LAUNCH": "abcd1234",
    "SAMPAN_SCHEDULER": "slurm",
    "SAMPAN_NODE": "n1",
    "SAMPAN_DEADLINE": "5000",
}


def place(
    changes: dict[str, str] | None = None, *, usable: int = 8, now: float = 500.0, node: str = "n1"
) -> Here:
    return read({**JOB, **(changes or {})}, node=node, usable=usable, now=now)


def test_everything_comes_from_the_job() -> None:
    here = place()
    assert (here.centre, here.share, here.node, here.cores, here.memory_mib) == ("east", "cpu", "n1", 4, 2560)
    assert (here.launch, here.scheduler, here.time_left) == ("abcd1234", "slurm", timedelta(minutes=75))
    assert dict(here.names) == {"en": "East <b>Centre</b>", "zh": "东部中心"}


def test_it_is_a_value_that_nobody_changes() -> None:
    with pytest.raises(AttributeError):
        place().cores = 9  # type: ignore[misc]
    with pytest.raises(TypeError):
        place().names["en"] = "mine"  # type: ignore[index]
    assert place() == place()


def test_cores_are_never_more_than_this_process_may_use() -> None:
    assert place(usable=2).cores == 2
    assert place(usable=64).cores == 4


def test_time_left_is_never_negative_and_may_be_without_end() -> None:
    assert place(now=6000.0).time_left == timedelta(0)
    assert place({"SAMPAN_DEADLINE": ""}).time_left is None


def test_outside_a_session_it_says_so() -> None:
    with pytest.raises(Missing) as caught:
        place({"SAMPAN_CENTRE": ""})
    assert caught.value.code == "here.outside"
    assert not caught.value.retry


def test_an_environment_carried_to_another_machine_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        place(node="n2")
    assert caught.value.code == "here.elsewhere"
    assert place(node="n1.east.example").node == "n1.east.example"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("SAMPAN_CORES", ""),
        ("SAMPAN_CORES", "many"),
        ("SAMPAN_CORES", "0"),
        ("SAMPAN_MEMORY_MIB", "-1"),
        ("SAMPAN_DEADLINE", "nan"),
        ("SAMPAN_DEADLINE", "inf"),
        ("SAMPAN_SHARE", ""),
        ("SAMPAN_LAUNCH", ""),
        ("SAMPAN_SCHEDULER", ""),
    ],
)
def test_a_damaged_environment_names_the_field(field: str, value: str) -> None:
    with pytest.raises(Invalid) as caught:
        place({field: value})
    assert caught.value.message.params["field"] == field


def test_both_languages() -> None:
    here = place()
    assert (
        here.say("en")
        == "East <b>Centre</b>, share cpu, on n1: cores 4, memory 2.5 GiB, time left 1 h 15 min."
    )
    assert here.say("zh") == "东部中心，队列 cpu，节点 n1：4 核，内存 2.5 GiB，剩余 1 小时 15 分钟。"
    assert "no time limit" in place({"SAMPAN_DEADLINE": ""}).say("en")


def test_the_locale_chooses_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert str(place()).startswith("东部中心")
    assert "超算中心" in place()._repr_html_()
    monkeypatch.setenv("LANG", "C.UTF-8")
    assert "Time left" in place()._repr_html_()
    assert spoken_language({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}) == "en"
    assert spoken_language({}) == "en"


def test_names_from_outside_stay_text_on_the_page() -> None:
    page = place()._repr_html_()
    assert "<b>" not in page
    assert "East &lt;b&gt;Centre&lt;/b&gt;" in page


def test_it_reads_its_own_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**JOB, "SAMPAN_NODE": socket.gethostname(), "SAMPAN_DEADLINE": "99999999999"}.items():
        monkeypatch.setenv(name, value)
    here = sampan.here()
    assert here.node == socket.gethostname()
    assert here.cores == min(4, len(os.sched_getaffinity(0)))
    assert here.time_left is not None


def test_importing_sampan_loads_nothing_else() -> None:
    program = "import sys; old = set(sys.modules); import sampan; print(*sorted(set(sys.modules) - old))"
    shown = subprocess.run(
        [sys.executable, "-c", program], text=True, capture_output=True, check=True, timeout=30
    )
    loaded = set(shown.stdout.split())
    assert {name for name in loaded if name.partition(".")[0] == "sampan"} == {"sampan"}
    assert loaded & {"httpx", "dask", "distributed", "numpy", "asyncio", "socket"} == set()
    assert len(loaded) < 20


def test_here_needs_neither_dask_nor_the_client() -> None:
    program = (
        "import sys, sampan\ntry: sampan.here()\nexcept sampan.errors.Missing: pass\n"
        "print(*{'dask', 'distributed', 'httpx', 'sampan.client'} & set(sys.modules))"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SAMPAN_")}
    shown = subprocess.run(
        [sys.executable, "-c", program], text=True, capture_output=True, check=True, timeout=30, env=clean
    )
    assert shown.stdout.split() == []


def test_public_names_are_what_they_say() -> None:
    assert set(sampan.__all__) <= set(dir(sampan))
    for name in sampan.__all__:
        assert callable(getattr(sampan, name))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = sampan.nothing
