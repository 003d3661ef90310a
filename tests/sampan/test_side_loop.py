"""What is done on the side: its lines are printed where somebody waits, and what is interrupted is over."""

from __future__ import annotations

import _thread
import asyncio
import signal
import threading
from collections.abc import Iterator

import pytest

from sampan.errors import Conflict
from sampan.side_loop import SideLoop, SpokenLoop
from tests.waiting import wait_until

pytestmark = pytest.mark.fast


@pytest.fixture
def loop() -> Iterator[SpokenLoop]:
    made = SpokenLoop("a test")
    yield made
    made.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "a test"]


def test_what_it_says_is_printed_by_whoever_waits(
    loop: SpokenLoop, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work() -> int:
        loop.say("one")
        await asyncio.sleep(0)
        loop.say("two")
        return 3

    assert loop.wait(work) == 3
    assert capsys.readouterr().out == "one\ntwo\n"


def test_what_it_ends_with_goes_on_without_anybody() -> None:
    made, done, allowed = SideLoop("an ending one"), threading.Event(), threading.Event()

    async def work() -> None:
        await asyncio.to_thread(allowed.wait, 60)
        done.set()

    made.end_with(work())
    assert not done.is_set()
    allowed.set()
    wait_until(lambda: not [thread for thread in threading.enumerate() if thread.name == "an ending one"])
    assert done.is_set()


def test_what_it_raises_is_raised(loop: SpokenLoop) -> None:
    async def work() -> None:
        raise LookupError("there")

    with pytest.raises(LookupError, match="there"):
        loop.wait(work)


def test_interrupted_it_is_over_before_anything_else_happens(
    loop: SpokenLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, waited_for = threading.Event(), threading.Event()
    look = loop._print

    def look_and_say(patience: float) -> None:
        waited_for.set()
        look(patience)

    monkeypatch.setattr(loop, "_print", look_and_say)

    async def work() -> None:
        # On a busy machine this may run before whoever asked for it has come to wait.
        await asyncio.to_thread(waited_for.wait, 60)
        _thread.interrupt_main()
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            ended.set()

    # A shell's job in the background is not interrupted by anybody.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        loop.wait(work)
    signal.signal(signal.SIGINT, before)
    assert ended.is_set()


def test_what_is_closed_says_so() -> None:
    made = SpokenLoop("a test")
    made.close()
    with pytest.raises(Conflict):
        made.wait(lambda: asyncio.sleep(0))
