"""The Lab's catalogue in a real browser: found by words of either language, looked at, and used where it is."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, expect

from sampan_hub.catalogue.demo import datasets, software
from sampan_hub.catalogue.generated import products
from sampan_hub.user_lock import user_lock
from sampan_lab.catalogue_handlers import LIMIT
from tests.federation.federation import Federation
from tests.ways.on_the_shelf import (
    GENERATED,
    SETTINGS,
    at_east,
    at_west_alone,
    hostile,
    numpy_version,
    publish,
)
from tests.ways.panels import accessible, shown, theme
from tests.ways.visitor import HAN, PATIENCE, SOME_WORDS, Visitor, visitor
from tests.ways.whole_hub import WholeHub, whole_hub

pytestmark = pytest.mark.browser


async def a_lab_at_east(hub: WholeHub, person: Visitor) -> None:
    await person.log_in()
    await person.page.goto(f"{hub.url}/hub/spawn?opt-plan=light&opt-centre=east")
    await person.arrive()


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_the_catalogue() -> None:
    """A hub, a session, a kernel elsewhere and Chromium, all importing on two shared cores; one hub for all of it."""
    async with whole_hub(settings=SETTINGS) as hub, visitor(hub, "alice") as alice:
        real = [one.to_json() for one in datasets() if one.provider == "demo-iris"][:4]
        real += [one.to_json() for one in software(user_lock())][:3]
        made = [one.to_json() for one in products(GENERATED)]
        await publish(hub, [*at_west_alone(hub), at_east(hub), hostile(), *real, *made])
        await a_lab_at_east(hub, alice)
        panel = await shown(alice, "Catalogue")
        await _a_long_list(panel)
        await _narrowed_down(panel)
        await _harmless(alice, panel)
        await _a_notebook(alice, panel)
        card = await _dear_from_east(hub, panel)
        await alice.take("catalogue.en")
        await _run_there(hub, alice, card)
        await _looks_well(alice, panel)
        await _by_a_link(hub, alice)
        await _in_chinese(alice)


@pytest.mark.slow
@pytest.mark.federation
@pytest.mark.timeout(400)
async def test_what_lies_at_one_real_centre_alone(federation: Federation) -> None:
    """A session, two kernels elsewhere and Chromium, all importing on two shared cores."""
    async with whole_hub("federation", settings=SETTINGS) as hub, visitor(hub, "alice") as alice:
        await publish(hub, at_west_alone(hub))
        await a_lab_at_east(hub, alice)
        panel = await shown(alice, "Catalogue")
        await _dear_from_east(hub, panel)
        await _software(hub, alice, panel)
        await _quick_look(alice, panel)


def _rows(panel: Locator) -> Locator:
    return panel.get_by_role("listbox").get_by_role("option")


async def _search(panel: Locator, text: str, count: int | None = None) -> None:
    await panel.locator("search input").fill(text)
    if count is not None:
        await expect(_rows(panel)).to_have_count(count)


async def _a_long_list(panel: Locator) -> None:
    """Of a list with more entries than one answer only those that are seen are drawn; the keyboard reaches its end."""
    await expect(panel.get_by_text(re.compile(r"^\d\d entries$"))).to_be_visible(timeout=PATIENCE)
    total = int(await _rows(panel).first.get_attribute("aria-setsize") or 0)
    assert total > LIMIT > GENERATED
    assert await _rows(panel).count() < total
    await panel.get_by_role("listbox").press("End")
    last = panel.locator(f"[aria-posinset='{total}']")
    await expect(last).to_contain_text("generated")
    await panel.get_by_role("listbox").press("Enter")
    card = panel.locator(".sampan-Entry-card")
    await expect(card).to_contain_text("made by a program")
    await expect(card.locator(".sampan-Mark", has_text="generated")).to_be_visible()
    await card.press("Escape")
    await expect(card).to_have_count(0)
    await expect(panel.get_by_role("listbox")).to_be_focused()


async def _narrowed_down(panel: Locator) -> None:
    """Each choice tells how many entries it leaves; other words are offered where none are found."""
    await panel.get_by_text("Narrow down").click()
    await panel.get_by_label("Generated").select_option("no")
    await panel.get_by_label("Kind").select_option(label="software (4)")
    await expect(_rows(panel)).to_have_count(4)
    await panel.get_by_label("Kind").select_option("")
    await panel.get_by_label("Generated").select_option("")
    await panel.get_by_text("Narrowed down by").or_(panel.get_by_text("Narrow down")).click()
    await _search(panel, "temperatrue")
    await panel.get_by_role("button", name="Did you mean “temperature”?").click()
    await expect(_rows(panel).first).to_be_visible()


async def _harmless(person: Visitor, panel: Locator) -> None:
    """What a provider says is text, whatever it looks like."""
    await _search(panel, "hostile", 1)
    await expect(_rows(panel)).to_contain_text("<script>")
    await _rows(panel).click()
    card = panel.locator(".sampan-Entry-card")
    await expect(card.get_by_role("heading")).to_contain_text("<img src=x")
    await expect(card).to_contain_text("A & B <img")
    await expect(card.locator("img, script")).to_have_count(0)
    assert not await person.page.evaluate("'harmed' in window")


async def _a_notebook(person: Visitor, panel: Locator) -> None:
    """A copy of it is opened beside one's own files."""
    await _search(panel, "warming", 1)
    card = await _opened(panel, "Warming")
    await card.get_by_role("button", name="Open a copy").click()
    await expect(person.page.get_by_role("tab", name="warming.ipynb")).to_be_visible(timeout=PATIENCE)
    await expect(person.notebook.locator(".jp-CodeCell").first).to_be_visible(timeout=PATIENCE)


async def _dear_from_east(hub: WholeHub, panel: Locator) -> Locator:
    """Found by two characters and by a word; seen beforehand to lie elsewhere, and what each choice costs."""
    west, east = _called(hub, "west"), _called(hub, "east")
    for words in ("海表", "surface temperature"):
        await _search(panel, words)
        await expect(_rows(panel).filter(has_text="World Ocean")).to_contain_text(
            f"only theredataset · {west}"
        )
    card = await _opened(panel, "World Ocean")
    await expect(card).to_contain_text(f"It lies at {west}, not here at {east}.")
    await expect(card).to_contain_text(f"Run it at {west}: nothing is moved. A kernel there: starts at once.")
    await expect(card).to_contain_text(f"Copy it to {east}: 1.41 MB would be moved.")
    await expect(card.get_by_role("button", name="Quick look")).to_have_count(0)
    return card


async def _run_there(hub: WholeHub, person: Visitor, card: Locator) -> None:
    """One click: a notebook at the centre that has the data, and a picture of them in it."""
    there = card.get_by_role("button", name="Run there")
    await expect(there).to_be_enabled(timeout=PATIENCE)
    await there.press("Enter")
    await expect(_picture(person)).to_be_visible(timeout=PATIENCE)
    # The notebook in front computes at west now.
    await expect(card).to_contain_text(f"It opens here: {_called(hub, 'west')}.", timeout=PATIENCE)
    await card.get_by_role("button", name="Insert code").click()
    await person.page.keyboard.press("Shift+Enter")
    await expect(person.printed("sampan_centre")).to_contain_text("west", timeout=PATIENCE)


async def _software(hub: WholeHub, person: Visitor, panel: Locator) -> None:
    """At a centre that has it not the card says so beforehand; a kernel at one that has it imports it."""
    west, east = _called(hub, "west"), _called(hub, "east")
    await _search(panel, "array tools")
    card = await _opened(panel, "array tools")
    await expect(card).to_contain_text(f"It is at {west}. A kernel here, at {east}, cannot import it.")
    await expect(card.get_by_role("listitem").filter(has_text=east)).to_have_text(f"{east} not there")
    place = card.get_by_role("listitem").filter(has_text=west)
    start = place.get_by_role("button", name="Start a kernel")
    await expect(start).to_be_enabled(timeout=PATIENCE)
    await start.click()
    await expect(person.page.locator("#jp-main-statusbar")).to_contain_text(
        f"{west} | Idle", timeout=PATIENCE
    )
    told = await person.run("import os, numpy; print(os.environ['SAMPAN_CENTRE'], numpy.__version__)")
    assert told.split() == ["west", numpy_version()]
    await expect(card).to_contain_text(f"It is installed here: {west}.", timeout=PATIENCE)


async def _quick_look(person: Visitor, panel: Locator) -> None:
    """From the kernel at west: one click, and it is plotted."""
    await _search(panel, "海表")
    card = await _opened(panel, "World Ocean")
    await card.get_by_role("button", name="Quick look").click()
    await expect(_picture(person)).to_be_visible(timeout=PATIENCE)


async def _looks_well(person: Visitor, panel: Locator) -> None:
    """No rule of accessibility is broken, light or dark, and no sentence is in the other language."""
    assert HAN.search(await panel.inner_text()) is None
    await accessible(person, panel)
    await theme(person, "JupyterLab Dark")
    await accessible(person, panel)
    await person.take("catalogue-dark.en")
    await theme(person, "JupyterLab Light")


async def _by_a_link(hub: WholeHub, person: Visitor) -> None:
    """What is copied leads whoever follows it to the entry, in a Lab of their own."""
    await _save(person)
    await person.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await person.page.get_by_role("button", name="Copy link").click()
    link = await person.page.evaluate("navigator.clipboard.readText()")
    assert link == f"{hub.url}/hub/user-redirect/lab?sampan-entry=ocean/ocean-sst@1.0"
    await person.page.goto(link.replace("ocean-sst@1.0", "tools"))
    card = person.page.locator(".sampan-Entry-card")
    await expect(card).to_contain_text("ocean/tools@1.0", timeout=PATIENCE)


async def _in_chinese(person: Visitor) -> None:
    await person.lab_in_chinese()
    panel = person.page.get_by_role("region", name="目录", exact=True)
    await expect(panel).to_be_visible(timeout=PATIENCE)
    await _search(panel, "海表")
    card = await _opened(panel, "世界大洋")
    await expect(card).to_contain_text("可打开")
    assert SOME_WORDS.search(await panel.inner_text()) is None
    await person.take("catalogue.zh")


async def _opened(panel: Locator, title: str) -> Locator:
    await _rows(panel).filter(has_text=title).click()
    card = panel.locator(".sampan-Entry-card")
    await expect(card.get_by_role("heading").first).to_contain_text(title)
    return card


async def _save(person: Visitor) -> None:
    await person.notebook.locator(".jp-CodeCell").last.click()
    await person.page.keyboard.press("Control+s")
    await person.page.get_by_role("dialog").get_by_role("textbox").press("Enter")  # the name that it has
    await expect(person.page.locator(".jp-mod-current.jp-mod-dirty")).to_have_count(0, timeout=PATIENCE)


def _picture(person: Visitor) -> Locator:
    return person.notebook.locator(".jp-OutputArea img")


def _called(hub: WholeHub, centre: str) -> str:
    return str(hub.descriptor(centre)["names"]["en"])
