"""The way of a person in a real browser, from the login to a slider in a notebook; and the ways that end early."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Response, expect

from tests.ways.visitor import PATIENCE, Visitor, visitor
from tests.ways.whole_hub import WholeHub, came, whole_hub

pytestmark = pytest.mark.browser

FACTS = (
    "import os, sampan; h = sampan.here(); print(h.centre, h.launch, os.environ['SAMPAN_TAG'], os.getpid())"
)


@pytest_asyncio.fixture
async def hub(kind: str) -> AsyncIterator[WholeHub]:
    async with whole_hub(kind) as running:
        yield running


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_from_the_login_to_the_slider(hub: WholeHub) -> None:
    """A whole session: a server, two kernels, two Dask workers and Chromium, all importing on two shared cores."""
    async with visitor(hub, "alice") as alice:
        await alice.log_in()
        await _the_start_page(alice)
        files: list[Response] = []

        def had(answer: Response) -> None:
            files.append(answer)

        alice.page.on("response", had)
        await alice.press("Start")
        await expect(alice.heading("Your notebook is starting")).to_be_visible()
        await expect(alice.page.locator("#progress-log li").nth(1)).to_be_visible()
        await alice.arrive()
        await alice.new_notebook()
        _the_labs_files_come_from_here(files)
        centre, launch, tag, kernel = (await alice.run(FACTS)).split()
        names = await _everybody_agrees(hub, centre, launch, tag, int(kernel))
        await _the_status_bar(alice)
        await _the_notebook(alice)
        await alice.page.goto(f"{hub.url}/hub/home")
        await expect(alice.page.get_by_text(f"at {names['en']}")).to_be_visible()
        await alice.speak("zh")
        await expect(alice.page.get_by_text(f"位于{names['zh']}")).to_be_visible()
        await alice.press("停止")
        await expect(alice.page.get_by_text("未运行")).to_be_visible(timeout=PATIENCE)
        assert hub.live_jobs(centre) == []


def _the_labs_files_come_from_here(files: list[Response]) -> None:
    """JupyterLab's own crossed no link; they and those of its extensions came compressed and are asked for once."""
    scripts = [one for one in files if urlsplit(one.url).path.endswith(".js") and "/hub/" not in one.url]
    here = [one for one in scripts if "/services/sampan/lab/" in one.url]
    assert len(here) > 20
    assert not [one.url for one in scripts if "/static/lab/" in one.url]
    for one in scripts:
        assert one.headers["content-encoding"] == "gzip", one.url
        assert "immutable" in one.headers["cache-control"], one.url


async def _the_start_page(person: Visitor) -> None:
    plans = ("Light", "Standard", "Large memory", "Accelerated")
    for choice in (*plans, "Anywhere", *_names(person.hub)):
        await expect(person.choice(choice)).to_be_visible()
    await expect(person.page.get_by_text("First choice")).to_be_visible()
    await person.both_tongues("spawn")
    await person.choice("Light").check()


async def _everybody_agrees(hub: WholeHub, centre: str, launch: str, tag: str, kernel: int) -> dict[str, str]:
    """Kernel, process table, scheduler and broker tell the same centre; its names."""
    [told] = await hub.launches("alice")
    assert (told["id"], told["centre"], told["stage"]) == (launch, centre, "ready")
    [job] = hub.live_jobs(centre)
    assert (job["id"], job["tag"]) == (told["job"], tag)
    assert not any(hub.live_jobs(other) for other in hub.centres if other != centre)
    [launcher] = [pid for pid in _pids() if b"sampan_kernels.launcher" in _words(pid) and _tag(pid) == tag]
    assert launcher in _above(_here(kernel, tag))
    keeper = hub.places.keeper(centre).encode()
    assert any(keeper in word for pid in _above(launcher) for word in _words(pid))
    names: dict[str, str] = told["names"]
    return names


async def _the_status_bar(person: Visitor) -> None:
    """Where, and for how much longer; and that it is away while nobody gets through to it."""
    [launch] = await person.hub.launches(person.name)
    await expect(person.session).to_have_text(re.compile(f"^{re.escape(launch['names']['en'])} · .* left$"))
    person.hub.places.cut(launch)
    try:
        await expect(person.session).to_contain_text("unreachable since", timeout=PATIENCE)
    finally:
        person.hub.places.heal(launch)
    await expect(person.session).not_to_contain_text("unreachable", timeout=PATIENCE)


async def _the_notebook(person: Visitor) -> None:
    """The numbers, and a slider that draws another picture for another year."""
    await person.upload("warming.ipynb")
    await person.run_all()
    await expect(person.printed("A1B 4.52 K")).to_contain_text("E1 2.44 K", timeout=2 * PATIENCE)
    slider = person.notebook.get_by_role("slider")
    await expect(slider).to_have_attribute("aria-valuenow", "2099.0", timeout=PATIENCE)
    picture = person.notebook.locator(".widget-interact img")
    before = await picture.get_attribute("src")
    await slider.focus()
    for _ in range(3):
        await person.page.keyboard.press("ArrowLeft")
    await expect(person.notebook.get_by_text("2096: A1B")).to_be_visible(timeout=PATIENCE)
    after = await picture.get_attribute("src")
    assert before is not None
    assert after is not None
    assert before.startswith("data:image/png")
    assert after.startswith("data:image/png")
    assert before != after
    await person.take("lab.en")
    await person.lab_in_chinese()
    await expect(person.notebook.get_by_text("2096: A1B")).to_be_visible(timeout=PATIENCE)
    await person.take("lab.zh")


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_moving_on_opens_the_same_notebook_in_a_new_session(hub: WholeHub) -> None:
    """Two sessions one after the other, a kernel in each, and Chromium, all importing on two shared cores."""
    async with visitor(hub, "ann") as ann:
        await ann.log_in()
        await ann.choice("Light").check()
        await ann.press("Start")
        await ann.arrive()
        await ann.new_notebook()
        first = await ann.run("kept = 1; import os; print(os.environ['SAMPAN_TAG'])")
        await ann.session.get_by_role("button").click()
        await ann.page.locator(".sampan-Card").get_by_role("button", name="Move on").click()
        dialog = ann.page.get_by_role("dialog")
        await expect(dialog).to_contain_text("Variables and everything else in memory are not carried over")
        await dialog.get_by_label("Length in minutes").fill("90")
        await dialog.get_by_role("button", name="Move on").click()
        await came(lambda: _moved(hub, "ann"), 90)
        # The page follows by itself, and what was run is still to be read.
        await expect(ann.page.get_by_role("tab", name="Untitled.ipynb")).to_be_visible(timeout=PATIENCE)
        await expect(ann.printed(first.strip())).to_be_visible(timeout=PATIENCE)
        await ann.kernel_waits()
        again = await ann.run("print(os.environ['SAMPAN_TAG'] if 'kept' in globals() else 'new')")
        assert again.strip() == "new"
        [launch] = await hub.launches("ann")
        assert launch["need"]["minutes"] == 90
        assert len(hub.live_jobs(launch["centre"])) == 1


async def _moved(hub: WholeHub, name: str) -> bool:
    [launch] = await hub.launches(name)
    last = launch["attempts"][-1]
    return last["number"] == 2 and not last["rival"] and launch["stage"] == "ready"


async def test_waiting_and_stopped_while_pending(hub: WholeHub) -> None:
    for centre in hub.centres:
        hub.fill(centre)
    async with visitor(hub, "ben") as ben:
        await ben.log_in()
        await came(lambda: _full(hub))
        await ben.press("Start")
        await expect(ben.page.locator("#progress-message")).to_contain_text("place 1 in the queue")
        await ben.both_tongues("progress")
        await ben.press("Stop")
        await expect(ben.heading("It was stopped")).to_be_visible()
        assert not any(hub.live_jobs(centre) for centre in hub.centres)
        await ben.both_tongues()
        await expect(ben.page.get_by_role("link", name="Start again")).to_be_visible()


async def test_a_failed_start_says_why_and_what_next(hub: WholeHub) -> None:
    for centre in hub.centres:
        await _break(hub, centre)
    async with visitor(hub, "carol") as carol:
        await carol.log_in()
        # The one plan that every centre runs.
        await carol.choice("Light").check()
        await carol.press("Start")
        await expect(carol.heading("Your notebook is starting")).to_be_visible()
        for centre in hub.centres:
            hub.places.take_away(centre, "not-seen-yet")
        await expect(carol.heading("It did not start")).to_be_visible(timeout=PATIENCE)
        told = await carol.seen()
        assert "exit code 127" in told
        assert "What you can do" in told
        for name in _names(hub):
            assert name in told
        await expect(carol.page.locator("#sampan-why pre")).to_contain_text("no such environment")
        await carol.both_tongues("failure")
        await carol.page.get_by_role("link", name="Start again").click()
        await expect(carol.heading("Start a notebook")).to_be_visible()


def _names(hub: WholeHub) -> list[str]:
    return [hub.descriptor(centre)["names"]["en"] for centre in hub.centres]


async def _break(hub: WholeHub, centre: str) -> None:
    """A Python that does everything but run what we start with it. It fails when the page has been seen to wait for it."""
    seen = hub.places.put(centre, "not-seen-yet", "")
    fail = f'while [ -e {seen} ]; do sleep 0.1; done; echo "no such environment" >&2; exit 127'
    await hub.another_python(centre, "broken-python", fail)


async def _full(hub: WholeHub) -> bool:
    centres = await hub.ask("GET", "/centres")
    return all(share["cores_free"] == 0 for centre in centres for share in centre["shares"])


# ---- the process table


def _pids() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())


def _words(pid: int) -> list[bytes]:
    return _read(pid, "cmdline").split(b"\0")


def _tag(pid: int) -> str:
    pairs = (pair.partition(b"=") for pair in _read(pid, "environ").split(b"\0"))
    return next((os.fsdecode(value) for name, _, value in pairs if name == b"SAMPAN_TAG"), "")


def _here(pid: int, tag: str) -> int:
    """A process of that job by the number that it has for itself: a centre's machine may count its own (proc(5), NSpid)."""
    [found] = [each for each in _pids() if _tag(each) == tag and _own_number(each) == pid]
    return found


def _own_number(pid: int) -> int:
    lines = _read(pid, "status").decode().splitlines()
    return next((int(line.split()[-1]) for line in lines if line.startswith("NSpid:")), 0)


def _above(pid: int) -> list[int]:
    """A process's parent, its parent, and so on."""
    found = []
    while pid > 1 and (status := _read(pid, "stat")):
        # The name in parentheses may hold anything; the parent is the second word after it.
        pid = int(status.rpartition(b")")[2].split()[1])
        found.append(pid)
    return found


def _read(pid: int, name: str) -> bytes:
    try:
        return Path("/proc", str(pid), name).read_bytes()
    except OSError:
        return b""
