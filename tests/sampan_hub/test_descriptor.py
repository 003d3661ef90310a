from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sampan_hub.descriptor import Descriptor, json_schema
from sampan_hub.descriptor_file import parse_descriptor
from sampan_hub.system_accounts import is_system_account
from tests.sampan_hub.descriptions import far, here

ROOT = Path(__file__).resolve().parents[2]


def sound(text: str) -> Descriptor:
    result = parse_descriptor(text, "a.yaml")
    assert isinstance(result, Descriptor), [str(error) for error in result]
    return result


def test_all_that_may_be_said() -> None:
    core = sound(far())
    assert (core.id, core.names.zh, core.state, core.place.country) == ("core", "核心中心", "draining", "CN")
    assert (core.endpoint.host, core.endpoint.port) == ("login.core.example.cn", 2222)
    assert core.accounts.table == {"alice": "hpc0042", "Bob": "hpc0043", "李雷": "hpc0044"}
    assert core.shares[0].memory_mib == 64 * 4608
    assert core.shares[1].demands == (("gres", "dcu:1"), ("account", "climate"))
    assert core.limits.boot_seconds == 300


def test_what_need_not_be_said() -> None:
    centre = sound(here("north", "/srv/north"))
    assert centre.place.country == "NO", "and not false"
    assert (centre.state, centre.simulated, centre.limits.queue_minutes) == ("open", False, 1440)
    assert (centre.scheduler.sees_all_jobs, centre.networks.nodes_reach_internet) == (True, False)


def test_a_value_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        sound(far()).id = "other"


@pytest.mark.parametrize(
    "name", ["root", "daemon", "slurm", "munge", "nobody", "postgres", "_apt", "systemd-network"]
)
def test_accounts_of_the_system(name: str) -> None:
    assert is_system_account(name)


@pytest.mark.parametrize("name", ["alice", "hpc0042", "rooted", "slurmuser", "sampan-demo"])
def test_accounts_of_people(name: str) -> None:
    assert not is_system_account(name)


def test_the_published_schema_is_the_one_we_read() -> None:
    """`python -m sampan_hub.descriptor > docs/reference/centre.schema.json` renews it."""
    told = subprocess.run(
        [sys.executable, "-m", "sampan_hub.descriptor"], capture_output=True, text=True, check=True
    )
    assert json.loads(told.stdout) == json_schema()
    assert (ROOT / "docs/reference/centre.schema.json").read_text(encoding="utf-8") == told.stdout


def test_the_schema_says_what_each_key_is_for() -> None:
    schema = json_schema()
    assert schema["properties"]["schema"]["const"] == "sampan/centre/1"
    assert schema["additionalProperties"] is False
    assert "GLUE" in schema["$defs"]["Share"]["properties"]["max_hours"]["description"]


def test_the_example_in_the_documentation_is_sound() -> None:
    text = (ROOT / "docs/reference/centre.md").read_text(encoding="utf-8")
    example = text.split("```yaml\n")[1].split("```")[0]
    assert sound(example) == sound(far())
