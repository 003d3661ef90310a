"""One centre of the federation: what its operators see, and what a test may do to it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.federation import network, tree
from tests.federation.accounts import accounts_of, people_of
from tests.federation.batch import ProcessBatch, SlurmBatch
from tests.federation.descriptors import describe
from tests.federation.host import Failed, Host
from tests.federation.network import Plan
from tests.federation.record import Record
from tests.federation.shape import CentreShape
from tests.federation.slurm import Slurm
from tests.federation.ssh_daemon import PORT, SshDaemon
from tests.federation.user_environment import FOLDER

__all__ = ["Centre"]


class Centre:
    """`root`: of the federation. `plan`: its addresses."""

    def __init__(self, shape: CentreShape, root: Path, plan: Plan, record: Record) -> None:
        self.shape = shape
        self.name = shape.name
        self.root = root / "centres" / shape.name
        """Where its files lie on this machine: home, scratch, opt, etc."""
        self.address = plan.login(shape)
        self.hub_address = plan.hub(shape)
        """Where the hub comes from, as this centre sees it."""
        self.port = PORT
        self.service_account = shape.service_account
        self.accounts = people_of(shape)
        self._plan = plan
        shared = tree.shared(self.root)
        self.hosts = {
            short: Host(
                f"{shape.name}-{short}",
                root / "hosts" / f"{shape.name}-{short}",
                shared,
                {str(FOLDER): FOLDER},
                record,
            )
            for short in shape.hosts
        }
        inner = {short: plan.inner(shape, short) for short in shape.hosts}
        self.addresses = inner
        """Of each host, inside the centre."""
        self.ssh = SshDaemon(shape, self.hosts["login"], shared["/etc"], self.address)
        self.slurm = Slurm(shape, self.hosts, shared["/etc"], inner) if shape.has_slurm else None
        login = self.hosts["login"]
        self.batch = SlurmBatch(shape, login) if shape.has_slurm else ProcessBatch(shape, login)

    # ---- from nothing to up, and back --------------------------------------------------------------------------------

    def up(self) -> None:
        """Whatever part of it is missing is made; what a test cut or stopped is as before."""
        names = {self.hosts[short].name: address for short, address in self.addresses.items()}
        tree.lay_out(self.shape, self.root, names)
        if not self._whole():
            # A node's link ends in its login node: half a centre is made anew.
            self.end()
            for host in self.hosts.values():
                host.start()
            network.connect(self._plan, self.shape, self.hosts)
            self._connected.write_text(self._anchors())
        self.heal()
        for node in self.shape.nodes:
            self.heal_node(node)
        self.ssh.start()
        if self.slurm is not None:
            self.slurm.start()
        self.batch.prepare()

    def _whole(self) -> bool:
        """All hosts are up, and these very ones are connected: an `up` killed in between leaves hosts without a network."""
        if not all(host.whole for host in self.hosts.values()):
            return False
        return self._connected.exists() and self._connected.read_text() == self._anchors()

    @property
    def _connected(self) -> Path:
        """Which hosts the network was last made for."""
        return self.root / "connected"

    def _anchors(self) -> str:
        anchors = {name: host.anchor for name, host in sorted(self.hosts.items())}
        return repr([(name, anchor.pid, anchor.started) for name, anchor in anchors.items()])

    def end(self) -> None:
        """Everything that runs there is gone when this returns; the files stay."""
        for host in self.hosts.values():
            host.end()
        network.disconnect(self._plan, self.shape)

    @property
    def is_up(self) -> bool:
        return all(host.up for host in self.hosts.values())

    # ---- what its operators see ----------------------------------------------------------------------------------------

    def account(self, user: str) -> str:
        """Of a hub user, there."""
        return self.accounts[user]

    @property
    def uids(self) -> dict[str, int]:
        """Account → UID, of all that can log in."""
        return {who.name: who.uid for who in accounts_of(self.shape)}

    @property
    def host_keys(self) -> tuple[str, ...]:
        return self.ssh.host_keys

    def run(
        self,
        argv: Sequence[str],
        host: str = "login",
        account: str | None = None,
        stdin: bytes = b"",
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """A command on one of its hosts (login, n1, n2), as root or as an account, in its home there."""
        return self.hosts[host].run(argv, account=account, stdin=stdin, check=check)

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs its scheduler knows: id, tag, account, state (queued, running, ended), raw, queue, cores, nodes."""
        return self.batch.jobs()

    def nodes(self) -> dict[str, dict[str, Any]]:
        """Node → cores, allocated, state, as its scheduler says."""
        return self.batch.nodes()

    def squeue(self) -> str:
        """Slurm's own words about all jobs, for whoever reads a failure."""
        return self.run(["squeue", "-a", "-o", "%i|%u|%j|%P|%T|%C|%N|%r|%k"]).stdout

    # ---- what a test may do to it --------------------------------------------------------------------------------------

    def fill(self, cores: int | None = None) -> str:
        """A sleeping job of a stranger over that many free cores (None: all that are free); its number, when it runs."""
        return self.batch.fill(cores)

    def free(self, job: str | None = None) -> None:
        """Ends that job, or all of the stranger's; returns when the scheduler says that they are gone."""
        self.batch.end(job)

    def end_all_jobs(self) -> None:
        self.batch.end_all()

    def cut(self) -> None:
        """Nobody gets there from the hub, or back: what is sent is lost. What runs there goes on."""
        network.set_link(self.hosts["login"], up=False)

    def heal(self) -> None:
        network.set_link(self.hosts["login"], up=True)

    @property
    def is_cut(self) -> bool:
        return network.is_cut(self.hosts["login"])

    def cut_node(self, node: str) -> None:
        """Its node is lost: to the login node and to the other nodes."""
        network.set_node_link(self.hosts["login"], node, up=False)

    def heal_node(self, node: str) -> None:
        network.set_node_link(self.hosts["login"], node, up=True)

    def stop_daemon(self, name: str, host: str = "login") -> None:
        """It accepts connections from here on, and never answers."""
        self._signal(name, host, signal.SIGSTOP)

    def continue_daemon(self, name: str, host: str = "login") -> None:
        self._signal(name, host, signal.SIGCONT)

    def kill_daemon(self, name: str, host: str = "login") -> None:
        """All processes of that name (slurmctld, slurmd, slurmstepd, sshd, …) on that host, with SIGKILL."""
        self._signal(name, host, signal.SIGKILL)

    def _signal(self, name: str, host: str, number: int) -> None:
        if not self.hosts[host].signal(name, number):
            raise Failed(f"no {name} runs at {self.hosts[host].name}")

    def trust(self, key: str) -> None:
        """Adds the public key of a certificate authority, as one line, to those that its sshd believes."""
        self.ssh.trust(key)

    def distrust(self, key: str) -> None:
        """Takes it away from them again."""
        self.ssh.distrust(key)

    def revoke(self, key: str) -> None:
        """Adds a public key or a certificate, as one line, to those that its sshd refuses."""
        self.ssh.revoke(key)

    def descriptor(self) -> dict[str, Any]:
        """What the centre says of itself, as the YAML file would."""
        return describe(self)
