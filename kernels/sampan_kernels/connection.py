"""How a kernel is spoken to: sockets in the job's private folder, and the keys without which it answers nobody."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

__all__ = ["PORTS", "PRIVATE_IOPUB", "Connection"]

PORTS: Final[Mapping[str, int]] = MappingProxyType(
    {"shell": 1, "iopub": 2, "stdin": 3, "control": 4, "hb": 5}
)
"""Socket → the number at the end of its path. https://jupyter-client.readthedocs.io/en/stable/kernels.html#connection-files"""
PRIVATE_IOPUB: Final = 6
"""Where the kernel itself publishes, for its recorder, which stands where clients look for it."""
_BEAT_SECONDS: Final = 1.0
_RETRY_MILLISECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class Connection:
    """One kernel's, made by its launcher: in memory, in a file of mode 0600 for the kernel, and over the link."""

    ip: str
    """What Jupyter calls the address: the sockets' path, up to the hyphen."""
    key: str = field(repr=False)
    public: str = field(repr=False)
    secret: str = field(repr=False)

    @classmethod
    def make(cls, ip: Path) -> Connection:
        """New keys: for signatures (HMAC), and for CurveZMQ, which encrypts from the client up to the kernel itself."""
        import zmq  # a server's launcher does without

        public, secret = zmq.curve_keypair()
        return cls(str(ip), secrets.token_hex(32), public.decode(), secret.decode())

    def to_json(self) -> dict[str, Any]:
        """As Jupyter writes connection files."""
        return {
            "transport": "ipc",
            "ip": self.ip,
            **{f"{name}_port": number for name, number in PORTS.items()},
            "key": self.key,
            "signature_scheme": "hmac-sha256",
            "curve_publickey": self.public,
            "curve_secretkey": self.secret,
            "kernel_name": "python3",
        }

    def to_file(self) -> str:
        """For the kernel."""
        return json.dumps({**self.to_json(), "iopub_port": PRIVATE_IOPUB}, indent=1)

    async def beats(self) -> bool:
        """Whether the kernel's heartbeat answers. It is bound last: then the other sockets are there, too."""
        import zmq
        from zmq.asyncio import Context

        heart = Context.instance().socket(zmq.REQ)
        try:
            # It may not be bound yet, and a kernel that was killed leaves its socket behind: both look the same.
            heart.linger, heart.reconnect_ivl = 0, _RETRY_MILLISECONDS
            heart.curve_publickey, heart.curve_secretkey = self.public.encode(), self.secret.encode()
            heart.curve_serverkey = self.public.encode()
            heart.connect(f"ipc://{self.ip}-{PORTS['hb']}")
            async with asyncio.timeout(_BEAT_SECONDS):
                await heart.send(b"ping")
                return bool(await heart.recv() == b"ping")
        except (TimeoutError, zmq.ZMQError):
            return False
        finally:
            heart.close()
