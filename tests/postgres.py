"""A private PostgreSQL cluster for tests: on a unix socket only, gone afterwards. Fails, never skips, where it cannot be."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["cluster"]


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    assert found, (
        "PostgreSQL is not installed; `make test` as root installs it, otherwise: apt-get install postgresql"
    )
    return found[-1]


@contextmanager
def cluster() -> Iterator[str]:
    """The directory of the socket of a fresh cluster that trusts this account."""
    programs = _programs()
    # initdb refuses root; the package made an account for exactly this.
    account = pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    os.chown(folder, account.pw_uid, account.pw_gid)

    def run(*argv: str) -> None:
        identity = (
            {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        )
        done = subprocess.run(argv, capture_output=True, text=True, cwd="/", check=False, **identity)  # type: ignore[call-overload]
        assert done.returncode == 0, done.stdout + done.stderr

    data = str(folder / "data")
    try:
        run(str(programs / "initdb"), "-D", data, "-U", "sampan", "--auth=trust", "--no-sync", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        run(str(programs / "pg_ctl"), "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            yield str(folder)
        finally:
            run(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
