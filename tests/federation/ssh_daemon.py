"""OpenSSH on a login node: people come in with certificates of an authority that is trusted there, or not at all."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path
from typing import Final

from sampan_hub.sshd_lines import FOLDER
from tests.federation.gate_files import write_gate
from tests.federation.host import Failed, Host, wait_for
from tests.federation.shape import CentreShape
from tests.federation.writing import put

__all__ = ["FOLDER", "SshDaemon"]

PORT: Final = 22

_CONFIG: Final = """\
# Written by tests/federation.
Include /etc/ssh/sshd_config.d/*.conf
Port {port}
ListenAddress {address}
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/sshd.pid
LogLevel VERBOSE
UsePAM no
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
PubkeyAuthentication yes
AuthorizedKeysFile none
PermitUserRC no
PermitUserEnvironment no
# As Debian's own file has it: programs may be asked to speak English.
AcceptEnv LANG LC_*
X11Forwarding no
AllowAgentForwarding no
GatewayPorts {gateway_ports}
PrintMotd no
UseDNS no
# A class that starts at once is no attack.
MaxStartups 200
MaxSessions 200
"""


class SshDaemon:
    """`etc`: the centre's /etc, on this machine."""

    def __init__(self, centre: CentreShape, host: Host, etc: Path, address: str) -> None:
        self._centre = centre
        self._host = host
        self._etc = etc / "ssh"
        self._local = etc.parent / "local"
        self._own = self._etc / "sampan"
        self._address = address

    def start(self) -> None:
        """Does nothing where it runs already."""
        key = self._etc / "ssh_host_ed25519_key"
        self._etc.mkdir(parents=True, exist_ok=True)
        if not key.exists():
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)]
            subprocess.run(argv, check=True, capture_output=True)
        for name in ("ca.pub", "revoked"):
            if not (self._own / name).exists():
                put(self._own / name, "")
        told = write_gate(self._centre, self._etc.parent, self._local)
        config = _CONFIG.format(port=PORT, address=self._address, gateway_ports=self._centre.gateway_ports)
        changed = self._write("sshd_config", config) | self._write("sshd_config.d/sampan.conf", told)
        if not self._listens():
            self._host.run(["mkdir", "-p", "-m", "755", "/run/sshd"])
            self._host.run(["/usr/sbin/sshd", "-E", "/var/log/sshd.log"])
        elif changed:
            self._host.run(["sh", "-c", "kill -HUP $(cat /run/sshd.pid)"])
        wait_for(f"sshd at {self._host.name}", self._listens)

    def _write(self, name: str, text: str) -> bool:
        """Whether it was another before."""
        path = self._etc / name
        changed = not path.exists() or path.read_text() != text
        put(path, text)
        return changed

    def _listens(self) -> bool:
        """A session's process has the same name: what tells them apart is who waits at the port."""
        said = self._host.run(["ss", "-Hltn", f"src {self._address}:{PORT}"], check=False)
        return bool(said.stdout.strip())

    @property
    def host_keys(self) -> tuple[str, ...]:
        return (" ".join((self._etc / "ssh_host_ed25519_key.pub").read_text().split()[:2]),)

    def trust(self, key: str) -> None:
        """Adds the public key of an authority; sshd reads the file at each login."""
        if len(key.split()) < 2 or "\n" in key.strip():
            raise Failed(f"not one public key: {key[:60]!r}")
        self._change("ca.pub", key, there=True)

    def distrust(self, key: str) -> None:
        """Takes it away again, and leaves those of others."""
        self._change("ca.pub", key, there=False)

    def revoke(self, key: str) -> None:
        """Adds a public key or a certificate, as one line, to those that are refused."""
        self._change("revoked", key, there=True)

    def _change(self, name: str, line: str, *, there: bool) -> None:
        """Several test runs may use one federation, each with an authority of its own."""
        with (self._own / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lines = [each for each in (self._own / name).read_text().splitlines() if each != line.strip()]
            put(
                self._own / name,
                "".join(f"{each}\n" for each in (*lines, *([line.strip()] if there else ()))),
            )

    @property
    def trusted(self) -> bytes:
        return (self._own / "ca.pub").read_bytes()

    @property
    def revoked(self) -> bytes:
        return (self._own / "revoked").read_bytes()

    def put_revoked(self, content: bytes) -> None:
        """The whole list, as a text or as a KRL (ssh-keygen -k)."""
        put(self._own / "revoked", content)
