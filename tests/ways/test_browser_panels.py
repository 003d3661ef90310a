"""The Lab's panels in a real browser: how the centres stand, where a need would go, what runs and how it is ended."""

from __future__ import annotations

import re
from functools import partial

import pytest
from playwright.async_api import Locator, WebSocket, expect

from tests.ways.panels import accessible, made, shown, theme
from tests.ways.visitor import HAN, PATIENCE, SOME_WORDS, Visitor, visitor
from tests.ways.whole_hub import WholeHub, whole_hub

pytestmark = pytest.mark.browser


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_the_panels() -> None:
    """A hub, a session, two kernels, Dask workers and Chromium, all importing on two shared cores; one hub for all of it."""
    async with whole_hub() as hub, visitor(hub, "alice") as alice:
        await alice.log_in()
        await alice.choice("Light").check()
        await alice.press("Start")
        await alice.arrive()
        await _the_centres(hub, alice)
        await alice.new_notebook()
        await _the_clusters(hub, alice)
        await _in_chinese(hub, alice)


async def _the_centres(hub: WholeHub, person: Visitor) -> None:
    panel = await shown(person, "Centres")
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


async def _the_clusters(hub: WholeHub, person: Visitor) -> None:
    """Made in a cell of the notebook in front, sized, used in another cell, and ended; the notebook goes on."""
    panel = await shown(person, "Clusters")
    await expect(panel).to_contain_text("You have no cluster.")
    await panel.get_by_label("Name").fill("no name")
    await expect(panel.get_by_role("alert")).to_contain_text("A name has letters")
    await expect(panel.get_by_role("button", name="Create")).to_be_disabled()
    cluster = await made(panel, "sea", "Workers", "Create")
    await expect(cluster).to_contain_text("workers: 2 of 2", timeout=PATIENCE)
    await cluster.get_by_label("Workers").fill("3")
    await cluster.get_by_role("button", name="Scale").press("Enter")
    await expect(cluster).to_contain_text("workers: 3 of 3", timeout=PATIENCE)
    await cluster.get_by_label("Size").select_option("adapts")
    await cluster.get_by_label("At least").fill("1")
    await cluster.get_by_label("At most").fill("2")
    await cluster.get_by_role("button", name="Adapt").click()
    await expect(cluster).to_contain_text(
        re.compile("workers: 1, adapting between 1 and 2"), timeout=PATIENCE
    )
    await _well_made(person, panel, "clusters")
    await cluster.get_by_role("button", name="Put a cell with a client").click()
    await expect(person.notebook.locator(".jp-CodeCell").last).to_contain_text('("sea")')
    await person.page.keyboard.press("Shift+Enter")
    await expect(person.printed("Client-")).to_be_visible(timeout=PATIENCE)
    await _its_pages(person, cluster)
    assert (await person.run("print(client.submit(sum, [1, 2]).result())")).strip() == "3"
    await cluster.get_by_role("button", name="Stop: Dask cluster “sea”").click()
    await person.page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    await expect(panel).to_contain_text("You have no cluster.", timeout=PATIENCE)
    await expect(person.page.locator("iframe")).to_have_count(0)
    assert (await person.run("print(1 + 1)")).strip() == "2"


async def _its_pages(person: Visitor, cluster: Locator) -> None:
    """Dask's own, as tabs of the Lab: drawn, kept up to date by a socket, and behind one's own login."""
    for name, path in (("Overview", "status"), ("Task stream", "individual-task-stream")):
        async with person.page.expect_websocket(partial(_is_of, path)):
            await cluster.get_by_role("button", name=name).click()
        frame = person.page.frame_locator(f"iframe[src$='/{path}']")
        await expect(frame.locator(".bk-Figure, .bk-Column").first).to_be_attached(timeout=PATIENCE)
    # The notebook is still what is worked with.
    await person.page.get_by_role("tab", name="Untitled.ipynb").click()


def _is_of(path: str, socket: WebSocket) -> bool:
    return f"/{path}/ws" in socket.url


async def _in_chinese(hub: WholeHub, person: Visitor) -> None:
    """The same in the other language; and a cluster at another centre, in a new notebook whose kernel is there."""
    await person.notebook.locator(".jp-CodeCell").last.click()
    await person.page.keyboard.press("Control+s")
    await person.page.get_by_role("dialog").get_by_role("textbox").press("Enter")  # the name that it has
    await person.lab_in_chinese()
    # It is where it was before the page was loaded anew.
    panel = person.page.get_by_role("region", name="集群", exact=True)
    await expect(panel).to_be_visible(timeout=PATIENCE)
    [session] = await hub.launches(person.name)
    elsewhere = next(centre for centre in hub.centres if centre != session["centre"])
    names = hub.descriptor(elsewhere)["names"].values()
    kernels = await panel.get_by_label("位置").locator("option").all_inner_texts()
    there = next(kernel for kernel in kernels if any(name in kernel for name in names))
    await panel.get_by_label("位置").select_option(label=there)
    cluster = await made(panel, "hai", "工作进程数", "创建")
    await expect(cluster).to_contain_text(hub.descriptor(elsewhere)["names"]["zh"])
    await expect(cluster).to_contain_text("工作进程：2/2", timeout=PATIENCE)
    assert SOME_WORDS.search(await panel.inner_text()) is None
    await _take(person, panel, "clusters.zh")
    panel = await shown(person, "超算中心")
    await panel.get_by_role("button", name="查询").press("Enter")
    await expect(panel.locator("ol").get_by_role("listitem")).to_have_count(len(hub.centres))
    assert SOME_WORDS.search(await panel.inner_text()) is None
    await _take(person, panel, "centres.zh")


async def _well_made(person: Visitor, panel: Locator, picture: str) -> None:
    """No rule of accessibility is broken, light or dark, and no sentence is in the other language."""
    assert HAN.search(await panel.inner_text()) is None
    await accessible(person, panel)
    await _take(person, panel, f"{picture}.en")
    await theme(person, "JupyterLab Dark")
    await accessible(person, panel)
    await theme(person, "JupyterLab Light")


async def _take(person: Visitor, panel: Locator, picture: str) -> None:
    await panel.evaluate("panel => panel.scrollTo(0, 0)")
    await person.take(picture)


def _one(panel: Locator, text: str) -> Locator:
    return panel.get_by_role("listitem").filter(has_text=text)
