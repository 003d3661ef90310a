"""The end of a session as its person sees it in a real browser: the warning before, all saved, and the cause afterwards."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.ways.visitor import PATIENCE, Visitor, visitor
from tests.ways.whole_hub import WholeHub, came, whole_hub

pytestmark = pytest.mark.browser

MINUTES = 2
"""So short that the warning comes with the Lab; a busy machine needs a part of it for the Lab to come."""
UNSAVED = "kept = 'typed before the end'"


@pytest.mark.slow
@pytest.mark.timeout(150)
async def test_warned_saved_and_told_why_it_ended() -> None:
    """A hub, a session, a kernel and Chromium, all importing on two shared cores: half a minute on a quiet machine."""
    async with whole_hub() as hub, visitor(hub, "alice") as alice:
        await alice.log_in()
        await alice.page.goto(f"{hub.url}/hub/spawn?opt-plan=light&opt-hours={MINUTES / 60:.4f}")
        await alice.arrive()
        warning = alice.page.get_by_role("alert").filter(has_text="This session ends in")
        await expect(warning).to_contain_text("Saved files are kept; variables are not.", timeout=PATIENCE)
        await alice.new_notebook()
        notebook = await _something_unsaved(alice)
        await _asked_for_how_long(alice)
        await warning.get_by_role("button", name="Save all").click()
        await expect(alice.page.get_by_text("All open documents are saved.")).to_be_visible()
        assert UNSAVED in notebook.read_text(encoding="utf-8")
        await expect(alice.page.locator(".jp-mod-current.jp-mod-dirty")).to_have_count(0)
        await _told_why(hub, alice)


async def _something_unsaved(person: Visitor) -> Path:
    """Types what no disk has; the file that is to have it."""
    folder = await person.run("import os; print(os.getcwd())")
    await person.notebook.locator(".jp-CodeCell .cm-content").last.fill(UNSAVED)
    [launch] = await person.hub.launches(person.name)
    file = person.hub.places.seen(launch["centre"], f"{folder.strip()}/Untitled.ipynb")
    assert UNSAVED not in file.read_text(encoding="utf-8")
    return file


async def _asked_for_how_long(person: Visitor) -> None:
    """The same again unless something else is typed; what cannot be is said in words, and nothing is asked for."""
    await person.session.get_by_role("button").click()
    await person.page.locator(".sampan-Card").get_by_role("button", name="Move on").click()
    dialog = person.page.get_by_role("dialog")
    length = dialog.get_by_label("Length in minutes")
    await expect(length).to_have_value(str(MINUTES))
    await length.fill("an hour")
    await expect(dialog).to_contain_text("Type a whole number of minutes, 1 or more.")
    await length.fill("99999")
    await dialog.get_by_role("button", name="Move on").click()
    await expect(dialog).to_contain_text(re.compile(r"Sessions at this centre last \d+ minutes at most\."))
    await expect(length).to_have_value("99999")
    await dialog.get_by_role("button", name="Cancel").click()
    [launch] = await person.hub.launches(person.name)
    assert len(launch["attempts"]) == 1


async def _told_why(hub: WholeHub, person: Visitor) -> None:
    """The centre's operator ends the job. Server and token are gone with it; the page, left open, learns the cause."""
    [launch] = await hub.launches(person.name)
    hub.places.free(launch["centre"], launch["job"])

    async def over() -> str:
        [told] = await hub.launches(person.name, ended=True)
        return str(told["message"]["en"]) if told["ended_at"] else ""

    cause = await came(over)
    await expect(person.session).to_contain_text(f"ended · {cause}", timeout=PATIENCE)
    told = person.page.get_by_role("alert").filter(has_text="Your session has ended.")
    await expect(told).to_contain_text(cause)
    await expect(person.page.get_by_text("This session ends in")).to_be_hidden()
