"""A session's server keeps its sessions where the next one finds them, and where the home takes no file, beside its sockets."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyterhub.services.auth import HubOAuth
from traitlets.config import Config

from sampan_kernels import tape
from sampan_lab import serverconfig


def settings(folder: Path, home: Path) -> dict[str, Any]:
    run = folder / "run"
    run.mkdir(exist_ok=True)
    environ = {"HOME": str(home), "JUPYTER_RUNTIME_DIR": str(run), "SAMPAN_LAUNCH": "abcd1234"}
    serverconfig.install(folder / "jupyter", environ)
    found: dict[str, Any] = json.loads((folder / "jupyter" / "jupyter_server_config.json").read_text())
    return found


def test_sessions_lie_in_the_home_under_their_launch(tmp_path: Path) -> None:
    found = settings(tmp_path, tmp_path / "home")
    file = found["SessionManager"]["database_filepath"]
    assert file == str(tmp_path / "home" / ".sampan" / "sessions-abcd1234.db")
    assert found["SessionKernels"]["sessions"] == file
    assert found == settings(tmp_path, tmp_path / "home"), "idempotent"


def test_cookies_are_sent_to_its_own_paths_alone(tmp_path: Path) -> None:
    """Told, and not read when JupyterHub is imported: a template has imported it before it is anybody's server."""
    serverconfig.install(tmp_path, {"JUPYTERHUB_SERVICE_PREFIX": "/user/ann/two/"})
    found = json.loads((tmp_path / "jupyter_server_config.json").read_text())
    assert HubOAuth(config=Config(found)).cookie_path == "/user/ann/two/"


def test_what_is_told_late_is_not_too_much(tmp_path: Path) -> None:
    """All that a launcher keeps, within the three seconds over which Jupyter measures; under the names that it knows."""
    rates = settings(tmp_path, tmp_path / "home")["ZMQChannelsWebsocketConnection"]
    assert rates.keys() <= set(ZMQChannelsWebsocketConnection.class_trait_names(config=True))
    assert 3 * rates["iopub_data_rate_limit"] > tape.ROOM
    assert 3 * rates["iopub_msg_rate_limit"] > tape.ROOM / tape.LEAST


def test_a_home_that_takes_none_costs_the_next_attempt_its_sessions_and_nothing_else(tmp_path: Path) -> None:
    found = settings(tmp_path, Path("/proc/nonexistent"))
    assert found["SessionManager"]["database_filepath"] == str(tmp_path / "run" / "sessions-abcd1234.db")


def test_what_is_over_for_certain_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "home" / ".sampan"
    folder.mkdir(parents=True)
    for name, age in (
        ("sessions-old.db", serverconfig.OLD + 60),
        ("sessions-young.db", 3600),
        ("other.db", 10**8),
    ):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age, time.time() - age))
    settings(tmp_path, tmp_path / "home")
    assert sorted(path.name for path in folder.glob("*.db")) == [
        "other.db",
        "sessions-abcd1234.db",
        "sessions-young.db",
    ]
