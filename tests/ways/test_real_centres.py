"""What only real centres can show: Slurm's own word for where a cell ran, crowds, cards, and the notebook's numbers."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
import pytest_asyncio
from playwright.async_api import expect

from sampan_hub.watch import BUSY_TICK
from tests.federation import user_environment
from tests.federation.accounts import STRANGER
from tests.federation.federation import Federation
from tests.ways import stranger
from tests.ways.person import Kernel, Person
from tests.ways.processes import command, of_jobs, ports
from tests.ways.secrets_of import OPEN_CLUSTER
from tests.ways.visitor import visitor
from tests.ways.whole_hub import ROOT, WholeHub, came, whole_hub

pytestmark = [pytest.mark.federation, pytest.mark.asyncio(loop_scope="module")]

FACTS = (
    "import json, os, socket, sampan; print(json.dumps([socket.gethostname(), os.environ.get('SLURM_CLUSTER_NAME'),"
    " os.environ.get('SLURM_JOB_ID'), sampan.here().centre, os.environ['SAMPAN_TAG']]))"
)
NOTEBOOK = ROOT / "notebooks" / "warming.ipynb"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(federation: Federation) -> AsyncIterator[WholeHub]:
    async with whole_hub("federation") as running:
        yield running


@pytest.mark.browser
@pytest.mark.parametrize("centre", ["east", "west", "core", "cloud"])
async def test_page_kernel_and_scheduler_agree(hub: WholeHub, centre: str) -> None:
    """In a real browser: what the page promised is where the cell runs, by the node's own word and by the scheduler's."""
    names = hub.descriptor(centre)["names"]
    async with visitor(hub, "alice") as alice:
        await alice.log_in()
        # The others last too long for west.
        await alice.choice("Light").check()
        await alice.choice(names["en"]).check()
        await alice.press("Start")
        await alice.arrive()
        await alice.new_notebook()
        host, cluster, job, told, tag = json.loads(await alice.run(FACTS))
        [launch] = await hub.launches("alice")
        assert (told, launch["centre"], launch["names"]) == (centre, centre, names)
        [running] = hub.live_jobs(centre)
        assert (running["id"], running["tag"]) == (launch["job"], tag)
        assert not any(hub.live_jobs(other) for other in hub.centres if other != centre)
        if centre == "cloud":
            assert (host, cluster) == ("cloud-login", None)
        else:
            assert (cluster, job, [host]) == (centre, running["id"], running["nodes"])
        await expect(alice.session).to_contain_text(names["en"])
        await alice.page.goto(f"{hub.url}/hub/home")
        await expect(alice.page.get_by_text(f"at {names['en']}")).to_be_visible()
        await alice.press("Stop")
        await came(lambda: _none_live(hub, centre))


async def _none_live(hub: WholeHub, centre: str) -> bool:
    return not await asyncio.to_thread(hub.live_jobs, centre)


@pytest.mark.slow
@pytest.mark.timeout(420)
async def test_twenty_at_once_pass_a_full_centre_by(hub: WholeHub, federation: Federation) -> None:
    """Twenty real Jupyter servers on two shared cores: nearly all of it is Python's imports, one after the other."""
    full = await asyncio.to_thread(hub.fill, "east")
    people = [Person(hub, f"p{number:02}") for number in range(20)]
    try:
        # What the broker believes of a centre may be ten seconds old.
        await came(lambda: _is_full(hub, "east"))
        await _log_in(people)
        await asyncio.gather(*(person.start(plan="light") for person in people))
        await asyncio.gather(*(person.at("ready", deadline=300) for person in people))
        launches = [await person.launch() for person in people]
        assert "east" not in {launch["centre"] for launch in launches}
        # Nobody was sent somewhere to wait, and moved on.
        assert {len(launch["attempts"]) for launch in launches} == {1}
        found = {centre: hub.live_jobs(centre) for centre in hub.centres}
        assert not found["east"]
        assert sum(len(jobs) for jobs in found.values()) == 20
        for centre, jobs in found.items():
            assert {job["state"] for job in jobs} <= {"running"}, centre
            assert hub.places.overcommitted(centre) == {}
        # Each began a moment after it was submitted.
        assert max(_waits(federation)) <= 10
        # Two queues over the same nodes: nothing is free in either, and the cores are told once.
        shares = {share["id"]: share for share in (await _centre(hub, "east"))["shares"]}
        assert len(shares) == 2
        assert {share["cores_free"] for share in shares.values()} == {0}
        await asyncio.to_thread(hub.free, "east", full)
        await came(lambda: _has_room(hub, "east"), 40)
        async with Person(hub, "carol") as carol:
            await carol.start(plan="light")
            assert (await carol.at("ready"))["centre"] == "east"
            await carol.stop()
            await carol.at("ended")
    finally:
        await asyncio.to_thread(federation.centre("east").free)
        await _leave(people)
    await came(lambda: _no_jobs(hub), 60)


def _waits(federation: Federation) -> list[float]:
    """Seconds from submission to start of each running job of ours, by the clusters' own clocks."""
    waits = []
    for centre in ("west", "core"):
        told = federation.centre(centre).run(["squeue", "-h", "-a", "-t", "RUNNING", "-o", "%V|%S|%j"]).stdout
        for submitted, begun, name in (line.split("|", 2) for line in told.splitlines()):
            if name.startswith("sampan-"):
                waits.append(datetime.fromisoformat(begun) - datetime.fromisoformat(submitted))
    return [wait.total_seconds() for wait in waits]


async def _centre(hub: WholeHub, centre: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in await hub.ask("GET", "/centres") if one["id"] == centre)
    return found


async def _is_full(hub: WholeHub, centre: str) -> bool:
    return {share["cores_free"] for share in (await _centre(hub, centre))["shares"]} == {0}


async def _has_room(hub: WholeHub, centre: str) -> bool:
    shares = (await _centre(hub, centre))["shares"]
    return all(share["cores_free"] == share["cores_total"] for share in shares)


async def _no_jobs(hub: WholeHub) -> bool:
    return not any([await asyncio.to_thread(hub.live_jobs, centre) for centre in hub.centres])


async def test_a_card_is_found_where_it_is(hub: WholeHub, federation: Federation) -> None:
    async with Person(hub, "bob") as bob:
        await bob.start(plan="accelerated")
        launch = await bob.at("ready")
        assert launch["centre"] == "core"
        [job] = hub.live_jobs("core")
        asked = federation.centre("core").run(["squeue", "-h", "-j", job["id"], "-o", "%b"]).stdout
        assert asked.strip().endswith("dcu:1")
        await bob.stop()
        await bob.at("ended")


async def test_what_nobody_has_is_refused_at_once(hub: WholeHub) -> None:
    """Before anything is started, with what is missing at each centre."""
    async with Person(hub, "bob") as bob:
        answer = await bob.api("POST", "/users/bob/server", json={"cores": "2", "accelerator": "qpu"})
        assert answer.status_code in range(400, 500), answer.text
        for centre in hub.centres:
            assert hub.descriptor(centre)["names"]["en"] in answer.json()["message"]
        assert await hub.launches("bob", ended=False) == []
        offers = await hub.ask("POST", "/place", "bob", json={"options": {"cores": "500"}})
        assert offers["ranked"] == []
        assert {offer["centre"] for offer in offers["refused"]} == set(hub.centres)
        assert {offer["reasons"][0]["code"] for offer in offers["refused"]} == {"place.cores"}


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_fifty_waiting_ask_once_a_tick(hub: WholeHub, federation: Federation) -> None:
    """Counted by slurmctld itself (sdiag). Fifty people log in and start first, which takes most of its time."""
    await asyncio.to_thread(hub.fill, "east")
    people = [Person(hub, f"p{number:02}") for number in range(50)]
    seconds = 15
    try:
        await _log_in(people)
        await asyncio.gather(*(person.start(plan="light", centre="east") for person in people))
        await asyncio.gather(*(person.at("queued", deadline=120) for person in people))
        began = time.monotonic()
        before = _questions(federation)
        await asyncio.sleep(seconds)
        after = _questions(federation)
        asked = {kind: after[kind] - before.get(kind, 0) for kind in after}
        # On a busy machine the two questions of this test take a while, too.
        ticks = (time.monotonic() - began) / BUSY_TICK
        # squeue is REQUEST_JOB_INFO, sinfo REQUEST_NODE_INFO. Two more for the edges, and one squeue a minute is the sweep's.
        assert 2 <= asked["REQUEST_JOB_INFO"] <= ticks + 3, asked
        assert 2 <= asked["REQUEST_NODE_INFO"] <= ticks + 2, asked
    finally:
        await _leave(people)
        await asyncio.to_thread(federation.centre("east").free)
    await came(lambda: _no_jobs(hub), 60)


async def _log_in(people: list[Person]) -> None:
    await asyncio.gather(*(person.__aenter__() for person in people))


async def _leave(people: list[Person]) -> None:
    """Everybody's server is stopped, and everybody goes."""
    await asyncio.gather(*(person.stop() for person in people))
    await asyncio.gather(*(person.__aexit__() for person in people))


def _questions(federation: Federation) -> dict[str, int]:
    """How often slurmctld was asked what, since its start."""
    said = federation.centre("east").run(["sdiag"]).stdout
    return {
        kind: int(count)
        for kind, count in re.findall(r"^\s*(REQUEST_\w+)\s.*?count:(\d+)", said, re.MULTILINE)
    }


async def test_strangers_at_the_login_node_get_nothing(hub: WholeHub, federation: Federation) -> None:
    """From where the nodes can be reached, another account asks everything that listens for a session and its workers.

    What it gets on the node itself is asked in test_secrets.
    """
    east = federation.centre("east")
    async with Person(hub, "ann") as ann:
        await ann.start(plan="light", centre="east")
        await ann.ready()
        kernel = await ann.kernel()
        assert (await kernel.run(OPEN_CLUSTER)).strip() == "42"
        listening = [one for one in ports(of_jobs(hub)) if not one.host.startswith("127.")]
        words = " ".join(command(one.pid) for one in listening)
        assert "sampan_kernels.launcher" in words
        assert "sampan_kernels.kernel" in words, "Dask's scheduler lives in the kernel"
        assert "dask" in words
        asked = sorted({(east.addresses[node], one.port) for one in listening for node in ("n1", "n2")})
        source = Path(stranger.__file__).read_text(encoding="utf-8")
        argv = [str(user_environment.python()), "-I", "-c", source]
        question = json.dumps({"tcp": asked, "unix": [], "broker": None, "secret": ""}).encode()
        told = json.loads((await asyncio.to_thread(east.run, argv, "login", STRANGER, question)).stdout)
        told.pop("broker", None)
        assert len(told) == len(asked)
        spoken = [said for said in told.values() if not said["http"].startswith("<ConnectionRefused")]
        assert len(spoken) >= len({one.port for one in listening})
        for said in spoken:
            launcher = said.pop("ssh", "<denied> <denied> <denied>")
            assert launcher == "<denied> <denied> <denied>"
            for answer in said.values():
                # A launcher names its protocol; Dask refuses by an alert of TLS, or has no such page.
                assert answer.startswith(("<", "\x15\x03", "SSH-2.0-Sampan", "HTTP/1.1 404")) or not answer
        await ann.stop()
        await ann.at("ended")


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("centre", ["east", "west"])
async def test_the_notebook_has_the_same_numbers(hub: WholeHub, centre: str) -> None:
    """Two workers and a kernel import the scientific stack on two shared cores, at a shared file system's pace."""
    async with Person(hub, "dave") as dave:
        # Seven of a node's eight cores: the second worker has to go to the other node.
        await dave.start(cores="7", memory="4", hours="1", centre=centre)
        await dave.ready()
        kernel = await dave.kernel()
        printed = await _run_notebook(kernel, NOTEBOOK)
        assert printed["warming"].splitlines() == ["A1B 4.52 K", "E1 2.44 K"]
        workers = json.loads(printed["workers"])
        assert {worker["machine"] for worker in workers} == {f"{centre}-n1", f"{centre}-n2"}
        assert len({worker["job"] for worker in workers}) == 2
        await dave.stop()
        await dave.at("ended")
        await came(lambda: _none_live(hub, centre), 60)


async def _run_notebook(kernel: Kernel, file: Path) -> dict[str, str]:
    """Every code cell in turn; what each printed, by its id. The workers tell their machines in JSON too."""
    printed = {}
    for cell in nbformat.read(file, as_version=4).cells:
        if cell.cell_type == "code":
            printed[cell.id] = await kernel.run(cell.source, deadline=120)
            if cell.id == "workers":
                ask = "import json; print(json.dumps(list(client.run(whoami).values())))"
                printed[cell.id] = await kernel.run(ask)
    return printed
