"""Jupyter finds our kernel before any other of that name."""

from __future__ import annotations

from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from sampan_lab.kernelspec import install


def test_the_native_kernel_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path)
    install(tmp_path)  # idempotent
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    spec = KernelSpecManager().get_kernel_spec("python3")
    assert spec.argv[1:3] == ["-m", "sampan_kernels.kernel"]
    assert spec.metadata["debugger"] is False
    assert (Path(spec.resource_dir) / "logo-svg.svg").is_file()
