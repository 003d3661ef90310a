"""A side panel of the Lab in a real browser: shown, and looked at as somebody does who does not see it."""

from __future__ import annotations

import re
from typing import Any, Final

from playwright.async_api import Locator, expect

from tests.ways.visitor import PATIENCE, Visitor
from tests.ways.whole_hub import ROOT

__all__ = ["accessible", "made", "shown", "theme"]

AXE: Final = ROOT / "extensions" / "lab" / "node_modules" / "axe-core" / "axe.min.js"


async def shown(person: Visitor, name: str) -> Locator:
    await person.page.get_by_role("tab", name=name, exact=True).click()
    panel = person.page.get_by_role("region", name=name, exact=True)
    await expect(panel).to_be_visible()
    return panel


async def made(panel: Locator, name: str, workers: str, create: str) -> Locator:
    """A cluster of two workers by the form of the panel of clusters, in the language of these words."""
    form = panel.locator("form").filter(has=panel.page.get_by_role("button", name=create))
    await form.locator("input").first.fill(name)
    await form.get_by_label(workers).fill("2")
    await form.get_by_role("button", name=create).click()
    cluster = panel.get_by_role("listitem").filter(has_text=name)
    await expect(cluster).to_be_visible(timeout=PATIENCE)
    return cluster


async def theme(person: Visitor, name: str) -> None:
    page = person.page
    await page.locator(".lm-MenuBar-item", has_text=re.compile("Settings|设置")).click()
    await page.locator(".lm-Menu-item", has_text=re.compile("^(Theme|主题)")).first.click()
    await page.locator(".lm-Menu-item", has_text=name).first.click()
    light = "false" if "Dark" in name else "true"
    await expect(page.locator(f"body[data-jp-theme-light={light}]")).to_have_count(1, timeout=PATIENCE)


async def accessible(person: Visitor, panel: Locator) -> None:
    """No rule of accessibility is broken."""
    if not await person.page.evaluate("'axe' in window"):
        await person.page.add_script_tag(path=AXE)
    found: dict[str, Any] = await panel.evaluate("panel => axe.run(panel)")
    assert found["passes"]
    assert found["violations"] == []
