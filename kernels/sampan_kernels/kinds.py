"""What the launcher can start: a table from a launch's kind to an argument list and an environment. Nothing else runs."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from sampan_kernels.berth import Berth, unix_url
from sampan_kernels.connection import PORTS, Connection

__all__ = ["KINDS", "SOCKETS", "Recipe", "recipe"]

SOCKETS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "server": {"server": "server.sock"},
        "kernel": {name: f"run/kernel-{number}" for name, number in PORTS.items()},
    }
)
"""Kind → the sockets of it that the link may open: name → place in the launcher's own directory."""

_HANDED_OVER: Final = re.compile(
    r"JUPYTERHUB_[A-Z0-9_]+|JPY_API_TOKEN|SAMPAN_LAB_FILES|LANG|LANGUAGE|LC_[A-Z]+"
)
# Paths on the hub's machine, and switches of the server that are decided here.
_NOT_TAKEN: Final = re.compile(r"JUPYTERHUB_(SSL_.*|ROOT_DIR|SINGLEUSER_.*|SERVICE_URL|SERVICE_PREFIX)")
# Addresses of the hub as the hub sees itself: from the node they are reached through the link only.
_HUB_ADDRESSES: Final = ("JUPYTERHUB_API_URL", "JUPYTERHUB_ACTIVITY_URL")
_PREFIX: Final = re.compile(r"/(?:[A-Za-z0-9._~%@+-]+/)*")
_TOKEN: Final = "SAMPAN_BROKER_TOKEN"  # noqa: S105 (its name)
"""With which a kernel asks the broker, good for its launch alone."""
_LONGEST: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one child is started."""

    kind: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    answers: Callable[[], Awaitable[bool]]
    """Whether what was started can be spoken to."""
    files: Mapping[Path, str] = field(default_factory=dict, repr=False)
    """What is laid down before, for this account alone."""
    restarts: bool = False
    """Whether the job outlives it for a while, for whoever starts it again in the same allocation."""
    resumes: bool = False
    """Whether it is started again by itself where it was killed."""
    connection: Connection | None = None


def recipe(
    kind: str, prefix: str, env: Mapping[str, str], *, berth: Berth, home: Path, inherited: Mapping[str, str]
) -> Recipe:
    """Raises `ValueError`, in words for a log, where the kind is unknown or a value cannot be handed to a process."""
    if kind not in KINDS:
        raise ValueError(f"kind: one of {', '.join(KINDS)}")
    if not _PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/")):
        raise ValueError("prefix: a path of names between slashes")
    if any("\0" in value or len(value) > _LONGEST for value in env.values()):
        raise ValueError(f"env: values without NUL, at most {_LONGEST} characters")
    return KINDS[kind](prefix, env, berth, home, inherited)


def _server(
    prefix: str, env: Mapping[str, str], berth: Berth, home: Path, inherited: Mapping[str, str]
) -> Recipe:
    """A single-user server on a unix socket, its kernels on unix sockets beside it: no TCP port of ours on the node."""
    taken = {
        key: value
        for key, value in env.items()
        if _HANDED_OVER.fullmatch(key) and not _NOT_TAKEN.fullmatch(key)
    }
    for key in _HUB_ADDRESSES:
        if key in taken:
            taken[key] = unix_url(berth.hub, urlsplit(taken[key]).path)
    argv = (
        *(sys.executable, "-P", "-m", "sampan_lab.singleuser"),
        f"--ServerApp.sock={berth.server}",
        "--ServerApp.sock_mode=0600",
        f"--ServerApp.root_dir={home}",
        "--KernelManager.transport=ipc",
        # The writable one builds an SSL context at start and offers to install what the centre manages.
        "--LabApp.extension_manager=readonly",
    )
    places = {
        "JUPYTER_RUNTIME_DIR": str(berth.runtime),
        "JUPYTER_PATH": ":".join(filter(None, (str(berth.jupyter), inherited.get("JUPYTER_PATH")))),
        "JUPYTER_CONFIG_PATH": ":".join(
            filter(None, (str(berth.jupyter), inherited.get("JUPYTER_CONFIG_PATH")))
        ),
        # Read by the server for its host and port, which the socket replaces: 8888 is the one port it lets be replaced.
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:8888{prefix}",
        "JUPYTERHUB_SERVICE_PREFIX": prefix,
    }
    environment = {**inherited, **taken, **places}
    return Recipe("server", argv, environment, partial(_listened_on, berth.server), resumes=True)


def _kernel(
    prefix: str, env: Mapping[str, str], berth: Berth, home: Path, inherited: Mapping[str, str]
) -> Recipe:
    """A kernel on unix sockets, with keys made here. No token of the person's comes here: it is handed this job's own."""
    connection = Connection.make(berth.runtime / "kernel")
    file = berth.runtime / "kernel.json"
    environment = {
        **inherited,
        **({_TOKEN: env[_TOKEN]} if _TOKEN in env else {}),
        "JUPYTER_RUNTIME_DIR": str(berth.runtime),
        # ipykernel ends when this process is its parent no more.
        "JPY_PARENT_PID": str(os.getpid()),
    }
    return Recipe(
        "kernel",
        (sys.executable, "-P", "-m", "sampan_kernels.kernel", "-f", str(file)),
        environment,
        connection.beats,
        files={file: connection.to_file()},
        restarts=True,
        connection=connection,
    )


async def _listened_on(path: Path) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_unix_connection(path), 1)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


KINDS: Final[Mapping[str, Callable[[str, Mapping[str, str], Berth, Path, Mapping[str, str]], Recipe]]] = {
    "server": _server,
    "kernel": _kernel,
}
