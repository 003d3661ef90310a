"""Who is let in by the login nodes: a certificate of a trusted authority, for that account, from the hub, now. Nobody else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest

from tests.federation.centre import Centre
from tests.federation.federation import Federation

pytestmark = pytest.mark.federation

MUNGE = "/run/munge/munge.socket.2"


@dataclass(frozen=True)
class Authority:
    """A certificate authority of OpenSSH's own making, and a person's key."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Authority:
        for name in ("ca", "key"):
            keygen("-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name))
        return cls(folder)

    @property
    def public(self) -> str:
        return (self.folder / "ca.pub").read_text().strip()

    def certificate(self, *principals: str, valid: str = "-1m:+5m", source: str | None = None) -> str:
        """Signs the person's key; the line of the certificate."""
        options = ["-O", f"source-address={source}"] if source else []
        names = ["-n", ",".join(principals)]
        keygen(
            "-q",
            "-s",
            str(self.folder / "ca"),
            "-I",
            "test",
            *names,
            "-V",
            valid,
            *options,
            f"{self.key}.pub",
        )
        return (self.folder / "key-cert.pub").read_text().strip()

    @property
    def key(self) -> Path:
        return self.folder / "key"


def keygen(*words: str) -> None:
    subprocess.run(["ssh-keygen", *words], check=True, capture_output=True)


def log_in(centre: Centre, account: str, key: Path, *options: str) -> subprocess.CompletedProcess[str]:
    known = key.with_name("known")
    known.write_text("".join(f"{centre.address} {line}\n" for line in centre.host_keys))
    argv = ["ssh", "-F", "none", "-T", "-i", str(key), "-o", f"UserKnownHostsFile={known}"]
    argv += ["-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", *options]
    return subprocess.run(
        [*argv, f"{account}@{centre.address}", "id -un; hostname"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=20,
        check=False,
    )


@pytest.fixture
def authority(tmp_path: Path, federation: Federation) -> Iterator[Authority]:
    """Trusted at east alone, and only within the test."""
    made = Authority.make(tmp_path)
    east = federation.centre("east")
    revoked = east.ssh.revoked
    east.trust(made.public)
    yield made
    east.distrust(made.public)
    east.ssh.put_revoked(revoked)


def refused(done: subprocess.CompletedProcess[str]) -> bool:
    return done.returncode == 255 and "Permission denied" in done.stderr


def test_the_right_certificate_opens_one_account_at_one_centre(
    federation: Federation, authority: Authority
) -> None:
    east, west = federation.centre("east"), federation.centre("west")
    alice = east.account("alice")
    authority.certificate(f"operator:{alice}", source=east.hub_address)
    assert log_in(east, alice, authority.key).stdout == f"{alice}\neast-login\n"
    assert refused(log_in(east, east.account("bob"), authority.key))
    assert refused(log_in(east, east.service_account, authority.key))
    # West does not know this authority, even for an account of its own.
    authority.certificate(f"operator:{west.account('alice')}")
    assert refused(log_in(west, west.account("alice"), authority.key))


def test_the_service_account_comes_in_the_same_way(federation: Federation, authority: Authority) -> None:
    east = federation.centre("east")
    authority.certificate(f"operator:{east.service_account}", source=east.hub_address)
    assert log_in(east, east.service_account, authority.key).stdout.startswith(east.service_account)


async def test_the_service_account_reaches_no_socket_and_listens_nowhere(
    federation: Federation, authority: Authority
) -> None:
    """Munge's would make the hub this account at the scheduler, past the gate. Whatever its certificate permits."""
    east = federation.centre("east")
    authority.certificate(f"sampan:{east.service_account}", source=east.hub_address)
    async with asyncssh.connect(
        east.address,
        east.port,
        username=east.service_account,
        known_hosts=([asyncssh.import_public_key(line) for line in east.host_keys], [], []),
        client_keys=[(str(authority.key), f"{authority.key}-cert.pub")],
        agent_path=None,
        config=None,
    ) as connection:
        assert east.run(["test", "-S", MUNGE], account=east.service_account).returncode == 0
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_unix_connection(MUNGE)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("", 0, "127.0.0.1", 1)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_path("/tmp/of-the-hub", "/tmp/x")
        assert (await connection.run("id", check=False)).exit_status == 126


@pytest.mark.parametrize(
    ("principal", "valid", "source"),
    [
        ("sampan:e-bob", "-1m:+5m", None),
        ("e-alice", "-1m:+5m", None),
        ("sampan:*", "-1m:+5m", None),
        ("sampan:e-alice", "-10m:-5m", None),
        ("sampan:e-alice", "+5m:+10m", None),
        ("sampan:e-alice", "-1m:+5m", "192.0.2.77"),
    ],
    ids=["another", "bare name", "everybody", "expired", "not yet", "from elsewhere"],
)
def test_a_wrong_certificate_opens_nothing(
    federation: Federation, authority: Authority, principal: str, valid: str, source: str | None
) -> None:
    authority.certificate(principal, valid=valid, source=source)
    assert refused(log_in(federation.centre("east"), "e-alice", authority.key))


def test_root_and_system_accounts_are_refused_whatever_they_bring(
    federation: Federation, authority: Authority
) -> None:
    east = federation.centre("east")
    for account in ("root", "slurm", "munge", "nobody"):
        authority.certificate(account, f"sampan:{account}")
        assert refused(log_in(east, account, authority.key))


def test_a_plain_key_and_a_password_are_refused(federation: Federation, authority: Authority) -> None:
    """Even where the account itself has written the key down as its own."""
    east = federation.centre("east")
    script = 'mkdir -p -m 700 .ssh && echo "$1" >.ssh/authorized_keys && chmod 600 .ssh/authorized_keys'
    key = Path(f"{authority.key}.pub").read_text().strip()
    east.run(["sh", "-c", script, "sh", key], account="e-alice")
    try:
        done = log_in(east, "e-alice", authority.key)
        assert refused(done)
        assert "(publickey)" in done.stderr
    finally:
        east.run(["rm", "-r", "/home/e-alice/.ssh"])


def test_what_is_revoked_is_refused(federation: Federation, authority: Authority) -> None:
    east = federation.centre("east")
    certificate = authority.certificate("operator:e-alice")
    assert log_in(east, "e-alice", authority.key).returncode == 0
    east.revoke(certificate)
    assert refused(log_in(east, "e-alice", authority.key))
    east.ssh.put_revoked(b"")
    assert log_in(east, "e-alice", authority.key).returncode == 0
    # As an authority does it: a list of what it signed, by key.
    krl = authority.folder / "krl"
    keygen("-q", "-k", "-f", str(krl), f"{authority.key}.pub")
    east.ssh.put_revoked(krl.read_bytes())
    assert refused(log_in(east, "e-alice", authority.key))


def test_only_the_service_accounts_logins_are_other_than_before(federation: Federation) -> None:
    """What `sampan ca show` has a centre install says nothing of how people's own logins are."""
    for centre in federation.centres.values():

        def told(account: str, centre: Centre = centre) -> set[str]:
            of = f"user={account},host=hub,addr={centre.hub_address}"
            return set(centre.run(["/usr/sbin/sshd", "-T", "-C", of]).stdout.splitlines())

        bounds = {
            "allowtcpforwarding local",
            "allowstreamlocalforwarding no",
            "permitlisten none",
            "clientaliveinterval 15",
        }
        assert bounds <= told(centre.service_account)
        assert not bounds & told(centre.account("alice"))


def test_core_alone_binds_no_forwarded_port_for_others(federation: Federation) -> None:
    """`GatewayPorts` differs: what works at one centre must not be relied on at all."""
    told = {
        name: centre.run(["/usr/sbin/sshd", "-T"]).stdout.splitlines()
        for name, centre in federation.centres.items()
    }
    assert "gatewayports no" in told["core"]
    assert all("gatewayports clientspecified" in told[name] for name in ("east", "west", "cloud"))
