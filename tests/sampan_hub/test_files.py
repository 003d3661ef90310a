from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from sampan.errors import Unavailable
from sampan_hub import files
from sampan_hub.asks import Ask
from sampan_hub.transports.local import LocalTransport


async def ask(ask: Ask[Any]) -> Any:
    return ask.parse(await LocalTransport({"en": "Here", "zh": "本机"}).run(ask.argv, ask.stdin))


async def test_a_folder_that_only_its_owner_may_enter(tmp_path: Path) -> None:
    path = tmp_path / "-a" / ".sampan" / "b"
    for _ in range(2):
        await ask(files.make_directory(str(path)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


async def test_the_start_and_the_end_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "中文 笔记.txt"
    path.write_text("start" + "x" * 100_000 + "end")
    start = await ask(files.read(str(path)))
    assert (start[:5], len(start)) == ("start", 65536)
    assert await ask(files.tail(str(path), 4)) == "xend"


async def test_missing_is_an_answer_and_trouble_is_none(tmp_path: Path) -> None:
    assert await ask(files.read(str(tmp_path / "gone"))) is None
    assert await ask(files.tail(str(tmp_path / "gone"), 10)) is None
    (tmp_path / "file").write_text("")
    for wrong in (files.read(str(tmp_path)), files.make_directory(str(tmp_path / "file" / "below"))):
        with pytest.raises(Unavailable) as caught:
            await ask(wrong)
        assert caught.value.code == "centre.file"


async def test_a_file_that_is_called_as_the_error_is(tmp_path: Path) -> None:
    """What a person calls their files decides nothing."""
    folder = tmp_path / "No such file"
    folder.mkdir()
    with pytest.raises(Unavailable):
        await ask(files.read(str(folder)))
