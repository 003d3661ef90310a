"""From the click on Start to the first output of a cell, in a real browser, by stage; beside batchspawner, in turn.

Cold: a browser that was never here. Warm: the same one again, with what it kept. Both on the same Slurm cluster.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.bench.batch_hub import batch_hub
from tests.bench.clicks import gone, stages_of
from tests.bench.figures import PLACE, Figure, keep, measured
from tests.federation.federation import Federation
from tests.ways.person import Person
from tests.ways.visitor import CHROMIUM, FLAGS, PATIENCE, WINDOW
from tests.ways.whole_hub import WholeHub, came, whole_hub

__all__ = ["run"]

RUNS: Final = 10
CENTRE: Final = "east"
REACHED: Final = ("the page", "the Lab painted", "a kernel waits", "the first output")


@dataclass
class Side:
    """One of the two hubs, the browser's way to its start page, and what was measured: cold and warm runs, in turn."""

    name: str
    hub: WholeHub
    person: Person
    choices: Mapping[str, str]
    """What is checked on the start page."""
    home: Path
    browser: Browser
    context: BrowserContext | None = None
    cold: list[dict[str, float]] = field(default_factory=list)
    warm: list[dict[str, float]] = field(default_factory=list)

    async def turn(self, number: int) -> None:
        cold = number % 2 == 0
        if cold:
            if self.context is not None:
                await self.context.close()
            self.context = await self.browser.new_context(viewport=WINDOW, locale="en-GB")
        assert self.context is not None
        page = await self.context.new_page()
        taken = await self._taken(page)
        (self.cold if cold else self.warm).append(taken)
        await page.close()
        await self.person.stop()
        await came(lambda: gone(self.person))
        # The Lab would open what was open, and find no kernel for it.
        shutil.rmtree(self.home / ".jupyter/lab/workspaces", ignore_errors=True)

    async def _taken(self, page: Page) -> dict[str, float]:
        page.set_default_timeout(PATIENCE)
        await self._to_the_form(page)
        clicked = time.time()
        await page.get_by_role("button", name="Start", exact=True).click()
        await page.wait_for_url("**/user/*/lab**", wait_until="commit", timeout=2 * PATIENCE)
        reached = [time.time()]
        await page.locator(".jp-Launcher").wait_for(timeout=PATIENCE)
        reached.append(time.time())
        await page.locator(".jp-LauncherCard[data-category=Notebook]").first.click()
        await expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle", timeout=PATIENCE)
        reached.append(time.time())
        cell = page.locator(".jp-NotebookPanel:visible .jp-CodeCell").last
        await cell.locator(".cm-content").fill("print(6 * 7)")
        await page.keyboard.press("Shift+Enter")
        output = page.locator(".jp-NotebookPanel:visible .jp-OutputArea-output")
        await expect(output).to_have_text("42\n", timeout=PATIENCE)
        reached.append(time.time())
        return await self._by_stage(clicked, reached)

    async def _by_stage(self, clicked: float, reached: Sequence[float]) -> dict[str, float]:
        """Our own broker tells the stages before the page; of the peer there is the whole."""
        before, taken = clicked, {}
        if self.name == "sampan":
            stages = await stages_of(self.hub, self.person, clicked, reached[0])
            stages.pop("until the page")
            taken = dict(stages)
            before += sum(stages.values())
        for name, at in zip(REACHED, reached, strict=True):
            taken[f"until {name}"] = at - before
            before = at
        return taken

    async def _to_the_form(self, page: Page) -> None:
        await page.goto(f"{self.hub.url}/hub/spawn")
        if await page.locator("input[type=password]").count():
            await page.locator("input[name=username]").fill(self.person.name)
            await page.locator("input[type=password]").fill(self.hub.password)
            await page.locator("input[type=password]").press("Enter")
        await page.wait_for_url("**/hub/spawn**")
        for name, value in self.choices.items():
            await page.locator(f"input[name={name}][value={value}]").check(force=True)


async def run() -> list[Figure]:
    # The hubs tell their logs when they end, for a test that has failed.
    with redirect_stdout(StringIO()):
        async with _sides() as (ours, peer):
            for number in range(2 * RUNS):
                for side in (ours, peer):
                    await side.turn(number)
    figures: list[Figure] = []
    for kind in ("cold", "warm"):
        runs, others = (getattr(side, kind) for side in (ours, peer))
        other = measured(
            f"first cell, {kind} browser, batchspawner", "s", [sum(one.values()) for one in others]
        )
        whole = [sum(one.values()) for one in runs]
        name = f"first cell, {kind} browser, click to output"
        figures += [measured(name, "s", whole, peer="batchspawner", peer_median=other.median), other]
        for whose, taken in (("", runs), (", batchspawner", others)):
            figures += [
                measured(f"  of it {name}{whose}", "s", values) for name, values in _columns(taken).items()
            ]
    keep(
        "first_cell",
        figures,
        runs={side.name: {"cold": side.cold, "warm": side.warm} for side in (ours, peer)},
    )
    _picture(
        {f"{side.name}, {kind}": getattr(side, kind) for kind in ("cold", "warm") for side in (ours, peer)}
    )
    return figures


@asynccontextmanager
async def _sides() -> AsyncIterator[tuple[Side, Side]]:
    federation = Federation()
    async with AsyncExitStack() as stack:
        stack.enter_context(federation.in_use())
        east = federation.centre(CENTRE)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="batch-")))
        hub = await stack.enter_async_context(whole_hub("federation"))
        batch = await stack.enter_async_context(batch_hub(folder, east))
        alice = await stack.enter_async_context(Person(hub, "alice"))
        bob = await stack.enter_async_context(Person(batch, east.account("bob")))
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        stack.push_async_callback(browser.close)
        homes = [east.root / "home" / east.account(name) for name in ("alice", "bob")]
        ours = Side("sampan", hub, alice, {"plan": "light", "centre": CENTRE}, homes[0], browser)
        yield ours, Side("batchspawner", batch, bob, {}, homes[1], browser)


def _columns(runs: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """Stage → its runs, by the order in which a run goes through them; not each is seen in a queue."""
    longest = max(runs, key=len)
    return {name: [one.get(name, 0.0) for one in runs] for name in longest}


def _picture(bars: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    """`build/bench/first_cell.png`: medians, stacked by stage."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 3.2), layout="constrained")
    colours: dict[str, str] = {}
    for place, (name, runs) in enumerate(bars.items()):
        left = 0.0
        for stage, values in _columns(runs).items():
            width = measured(stage, "s", values).median
            colour = colours.get(stage)
            [bar] = axes.barh(name, width, left=left, color=colour, label=None if colour else stage)
            colours.setdefault(stage, bar.get_facecolor())
            left += width
        axes.text(left, place, f" {left:.1f} s", va="center")
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("seconds from the click on Start, medians of interleaved runs")
    axes.legend(ncols=3, fontsize="x-small", loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    PLACE.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLACE / "first_cell.png", dpi=140)
    pyplot.close(figure)
