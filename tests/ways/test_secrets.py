"""No secret where others look, and nothing for a stranger at any port or socket.

Started by root, jobs run as an account of their own and the stranger is a third one (`nobody`). Without root all is one
account, which asks the same questions without any secret, and modes are looked at instead."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest
import pytest_asyncio

from sampan_kernels import berth
from tests.sampan.listeners import Listener
from tests.ways import stranger
from tests.ways.person import Kernel, Person
from tests.ways.processes import command, everybody, of_hub, of_jobs, ports, sockets
from tests.ways.secrets_of import (
    OPEN_CLUSTER,
    content,
    files_below,
    found_in,
    gather,
    job_environments,
    launched_kernel,
    newer,
    open_to_others,
)
from tests.ways.whole_hub import WholeHub, whole_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT: Final = os.getuid() == 0
ALONE: Final = "not root: the part of another account is asked by this account without any secret, and modes are looked at"
SESSION: Final = "jupyterhub-session-id"
"""JupyterHub logs it; tests/ways/test_tokens.py shows that it opens nothing."""


@dataclass
class Scene:
    """A hub; alice with a server, a kernel and a cluster of two workers, and a kernel that is a launch of its own."""

    hub: WholeHub
    alice: Person
    kernel: Kernel
    began: float
    secrets: dict[str, str]

    @property
    def centres(self) -> list[Path]:
        return sorted({folder for centre in self.hub.centres for folder in self.hub.places.folders(centre)})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(kind: str) -> AsyncIterator[Scene]:
    began = time.time()
    async with whole_hub(kind, environment={"SAMPAN_LOG_FORMAT": "json"}) as hub:
        # What protects the state is its own mode, not that of pytest's folder around it.
        hub.state.parent.chmod(0o755)
        async with Person(hub, "alice") as alice:
            await alice.start(plan="light")
            await alice.ready()
            kernel = await alice.kernel()
            assert (await kernel.run(OPEN_CLUSTER)).strip() == "42"
            # A fork's own variables are seen in what it starts.
            await kernel.run("import subprocess; shown = subprocess.Popen(['sleep', '3600'])")
            secrets = await launched_kernel(hub) | await gather(hub, alice, kernel)
            yield Scene(
                hub, alice, kernel, began, {n: text for n, text in secrets.items() if SESSION not in n}
            )


async def test_there_are_secrets_to_look_for(scene: Scene) -> None:
    """Else the tests below would find nothing because they look for nothing."""
    kinds = {name.split()[0] for name in scene.secrets}
    assert kinds - {"environment"} == {"state", "client", "kernel", "launched", "cookie"}
    named = {"kernel JUPYTERHUB_API_TOKEN", "kernel connection key", "kernel dask key"}
    assert named | {"launched token"} <= set(scene.secrets)
    if scene.hub.kind == "federation":
        assert {f"state authority of {centre}" for centre in scene.hub.centres} <= set(scene.secrets)
    assert all(len(text) >= 16 for text in scene.secrets.values()), scene.secrets.keys()


async def test_no_secret_in_arguments(scene: Scene) -> None:
    told = {pid: found_in(scene.secrets, command(pid).encode()) for pid in everybody()}
    assert not {command(pid): names for pid, names in told.items() if names}


async def test_no_secret_in_jobs(scene: Scene) -> None:
    """Names, records and scripts, as the scheduler keeps them; whoever may read them."""
    records = [folder for centre in scene.hub.centres for folder in scene.hub.places.records(centre)]
    files = [file for file in files_below(*records) if file.is_file()]
    assert any(file.name == "script" or b"sampan_kernels.launcher" in content(file) for file in files)
    told = {str(file): found_in(scene.secrets, str(file).encode() + content(file)) for file in files}
    assert not {file: names for file, names in told.items() if names}
    said = "".join(scene.hub.places.told(centre) for centre in scene.hub.centres)
    assert "sampan-" in said
    assert not found_in(scene.secrets, said.encode())


async def test_no_secret_in_logs(scene: Scene) -> None:
    logs = list(files_below(scene.hub.state / "log"))
    logs += [file for file in files_below(*scene.centres) if file.suffix == ".log"]
    assert {"hub.log", "broker.log", "proxy.log", "job.log"} <= {file.name for file in logs}
    told = {str(file): found_in(scene.secrets, content(file)) for file in logs}
    assert not {file: names for file, names in told.items() if names}
    # The password is said to whoever started it, and to nobody else.
    assert found_in(scene.secrets, scene.hub.output.encode()) == ["state password"]


async def test_no_secret_in_files_of_others(scene: Scene) -> None:
    """Whatever another account may read: below the state and the centres, and all that is new in places of everybody."""
    ours = list(open_to_others(scene.hub.state, *scene.centres))
    temporary = {*scene.hub.places.temporary(), Path("/tmp"), Path("/var/tmp"), Path("/dev/shm")}
    everywhere = list(newer(open_to_others(*temporary), scene.began))
    password = scene.hub.state.parent / f"{scene.hub.state.name}.log"
    told = {}
    for file in {*ours, *everywhere} - {password}:
        if names := found_in(scene.secrets, content(file)):
            told[str(file)] = names
    assert not told


async def test_no_secret_of_the_hub_reaches_a_job(scene: Scene) -> None:
    """A job's environment holds what is its person's; nothing of the hub's own, and no way of the broker's to a launcher."""
    theirs = {name: text for name, text in scene.secrets.items() if name.split()[0] in ("state", "client")}
    told = {pid: found_in(theirs, text) for pid, text in job_environments(scene.hub)}
    assert len(told) >= 4
    assert not {command(pid): names for pid, names in told.items() if names}


async def test_strangers_get_nothing(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    hub_pids, job_pids = of_hub(scene.hub), of_jobs(scene.hub)
    listening = ports([*hub_pids, *job_pids])
    unix = sockets([*hub_pids, *job_pids])
    told = _ask_as_stranger(scene.hub, listening, unix, capsys)
    kinds = set()
    for one in listening:
        kind = _kind(scene.hub, one.pid, one.port)
        kinds.add(kind)
        said = told[f"{one.host} {one.port}"]
        # On the nodes of a real centre, what has a key or a certificate of its own is reached over their network.
        at_a_node = one.pid in job_pids and scene.hub.kind == "federation"
        assert one.host in ("127.0.0.1", "::1") or at_a_node, (kind, one)
        assert _nothing_useful(kind, said), (kind, command(one.pid), said)
    assert {"hub", "proxy", "broker", "door", "launcher", "dask"} <= kinds
    assert "unknown" not in kinds
    # The questions are good ones: to the account that the hub runs as, a door does answer.
    door = next(one for one in listening if _kind(scene.hub, one.pid, one.port) == "door")
    assert stranger.say((door.host, door.port), stranger.WORDS["server"]).startswith("HTTP/1.1 403")
    # An abstract socket has no mode: whoever knows its name is in.
    assert not [path for path in unix if path.startswith("@")]
    assert len(unix) >= 8, unix
    for path, pid in unix.items():
        assert _shut(Path(path), Path(f"/proc/{pid}/root")), path
        if ROOT:
            assert told[path]["http"] == "<no permission>", path
    assert {said.split()[1] for said in told["broker"].values()} == {"403"}, told["broker"]


def _kind(hub: WholeHub, pid: int, port: int) -> str:
    """What a port belongs to, by its process."""
    words = command(pid)
    if port == hub.port or "configurable-http-proxy" in words:
        return "proxy"
    if "sampan_hub.broker" in words or pid == hub.pid("up"):
        return "broker" if port == _broker_port(hub) else "door"
    table = {"jupyterhub": "hub", "sampan_kernels.launcher": "launcher", "sampan_kernels.kernel": "dask"}
    table |= {"distributed.cli.dask_worker": "dask", "dask worker": "dask", "dask_worker": "dask"}
    return next((kind for word, kind in table.items() if f"{word} " in f"{words} "), "unknown")


def _broker_port(hub: WholeHub) -> int:
    words = command(hub.pid("broker")).split()
    return int(words[words.index("--port") + 1])


def _nothing_useful(kind: str, said: dict[str, str]) -> bool:
    """By kind, everything that a stranger may be told."""
    if kind == "door" and ROOT:
        return not any(_spoken(text) for text in said.values())
    if kind == "launcher":
        return said["ssh"] == "<denied> <denied> <denied>" and all(
            text.startswith(("SSH-2.0-Sampan", "<")) for name, text in said.items() if name != "ssh"
        )
    if kind == "dask":
        # Dask keeps a web server on loopback whatever it is told; ours has no pages.
        return all(not _spoken(text) or text.startswith("HTTP/1.1 404") for text in said.values())
    # Hub and proxy are for everybody; the broker and, without root, the doors are asked below and by their own tests.
    return not any("200 OK" in text and '"kernels"' in text for text in said.values())


def _spoken(text: str) -> str:
    """What was said beyond a refusal or a closed connection; an alert of TLS is a refusal (RFC 8446, 5.1: type 21)."""
    return "" if text.startswith(("<", "\x15\x03")) else text


def _ask_as_stranger(
    hub: WholeHub, listening: list[Listener], unix: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> dict[str, dict[str, str]]:
    """Each is asked on the machine that it is on."""
    if not ROOT:
        with capsys.disabled():
            print(f"\n{ALONE}")
    pids = {hub.pid("up"), *unix.values(), *(one.pid for one in listening)}
    machines: dict[tuple[str, ...], set[int]] = {}
    for pid in pids:
        machines.setdefault(tuple(hub.places.stranger(pid)), set()).add(pid)
    answers: dict[str, dict[str, str]] = {}
    for argv, there in machines.items():
        asked = {
            "tcp": [(one.host, one.port) for one in listening if one.pid in there],
            "unix": [path for path, pid in unix.items() if pid in there],
            "broker": _broker_port(hub) if hub.pid("up") in there else None,
            "secret": hub.secret("hub-broker"),
        }
        # A child whose own arguments hold no secret: they go by stdin.
        source = Path(stranger.__file__).read_text(encoding="utf-8")
        done = subprocess.run(
            [*argv, "-I", "-c", source],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            cwd="/",
            env={"HOME": "/", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers.update(json.loads(done.stdout))
    return answers


def _shut(path: Path, root: Path) -> bool:
    """Whether its mode or that of a folder above keeps every other account out, in the file tree that begins at `root`."""
    places = (root / place.relative_to("/") for place in (path, *path.parents))
    return any(not place.stat().st_mode & 0o007 for place in places if place.exists())


async def test_a_job_cannot_read_what_is_the_hubs(scene: Scene) -> None:
    """Asked by the person's own kernel, in the job; without root it is the same account, and only modes are left."""
    state = scene.hub.state
    files = [state, *files_below(state / "secrets", state / "ca"), *state.glob("*.sqlite")]
    files += [state / "run" / "broker.sock", state / "run" / "signer.sock"]
    assert len(files) >= 12
    assert state.stat().st_mode & 0o777 == 0o700
    for file in files[1:]:
        assert file.stat().st_mode & 0o077 == 0 or file.suffix == ".sqlite", file
    if ROOT:
        code = f"import os; print([f for f in {[str(file) for file in files]} if os.access(f, os.R_OK)], os.getuid())"
        assert (await scene.kernel.run(code)).startswith("[] "), await scene.kernel.run(code)
        assert "root" not in await scene.kernel.run(
            "import pwd, os; print(pwd.getpwuid(os.getuid()).pw_name)"
        )


async def test_the_hubs_secret_opens_nothing_by_tcp(scene: Scene) -> None:
    """Also from inside a job, over the socket that the link has brought there."""
    headers = {"Authorization": f"Sampan {scene.hub.secret('hub-broker')}", "X-Sampan-User": "alice"}
    async with httpx.AsyncClient(headers=headers) as client:
        for base in (f"http://127.0.0.1:{_broker_port(scene.hub)}", scene.hub.url):
            answer = await client.get(f"{base}/services/sampan/api/launches")
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "access.token")
    code = f"""
import os, httpx
from urllib.parse import unquote
place = unquote(os.environ["SAMPAN_BROKER_URL"].split("//")[1].split("/")[0])
with httpx.Client(transport=httpx.HTTPTransport(uds=place)) as client:
    print(client.get("http://broker/services/sampan/api/launches", headers={headers}).status_code)
"""
    assert (await scene.kernel.run(code)).strip() == "403"


async def test_nothing_is_left_behind(scene: Scene) -> None:
    """The keys of a cluster go with it; a launcher's directory is its own account's alone."""
    told = (await scene.kernel.run("print(cluster.seal.directory)")).strip()
    place = scene.hub.places.seen((await scene.alice.launch())["centre"], told)
    assert place.stat().st_mode & 0o777 == 0o700
    await scene.kernel.run("client.close(); cluster.close()")
    assert not place.exists()
    berths = [folder for tmp in scene.hub.places.temporary() for folder in tmp.glob(f"{berth.PREFIX}*")]
    assert berths
    for folder in berths:
        assert folder.stat().st_mode & 0o077 == 0, folder
