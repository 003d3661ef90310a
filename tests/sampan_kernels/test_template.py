"""Forks of a template: each what a plain start would be, none like another, and a template that is missed by nobody."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sampan_kernels.template import _mine
from tests.sampan_kernels.a_template import NEVER_TWICE, Template, a_template
from tests.waiting import wait_until


@pytest.fixture
def template(tmp_path: Path) -> Iterator[Template]:
    with a_template(tmp_path) as made:
        yield made


def test_two_forks_share_no_chance(template: Template) -> None:
    for _ in range(3):
        assert template.running("end").wait(30) == 0
    told = template.told(3)
    assert {name: len({one[name] for one in told}) for name in NEVER_TWICE} == dict.fromkeys(NEVER_TWICE, 3)


def test_a_fork_is_as_a_plain_start(template: Template) -> None:
    plain = subprocess.run(
        [sys.executable, "-P", "-c", "import numpy, a_program; a_program.main()", "end"],
        cwd=template.folder,
        env={**template.environment, "COLOR": "red"},
        capture_output=True,
        start_new_session=True,
        check=True,
    )
    assert template.running("end").wait(30) == 0
    [told] = template.told(1)
    expected = json.loads(plain.stdout)
    # The tie to whoever asked for it, and nothing else of the template's or of the asker's.
    assert told.pop("handles") == sorted([*expected.pop("handles"), "socket"])
    same = expected.keys() - set(NEVER_TWICE)
    assert {name: told[name] for name in same} == {name: expected[name] for name in same}
    assert told["cwd"] == str(template.folder)
    assert "and an error" in template.output


def test_its_end_is_told(template: Template) -> None:
    assert template.running("fail").wait(30) == 7
    fork = template.running()
    assert fork.poll() is None
    with pytest.raises(TimeoutError):
        fork.wait(0.01)
    fork.terminate()
    assert fork.wait(30) == -signal.SIGTERM
    fork.kill()
    assert fork.poll() == -signal.SIGTERM


def test_its_own_arguments_are_shown_and_no_variable_of_its_own(template: Template) -> None:
    fork = template.running()
    template.told(1)
    shown = Path(f"/proc/{fork.pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    assert shown == [sys.executable.encode(), b"-P", b"-m", b"a_program", b"wait"]
    assert b"COLOR=red" not in Path(f"/proc/{fork.pid}/environ").read_bytes()


def test_a_killed_template_costs_no_fork_its_life(template: Template) -> None:
    fork, other = template.running(), template.running()
    template.told(2)
    template.process.kill()
    template.process.wait()
    assert template.fork("end", patience=5) is None
    time.sleep(0.1)
    assert fork.poll() is None
    fork.kill()
    assert fork.wait(30) == -signal.SIGKILL
    other.send_signal(signal.SIGSTOP)
    os.kill(other.pid, signal.SIGKILL)
    # Nobody has seen it, and it has not ended well; nor by what it was sent and outlived.
    assert other.wait(30) == 1


def test_a_fork_ends_with_whoever_asked_for_it(template: Template) -> None:
    code = "import sys, time; from pathlib import Path; from sampan_kernels.forks import claim\n"
    code += "f = claim(Path(sys.argv[1]), sys.argv[3:], dict(__import__('os').environ), sys.argv[2])\n"
    code += "print(f.pid, flush=True); time.sleep(600)"
    argv = [sys.executable, "-P", "-m", "a_program", "wait"]
    asker = subprocess.Popen(
        [sys.executable, "-c", code, str(template.socket), str(template.folder), *argv],
        env=template.environment,
        stdout=subprocess.PIPE,
    )
    assert asker.stdout is not None
    with asker.stdout:
        pid = next(int(line) for line in asker.stdout if line.strip().isdigit())
        handle = os.pidfd_open(pid)
        asker.kill()
        asker.wait()
        wait_until(lambda: not _lives(handle), 30)
        os.close(handle)


@pytest.mark.parametrize(
    "changed",
    [
        {"environment": {"OMP_NUM_THREADS": "77"}},
        {"environment": {"PYTHONPATH": "/elsewhere"}},
        {"argv": (sys.executable, "-m", "another_program", "end")},
        {"argv": (sys.executable, "-c", "pass")},
        {"argv": ("/usr/bin/another/python", "-m", "a_program", "end")},
    ],
    ids=["threads", "path", "program", "code", "interpreter"],
)
def test_what_would_be_another_is_started_plainly(template: Template, changed: dict[str, Any]) -> None:
    assert template.fork("end", **changed) is None
    # And nothing has become of it; the next one is served.
    assert template.running("end").wait(30) == 0
    assert len(template.told(1)) == 1


def test_a_changed_environment_ends_the_template(template: Template) -> None:
    fork = template.running()
    template.told(1)
    (template.folder / "code" / "installed.py").touch()
    assert template.fork("end") is None
    assert template.process.wait(30) == 0
    assert fork.poll() is None


def test_no_nonsense_ends_it(template: Template) -> None:
    for said in (b"", b"\0", b"\0\0\0\x02no", b"\xff\xff\xff\xff", b"\0\0\0\x02{}"):
        with socket.socket(socket.AF_UNIX) as asker:
            asker.connect(str(template.socket))
            asker.sendall(said)
            asker.shutdown(socket.SHUT_WR)
            asker.settimeout(30)
            assert asker.recv(100) == b'{"exit": 0}\n'
    assert template.running("end").wait(30) == 0


def test_another_account_is_not_heard(template: Template, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the folder would let it in, which it does not. Without root: this account, to a template that is another's."""
    here, there = socket.socketpair()
    with here, there:
        assert _mine(here)
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert not _mine(here)
        monkeypatch.undo()
    if os.getuid() == 0:
        assert _asked_as_nobody(template.socket) == "unheard\n"
    assert template.running("end").wait(30) == 0


def _asked_as_nobody(path: Path) -> str:
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    place.chmod(0o755)
    path.chmod(0o777)
    os.link(path, place / "s")
    code = """
import contextlib, socket, sys
with socket.socket(socket.AF_UNIX) as asker:
    asker.connect(sys.argv[1])
    heard = b""
    with contextlib.suppress(ConnectionError):
        asker.sendall(b"nonsense")
        asker.shutdown(socket.SHUT_WR)
        heard = asker.recv(100)
    print(heard or "unheard")
"""
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", code, str(place / "s")],
        user=65534,
        group=65534,
        extra_groups=[],
        text=True,
        stdout=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    shutil.rmtree(place)
    return done.stdout


def _lives(handle: int) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return not poll.poll(0)
