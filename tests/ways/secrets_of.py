"""Every secret that exists while a person computes, gathered from where each may lie, and the places it may not."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import asyncssh

from sampan_hub.keys import MasterKey
from tests.ways.person import Kernel, Person
from tests.ways.processes import environment, of_jobs, words_with
from tests.ways.whole_hub import WholeHub, came

__all__ = ["OPEN_CLUSTER", "content", "found_in", "gather", "newer", "open_to_others"]

OPEN_CLUSTER: Final = """
import sampan
from distributed import Client
cluster = sampan.cluster(workers=2, memory="0.5 GiB")
client = Client(cluster)
client.wait_for_workers(2, timeout=45)
print(client.submit(sum, [20, 22]).result())
"""
LARGEST: Final = 8 * 2**20
_ASK_KERNEL: Final = """
import json, os, pathlib, ipykernel
session = {name: value for name, value in os.environ.items() if "TOKEN" in name or "SECRET" in name}
connection = json.loads(pathlib.Path(ipykernel.get_connection_file()).read_text())
session["connection key"] = connection["key"]
session.update({f"connection {name}": value for name, value in connection.items() if "curve" in name and value})
session["dask key"] = cluster.seal.key.read_text()
for file in pathlib.Path(os.environ["JUPYTER_RUNTIME_DIR"]).iterdir():
    if "secret" in file.name:
        session[file.name] = file.read_text().strip()
print(json.dumps(session))
"""


async def gather(hub: WholeHub, person: Person, kernel: Kernel) -> dict[str, str]:
    """Name → text. `kernel` has an open `cluster`. Long ones are given as the part that tells them apart."""
    found = {}
    for file in sorted((hub.state / "secrets").iterdir()):
        if file.name not in ("hub-id", "master"):
            found[f"state {file.name}"] = file.read_text(encoding="utf-8").strip()
    for file in sorted((hub.state / "ca").glob("*/*.key")):
        found[f"state authority of {file.parent.name}"] = _middle(file.read_text(encoding="utf-8"))
    master = (hub.state / "secrets" / "master").read_bytes()
    found["state master in hex"] = master.hex()
    found["state master in base64"] = base64.b64encode(master).decode().rstrip("=")
    for attempt in (await person.launch())["attempts"]:
        tag = f"sampan-{hub.secret('hub-id')}-{(await person.launch())['id']}-{attempt['number']}"
        key = MasterKey.load(hub.state / "secrets" / "master").client_key(tag)
        found[f"client key {tag}"] = _middle(key.export_private_key("pkcs8-pem").decode())
        found[f"client key {tag}, OpenSSH"] = _seed(key)
    found.update(
        {f"kernel {name}": _middle(text) for name, text in json.loads(await kernel.run(_ASK_KERNEL)).items()}
    )
    words = ("TOKEN", "SECRET", "PASSWORD", "COOKIE_")
    for name, text in words_with(of_jobs(hub), words).items():
        # Names of cookies and the host's name are told in variables of such names too.
        if name not in ("JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED", "JUPYTERHUB_COOKIE_OPTIONS"):
            found[f"environment {name}"] = text
    for cookie in person.client.cookies.jar:
        found[f"cookie {cookie.name} of {cookie.path}"] = str(cookie.value).strip('"')
    return found


async def launched_kernel(hub: WholeHub) -> dict[str, str]:
    """A new one of alice's, that is a launch of its own: its keys, and what it is given to ask the broker with."""
    wish = {"kind": "kernel", "name": "apart", "options": {"plan": "light"}}
    launch = (await hub.ask("POST", "/launches", "alice", json=wish))["id"]

    async def ready() -> bool:
        return bool((await hub.ask("GET", f"/launches/{launch}", "alice"))["stage"] == "ready")

    await came(ready, 60)
    keys = await hub.ask("GET", f"/launches/{launch}/keys", "alice")
    tag = f"sampan-{hub.secret('hub-id')}-{launch}-1"
    token = MasterKey.load(hub.state / "secrets" / "master").job_token(tag)
    return {
        "launched token": token,
        **{f"launched {name}": keys[name] for name in ("key", "curve_secretkey")},
    }


def _middle(text: str) -> str:
    """Of a key in lines, the line in the middle: what stands around it is the same for all."""
    lines = [line for line in text.strip().splitlines() if not line.startswith("-----")]
    return lines[len(lines) // 2]


def _seed(key: asyncssh.SSHKey) -> str:
    lines = key.export_private_key("openssh").decode().strip().splitlines()[1:-1]
    return lines[2][:60]


def found_in(secrets: dict[str, str], what: bytes) -> list[str]:
    """The names of those that stand in it, as they are or percent-encoded."""
    return [
        name
        for name, text in secrets.items()
        if text.encode() in what or text.replace("|", "%7C").replace("=", "%3D").encode() in what
    ]


def content(file: Path) -> bytes:
    """Nothing of one that its scheduler has just tidied away."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def files_below(*places: Path) -> Iterator[Path]:
    for place in places:
        for folder, _, names in os.walk(place):
            yield from (Path(folder, name) for name in names)


def open_to_others(*places: Path) -> Iterator[Path]:
    """Files below that an account which is neither owner nor of the group can read: every folder lets it pass, too."""
    for place in places:
        for folder, below, names in os.walk(place):
            if not Path(folder).stat().st_mode & stat.S_IXOTH:
                below.clear()
                continue
            for name in names:
                with suppress(OSError):
                    about = Path(folder, name).lstat()
                    if (
                        stat.S_ISREG(about.st_mode)
                        and about.st_mode & stat.S_IROTH
                        and about.st_size < LARGEST
                    ):
                        yield Path(folder, name)


def newer(files: Iterator[Path], since: float) -> Iterator[Path]:
    """Those that have changed since; the rest of /tmp is somebody else's."""
    for file in files:
        with suppress(OSError):
            if file.lstat().st_ctime >= since:
                yield file


def job_environments(hub: WholeHub) -> Iterator[tuple[int, bytes]]:
    for pid in of_jobs(hub):
        yield pid, json.dumps(environment(pid)).encode()
