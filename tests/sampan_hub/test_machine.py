from __future__ import annotations

import platform
import sys

import pytest
from packaging.markers import default_environment

from sampan.errors import Refused
from sampan_hub.machine import Machine

pytestmark = pytest.mark.fast

DEBIAN = "Linux-6.1.0-18-amd64-x86_64-with-glibc2.36"


def test_this_machine_is_as_the_tools_that_install_see_it() -> None:
    here = Machine.parse(platform.python_version(), platform.platform())
    assert here.release == sys.version_info[:2]
    own = default_environment()
    same = set(own) & set(here.markers) - {"platform_release", "platform_version"}
    assert {key: here.markers[key] for key in same} == {key: own[key] for key in same}  # type: ignore[literal-required]


def test_which_wheels_run_there() -> None:
    old = Machine.parse("3.12.1", "Linux-4.18.0-425.el8.x86_64-x86_64-with-glibc2.28")
    assert old.name == "cp312-glibc2.28-x86_64"
    assert old.platforms[0] == "manylinux_2_28_x86_64"
    assert {"manylinux2014_x86_64", "manylinux1_x86_64", "linux_x86_64"} < set(old.platforms)
    assert "manylinux_2_29_x86_64" not in old.platforms


@pytest.mark.parametrize(
    ("python", "there", "code"),
    [
        ("3.9.2", DEBIAN, "environment.old_python"),
        ("3.11.2", "Linux-5.15.0-x86_64-with-musl1.2", "environment.platform"),
        ("3.11.2", "Linux-5.15.0-riscv64-with-glibc2.36", "environment.platform"),
        ("3.11.2", "macOS-14.0-arm64-arm-64bit", "environment.platform"),
        ("3.11.2", "", "environment.platform"),
    ],
)
def test_where_no_wheels_fit(python: str, there: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        Machine.parse(python, there)
    assert caught.value.code == code
