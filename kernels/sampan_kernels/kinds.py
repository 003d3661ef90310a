"""What the launcher can start: a table from a launch's kind to an argument list and an environment. Nothing else runs."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sampan_kernels.berth import Berth, unix_url

__all__ = ["KINDS", "Recipe", "recipe"]

_HANDED_OVER: Final = re.compile(r"JUPYTERHUB_[A-Z0-9_]+|JPY_API_TOKEN|LANG|LANGUAGE|LC_[A-Z]+")
# Paths on the hub's machine, and switches of the server that are decided here.
_NOT_TAKEN: Final = re.compile(r"JUPYTERHUB_(SSL_.*|ROOT_DIR|SINGLEUSER_.*|SERVICE_URL|SERVICE_PREFIX)")
# Addresses of the hub as the hub sees itself: from the node they are reached through the link only.
_HUB_ADDRESSES: Final = ("JUPYTERHUB_API_URL", "JUPYTERHUB_ACTIVITY_URL")
_PREFIX: Final = re.compile(r"/(?:[A-Za-z0-9._~%@+-]+/)*")
_LONGEST: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one child is started."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]


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
    return Recipe(argv, {**inherited, **taken, **places})


KINDS: Final[Mapping[str, Callable[[str, Mapping[str, str], Berth, Path, Mapping[str, str]], Recipe]]] = {
    "server": _server,
}
