"""Slurm at one centre: munged, MariaDB, slurmdbd, slurmctld, slurmd, each started where it does not run."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.federation.accounts import accounts_of
from tests.federation.host import Failed, Host, wait_for
from tests.federation.shape import CentreShape
from tests.federation.slurm_files import gres_conf, slurm_conf, slurmdbd_conf
from tests.federation.writing import put

__all__ = ["DAEMONS", "Slurm"]

DAEMONS: Final[Mapping[str, str]] = {
    "munged": "munged",
    "mariadbd": "mariadbd",
    "slurmdbd": "slurmdbd",
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
}
_MARIADB: Final = (
    "--no-defaults",
    "--user=mysql",
    "--datadir=/var/lib/mysql",
    "--socket=/run/mysqld/mysqld.sock",
    "--pid-file=/run/mysqld/mysqld.pid",
    "--skip-networking",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=16M",
    "--innodb-flush-log-at-trx-commit=0",
    "--performance-schema=OFF",
    "--skip-log-bin",
)
# Renamed when it is whole, so that no half of it stays when this is killed; and alone, as whoever killed us may have left
# one at work.
_INSTALL_DATABASE: Final = """\
install -d -m 755 -o mysql -g mysql /run/mysqld
[ -d /var/lib/mysql ] && exit
rm -rf /var/lib/mysql.new
install -d -m 700 -o mysql -g mysql /var/lib/mysql.new
mariadb-install-db --no-defaults --datadir=/var/lib/mysql.new --user=mysql --skip-test-db \\
    --innodb-log-file-size=16M --auth-root-authentication-method=socket >/var/log/mariadb-install.log || exit
mv /var/lib/mysql.new /var/lib/mysql
"""
_DATABASE: Final = """\
CREATE DATABASE IF NOT EXISTS slurm_acct_db;
CREATE USER IF NOT EXISTS slurm@localhost IDENTIFIED VIA unix_socket;
GRANT ALL ON slurm_acct_db.* TO slurm@localhost;
"""


class Slurm:
    """`hosts`: by their short names; `etc`: the centre's /etc, on this machine."""

    def __init__(
        self, centre: CentreShape, hosts: Mapping[str, Host], etc: Path, addresses: Mapping[str, str]
    ) -> None:
        self._centre = centre
        self._hosts = hosts
        self._login = hosts["login"]
        self._etc = etc
        self._addresses = addresses

    def start(self) -> None:
        """Everything, in its order. What was stopped by a signal goes on."""
        changed = self._write()
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._munge, self._hosts.values()))
        self._database()
        self._accounting()
        self._controller()
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._node, self._nodes()))
        if changed:
            self._login.run(["scontrol", "reconfigure"])
        self._resume()
        wait_for(f"the nodes of {self._centre.name}", self._ready, seconds=90)

    def _resume(self) -> None:
        """What was drained, by a test or by Slurm itself, takes jobs again."""
        said = self._login.run(["sinfo", "-h", "-N", "-o", "%N %T"], check=False).stdout
        for name, state in {tuple(line.split()) for line in said.splitlines() if len(line.split()) == 2}:
            if state.startswith(("drain", "down", "fail")):
                self._login.run(["scontrol", "update", f"NodeName={name}", "State=RESUME"], check=False)

    @contextmanager
    def settings(self, **values: str) -> Iterator[None]:
        """Other lines of slurm.conf within (`MinJobAge="5"`), as far as `scontrol reconfigure` takes them."""
        path = self._etc / "slurm" / "slurm.conf"
        before = path.read_text()
        kept = [line for line in before.splitlines() if line.partition("=")[0] not in values]
        put(path, "\n".join((*(f"{key}={value}" for key, value in values.items()), *kept)) + "\n")
        try:
            self._login.run(["scontrol", "reconfigure"])
            yield
        finally:
            put(path, before)
            self._login.run(["scontrol", "reconfigure"])

    def _nodes(self) -> Iterable[Host]:
        return [self._hosts[name] for name in self._centre.nodes]

    def _write(self) -> bool:
        """Whether they were others before."""
        folder = self._etc / "slurm"
        files = {"slurm.conf": slurm_conf(self._centre, self._addresses)}
        if self._centre.accelerators:
            files["gres.conf"] = gres_conf(self._centre)
        if self._centre.submit_script:
            files["job_submit.lua"] = self._centre.submit_script
        changed = [name for name, text in files.items() if _text(folder / name) != text]
        for name in changed:
            put(folder / name, files[name])
        # slurmdbd accepts no other mode.
        put(folder / "slurmdbd.conf", slurmdbd_conf(self._centre), mode=0o600, owner="slurm")
        return bool(changed)

    def _munge(self, host: Host) -> None:
        folders = "/var/lib/munge /var/log/munge /run/munge"
        host.run(["sh", "-c", f"mkdir -p -m 755 {folders}; chown munge: {folders}"])
        if not _runs(host, "munged"):
            self._as(host, "munge", "munged", "--force")
            wait_for(f"munged at {host.name}", lambda: host.run(["munge", "-n"], check=False).returncode == 0)

    def _database(self) -> None:
        # First: while one is being made, by whoever was killed meanwhile, a mariadbd runs that will never listen.
        self._login.run(["flock", "/run", "sh", "-c", _INSTALL_DATABASE], seconds=120)
        if not _runs(self._login, "mariadbd"):
            self._login.spawn(["mariadbd", *_MARIADB], log="/var/log/mariadb.log")
        # After a crash it looks through its files first.
        try:
            wait_for(f"MariaDB at {self._centre.name}", lambda: self._sql("SELECT 1"), seconds=90)
        except Failed as error:
            said = _text(self._login.own / "var/log/mariadb.log") or ""
            raise Failed(f"{error}; it said: {said[-2000:]}") from error
        if not self._sql(_DATABASE):
            raise Failed(f"{self._centre.name}: no database for slurmdbd")

    def _sql(self, text: str) -> bool:
        argv = ["mariadb", "--no-defaults", "--socket=/run/mysqld/mysqld.sock"]
        return self._login.run(argv, stdin=text.encode(), check=False).returncode == 0

    def _folders(self, host: Host) -> None:
        folders = "/var/lib/slurm /var/lib/slurm/slurmctld /var/log/slurm /run/slurm"
        host.run(["sh", "-c", f"mkdir -p -m 755 {folders} /var/lib/slurm/slurmd; chown slurm: {folders}"])

    def _accounting(self) -> None:
        self._folders(self._login)
        if not _runs(self._login, "slurmdbd"):
            self._as(self._login, "slurm", "slurmdbd")
        wait_for(f"slurmdbd at {self._centre.name}", self._answers, seconds=60)
        done = self._login.own / "var/lib/slurm/accounts"
        accounts = "".join(f"{who.name} {who.project}\n" for who in accounts_of(self._centre))
        if _text(done) == accounts:
            return
        projects: dict[str, list[str]] = {}
        for who in accounts_of(self._centre):
            projects.setdefault(who.project, []).append(who.name)
        self._manage("add", "cluster", self._centre.name)
        self._manage("add", "account", ",".join(projects), f"cluster={self._centre.name}")
        for project, names in projects.items():
            place = (f"account={project}", f"cluster={self._centre.name}", f"defaultaccount={project}")
            self._manage("add", "user", ",".join(names), *place)
        done.write_text(accounts)

    def _answers(self) -> bool:
        return self._login.run(["sacctmgr", "-n", "list", "cluster"], check=False).returncode == 0

    def _manage(self, *words: str) -> None:
        done = self._login.run(["sacctmgr", "-i", "-Q", *words], check=False)
        said = done.stdout + done.stderr
        # After a crash in between, part of it is there already.
        if done.returncode != 0 and not any(word in said for word in ("already exist", "Nothing new")):
            raise Failed(f"sacctmgr {' '.join(words)[:100]}: {said}")

    def _controller(self) -> None:
        if not _runs(self._login, "slurmctld"):
            self._as(self._login, "slurm", "slurmctld")
        ping = ["scontrol", "ping"]
        wait_for(
            f"slurmctld at {self._centre.name}", lambda: "is UP" in self._login.run(ping, check=False).stdout
        )

    def _node(self, host: Host) -> None:
        self._folders(host)
        if not _runs(host, "slurmd"):
            host.run(["slurmd"])

    def _ready(self) -> bool:
        said = self._login.run(["sinfo", "-h", "-N", "-o", "%N %t"], check=False).stdout
        states = dict(line.split() for line in said.splitlines())
        good = [state.rstrip("*") in ("idle", "mix", "alloc", "comp") for state in states.values()]
        asleep = any(state.endswith("*") for state in states.values())
        return len(good) == len(self._centre.nodes) and all(good) and not asleep

    def _as(self, host: Host, account: str, *argv: str) -> None:
        host.run(["setpriv", f"--reuid={account}", f"--regid={account}", "--init-groups", "--", *argv])


def _runs(host: Host, program: str) -> bool:
    """One that a signal stopped runs, and goes on from here."""
    return host.signal(DAEMONS[program], signal.SIGCONT) > 0


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None
