"""One Lab, kernels at several centres: chosen in the launcher, kept over every restart, waiting where there is no room."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect

from tests.ways import processes
from tests.ways.visitor import PATIENCE, Visitor, visitor
from tests.ways.whole_hub import WholeHub, came, whole_hub

pytestmark = pytest.mark.browser

WHERE = "import json, os, socket; print(json.dumps([os.environ['SAMPAN_CENTRE'], socket.gethostname()]))"
COUNTS = """
import time
for number in range({seconds}):
    print("line", number, flush=True)
    time.sleep(1)
print("counted", {seconds})
"""


@pytest_asyncio.fixture
async def hub(kind: str) -> AsyncIterator[WholeHub]:
    async with whole_hub(kind) as running:
        yield running


async def _launcher(person: Visitor) -> None:
    if not await person.page.locator(".jp-Launcher:visible").count():
        await person.page.locator(".lm-TabBar-addButton:visible").first.click()
    await person.page.locator(".jp-Launcher:visible").wait_for()


def _card(person: Visitor, label: str) -> Locator:
    return person.page.locator(".jp-Launcher:visible .jp-LauncherCard[data-category=Notebook]").filter(
        has_text=re.compile(f"^{re.escape(label)}$")
    )


async def _notebook_at(person: Visitor, label: str) -> str:
    """A new notebook of that kernel; its file's name."""
    await _launcher(person)
    await _card(person, label).click()
    tab = person.page.locator(".jp-mod-current[role=tab]", has_text=".ipynb")
    await expect(tab).to_be_visible()
    await person.kernel_waits()
    return (await tab.inner_text()).strip()


async def _show(person: Visitor, name: str) -> None:
    await person.page.get_by_role("tab", name=name, exact=True).click()


async def _server(hub: WholeHub, launch: str) -> int:
    """The session's Jupyter server on its node."""

    async def found() -> int | None:
        servers = [
            pid
            for pid in processes.of_jobs(hub)
            if "sampan_lab.singleuser" in processes.command(pid)
            and processes.environment(pid).get("SAMPAN_LAUNCH") == launch
        ]
        return servers[0] if servers else None

    pid: int = await came(found)
    return pid


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
            assert json.loads(await alice.run(WHERE))[0] == centre
            await alice.run(f"kept = '{centre} keeps it'; print(kept)")
        launches = {one["centre"]: one for one in await hub.launches("alice") if one["kind"] == "kernel"}
        assert set(launches) == {"west", "east"}
        await _show(alice, books["west"])
        counting = alice.notebook.locator(".jp-CodeCell").last
        await counting.locator(".cm-content").fill(COUNTS.format(seconds=20))
        await alice.page.keyboard.press("Shift+Enter")
        await expect(alice.printed("line 0")).to_be_visible()
        [server] = [one for one in await hub.launches("alice") if one["kind"] == "server"]
        for part in ("hub", "broker"):
            await hub.restarted(part, hub.kill(part))
        await came(hub.answers, 60)
        pid = await _server(hub, server["id"])
        os.kill(pid, signal.SIGKILL)

        async def again() -> bool:
            return await _server(hub, server["id"]) != pid

        await came(again)
        await expect(alice.printed("counted 20")).to_be_visible(timeout=PATIENCE)
        said = await alice.printed("counted 20").inner_text()
        assert said.split() == " ".join([*(f"line {n}" for n in range(20)), "counted 20"]).split()
        for centre, book in books.items():
            await _show(alice, book)
            assert await alice.run("print(kept)") == f"{centre} keeps it"
        after = {one["centre"]: one["id"] for one in await hub.launches("alice") if one["kind"] == "kernel"}
        assert after == {centre: one["id"] for centre, one in launches.items()}
