"""What a worker's job runs before Dask: read back from a real bash."""

import subprocess
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from sampan.crew import Crew
from sampan.facts import Facts
from sampan.whereabouts import Here, read
from sampan.worker_script import prologue

pytestmark = pytest.mark.fast

FACTS = Facts("east", "slurm", "cpu", "normal", 8, 2048, "/opt/python", nodes_may_submit=True)
PLACE = Here(
    "east", {"en": "East", "zh": "东部"}, "cpu", "n1", 2, 4096, timedelta(hours=2), "abcd1234", "slurm"
)
CREW = Crew(workers=2, cores=3, memory_mib=1024, minutes=30)


def environment_after(lines: list[str]) -> dict[str, str]:
    script = "\n".join([*lines, "umask", "env -0"])
    shown = subprocess.run(
        ["/bin/bash"], input=script.encode(), capture_output=True, check=True, env={}, timeout=10
    )
    mask, _, rest = shown.stdout.decode().partition("\n")
    assert mask == "0077"
    return dict(entry.split("=", 1) for entry in rest.split("\0") if "=" in entry)


def test_a_worker_knows_its_own_place() -> None:
    environment = environment_after(prologue(FACTS, PLACE, CREW, "tag-1"))
    here = read(environment, node="n7", usable=64, now=time.time())
    assert (here.centre, here.cores, here.memory_mib, here.launch) == ("east", 3, 1024, "abcd1234")
    assert here.names["zh"] == "东部"
    assert here.time_left is not None
    assert timedelta(minutes=29) < here.time_left <= timedelta(minutes=30)
    assert environment["SAMPAN_TAG"] == "tag-1"
    assert environment["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize(
    "name", ["$(id)", "`id`", "a'b", "a\nexport SAMPAN_CORES=99", 'a"; id; "', "\u2028%s{{x}}"]
)
def test_a_centre_may_be_called_anything(name: str) -> None:
    environment = environment_after(
        prologue(FACTS, replace(PLACE, names={"en": name, "zh": name}), CREW, "t")
    )
    assert environment["SAMPAN_CENTRE_EN"] == name
    assert environment["SAMPAN_CENTRE_ZH"] == name
    assert environment["SAMPAN_CORES"] == "3"


def test_modules_are_loaded_after_the_profile_that_defines_them() -> None:
    lines = prologue(replace(FACTS, modules=("gcc/12", "python/3.11")), PLACE, CREW, "t")
    assert lines[0].endswith("|| source /etc/profile")
    assert lines[-2:] == ["module load gcc/12 || exit 65", "module load python/3.11 || exit 65"]
    assert not any("module" in line or "profile" in line for line in prologue(FACTS, PLACE, CREW, "t"))
