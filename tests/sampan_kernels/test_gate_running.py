"""The gate as sshd starts it: by the system's own Python, with a command in its environment."""

from __future__ import annotations

import ast
import json
import os
import pwd
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from sampan_hub import files
from sampan_hub.command_line import command_line
from sampan_kernels import gate
from tests.sampan_kernels.every_ask import TAG
from tests.waiting import wait_until

GATE = Path(gate.__file__)
AS_WHO_RUNS_THE_TESTS = """
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("gate", sys.argv[1])
gate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(gate)
gate.OWNER, gate.FIRST_UID = os.getuid(), {"person": 0, "service": 0}
sys.exit(gate.main(dict(os.environ), sys.argv[2:]))
"""
"""Who runs the tests is root, or owns no file of root's: the gate itself would let neither in."""


def test_it_is_for_old_pythons_and_starts_quickly() -> None:
    """3.9 is what a login node may have; and each command starts it anew."""
    text = GATE.read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 9))
    argv = ["/usr/bin/python3", "-I", "-S", "-X", "importtime", str(GATE)]
    told = subprocess.run(argv, capture_output=True, text=True, check=False).stderr
    imported = {line.rpartition("|")[2].strip() for line in told.splitlines()}
    assert "json" in imported
    slow = {"typing", "dataclasses", "subprocess", "argparse", "inspect", "asyncio", "socket", "pathlib"}
    assert slow & imported == set()


class Shut:
    """The gate with a configuration of its own, as the account that runs the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        (self.home / ".sampan").mkdir(parents=True)
        self.me = pwd.getpwuid(os.geteuid()).pw_name
        self.config: dict[str, Any] = {
            "service_account": "somebody",
            "home": str(self.home),
            "principals": str(folder),
        }
        (folder / self.me).write_text(f"sampan:{self.me}\n")

    def argv(self) -> list[str]:
        path = self.folder / "gate.json"
        path.write_text(json.dumps(self.config))
        path.chmod(0o644)
        return ["/usr/bin/python3", "-I", "-S", "-c", AS_WHO_RUNS_THE_TESTS, str(GATE), str(path)]

    def run(self, said: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(),
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
            env={"SSH_ORIGINAL_COMMAND": said, "SSH_CONNECTION": "192.0.2.1 5 192.0.2.2 22", **environment},
        )


@pytest.fixture
def shut(tmp_path: Path) -> Shut:
    return Shut(tmp_path)


def test_files_below_ones_own_folder(shut: Shut) -> None:
    folder = shut.home / ".sampan" / "attempts" / TAG
    assert shut.run(f"mkdir -p -m 700 -- {folder}").returncode == 0
    (folder / "report.json").write_text("{}\n")
    assert shut.run(command_line(files.read(f"{folder}/report.json").argv)).stdout == "{}\n"
    (shut.home / "secret").write_text("secret")
    done = shut.run(f"head -c 5 -- {shut.home}/secret")
    assert (done.returncode, done.stdout, done.stderr) == (126, "", "sampan-gate: refused\n")


def test_in_english_and_in_a_clean_environment(shut: Shut) -> None:
    done = shut.run(f"head -c 5 -- {shut.home}/.sampan/none", LC_ALL="zh_CN.UTF-8", LANG="zh_CN.UTF-8")
    assert done.stderr.endswith("No such file or directory\n")
    shut.config |= {"service_account": shut.me, "account_command": ["/usr/bin/env"], "keep": ["SLURM_CONF"]}
    done = shut.run(
        "/usr/bin/env", "alice\n", SLURM_CONF="/etc/s", LD_PRELOAD="", SECRET="x", PYTHONPATH="/tmp"
    )
    assert dict(line.split("=", 1) for line in done.stdout.splitlines()) == {
        "HOME": pwd.getpwnam(shut.me).pw_dir,
        "USER": shut.me,
        "LOGNAME": shut.me,
        "SHELL": pwd.getpwnam(shut.me).pw_shell,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "SLURM_CONF": "/etc/s",
    }


def test_standard_input_that_does_not_look_right(shut: Shut) -> None:
    shut.config |= {"service_account": shut.me, "account_command": ["/usr/bin/cat"]}
    assert shut.run("/usr/bin/cat", "李雷\n").stdout == "李雷\n"
    for given in ("", "a\nb\n", "a", "a\0\n", "x" * 5000 + "\n"):
        assert shut.run("/usr/bin/cat", given).returncode == 126
    shut.config |= {"service_account": "somebody"}
    assert shut.run(f"head -c 5 -- {shut.home}/.sampan/x", "input that nobody reads").returncode == 126


def test_how_a_command_ended_comes_through(shut: Shut) -> None:
    shut.config |= {"service_account": shut.me, "account_command": ["/bin/sh", "-c", "read n; exit $n"]}
    said = "/bin/sh -c 'read n; exit $n'"
    assert [shut.run(said, f"{n}\n").returncode for n in (0, 7, 255)] == [0, 7, 255]
    shut.config["account_command"] = ["/bin/sh", "-c", "kill -TERM $$"]
    assert shut.run("/bin/sh -c 'kill -TERM $$'", "x\n").returncode == -signal.SIGTERM
    shut.config["account_command"] = ["no-such-program"]
    done = shut.run("no-such-program", "x\n")
    assert (done.returncode, done.stderr) == (
        127,
        "sampan-gate: no-such-program: No such file or directory\n",
    )


@pytest.mark.parametrize("how", ["nobody reads", "SIGHUP", "SIGTERM"])
def test_what_nobody_waits_for_any_more_is_ended(shut: Shut, how: str) -> None:
    """sshd sends no signal to what a forced command has started; so the gate looks for itself."""
    mark = f"97{time.time_ns() % 1_000_000}"
    shut.config |= {
        "service_account": shut.me,
        "account_command": ["/bin/sh", "-c", f"read n; sleep {mark} & sleep {mark}"],
    }
    process = subprocess.Popen(
        shut.argv(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"SSH_ORIGINAL_COMMAND": f"/bin/sh -c 'read n; sleep {mark} & sleep {mark}'"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(b"x\n")
    process.stdin.close()
    wait_until(lambda: runs(mark) == 2, 20)
    if how == "nobody reads":
        process.stdout.close()
    else:
        process.send_signal(signal.Signals[how])
    assert process.wait(10) == 128 + signal.SIGKILL
    wait_until(lambda: runs(mark) == 0, 10)
    process.stdout.close()
    process.stderr.close()


def runs(mark: str) -> int:
    done = subprocess.run(["pgrep", "-fcx", f"sleep {mark}"], capture_output=True, text=True, check=False)
    return int(done.stdout)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"service_account": 5},
        {"service_account": ""},
        {"service_account": "a", "colour": "red"},
        {"service_account": "a", "python": "/usr/bin/python3"},
        {"service_account": "a", "python": [""]},
        {"service_account": "a", "queues": [5]},
        {"service_account": "a", "first_uid": 0},
        {"service_account": "a", "first_uid": "500"},
        [],
        None,
    ],
)
def test_a_configuration_that_is_none_opens_nothing(shut: Shut, config: Any) -> None:
    shut.config = config
    done = shut.run(f"mkdir -p -m 700 -- {shut.home}/.sampan/x")
    assert (done.returncode, done.stderr) == (126, "sampan-gate: refused\n")


def test_a_configuration_that_others_may_write_opens_nothing(shut: Shut) -> None:
    argv = shut.argv()
    Path(argv[-1]).chmod(0o666)
    said = f"mkdir -p -m 700 -- {shut.home}/.sampan/x"
    done = subprocess.run(argv, env={"SSH_ORIGINAL_COMMAND": said}, capture_output=True, check=False)
    assert done.returncode == 126
    assert (
        subprocess.run(
            argv[:-1], env={"SSH_ORIGINAL_COMMAND": said}, capture_output=True, check=False
        ).returncode
        == 126
    )


def test_both_are_logged(shut: Shut, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[tuple[int, str]] = []
    monkeypatch.setattr("syslog.syslog", lambda level, text: lines.append((level, text)))
    monkeypatch.setattr(gate, "OWNER", os.getuid())
    monkeypatch.setattr(gate, "FIRST_UID", {"person": 0})
    monkeypatch.setattr(gate, "run", lambda *_: 0)
    monkeypatch.setattr(gate, "take_input", lambda _: b"")
    file = shut.argv()[-1]
    said = f"head -c 5 -- {shut.home}/.sampan/x"
    come = {"SSH_CONNECTION": "192.0.2.1 5 192.0.2.2 22"}
    assert gate.main({"SSH_ORIGINAL_COMMAND": said, **come}, [file]) == 0
    assert gate.main({"SSH_ORIGINAL_COMMAND": "sh\nforged: line", **come}, [file]) == 126
    assert gate.main({}, [file]) == 126, "a login without a command"
    assert gate.main({"SSH_ORIGINAL_COMMAND": " " * 2000 + "id a"}, [file]) == 126
    assert [text for _, text in lines] == [
        f"read {shut.me} from 192.0.2.1: {said}",
        f"refused {shut.me} from 192.0.2.1: no row of the table: sh forged: line",
        f"refused {shut.me} from ?: no row of the table: ",
        f"refused {shut.me} from ?: no row of the table: id a",
    ]
    assert gate.main({"SSH_ORIGINAL_COMMAND": " " * 2000 + "id 'a"}, [file]) == 126
    assert re.search(r"No closing quotation: ' +…\d+ characters… +id '\"'\"'a'$", lines[-1][1])
