"""One Lab, kernels at several centres: chosen in the launcher, kept over every restart, waiting where there is no room."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect

from tests.federation.federation import Federation
from tests.ways import processes
from tests.ways.panels import made, shown
from tests.ways.visitor import PATIENCE, Visitor, visitor
from tests.ways.whole_hub import WholeHub, came, whole_hub

pytestmark = [
    pytest.mark.browser,
    pytest.mark.federation,
    pytest.mark.asyncio(loop_scope="module"),
]

WHERE = "import os, socket; print(os.environ['SLURM_CLUSTER_NAME'], socket.gethostname())"
KEEPS = """
import pathlib
kept = "{centre} keeps it"
pathlib.Path("of-{centre}.txt").write_text(kept)
print(kept)
"""
WHAT_IS_KEPT = """
print(kept)
for file in sorted(pathlib.Path().glob("of-*.txt")):
    print(file, file.read_text())
"""
COUNTS = """
import time
for number in range({seconds}):
    print("line", number, flush=True)
    time.sleep(1)
print("counted", {seconds})
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(federation: Federation) -> AsyncIterator[WholeHub]:
    """Real centres alone: what is shown here is shown of them."""
    async with whole_hub("federation") as running:
        yield running


async def _launcher(person: Visitor) -> None:
    if not await person.page.locator(".jp-Launcher:visible").count():
        await person.page.locator(".lm-TabBar-addButton:visible").first.click()
    await person.page.locator(".jp-Launcher:visible").wait_for()


def _card(person: Visitor, label: str) -> Locator:
    """Of the notebooks, which come first."""
    cards = person.page.locator(".jp-Launcher:visible .jp-LauncherCard")
    return cards.filter(has_text=re.compile(f"^{re.escape(label)}$")).first


async def _notebook_at(person: Visitor, label: str) -> str:
    """A new notebook of that kernel; its file's name."""
    await _launcher(person)
    await _card(person, label).click()
    tab = person.page.locator(".jp-mod-current[role=tab]", has_text=".ipynb")
    await expect(tab).to_be_visible()
    # Before its own kernel is there the Lab shows the one before; who runs a cell then starts a second one.
    await expect(person.page.locator("#jp-main-statusbar")).to_contain_text(
        f"{label} | Idle", timeout=PATIENCE
    )
    return (await tab.inner_text()).strip()


async def _show(person: Visitor, name: str) -> None:
    await person.page.get_by_role("tab", name=name, exact=True).click()


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_two_notebooks_in_one_window_at_two_centres(hub: WholeHub) -> None:
    """A session, two kernels elsewhere and Chromium, then hub, broker and Jupyter server killed while one of them computes."""
    async with visitor(hub, "alice") as alice:
        await alice.log_in()
        await alice.page.goto(f"{hub.url}/hub/spawn?opt-plan=light&opt-centre=east")
        await alice.arrive()
        names = {centre["id"]: centre["names"]["en"] for centre in await hub.ask("GET", "/centres")}
        books = {}
        for centre in ("west", "east"):
            books[centre] = await _notebook_at(alice, f"Python · {names[centre]}")
            cluster, node = (await alice.run(WHERE)).split()
            assert (cluster, node.rpartition("-")[0]) == (centre, centre)
            await alice.run(KEEPS.format(centre=centre))
        launches = {one["centre"]: one for one in await hub.launches("alice") if one["kind"] == "kernel"}
        assert set(launches) == {"west", "east"}
        await _show(alice, books["west"])
        counting = alice.notebook.locator(".jp-CodeCell").last
        await counting.locator(".cm-content").fill(COUNTS.format(seconds=15))
        await alice.page.keyboard.press("Shift+Enter")
        await expect(alice.printed("line 0")).to_be_visible()
        [server] = [one for one in await hub.launches("alice") if one["kind"] == "server"]
        for part in ("hub", "broker"):
            await hub.restarted(part, hub.kill(part))
        await came(hub.answers, 60)
        pid = await processes.server_of(hub, server["id"])
        os.kill(pid, signal.SIGKILL)
        await processes.server_of(hub, server["id"], other_than=pid)
        await expect(alice.printed("counted 15")).to_be_visible(timeout=PATIENCE)
        said = await alice.printed("counted 15").inner_text()
        assert said.split() == " ".join([*(f"line {n}" for n in range(15)), "counted 15"]).split()
        await expect(alice.notebook.locator(".jp-InputPrompt").nth(2)).to_have_text("[3]:", timeout=PATIENCE)
        for centre, book in books.items():
            await _show(alice, book)
            word = f"{centre} keeps it"
            # Its own file, and none of the other's: each lies where its kernel runs.
            assert (await alice.run(WHAT_IS_KEPT)).splitlines() == [word, f"of-{centre}.txt {word}"]
        after = {one["centre"]: one["id"] for one in await hub.launches("alice") if one["kind"] == "kernel"}
        assert after == {centre: one["id"] for centre, one in launches.items()}
        await _pictures(alice, books)
        await _panels(hub, alice, names)
        await hub.ask("DELETE", f"/launches/{server['id']}", "alice")


async def _panels(hub: WholeHub, person: Visitor, names: Mapping[str, str]) -> None:
    """The side panels tell the real centres, end one of the two kernels, and make workers at the centre of the other."""
    panel = await shown(person, "Centres")
    for name in names.values():
        await expect(panel.get_by_role("listitem").filter(has_text=name).last).to_contain_text("cores free")
    kernel = panel.get_by_role("listitem").filter(has_text=f"Kernel · {names['west']}")
    await kernel.get_by_role("button", name="Stop").click()
    await person.page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    await expect(kernel).to_have_count(0, timeout=PATIENCE)
    await panel.get_by_label("Accelerator").select_option("dcu")
    await panel.get_by_role("button", name="Ask").click()
    first = panel.locator("ol").get_by_role("listitem").first
    await expect(first).to_contain_text(re.compile(f"{names['core']}.*starts at once", re.DOTALL))
    panel = await shown(person, "Clusters")
    cluster = await made(panel, "sea", "Workers", "Create")
    await expect(cluster).to_contain_text(names["east"])
    await expect(cluster).to_contain_text("workers: 2 of 2", timeout=PATIENCE)
    [launch] = [one for one in await hub.launches("alice") if one["kind"] == "cluster"]
    assert launch["centre"] == "east"
    await cluster.get_by_role("button", name="Stop: Dask cluster “sea”").click()
    await person.page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    await expect(panel).to_contain_text("You have no cluster.", timeout=PATIENCE)


async def _pictures(person: Visitor, books: Mapping[str, str]) -> None:
    """The two beside each other, in each language; for the documentation."""
    if not os.environ.get("SAMPAN_SCREENSHOTS"):
        return
    for book in books.values():
        await _show(person, book)
        await person.page.keyboard.press("Control+s")
        await person.press("Rename and Save")
        await expect(person.page.locator(".jp-mod-current.jp-mod-dirty")).to_have_count(0, timeout=PATIENCE)
    tab = person.page.get_by_role("tab", name=books["east"], exact=True)
    await tab.drag_to(person.notebook, target_position={"x": 880, "y": 350})
    await expect(person.page.locator(".jp-NotebookPanel:visible")).to_have_count(2)
    await person.take("two-centres.en")
    await person.lab_in_chinese()
    for centre in books:
        await expect(person.printed(f"{centre} keeps it").first).to_be_visible(timeout=PATIENCE)
    await expect(person.page.locator("#jp-main-statusbar")).to_contain_text("| 空闲", timeout=PATIENCE)
    await person.take("two-centres.zh")


async def _fill(hub: WholeHub) -> dict[str, str]:
    """Leaves no core at any centre; centre → the job that takes what was free."""
    full = {}
    for centre in await hub.ask("GET", "/centres"):
        full[centre["id"]] = hub.fill(centre["id"])
    return full


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_kernel_waits_while_every_centre_is_full(hub: WholeHub) -> None:
    """A session and Chromium: told what it waits for, also on a page that was closed; it starts by itself, or is given up."""
    async with visitor(hub, "bob") as bob:
        await bob.log_in()
        await bob.page.goto(f"{hub.url}/hub/spawn?opt-plan=light&opt-centre=east")
        await bob.arrive()
        await came(lambda: _quiet(hub))
        full = await _fill(hub)
        await _launcher(bob)
        await _card(bob, "Python · anywhere").click()
        waits = bob.page.get_by_role("alert").filter(has_text="Untitled.ipynb: ")
        await expect(waits.get_by_role("button", name="Stop waiting")).to_be_visible(timeout=PATIENCE)
        await expect(bob.page.locator("#jp-main-statusbar")).to_contain_text("| Starting")
        [launch] = await _kernels(hub, "bob")
        assert launch["stage"] in {"placed", "queued"}
        await expect(waits).to_contain_text(re.compile(r"Waiting for a berth at .*: place \d+ in the queue"))
        await bob.take("kernel-waits.en")
        await bob.page.keyboard.press("Control+s")
        await bob.press("Rename and Save")
        await bob.lab_in_chinese()
        waits = bob.page.get_by_role("alert").filter(has_text="Untitled.ipynb: ")
        await expect(waits.get_by_role("button", name="不再等待")).to_be_visible(timeout=PATIENCE)
        await bob.take("kernel-waits.zh")
        await bob.close_and_come_back()
        waits = bob.page.get_by_role("alert").filter(has_text="Untitled.ipynb: ")
        await expect(waits.get_by_role("button", name="不再等待")).to_be_visible(timeout=PATIENCE)
        assert [one["id"] for one in await _kernels(hub, "bob")] == [launch["id"]], "the same one"
        cell = bob.notebook.locator(".jp-CodeCell").last
        await cell.locator(".cm-content").fill("print(6 * 7)")
        await bob.page.keyboard.press("Shift+Enter")
        await expect(bob.notebook.locator(".jp-InputPrompt").first).to_have_text("[*]:")
        hub.free(launch["centre"] or "east", full.pop(launch["centre"] or "east"))
        await expect(bob.printed("42")).to_be_visible(timeout=PATIENCE)
        [launch] = await _kernels(hub, "bob")
        full[launch["centre"]] = hub.fill(launch["centre"])
        await _launcher(bob)
        await _card(bob, "Python · 任意中心").click()
        given_up = bob.page.get_by_role("alert").filter(has_text="Untitled1.ipynb: ")
        await given_up.get_by_role("button", name="不再等待").click(timeout=PATIENCE)

        async def gone() -> bool:
            jobs = [job for centre in hub.centres for job in await asyncio.to_thread(hub.live_jobs, centre)]
            return len(await _kernels(hub, "bob")) == 1 and len(jobs) == 2

        await came(gone)
        await expect(given_up).to_have_count(0)
        for centre, job in full.items():
            hub.free(centre, job)


async def _kernels(hub: WholeHub, name: str) -> list[dict[str, Any]]:
    return [one for one in await hub.launches(name) if one["kind"] == "kernel"]


async def _quiet(hub: WholeHub) -> bool:
    """Whether nothing of the person before runs any more."""
    return not await hub.launches("alice")
