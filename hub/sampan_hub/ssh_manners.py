"""How the broker behaves as a client of SSH, at a login node and at a launcher alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["MANNERS"]

MANNERS: Final[Mapping[str, Any]] = {
    "preferred_auth": ["publickey"],
    # None of what a person's own ssh would look for: this account's agent, configuration and keys stay out of it.
    "agent_path": None,
    "config": None,
    "gss_host": None,
    "password": None,
    "disable_trivial_auth": True,
    "compression_algs": None,
    # The first is several times as fast as asyncssh's own first choice on processors with AES instructions.
    "encryption_algs": ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"],
}
"""Arguments of asyncssh.SSHClientConnectionOptions that are the same for every connection."""
