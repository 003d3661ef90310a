"""The user environment that the centres share: from requirements/user.lock, built once, with sampan and the demo data as now."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.federation.host import REPOSITORY, Failed

__all__ = ["FOLDER", "ensure", "python"]

FOLDER: Final = Path("/opt/sampan/user")
"""Here and at the centres."""
_LOCK: Final = REPOSITORY / "requirements" / "user.lock"
_DATA: Final = REPOSITORY / "requirements" / "data.lock"
# The machine's own Python: the centres have /usr, and nobody's home.
_PYTHON: Final = "/usr/bin/python3"
_NOT_SOURCES: Final = {"__pycache__", "node_modules"}


def python() -> Path:
    """The environment's Python, where it lies or will lie."""
    return FOLDER / hashlib.sha256(_LOCK.read_bytes()).hexdigest()[:12] / "bin" / "python"


def ensure(say: Callable[[str], None]) -> Path:
    """Builds what is missing of it or made from something else; returns its Python. Minutes the first time."""
    venv = python().parents[1]
    before = os.umask(0o022)
    try:
        FOLDER.mkdir(parents=True, exist_ok=True)
        with _alone(FOLDER / f"{venv.name}.lock"):
            if not (venv / ".made-from" / "locked").exists():
                say(f"building the user environment {venv} (a few minutes, once)")
                _build(venv)
            data = hashlib.sha256(_DATA.read_bytes()).hexdigest()
            if _read(venv / ".made-from" / "data") != data:
                say("installing the demo catalogue's data into the user environment")
                _pip(venv, "--no-deps", "--require-hashes", "-r", str(_DATA))
                (venv / ".made-from" / "data").write_text(data)
            now = _sources_digest()
            if _read(venv / ".made-from" / "sampan") != now:
                say("installing sampan into the user environment")
                _install_sampan(venv)
                (venv / ".made-from" / "sampan").write_text(now)
    finally:
        os.umask(before)
    return python()


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(venv: Path) -> None:
    shutil.rmtree(venv, ignore_errors=True)
    _run(_PYTHON, "-m", "venv", str(venv))
    _pip(venv, "--no-deps", "--require-hashes", "-r", str(_LOCK))
    (venv / ".made-from").mkdir()
    (venv / ".made-from" / "locked").write_text(hashlib.sha256(_LOCK.read_bytes()).hexdigest())


def _install_sampan(venv: Path) -> None:
    """As a wheel, like a centre would: a link into the checkout would lead nowhere there."""
    with tempfile.TemporaryDirectory() as folder:
        build = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder)
        _run(
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--disable-pip-version-check",
            *build,
            str(REPOSITORY),
        )
        (wheel,) = Path(folder).glob("sampan-*.whl")
        _pip(venv, "--no-deps", "--no-index", "--force-reinstall", str(wheel))


def _pip(venv: Path, *words: str) -> None:
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-warn-script-location")
    _run(str(venv / "bin" / "python"), "-m", "pip", "install", *quiet, *words)


def _run(*argv: str) -> None:
    done = subprocess.run(
        argv, capture_output=True, text=True, cwd="/", stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode != 0:
        raise Failed(f"{' '.join(argv)[:200]}: exit {done.returncode}\n{(done.stdout + done.stderr)[-2000:]}")


def _sources_digest() -> str:
    """Of everything that ends up in the wheel, and what decides about it."""
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        digest.update(str(path.relative_to(REPOSITORY)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    yield REPOSITORY / "pyproject.toml"
    for top in ("hub", "spawners", "kernels", "extensions"):
        for folder, folders, names in os.walk(REPOSITORY / top):
            folders[:] = [name for name in folders if name not in _NOT_SOURCES]
            yield from (Path(folder) / name for name in names)


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
