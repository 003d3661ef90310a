"""Keys of attempts, derived from one secret: nothing is stored per attempt, and a restarted broker has them all again."""

from __future__ import annotations

import hmac
import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncssh
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sampan.errors import Invalid

__all__ = ["MasterKey"]

_SIZE: Final = 32
_TAG: Final = re.compile(r"sampan-[a-z0-9]{4,16}-[a-z0-9]{4,16}-[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The hub's one long-lived secret, 32 bytes. It never leaves the broker; losing it cuts all links for good."""

    secret: bytes = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> MasterKey:
        """Reads the key of `path`, made now, with mode 0600, where there is none.

        `Invalid` where the file is readable by others or is no key: a new one in its place would cut running servers off.
        """
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        if not path.exists():
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(secrets.token_bytes(_SIZE))
                    file.flush()
                    os.fsync(file.fileno())
                _link(draft, path)
            finally:
                draft.unlink(missing_ok=True)
        mode = stat.S_IMODE(path.stat().st_mode)
        secret = path.read_bytes()
        if mode & 0o077 or len(secret) != _SIZE:
            raise Invalid("settings.master", f"mode {mode:o}, {len(secret)} bytes", file=str(path))
        return cls(secret)

    def client_key(self, tag: str) -> asyncssh.SSHKey:
        """The private key with which the broker comes to the launcher of the attempt called `tag`."""
        private = Ed25519PrivateKey.from_private_bytes(self._derive(tag))
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return asyncssh.import_private_key(pem)

    def public_text(self, tag: str) -> str:
        """The public half in OpenSSH's one line, without a comment: `ssh-ed25519 AAAA…`. What the job is told."""
        return self.client_key(tag).export_public_key("openssh").decode("ascii").strip()

    def nonce(self, tag: str) -> str:
        """What the launcher of the attempt called `tag` repeats in its report: 128 bits, in hexadecimal."""
        return self._derive(tag, b"nonce ").hex()[:32]

    def seal(self, tag: str, data: bytes) -> str:
        """A proof, in hexadecimal, that this hub has said `data` of the attempt called `tag`."""
        return hmac.digest(self._derive(tag, b"seal "), data, "sha256").hex()

    def sealed(self, tag: str, data: bytes, seal: str) -> bool:
        """Whether that is such a proof."""
        return hmac.compare_digest(self.seal(tag, data), seal)

    def job_token(self, tag: str) -> str:
        """With which code in the job called `tag` asks the broker: the tag, a dot, 256 bits in hexadecimal."""
        return f"{tag}.{self._derive(tag, b'token ').hex()}"

    def job_of(self, token: str) -> str | None:
        """The tag of the job whose token that is; None where it is none of ours."""
        tag, _, _ = token.partition(".")
        ours = _TAG.fullmatch(tag) and hmac.compare_digest(self.job_token(tag).encode(), token.encode())
        return tag if ours else None

    def end_key(self, launch: str) -> str:
        """What a page shows that asks how the launch has ended, when its server's token is dead: 128 bits, in hexadecimal."""
        return self._expand(b"end " + launch.encode()).hex()[:32]

    def _derive(self, tag: str, purpose: bytes = b"") -> bytes:
        if not _TAG.fullmatch(tag):
            raise Invalid("request.field", field="tag", expected=_TAG.pattern)
        return self._expand(purpose + tag.encode())

    def _expand(self, info: bytes) -> bytes:
        return HKDF(algorithm=hashes.SHA256(), length=_SIZE, salt=None, info=info).derive(self.secret)


def _link(draft: Path, path: Path) -> None:
    """Puts the draft in place unless another process was first; then its key holds."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return
