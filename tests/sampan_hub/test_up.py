"""`sampan up` as a person starts it: the real proxy, the real hub, the real broker."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from sampan_hub import demo_centres
from sampan_hub.process_lock import holder
from tests.waiting import wait_until

CONFIG = """
import os
from pathlib import Path
c = get_config()
state = Path(os.environ["SAMPAN_STATE"])
hub, proxy = os.environ["SAMPAN_HUB_PORT"], os.environ["SAMPAN_PROXY_API_PORT"]
read = lambda name: (state / "secrets" / name).read_text().strip()
c.JupyterHub.bind_url = "http://127.0.0.1:" + os.environ["SAMPAN_PORT"]
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{hub}"
c.JupyterHub.db_url = f"sqlite:///{state}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(state / "secrets" / "cookie")
c.JupyterHub.authenticator_class = "dummy"
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{proxy}"
c.JupyterHub.cleanup_servers = False
c.JupyterHub.services = [
    {"name": "sampan-up", "api_token": read("routes-token")},
    {"name": "sampan", "api_token": read("service-token")},
]
c.Proxy.extra_routes = {"/services/sampan/": "http://127.0.0.1:" + os.environ["SAMPAN_BROKER_PORT"]}
c.JupyterHub.load_roles = [{"name": "sampan-up", "services": ["sampan-up"], "scopes": ["proxy"]}]
"""
PARTS = ("signer", "proxy", "broker", "hub")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


class Running:
    """One `sampan up` in a process of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        (folder / "config.py").write_text(CONFIG, encoding="utf-8")
        self.process = self.start()

    def start(self, *more: str) -> subprocess.Popen[str]:
        argv = ["-m", "sampan.commands", "up", "--port", str(self.port), "--state", str(self.state)]
        with (self.folder / "said").open("a", encoding="utf-8") as said:
            return subprocess.Popen(
                [sys.executable, *argv, "--config", str(self.folder / "config.py"), *more],
                text=True,
                stdout=said,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "LANG": "en_GB.UTF-8"},
            )

    def said(self) -> str:
        return (self.folder / "said").read_text(encoding="utf-8")

    def ready(self, times: int = 1) -> None:
        wait_until(
            lambda: self.said().count("Sampan is ready") == times or self.process.poll() is not None, 60
        )
        assert self.process.poll() is None, self.said()

    def pid(self, part: str) -> int | None:
        return holder(self.state / "run" / f"{part}.lock")

    def replaced(self, part: str, pid: int) -> bool:
        return self.pid(part) not in (None, pid)

    def answers(self, path: str = "/hub/health") -> bool:
        try:
            return httpx.get(self.url + path, trust_env=False, timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def routes(self) -> dict[str, str]:
        port = json.loads((self.state / "ports.json").read_text(encoding="utf-8"))["proxy_api"]
        token = (self.state / "secrets" / "proxy-token").read_text(encoding="utf-8")
        headers = {"Authorization": f"token {token}"}
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/api/routes", headers=headers, trust_env=False)
        except httpx.HTTPError:
            return {}
        return {path: route["target"] for path, route in answer.json().items()}

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(40)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path, free_port())
    try:
        running.ready()
        yield running
    finally:
        if running.process.poll() is None:
            running.end()
        shutil.rmtree(demo_centres.place_of(running.state.resolve(), as_root=os.getuid() == 0))
    for part in PARTS:
        assert running.pid(part) is None


def test_it_says_where_it_is_and_keeps_its_secrets(up: Running) -> None:
    said = up.said()
    password = (up.state / "secrets" / "password").read_text(encoding="utf-8")
    assert f"Sampan is ready: {up.url}" in said
    assert f"Sampan 已就绪：{up.url}" in said
    assert password in said
    assert str(up.state / "log") in said
    pids = {part: up.pid(part) for part in PARTS}
    secrets = [
        path.read_bytes()
        for path in (up.state / "secrets").iterdir()
        if path.name not in {"hub-id", "password"}
    ]
    shown = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids.values() if pid is not None]
    shown += [path.read_bytes() for path in (up.state / "log").iterdir()] + [said.encode()]
    assert [secret for secret in secrets for text in shown if secret in text] == []
    assert {path.stat().st_mode & 0o777 for path in (up.state / "log").iterdir()} == {0o600}


def test_a_second_one_on_the_same_state_says_so(up: Running) -> None:
    second = subprocess.run(
        [
            sys.executable,
            "-m",
            "sampan.commands",
            "up",
            "--state",
            str(up.state),
            "--config",
            str(up.folder / "config.py"),
        ],
        text=True,
        capture_output=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "LANG": "en_GB.UTF-8"},
    )
    assert (second.returncode, second.stdout) == (1, "")
    assert f"already runs on {up.state} (process {up.process.pid})" in second.stderr
    assert up.answers()


def test_each_part_comes_back_alone_and_the_routes_with_the_proxy(up: Running) -> None:
    routes = up.routes()
    assert "/" in routes
    for part in PARTS:
        others = {other: up.pid(other) for other in PARTS if other != part}
        pid = up.pid(part)
        assert pid is not None
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        wait_until(partial(up.replaced, part, pid))
        assert time.monotonic() - began < 10
        # Whoever asks the broker while it starts waits in its socket's queue, and is not refused.
        assert part != "broker" or up.answers("/services/sampan/api/")
        wait_until(lambda: up.routes() == routes and up.answers() and up.answers("/services/sampan/api/"), 30)
        assert {other: up.pid(other) for other in others} == others
        assert f"The {part} ended unexpectedly (code -9)" in up.said()


def test_kill_minus_nine_of_up_leaves_nothing_and_the_next_one_starts(up: Running) -> None:
    password = (up.state / "secrets" / "password").read_text(encoding="utf-8")
    ports = json.loads((up.state / "ports.json").read_text(encoding="utf-8"))
    up.end(signal.SIGKILL)
    up.process = up.start()
    up.ready(times=2)
    assert up.answers()
    assert (up.state / "secrets" / "password").read_text(encoding="utf-8") == password
    assert json.loads((up.state / "ports.json").read_text(encoding="utf-8")) == ports
    assert up.end(signal.SIGINT) == 0
    assert re.search(r"Sampan has ended\.", up.said())


def test_a_port_that_is_taken_and_settings_that_are_missing_are_said(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text(CONFIG, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        for more, code, word in (
            (["--config", "config.py", "--port", str(port)], 2, f"PORT={port + 1}"),
            (["--config", "nowhere.py"], 2, "nowhere.py"),
        ):
            done = subprocess.run(
                [sys.executable, "-m", "sampan.commands", "up", "--state", "state", *more],
                text=True,
                capture_output=True,
                timeout=30,
                check=False,
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "LANG": "zh_CN.UTF-8"},
            )
            assert (done.returncode, done.stdout) == (code, "")
            assert word in done.stderr
            assert "Traceback" not in done.stderr
