"""The keys of one centre: made once, replaced with overlap, taken back; and what a real sshd makes of a certificate."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from sampan.errors import Conflict, Invalid, Unavailable
from sampan_hub.authority import Authority
from sampan_hub.certificates import Order, Purpose, key_id
from sampan_hub.revocation import write_revocations
from tests.sampan_hub.transports.a_login_node import ALICE, BOB, HUB, SERVICE, LoginNode, as_root, login_node

KEY = asyncssh.generate_private_key("ssh-ed25519")
PUBLIC = KEY.export_public_key("openssh").decode().strip()


def wanted(account: str = ALICE, **said: object) -> Order:
    now = int(time.time())
    order = Order(
        centre="core",
        account=account,
        purpose=Purpose.PERSON,
        key_id=key_id(HUB, "core", account, Purpose.PERSON),
        source_addresses=("127.0.0.1",),
        valid_after=now - 60,
        valid_before=now + 300,
    )
    return replace(order, **said)  # type: ignore[arg-type]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca" / "core", HUB)


def test_the_first_look_makes_the_first_key(authority: Authority) -> None:
    [key] = authority.state().trusted
    assert key.public.startswith("ssh-ed25519 ")
    assert key == authority.state().signs == Authority(authority.folder, "other").state().signs
    modes = {
        path.name: path.stat().st_mode & 0o777 for path in (authority.folder, *authority.folder.iterdir())
    }
    assert modes == {"core": 0o700, "lock": 0o600, "1.key": 0o600, "authority.json": 0o600}


def test_ten_at_once_make_one_key(authority: Authority) -> None:
    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(lambda _: Authority(authority.folder, HUB).state().signs.public, range(10)))
    assert len(set(found)) == 1


def test_what_stands_in_a_certificate(authority: Authority) -> None:
    """Read by OpenSSH itself."""
    certificate, serial = authority.sign(wanted(), PUBLIC)
    told = tell(certificate)
    assert f"Serial: {serial}" in told
    assert 'Key ID: "sampan:test1:core:hpc-alice:person"' in told
    assert (
        "Principals: sampan:hpc-alice Critical Options: source-address 127.0.0.1/32 Extensions: (none)"
        in told
    )
    served, _ = authority.sign(wanted(SERVICE, purpose=Purpose.SERVICE), PUBLIC)
    assert tell(served).endswith("Extensions: permit-port-forwarding permit-pty")


def tell(certificate: asyncssh.SSHCertificate) -> str:
    text = certificate.export_certificate("openssh")
    done = subprocess.run(["ssh-keygen", "-L", "-f", "-"], input=text, capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


def test_numbers_only_grow(authority: Authority) -> None:
    """Also over a kill: what was set aside is skipped."""
    first = [authority.sign(wanted(), PUBLIC)[1] for _ in range(70)]
    assert first == sorted(set(first))
    again = Authority(authority.folder, HUB)
    assert again.sign(wanted(), PUBLIC)[1] > first[-1]
    one, two = Authority(authority.folder, HUB), Authority(authority.folder, HUB)
    assert len({side.sign(wanted(), PUBLIC)[1] for side in (one, two) * 40}) == 80


def test_a_new_key_waits_until_it_is_told_to_sign(authority: Authority) -> None:
    first = authority.state().signs
    with pytest.raises(Conflict) as caught:
        authority.activate()
    assert caught.value.code == "ca.nothing_waits"
    state = authority.rotate()
    assert (state.signs, state.trusted[0]) == (first, first)
    assert state.waiting is not None
    with pytest.raises(Conflict):
        authority.rotate()
    assert signer_of(authority) == first.fingerprint
    state = authority.activate()
    assert state.signs != first
    assert len(state.trusted) == 2, "the old one is trusted still"
    assert signer_of(authority) == state.signs.fingerprint
    state = authority.revoke(old_keys=True)
    assert state.trusted == (state.signs,)
    assert authority.rotate().waiting is not None


def signer_of(authority: Authority) -> str:
    """The fingerprint of the key that signs."""
    certificate, _ = authority.sign(wanted(), PUBLIC)
    return tell(certificate).partition("Signing CA: ED25519 ")[2].split()[0]


def test_what_was_taken_back_may_be_given_again(authority: Authority) -> None:
    assert authority.revoke(accounts=("b", "a"), serials=(7,)).accounts == ("a", "b")
    assert authority.revoke(accounts=("a",)).accounts == ("a", "b"), "twice is once"
    assert authority.restore("a").accounts == ("b",)
    with pytest.raises(Conflict):
        authority.restore("a")


def test_keys_that_others_may_read_are_not_used(authority: Authority) -> None:
    authority.state()
    (authority.folder / "1.key").chmod(0o640)
    with pytest.raises(Invalid) as caught:
        authority.sign(wanted(), PUBLIC)
    assert caught.value.code == "up.not_private"
    (authority.folder / "1.key").chmod(0o600)
    authority.folder.chmod(0o750)
    with pytest.raises(Invalid):
        authority.state()


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"keys": []}', "\xff", '{"hub": "a", "keys": [], "signing": 1}']
)
def test_a_damaged_folder_is_said_and_nothing_is_made_anew(authority: Authority, text: str) -> None:
    authority.state()
    (authority.folder / "authority.json").write_text(text, encoding="latin-1")
    with pytest.raises(Invalid) as caught:
        authority.sign(wanted(), PUBLIC)
    assert caught.value.code == "ca.folder"
    (authority.folder / "1.key").unlink()
    with pytest.raises(Invalid):
        authority.sign(wanted(), PUBLIC)


def test_killed_at_any_moment_it_is_as_before_or_as_after(authority: Authority) -> None:
    authority.state()
    program = (
        "import sys; from pathlib import Path; from sampan_hub.authority import Authority\n"
        "a = Authority(Path(sys.argv[1]), 'test1')\n"
        "while True: a.rotate(); a.activate()"
    )
    for delay in (0.0, 0.003, 0.01, 0.03):
        child = subprocess.Popen(
            [sys.executable, "-c", program, str(authority.folder)],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "hub")},
            stderr=subprocess.DEVNULL,
        )
        before, end = authority.state(), time.monotonic() + 30
        while authority.state() == before and child.poll() is None:
            assert time.monotonic() < end
        time.sleep(delay)
        child.kill()
        child.wait()
        if authority.state().waiting is not None:
            authority.activate()
        assert signer_of(authority) == authority.state().signs.fingerprint


# --- what sshd makes of it


@pytest.fixture(scope="module")
def node() -> Iterator[LoginNode]:
    with login_node() as node:
        yield node


async def come(node: LoginNode, order: Order, account: str, authority: Authority | None = None) -> str:
    """Logs in as `account` with this certificate: whose account it turned out to be."""
    certificate, _ = (authority or node.authority).sign(order, PUBLIC)
    async with asyncssh.connect(
        "127.0.0.1",
        node.port,
        username=account,
        known_hosts=([asyncssh.import_public_key(node.host_key)], [], []),
        client_keys=[(KEY, certificate)],
        agent_path=None,
        config=None,
    ) as connection:
        return str((await connection.run("id -un")).stdout).strip()


@as_root
class TestAtTheDoor:
    async def test_who_comes_in(self, node: LoginNode) -> None:
        assert await come(node, wanted(), ALICE) == ALICE

    async def test_as_another(self, node: LoginNode) -> None:
        with pytest.raises(asyncssh.PermissionDenied):
            await come(node, wanted(), BOB)
        with pytest.raises(asyncssh.PermissionDenied):
            await come(node, wanted(), SERVICE)

    async def test_as_root(self, node: LoginNode) -> None:
        """Although this sshd lets root log in: nobody is listed for it."""
        for account in ("root", ALICE):
            with pytest.raises(asyncssh.PermissionDenied):
                await come(node, wanted("root"), account)

    async def test_from_elsewhere(self, node: LoginNode) -> None:
        with pytest.raises(asyncssh.PermissionDenied):
            await come(node, wanted(source_addresses=("192.0.2.0/28",)), ALICE)

    async def test_too_late_and_too_early(self, node: LoginNode) -> None:
        now = int(time.time())
        for after, before in ((now - 600, now - 1), (now + 60, now + 300)):
            with pytest.raises(asyncssh.PermissionDenied):
                await come(node, wanted(valid_after=after, valid_before=before), ALICE)

    async def test_signed_by_another_centres_authority(self, node: LoginNode, tmp_path: Path) -> None:
        with pytest.raises(asyncssh.PermissionDenied):
            await come(node, wanted(), ALICE, Authority(tmp_path / "ca" / "east", HUB))

    async def test_while_one_key_replaces_another(self, node: LoginNode) -> None:
        authority = node.authority
        authority.rotate()
        assert await come(node, wanted(), ALICE) == ALICE, "the old one signs"
        node.trust(*(key.public for key in authority.state().trusted))
        authority.activate()
        assert await come(node, wanted(), ALICE) == ALICE, "the new one signs"

    async def test_what_was_taken_back(self, node: LoginNode) -> None:
        authority = node.authority
        _, serial = authority.sign(wanted(), PUBLIC)

        def install() -> None:
            write_revocations(authority, "core")
            (node.etc / "revoked").write_bytes((authority.folder / "revoked").read_bytes())

        install()
        assert await come(node, wanted(), ALICE) == ALICE, "an empty list takes nothing back"
        authority.revoke(serials=(serial + 1,))
        install()
        with pytest.raises(asyncssh.PermissionDenied):
            await come(node, wanted(), ALICE, authority)
        assert await come(node, wanted(), ALICE, authority) == ALICE, "the next number is another certificate"
        authority.revoke(accounts=(ALICE,))
        install()
        with pytest.raises(asyncssh.PermissionDenied):
            await come(node, wanted(), ALICE)
        assert await come(node, wanted(BOB), BOB) == BOB
        authority.restore(ALICE)
        install()
        assert await come(node, wanted(), ALICE) == ALICE

    async def test_everything_that_an_old_key_has_signed(self, node: LoginNode) -> None:
        authority = node.authority
        signed, _ = authority.sign(wanted(), PUBLIC)
        authority.rotate()
        authority.activate()
        node.trust(*(key.public for key in authority.state().keys))
        authority.revoke(old_keys=True)
        write_revocations(authority, "core")
        (node.etc / "revoked").write_bytes((authority.folder / "revoked").read_bytes())
        assert await come(node, wanted(), ALICE) == ALICE
        assert is_revoked(node.etc / "revoked", signed)


def is_revoked(revocations: Path, certificate: asyncssh.SSHCertificate) -> bool:
    shown = revocations.with_name("shown.pub")
    shown.write_bytes(certificate.export_certificate("openssh"))
    done = subprocess.run(
        ["ssh-keygen", "-Q", "-f", str(revocations), str(shown)], capture_output=True, check=False
    )
    return b"REVOKED" in done.stdout


def test_without_ssh_keygen(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable) as caught:
        write_revocations(authority, "core")
    assert caught.value.code == "ca.keygen"
    assert not (authority.folder / "revoked").exists(), "nothing half-written"
