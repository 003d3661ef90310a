"""A person in front of a real browser: what they see and press, in either language."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Literal

from playwright.async_api import Locator, Page, ViewportSize, async_playwright, expect

from tests.ways.whole_hub import ROOT, WholeHub

__all__ = ["Visitor", "visitor"]

CHROMIUM: Final = "/usr/bin/chromium"
# It runs as root in tests, without a display, and has nobody to call.
FLAGS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
PATIENCE: Final = 60_000
"""Milliseconds that a page may take on two shared cores."""
WINDOW: Final[ViewportSize] = {"width": 1280, "height": 860}
LOW: Final[ViewportSize] = {"width": 1100, "height": 300}
"""For pictures of pages that are as high as what is on them."""
SOME_WORDS: Final = re.compile(r"[A-Za-z]{2,}[ ,]+[a-z]{2,}[ ,]+[a-z]{2,}")
HAN: Final = re.compile(r"[\u4e00-\u9fff]")

Tongue = Literal["en", "zh"]


class Visitor:
    """One browser window of one person. Everything waits for what it needs, never for a time to pass."""

    def __init__(self, page: Page, hub: WholeHub, name: str) -> None:
        self.page = page
        self.hub = hub
        self.name = name

    async def log_in(self) -> None:
        """Ends on the start page: a person without a notebook is asked what they need."""
        await self.page.goto(self.hub.url)
        await self.page.get_by_label("Name").fill(self.name)
        await self.page.get_by_label("Password").fill(self.hub.password)
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.heading("Start a notebook")).to_be_visible()

    def heading(self, text: str) -> Locator:
        return self.page.get_by_role("heading", name=text)

    def choice(self, text: str) -> Locator:
        """A plan or a centre of the start page, by the beginning of what its card says."""
        return self.page.get_by_role("radio", name=re.compile(f"^{re.escape(text)}"))

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def speak(self, tongue: Tongue) -> None:
        """Presses the language button where the page speaks the other one."""
        root = self.page.locator("html")
        if await root.get_attribute("lang") != tongue:
            await self.press("中文" if tongue == "zh" else "English")
        await expect(root).to_have_attribute("lang", tongue)

    async def seen(self) -> str:
        """The text of the page's main part as it is shown, without what a job has printed."""
        text: str = await self.page.locator("main").evaluate(
            """main => { const logs = [...main.querySelectorAll("pre")]; logs.forEach(log => log.hidden = true);
            const text = main.innerText; logs.forEach(log => log.hidden = false); return text; }"""
        )
        return text

    async def both_tongues(self, picture: str = "") -> None:
        """In each language the page says everything in that one alone; ends in English."""
        for tongue, foreign in (("zh", SOME_WORDS), ("en", HAN)):
            await self.speak("zh" if tongue == "zh" else "en")
            text = await self.seen()
            assert foreign.search(text) is None, text
            # The button keeps its colour while the mouse is over it.
            await self.page.mouse.move(0, 0)
            if picture:
                await self.take(f"{picture}.{tongue}", LOW)

    async def take(self, picture: str, size: ViewportSize = WINDOW) -> None:
        """A picture of the whole page for the documentation, when they are to be renewed."""
        if os.environ.get("SAMPAN_SCREENSHOTS"):
            await self.page.set_viewport_size(size)
            path = ROOT / "docs" / "images" / f"{picture}.png"
            await self.page.screenshot(path=path, full_page=True, animations="disabled", caret="hide")
            await self.page.set_viewport_size(WINDOW)

    # --- in the Lab

    @property
    def session(self) -> Locator:
        """Our item of the status bar."""
        return self.page.locator(".sampan-Line")

    @property
    def notebook(self) -> Locator:
        """The notebook in front."""
        return self.page.locator(".jp-NotebookPanel:visible")

    async def arrive(self) -> None:
        await self.page.wait_for_url(f"**/user/{self.name}/lab**", timeout=PATIENCE)
        await self.page.locator(".jp-Launcher").wait_for(timeout=PATIENCE)

    async def new_notebook(self) -> None:
        await self.page.locator(".jp-LauncherCard[data-category=Notebook]").first.click()
        await self.kernel_waits()

    async def upload(self, name: str) -> None:
        """Puts a file of `notebooks/` into the open folder, as the upload button does, and opens it."""
        async with self.page.expect_file_chooser() as chosen:
            await self.page.locator(".jp-FileBrowser-toolbar [data-jp-item-name=uploader]").click()
        await (await chosen.value).set_files(ROOT / "notebooks" / name)
        await self.page.locator(".jp-DirListing-item", has_text=name).dblclick()
        await expect(self.page.get_by_role("tab", name=name)).to_be_visible()
        await self.kernel_waits()

    async def lab_in_chinese(self) -> None:
        """Chooses Chinese in the Lab's own menu, which loads the page anew; notebooks are saved before."""
        await self.page.keyboard.press("Control+s")
        await expect(self.page.locator(".jp-mod-current.jp-mod-dirty")).to_have_count(0, timeout=PATIENCE)
        await self.page.locator(".lm-MenuBar-item", has_text="Settings").click()
        await self.page.locator(".lm-Menu-item", has_text="Language").first.click()
        await self.page.locator(".lm-Menu-item", has_text="Chinese").click()
        await self.page.locator(".jp-Dialog .jp-mod-accept").click()
        await expect(self.page.locator(".lm-MenuBar-item", has_text="文件")).to_be_visible(timeout=PATIENCE)

    async def close_and_come_back(self) -> None:
        """Closes the page, and opens another one at the same place."""
        url, context = self.page.url, self.page.context
        await self.page.close()
        self.page = await context.new_page()
        self.page.set_default_timeout(PATIENCE / 2)
        await self.page.goto(url)

    async def kernel_waits(self) -> None:
        await expect(self.page.locator("#jp-main-statusbar")).to_contain_text("| Idle", timeout=PATIENCE)

    async def run(self, code: str) -> str:
        """Types code into the last cell of the notebook in front and runs it; what it printed."""
        cell = self.notebook.locator(".jp-CodeCell").last
        number = await self.notebook.locator(".jp-CodeCell").count() - 1
        await cell.locator(".cm-content").fill(code)
        await self.page.keyboard.press("Shift+Enter")
        output = self.notebook.locator(".jp-CodeCell").nth(number).locator(".jp-OutputArea-output")
        await expect(output).not_to_be_empty(timeout=PATIENCE)
        return await output.inner_text()

    async def run_all(self) -> None:
        await self.page.get_by_role("menuitem", name="Run", exact=True).click()
        await self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def printed(self, text: str) -> Locator:
        return self.notebook.locator(".jp-OutputArea-output").filter(has_text=text)


@asynccontextmanager
async def visitor(hub: WholeHub, name: str) -> AsyncIterator[Visitor]:
    """A person who prefers English, and has not logged in yet. The page at a failure is told."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        context = await browser.new_context(viewport=WINDOW, locale="en-GB")
        page = await context.new_page()
        page.set_default_timeout(PATIENCE / 2)
        expect.set_options(timeout=PATIENCE / 2)
        person = Visitor(page, hub, name)
        try:
            yield person
        except BaseException:
            print(person.page.url, (await person.page.locator("body").inner_text())[:4000], sep="\n")
            raise
        finally:
            await browser.close()
