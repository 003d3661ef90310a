"""A login node for tests: a real OpenSSH on loopback, in a mount namespace where other accounts are known than here."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Final

import pytest

from sampan_hub.authority import Authority
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import parse_descriptor
from tests.sampan_hub.descriptions import far
from tests.waiting import wait_until

__all__ = ["ALICE", "BOB", "HUB", "SERVICE", "LoginNode", "as_root", "login_node"]

HUB: Final = "test1"
SERVICE: Final = "sampan-svc"
ALICE: Final = "hpc-alice"
BOB: Final = "hpc-bob"
as_root = pytest.mark.skipif(
    os.geteuid() != 0 and os.environ.get("CI") != "true",
    reason="runs a login node with other accounts, which root alone can",
)
ROOT: Final = Path(__file__).resolve().parents[3]
_CONFIG: Final = """\
ListenAddress 127.0.0.1:{port}
HostKey {etc}/host_key
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile none
TrustedUserCAKeys {etc}/trusted
AuthorizedPrincipalsFile {etc}/principals/%u
RevokedKeys {etc}/revoked
LogLevel VERBOSE
AcceptEnv LC_ALL
{more}
"""
# Everything that the namespace sees differently is laid over it; nothing of this machine is changed.
_ENTER: Final = """\
set -e
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/group" /etc/group
mount --bind "$1/shadow" /etc/shadow
mount -t tmpfs none /run
mkdir -m 755 /run/sshd
mkdir -p "$1/dev"
mount -t tmpfs -o mode=755 none "$1/dev"
for device in null zero full random urandom tty; do
    touch "$1/dev/$device"
    mount --bind "/dev/$device" "$1/dev/$device"
done
mkdir "$1/dev/pts"
mount -t devpts -o newinstance,ptmxmode=666,mode=620 none "$1/dev/pts"
ln -s pts/ptmx "$1/dev/ptmx"
ln -s "$1/log" "$1/dev/log"
mount --rbind "$1/dev" /dev
exec /usr/sbin/sshd -D -e -f "$1/sshd_config"
"""


class LoginNode:
    """`etc`: its configuration. `signer`: the socket of a real signer, whose key is trusted here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.etc = folder / "etc"
        self.state = folder / "state"
        self.signer = self.state / "run" / "signer.sock"
        self.port = _free_port()
        self.syslog: list[str] = []
        """What was sent to the system's log there."""
        self._sshd: subprocess.Popen[bytes] | None = None
        self._signer: subprocess.Popen[bytes] | None = None

    @property
    def uids(self) -> dict[str, int]:
        return {name: uid for uid, name in enumerate((SERVICE, ALICE, BOB), start=61001)}

    def lay_out(self) -> None:
        for path in (self.etc / "principals", self.state / "centres"):
            path.mkdir(parents=True)
        Thread(target=self._take_syslog, args=[self._bound()], daemon=True).start()
        accounts, groups, shadow = ["root:x:0:0::/root:/bin/bash"], ["root:x:0:"], ["root:*:1::::::"]
        accounts.append("sshd:x:102:65534::/run/sshd:/usr/sbin/nologin")
        for name, uid in self.uids.items():
            home = self.folder / "home" / name
            home.mkdir(parents=True)
            os.chown(home, uid, uid)
            accounts.append(f"{name}:x:{uid}:{uid}::{home}:/bin/bash")
            groups.append(f"{name}:x:{uid}:")
            # Not "!": sshd lets nobody into a locked account.
            shadow.append(f"{name}:*:1::::::")
            (self.etc / "principals" / name).write_text(f"sampan:{name}\n")
        for file, lines in (("passwd", accounts), ("group", groups), ("shadow", shadow)):
            (self.etc / file).write_text("\n".join(lines) + "\n")
        self.new_host_key()
        self.trust(*(key.public for key in self.authority.state().trusted))
        (self.etc / "revoked").write_text("")
        self.describe()

    @property
    def authority(self) -> Authority:
        return Authority(self.state / "ca" / "core", HUB)

    def trust(self, *keys: str) -> None:
        (self.etc / "trusted").write_text("".join(f"{key}\n" for key in keys))

    def new_host_key(self, kind: str = "ed25519") -> str:
        path = self.etc / "host_key"
        for old in (path, path.with_suffix(".pub")):
            old.unlink(missing_ok=True)
        argv = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(path)]
        subprocess.run(argv, check=True, capture_output=True)
        return self.host_key

    @property
    def host_key(self) -> str:
        return " ".join((self.etc / "host_key.pub").read_text().split()[:2])

    def description(self, *, source: str = "127.0.0.1", keys: tuple[str, ...] = ()) -> str:
        endpoint = far()[far().index("endpoint:") : far().index("scheduler:")]
        pinned = ", ".join(f'"{key}"' for key in keys or (self.host_key,))
        ours = f"""\
endpoint:
  transport: ssh
  host: 127.0.0.1
  port: {self.port}
  host_keys: [{pinned}]
  service_account: {SERVICE}
  source_addresses: ["{source}"]
accounts:
  method: table
  table: {{alice: hpc-alice, bob: hpc-bob}}
"""
        return far().replace(endpoint, ours)

    def describe(self, **said: str) -> None:
        """Writes the descriptor that the signer reads."""
        (self.state / "centres" / "core.yaml").write_text(self.description(**said))  # type: ignore[arg-type]

    def descriptor(self, *keys: str) -> Descriptor:
        found = parse_descriptor(self.description(keys=keys), "core.yaml")
        assert isinstance(found, Descriptor), found
        return found

    # --- what runs

    def start(self, more: str = "") -> None:
        """`more`: further lines of sshd_config."""
        (self.etc / "sshd_config").write_text(_CONFIG.format(port=self.port, etc=self.etc, more=more))
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER, "sh", str(self.etc)]
        with (self.folder / "sshd.log").open("ab") as log:
            self._sshd = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        said = len(self.log)
        wait_until(lambda: "Server listening" in self.log[said:] or self._sshd_died(), 20)

    def _sshd_died(self) -> bool:
        assert self._sshd is not None
        assert self._sshd.poll() is None, self.log
        return False

    @property
    def log(self) -> str:
        """What sshd says."""
        path = self.folder / "sshd.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _bound(self) -> socket.socket:
        taken = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        taken.bind(str(self.etc / "log"))
        (self.etc / "log").chmod(0o666)
        return taken

    def _take_syslog(self, taken: socket.socket) -> None:
        """Reads as it comes: where nobody does, whoever logs waits. An empty one is the last."""
        with taken:
            while line := taken.recv(65536):
                self.syslog.append(line.decode())

    def close(self) -> None:
        self.stop()
        self.stop_signer()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last, suppress(OSError):
            last.sendto(b"", str(self.etc / "log"))

    def stop(self) -> None:
        """The listener and every session."""
        if self._sshd is not None:
            self.drop_connections()
            self._sshd.kill()
            self._sshd.wait()
            self._sshd = None

    def drop_connections(self) -> None:
        """Ends who is logged in; the listener stays."""
        assert self._sshd is not None
        for child in _below(self._sshd.pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def kill(self, account: str) -> None:
        """As `pkill -KILL -u account` does, for our own accounts alone."""
        assert self._sshd is not None
        uid = self.uids[account]
        for child in _below(self._sshd.pid):
            with suppress(OSError):
                if f"\nUid:\t{uid}\t" in Path(f"/proc/{child}/status").read_text():
                    os.kill(child, signal.SIGKILL)

    def freeze(self, *, thaw: bool = False) -> None:
        """Everything here stands still, as if no packet arrived; or goes on."""
        assert self._sshd is not None
        for process in (self._sshd.pid, *_below(self._sshd.pid)):
            os.kill(process, signal.SIGCONT if thaw else signal.SIGSTOP)

    def start_signer(self, *flags: str) -> None:
        argv = [
            sys.executable,
            "-m",
            "sampan_hub.signer",
            "--state",
            str(self.state),
            "--hub-id",
            HUB,
            *flags,
        ]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "hub")}
        with (self.folder / "signer.log").open("ab") as log:
            self._signer = subprocess.Popen(argv, env=environment, stdout=log, stderr=log)
        wait_until(self.signer.is_socket, 20)

    @property
    def signer_log(self) -> str:
        return (self.folder / "signer.log").read_text()

    def stop_signer(self) -> None:
        if self._signer is not None:
            self._signer.kill()
            self._signer.wait()
            self._signer = None
            self.signer.unlink(missing_ok=True)

    def connections(self, account: str) -> int:
        """How many sessions sshd holds for an account."""
        assert self._sshd is not None
        found = 0
        for pid in _below(self._sshd.pid):
            with suppress(OSError):
                title = Path(f"/proc/{pid}/cmdline").read_bytes()
                found += title.startswith(f"sshd: {account} [priv]".encode())
        return found


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _below(pid: int) -> list[int]:
    """All children of a process and theirs."""
    try:
        own = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [*own, *(further for child in own for further in _below(child))]


@contextmanager
def login_node() -> Iterator[LoginNode]:
    """One that runs, with its signer; as root."""
    assert os.geteuid() == 0
    # Not pytest's own folder: other accounts must be able to pass through it.
    folder = Path(tempfile.mkdtemp(prefix="sampan-login-", dir="/tmp"))
    folder.chmod(0o755)
    node = LoginNode(folder)
    try:
        node.lay_out()
        node.start()
        node.start_signer()
        yield node
    finally:
        node.close()
        shutil.rmtree(folder, ignore_errors=True)
