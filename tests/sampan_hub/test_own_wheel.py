from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

from sampan_hub.own_wheel import PACKAGES, own_wheel
from tests.test_house import settings


def test_equal_sources_are_equal_wheels() -> None:
    wheel = own_wheel()
    assert wheel.digest == own_wheel().digest
    assert wheel.file == f"sampan-{version('sampan')}-py3-none-any.whl"


def test_it_holds_what_the_distribution_holds() -> None:
    listed = settings()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {Path(package).name for package in listed} == set(PACKAGES)
    names = zipfile.ZipFile(io.BytesIO(own_wheel().data)).namelist()
    assert {"sampan/py.typed", "sampan_kernels/launcher.py", "sampan_lab/singleuser.py"} < set(names)
    assert "sampan_spawners/templates/sampan/form.html" in names
    assert not [name for name in names if "__pycache__" in name]


def test_pip_installs_and_checks_it(tmp_path: Path) -> None:
    wheel = own_wheel()
    (tmp_path / wheel.file).write_bytes(wheel.data)
    target = tmp_path / "site"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-index",
        "--no-deps",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, "--target", str(target), str(tmp_path / wheel.file)], check=True, timeout=100)
    code = "import sampan.whereabouts, sampan_kernels.report, importlib.metadata as m; print(m.version('sampan'))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(target)},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert done.stdout.strip() == wheel.version
