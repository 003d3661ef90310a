"""A kernel at a centre, from a script on one's own machine: Jupyter's kernel manager, a hub token, and HTTP alone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy
import pytest
import pytest_asyncio

from sampan import calls
from sampan.address import Address
from sampan.client import AsyncBroker
from sampan.errors import Missing
from sampan.stream import open_stream
from tests.ways import a_kernel, processes
from tests.ways.person import Person
from tests.ways.whole_hub import ROOT, WholeHub, came, whole_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(kind: str) -> AsyncIterator[WholeHub]:
    async with whole_hub(kind) as running:
        yield running


async def _script(hub: WholeHub, token: str, centre: str) -> dict[str, Any]:
    folders = ("hub", "kernels")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(a_kernel.__file__)), centre),
        env={
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in folders),
            "SAMPAN_URL": hub.url,
            "SAMPAN_TOKEN": token,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, trouble = await process.communicate()
    assert process.returncode == 0, trouble.decode()
    found: dict[str, Any] = json.loads(told)
    return found


async def test_a_script_computes_at_a_centre(hub: WholeHub) -> None:
    """Started, used, interrupted, restarted twice in one job, ended; all of it by the person's own token."""
    async with Person(hub, "ann") as ann:
        answer = await ann.api("POST", "/users/ann/tokens", json={"note": "a script"})
        seen = await _script(hub, answer.json()["token"], "west")
        assert (seen["where"][0], seen["sum"]) == ("west", "42")
        assert seen["interrupted"].endswith("KeyboardInterrupt")
        assert seen["seconds"] < 30
        for now in (False, True):
            where, said = seen[f"after restart, now={now}"]
            assert where == seen["where"], "the same centre, job and node"
            assert said == "NameError"
        [launch] = await hub.launches("ann", ended=True)
        assert launch["kind"] == "kernel"
        assert len(launch["attempts"]) == 1

        async def over() -> bool:
            [launch] = await hub.launches("ann", ended=True)
            return launch["stage"] == "ended" and not await asyncio.to_thread(hub.live_jobs, "west")

        await came(over)
        tags = [job["tag"] for job in await asyncio.to_thread(hub.jobs, "west")]
        assert [tag for tag in tags if launch["id"] in tag] == [seen["where"][1]], "one job in all"


FROM_A_NOTEBOOK = """
import json, os, pathlib, tempfile
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
folder = pathlib.Path(tempfile.mkdtemp(), "kernels")
(folder / "there").mkdir(parents=True)
provisioner = {"provisioner_name": "sampan-provisioner", "config": {"options": {"plan": "light", "centre": "west"}}}
spec = {"argv": [], "display_name": "there", "language": "python", "metadata": {"kernel_provisioner": provisioner}}
(folder / "there" / "kernel.json").write_text(json.dumps(spec))
manager = AsyncKernelManager(kernel_name="there", kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(folder)]))
await manager.start_kernel()
client = manager.client()
client.start_channels()
await client.wait_for_ready(timeout=60)
said = []
ask = "import os; print(os.environ['SAMPAN_CENTRE'], end='')"
await client.execute_interactive(ask, timeout=60, output_hook=lambda message: said.append(message["content"].get("text", "")))
print(json.dumps([os.environ["SAMPAN_CENTRE"], "".join(said), os.environ["SAMPAN_LAUNCH"]]))
"""


async def test_a_notebook_at_one_centre_computes_at_another(hub: WholeHub) -> None:
    """Where no node reaches another: by its session's own token, through the broker. What it started ends with it."""
    async with Person(hub, "carol") as carol:
        await carol.start(plan="light", centre="east")
        await carol.ready()
        notebook = await carol.kernel()
        here, there, session = json.loads(await notebook.run(FROM_A_NOTEBOOK))
        assert (here, there) == ("east", "west")
        launches = {one["kind"]: one for one in await hub.launches("carol")}
        assert launches["kernel"]["parent"] == session == launches["server"]["id"]
        await carol.stop()

        async def over() -> bool:
            return not await hub.launches("carol") and not await asyncio.to_thread(hub.live_jobs, "west")

        await came(over)


AT_TWO_CENTRES = """
import json, os, socket, numpy, sampan
def part(client, seeds):
    def one(seed):
        numbers = numpy.random.default_rng(seed).integers(0, 1000, 50_000)
        return os.environ["SAMPAN_CENTRE"], socket.gethostname(), int(numbers.sum()), numbers.size
    return client.gather(client.map(one, seeds[os.environ["SAMPAN_CENTRE"]]))
few = {"workers": 1, "memory": "0.5 GiB"}
two = sampan.clusters(east=few, west=few)
parts = two.run(part, {"east": [1, 2], "west": [3, 4]})
print(json.dumps(parts))
"""


async def test_a_notebook_reduces_at_two_centres_and_combines_at_home(hub: WholeHub) -> None:
    """What was reduced where it lies gives the same mean as all of it here; and what was started is given back."""
    async with Person(hub, "alice") as alice:
        await alice.start(plan="light", centre="east")
        await alice.ready()
        notebook = await alice.kernel()
        *said, told = (await notebook.run(AT_TWO_CENTRES, deadline=90)).strip().splitlines()
        assert {line.partition(": ")[0] for line in said} == {"east", "west"}, "what they waited for"
        parts = json.loads(told)
        for centre, found in parts.items():
            assert {one[0] for one in found} == {centre}
            if hub.kind == "federation":
                assert {one[1].partition("-")[0] for one in found} == {centre}
        total, size = (sum(one[place] for found in parts.values() for one in found) for place in (2, 3))
        all_ = [numpy.random.default_rng(seed).integers(0, 1000, 50_000) for seed in (1, 2, 3, 4)]
        assert total / size == numpy.concatenate(all_).mean()
        await _pages_are_shown_by_the_session(hub, alice)
        await notebook.run("two.close()")

        async def given_back() -> bool:
            kinds = [one["kind"] for one in await hub.launches("alice")]
            return kinds == ["server"] and not await asyncio.to_thread(hub.live_jobs, "west")

        await came(given_back)
        await alice.stop()


async def _pages_are_shown_by_the_session(hub: WholeHub, alice: Person) -> None:
    """Dask's own, of the kernel at the other centre, which no node of this one reaches: over its link, and her login."""
    kernels = {one["id"]: one["centre"] for one in await hub.launches("alice") if one["kind"] == "kernel"}
    clusters = [one for one in await hub.launches("alice") if one["parent"] in kernels]
    assert sorted(kernels[one["parent"]] for one in clusters) == ["east", "west"]
    for one in clusters:
        pages = (await hub.ask("GET", f"/clusters/{one['id']}", "alice"))["pages"]
        assert pages.startswith(alice.path())
        for page, word in (("info/main/workers.html", "Workers"), ("status", "bokeh")):
            shown = await alice.client.get(f"{pages}{page}")
            assert (shown.status_code, word in shown.text) == (200, True), (page, shown.text[:300])
        socket = await alice.socket(f"{pages}eventstream")
        await socket.write_message(json.dumps({"name": "ping"}))
        async with asyncio.timeout(20):
            while '"pong"' not in str(await socket.read_message()):
                pass
        socket.close()
        assert (await alice.client.get(f"{pages[:-33]}{'0' * 32}/status")).status_code == 404
        async with Person(hub, "bob") as bob:
            assert (await bob.client.get(f"{pages}status")).status_code == 403


async def test_a_kernel_of_the_lab_whose_job_is_over_is_told_dead_and_not_started_again(
    hub: WholeHub,
) -> None:
    """What nobody asked for a second time costs nobody core-hours."""
    async with Person(hub, "eve") as eve:
        await eve.start(plan="light", centre="east")
        await eve.ready()
        notebook = await eve.kernel(name="sampan--cores-1--memory-1--hours-1--centre-west")
        assert (await notebook.run("import os; print(os.environ['SAMPAN_CENTRE'])")).strip() == "west"
        [launch] = [one for one in await hub.launches("eve") if one["kind"] == "kernel"]
        await hub.ask("DELETE", f"/launches/{launch['id']}", "eve")

        async def dead() -> bool:
            answer = await eve.client.get(f"{eve.path()}api/kernels")
            return answer.status_code == 200 and answer.json() == []

        await came(dead)
        kernels = [one["id"] for one in await hub.launches("eve", ended=True) if one["kind"] == "kernel"]
        assert kernels == [launch["id"]]
        await eve.stop()


COUNTS = """
import time
for number in range(30):
    print(number, flush=True)
    time.sleep(0.1)
"""


async def test_what_was_said_while_the_page_was_asleep_outlives_its_server(hub: WholeHub) -> None:
    """It lay in the memory of the Jupyter server that was killed; the page that comes back hears each line once."""
    async with Person(hub, "dan") as dan:
        await dan.start(plan="light", centre="east")
        await dan.ready()
        session = (await dan.launch())["id"]
        page = await dan.notebook(name="sampan--cores-1--memory-1--hours-1--centre-west")
        asked = await page.ask(COUNTS)
        lines = page.said(asked)
        heard = [await anext(lines) for _ in range(3)]
        await lines.aclose()
        await page.leave()

        async def computed() -> bool:
            [kernel] = (await dan.client.get(f"{dan.path()}api/kernels")).json()
            return bool(kernel["execution_state"] == "idle")

        await came(computed)
        killed = await processes.server_of(hub, session)
        os.kill(killed, signal.SIGKILL)
        await processes.server_of(hub, session, other_than=killed)
        await page.wake()
        await page.ask("pass")
        async with asyncio.timeout(60):
            heard += [text async for text in page.said(asked)]
        assert "".join(heard).split() == [str(number) for number in range(30)]
        await dan.stop()


async def test_a_stream_that_is_refused_disturbs_nobody(hub: WholeHub) -> None:
    """A kernel that restarts has no sockets for a moment; whoever asks for them meanwhile costs nobody else a 503."""
    async with Person(hub, "dan") as dan:
        token = (await dan.api("POST", "/users/dan/tokens", json={"note": "a script"})).json()["token"]
        there = Address.parse(hub.url, token=token)
        async with AsyncBroker(there) as broker:
            for _ in range(60):
                with pytest.raises(Missing):
                    await open_stream(there, "nosuch", "shell")
                await broker.ask(calls.plans())


async def test_a_token_for_other_things_starts_no_kernel(hub: WholeHub) -> None:
    async with Person(hub, "bob") as bob:
        wish = {"note": "narrow", "scopes": ["read:users:name!user"]}
        narrow = (await bob.api("POST", "/users/bob/tokens", json=wish)).json()["token"]
        answer = await bob.client.post(
            "/services/sampan/api/launches",
            json={"kind": "kernel"},
            headers={"Authorization": f"token {narrow}"},
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "access.scope")
        assert await hub.launches("bob", ended=True) == []
