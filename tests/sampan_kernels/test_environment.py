"""What an environment says of itself, asked as the broker asks: isolated, from another folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from sampan_kernels import environment

PLACES = os.pathsep.join(sys.path)


def ask(*words: str) -> dict[str, Any]:
    """Not with -I, which would leave the checkout's paths out."""
    done = subprocess.run(
        [sys.executable, "-m", "sampan_kernels.environment", *words],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": PLACES},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    said = json.loads(done.stdout)
    assert isinstance(said, dict)
    return said


def test_the_quick_answer() -> None:
    said = ask()
    assert said["schema"] == environment.SCHEMA
    assert said["prefix"] == os.path.realpath(sys.prefix)
    assert said["versions"]["jupyterhub"] == version("jupyterhub")
    assert said["speaks"] == [2, 1]
    assert said["record"] is None
    assert "packages" not in said


def test_everything_can_be_imported_here() -> None:
    """Seconds: everything that a session needs is imported, once."""
    said = ask("--all")
    assert said["broken"] == {}
    assert said["packages"]["jupyterhub"] == version("jupyterhub")
    assert said["packages"]["typing-extensions"] == version("typing_extensions")


def test_what_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = {"sampan": ("sampan.no_such_module",), "not-installed": ("nothing",)}
    monkeypatch.setattr(environment, "TRIED", tried)
    broken = environment.look(everything=True)["broken"]
    assert list(broken) == ["sampan.no_such_module"]
    assert broken["sampan.no_such_module"].startswith("ModuleNotFoundError")


@pytest.mark.parametrize(("text", "record"), [('{"lock": "abc"}', {"lock": "abc"}), ("{", None)])
def test_the_record_lies_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, record: object
) -> None:
    (tmp_path / environment.RECORD).write_text(text)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert environment.look()["record"] == record
