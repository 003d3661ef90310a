"""The certificate authority of one centre: its keys, its serial numbers, and what it has taken back. One folder."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import asyncssh

from sampan.errors import Conflict, Invalid, Unavailable
from sampan_hub.certificates import Order

__all__ = ["Authority", "Key", "State"]

_STATE: Final = "authority.json"
_SERIAL: Final = "serial"
_RESERVED: Final = 64
"""Serial numbers that are set aside at once: a signer that is killed skips some, and never gives one twice."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that signs or has signed. `made_at`: seconds since the epoch."""

    number: int
    public: str
    """OpenSSH's one line, without a comment."""
    made_at: int
    revoked: bool = False

    @property
    def fingerprint(self) -> str:
        return str(asyncssh.import_public_key(self.public).get_fingerprint())


@dataclass(frozen=True, slots=True)
class State:
    """What is known of an authority; replaced as a whole."""

    hub: str
    keys: tuple[Key, ...]
    signing: int
    """The number of the key that signs now."""
    accounts: tuple[str, ...] = ()
    """For whom nothing is signed any more, whatever the centre's list says."""
    serials: tuple[int, ...] = ()
    """Certificates taken back one by one."""

    @property
    def trusted(self) -> tuple[Key, ...]:
        """The keys that the centre should trust: while one replaces another, both."""
        return tuple(key for key in self.keys if not key.revoked)

    @property
    def signs(self) -> Key:
        return next(key for key in self.keys if key.number == self.signing)

    @property
    def waiting(self) -> Key | None:
        """A newer key that the centre is being told of, and that does not sign yet."""
        return next((key for key in self.trusted if key.number > self.signing), None)


@dataclass(slots=True)
class Authority:
    """Mode 0700, files in it 0600. Every change is one renamed file: killed at any moment, it is as before or as after.

    Any number of processes may have the same folder open; changes take its lock, and each look reads what is there.
    """

    folder: Path
    hub: str
    """The hub's id; the one that made the authority holds."""
    _serials: list[int] = field(default_factory=list)
    _signer: tuple[int, asyncssh.SSHKey] | None = None

    def state(self) -> State:
        """What holds now; the first look makes the first key. Raises `Invalid` where the folder cannot be trusted."""
        if not (self.folder / _STATE).exists():
            with self._locked():
                if not (self.folder / _STATE).exists():
                    self._save(State(self.hub, (self._make(1),), 1))
        return self._load()

    def sign(self, order: Order, public: str) -> tuple[asyncssh.SSHCertificate, int]:
        """The certificate for a public key, and its serial number. Nothing here asks for whom: `certificates.order` has."""
        state = self.state()
        serial = self._next_serial()
        certificate = self._private(state.signing).generate_user_certificate(
            asyncssh.import_public_key(public),
            order.key_id,
            serial=serial,
            principals=[order.principal],
            valid_after=order.valid_after,
            valid_before=order.valid_before,
            source_address=list(order.source_addresses),
            permit_x11_forwarding=False,
            permit_agent_forwarding=False,
            permit_user_rc=False,
            permit_port_forwarding=order.forwards,
            permit_pty=order.forwards,
            comment=None,
        )
        return certificate, serial

    def rotate(self) -> State:
        """A further key, which the centre is to trust before it signs. Raises `Conflict` while one waits already."""
        with self._change() as state:
            if state.waiting is not None:
                raise Conflict("ca.waiting", key=state.waiting.fingerprint)
            made = self._make(state.keys[-1].number + 1)
            return self._save(replace(state, keys=(*state.keys, made)))

    def activate(self) -> State:
        """The key that waits signs from now on. Raises `Conflict` where none waits."""
        with self._change() as state:
            if state.waiting is None:
                raise Conflict("ca.nothing_waits")
            return self._save(replace(state, signing=state.waiting.number))

    def revoke(
        self, *, accounts: tuple[str, ...] = (), serials: tuple[int, ...] = (), old_keys: bool = False
    ) -> State:
        """Takes certificates back: of accounts, by number, or all that older keys have signed. Twice is once."""
        with self._change() as state:
            keys = tuple(
                replace(key, revoked=key.revoked or (old_keys and key.number < state.signing))
                for key in state.keys
            )
            taken = tuple(sorted({*state.accounts, *accounts}))
            numbers = tuple(sorted({*state.serials, *serials}))
            return self._save(replace(state, keys=keys, accounts=taken, serials=numbers))

    def restore(self, account: str) -> State:
        """Signs for this account again. Raises `Conflict` where it was not revoked."""
        with self._change() as state:
            if account not in state.accounts:
                raise Conflict("ca.not_revoked", account=account)
            return self._save(
                replace(state, accounts=tuple(name for name in state.accounts if name != account))
            )

    # --- files

    @contextmanager
    def _change(self) -> Iterator[State]:
        self.state()
        with self._locked():
            yield self._load()

    def _load(self) -> State:
        self._check()
        try:
            return _read((self.folder / _STATE).read_text(encoding="utf-8"))
        except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
            raise Invalid("ca.folder", cause=repr(error), folder=str(self.folder)) from error

    def _make(self, number: int) -> Key:
        key = asyncssh.generate_private_key("ssh-ed25519")
        _write(self._private_path(number), key.export_private_key("openssh"))
        return Key(number, key.export_public_key("openssh").decode().strip(), int(time.time()))

    def _private_path(self, number: int) -> Path:
        return self.folder / f"{number}.key"

    def _private(self, number: int) -> asyncssh.SSHKey:
        if self._signer is None or self._signer[0] != number:
            path = self._private_path(number)
            try:
                self._signer = number, asyncssh.read_private_key(path)
            except (OSError, asyncssh.KeyImportError) as error:
                raise Invalid("ca.folder", cause=str(error), folder=str(self.folder)) from error
        return self._signer[1]

    def _next_serial(self) -> int:
        if not self._serials:
            with self._locked():
                path = self.folder / _SERIAL
                last = int(path.read_text()) if path.exists() else 0
                _write(path, str(last + _RESERVED).encode())
            self._serials = list(range(last + _RESERVED, last, -1))
        return self._serials.pop()

    def _save(self, state: State) -> State:
        _write(self.folder / _STATE, json.dumps(asdict(state), indent=1).encode() + b"\n")
        return state

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable("ca.write", cause=str(error), folder=str(self.folder)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        except OSError as error:
            raise Unavailable("ca.write", cause=str(error), folder=str(self.folder)) from error
        finally:
            os.close(descriptor)

    def _check(self) -> None:
        """A key that another account could read is no key any more."""
        for path in (self.folder, *self.folder.glob("*.key")):
            found = path.lstat()
            if found.st_mode & 0o077 or found.st_uid != os.geteuid():
                raise Invalid("up.not_private", path=str(path))


def _read(text: str) -> State:
    said: dict[str, Any] = json.loads(text)
    state = State(
        hub=str(said["hub"]),
        keys=tuple(
            Key(int(key["number"]), str(key["public"]), int(key["made_at"]), bool(key["revoked"]))
            for key in said["keys"]
        ),
        signing=int(said["signing"]),
        accounts=tuple(map(str, said["accounts"])),
        serials=tuple(map(int, said["serials"])),
    )
    if not any(key.number == state.signing and not key.revoked for key in state.keys):
        raise ValueError("no key signs")
    return state


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(
            os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb"
        ) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
