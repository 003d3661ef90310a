"""The Lab's panels in a real browser: how the centres stand, where a need would go, what runs and how it is ended."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.ways.visitor import HAN, PATIENCE, Visitor, visitor
from tests.ways.whole_hub import ROOT, WholeHub, whole_hub

pytestmark = pytest.mark.browser

AXE = ROOT / "extensions" / "lab" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.mark.slow
@pytest.mark.timeout(150)
async def test_the_panels() -> None:
    """A hub, a session, a kernel and Chromium, all importing on two shared cores."""
    async with whole_hub() as hub, visitor(hub, "alice") as alice:
        await alice.log_in()
        await alice.choice("Light").check()
        await alice.press("Start")
        await alice.arrive()
        await _the_centres(hub, alice)


async def _the_centres(hub: WholeHub, person: Visitor) -> None:
    panel = await _shown(person, "Centres")
    for centre in hub.centres:
        await expect(_one(panel, hub.descriptor(centre)["names"]["en"]).last).to_contain_text("cores free")
    await _what_runs(hub, person, panel)
    await _where_it_would_go(hub, panel)
    await _well_made(person, panel, "centres")


async def _what_runs(hub: WholeHub, person: Visitor, panel: Locator) -> None:
    """The session itself; and a kernel that somebody else started, which is stopped, after a question, by the keyboard alone."""
    [session] = await hub.launches(person.name)
    mine = panel.get_by_role("listitem").filter(has_text="This session")
    await expect(mine).to_contain_text(f"This session · {session['names']['en']}")
    await expect(mine).to_contain_text(re.compile(r"\d+ (h|min).* left"))
    wish = {"kind": "kernel", "name": "elsewhere", "options": {"cores": "1", "memory": "0.5"}}
    await hub.ask("POST", "/launches", person.name, json=wish)
    kernel = panel.get_by_role("listitem").filter(has_text="Kernel · ")
    await expect(kernel).to_be_visible(timeout=PATIENCE)
    # The steps of its start come by themselves.
    await expect(kernel).to_contain_text("running", timeout=PATIENCE)
    stop = kernel.get_by_role("button", name="Stop")
    await stop.focus()
    await person.page.keyboard.press("Enter")
    dialog = person.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("saved files are kept")
    await dialog.get_by_role("button", name="Cancel").press("Enter")
    await expect(stop).to_be_enabled()
    await stop.press("Enter")
    await dialog.get_by_role("button", name="Stop").press("Enter")
    await expect(kernel).to_have_count(0, timeout=PATIENCE)
    assert [one["id"] for one in await hub.launches(person.name)] == [session["id"]]


async def _where_it_would_go(hub: WholeHub, panel: Locator) -> None:
    """A need that one centre alone can serve; what the others say; and what is no need at all."""
    await panel.get_by_label("Accelerator").select_option("dcu")
    await panel.get_by_label("Cores").fill("1")
    await panel.get_by_label("Hours").press("Enter")
    told = panel.locator("ol").get_by_role("listitem")
    await expect(told).to_have_count(len(hub.centres))
    await expect(told.first).to_contain_text("starts at once")
    await expect(told.last).to_contain_text("not here")
    await expect(told.last).to_contain_text("There is no “dcu” accelerator here.")
    await panel.get_by_label("Cores").fill("many")
    await panel.get_by_role("button", name="Ask").click()
    await expect(panel.locator("form")).to_contain_text("many")
    await expect(told).to_have_count(0)
    await panel.get_by_label("Cores").fill("１")
    await panel.get_by_role("button", name="Ask").click()
    await expect(told).to_have_count(len(hub.centres))


async def _well_made(person: Visitor, panel: Locator, picture: str) -> None:
    """No rule of accessibility is broken, light or dark; each language says everything in that one alone."""
    assert HAN.search(await panel.inner_text()) is None
    await _accessible(person, panel)
    await person.take(f"{picture}.en")
    await _theme(person, "JupyterLab Dark")
    await _accessible(person, panel)
    await person.take(f"{picture}-dark.en")
    await _theme(person, "JupyterLab Light")


async def _shown(person: Visitor, name: str) -> Locator:
    await person.page.get_by_role("tab", name=name, exact=True).click()
    panel = person.page.get_by_role("region", name=name, exact=True)
    await expect(panel).to_be_visible()
    return panel


def _one(panel: Locator, text: str) -> Locator:
    return panel.get_by_role("listitem").filter(has_text=text)


async def _theme(person: Visitor, name: str) -> None:
    page = person.page
    await page.locator(".lm-MenuBar-item", has_text=re.compile("Settings|设置")).click()
    await page.locator(".lm-Menu-item", has_text=re.compile("^(Theme|主题)")).first.click()
    await page.locator(".lm-Menu-item", has_text=name).first.click()
    light = "false" if "Dark" in name else "true"
    await expect(page.locator(f"body[data-jp-theme-light={light}]")).to_have_count(1, timeout=PATIENCE)


async def _accessible(person: Visitor, panel: Locator) -> None:
    if not await person.page.evaluate("'axe' in window"):
        await person.page.add_script_tag(path=AXE)
    found: dict[str, Any] = await panel.evaluate("panel => axe.run(panel)")
    assert found["passes"]
    assert found["violations"] == []
