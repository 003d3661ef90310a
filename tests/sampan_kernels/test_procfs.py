from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sampan_kernels import procfs
from tests.waiting import wait_until

NAME = "a) Z (b"
"""As a process may call itself, to look like something else in its stat line."""


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    rename = f"open('/proc/self/comm', 'w').write({NAME!r})"
    script = f"import subprocess; {rename}; p = subprocess.Popen(['sleep', '1000']); print(p.pid, flush=True); p.wait()"
    environment = {"MARK": "6d61726b"}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment
    ) as child:
        yield child
        procfs.kill(procfs.marked("MARK=6d61726b"), signal.SIGKILL)


def grandchild(child: subprocess.Popen[str]) -> int:
    assert child.stdout is not None
    return int(child.stdout.readline())


def test_descendants_and_the_marked(child: subprocess.Popen[str]) -> None:
    both = {child.pid, grandchild(child)}
    assert both <= {process.pid for process in procfs.descendants(os.getpid())}
    assert {process.pid for process in procfs.marked("MARK=6d61726b")} == both
    assert procfs.marked("MARK=6d61726") == []
    young = procfs.of_account(os.geteuid(), 0)
    assert both <= {process.pid for process in young}
    assert procfs.of_account(os.geteuid(), procfs.now_ticks() + 1000) == []


def test_memory_is_exact_only_where_it_matters(child: subprocess.Popen[str]) -> None:
    grandchild(child)
    family = procfs.descendants(os.getpid())
    cheap, exact = procfs.memory_mib(family, enough=100_000)
    assert not exact
    precise, exact = procfs.memory_mib(family, enough=1)
    assert exact
    assert 1 <= precise <= cheap


def test_a_number_used_again_is_not_hit(child: subprocess.Popen[str]) -> None:
    pid = grandchild(child)
    [process] = [process for process in procfs.descendants(child.pid) if process.pid == pid]
    procfs.kill([process._replace(start=process.start - 1)], signal.SIGKILL)
    procfs.kill([process._replace(pid=1 << 22)], signal.SIGKILL)
    assert process in procfs.descendants(child.pid)
    procfs.kill([process], signal.SIGKILL)
    wait_until(lambda: not procfs.descendants(child.pid))
