"""A job's papers tell what a launch was, to this hub alone and for this job alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sampan.need import Need
from sampan.stages import Kind
from sampan_hub.keys import MasterKey
from sampan_hub.papers import SHAPE, Papers
from sampan_hub.script import render_script
from tests.sampan_hub.test_script import PLAIN

pytestmark = pytest.mark.fast

MASTER = MasterKey(bytes(range(32)))
PAPERS = Papers(
    tag=PLAIN.tag,
    owner="李雷; `id`\n# papers: x",
    account="hpc0044",
    kind=Kind.SERVER,
    name="第二",
    need=Need(cores=2, data=("iris",)),
    options={"plan": "light", "memory": 2.5},
    prefix="/user/%E6%9D%8E/",
    parent=None,
    door_port=20001,
    centre="east",
    share="work",
    created_at=1.5,
    submitted_at=2.5,
    rival=True,
)


def _script(papers: Papers = PAPERS, master: MasterKey = MASTER) -> str:
    return render_script(replace(PLAIN, papers=papers.seal(master)))


def test_what_was_written_is_read() -> None:
    assert Papers.of(_script(), PLAIN.tag, MASTER) == PAPERS
    assert (PAPERS.launch, PAPERS.number) == ("abcd1234", 1)
    assert PAPERS.owner not in _script()


def test_the_longest_that_a_launch_can_be_fits() -> None:
    longest = replace(
        PAPERS, owner="李" * 255, name="第" * 64, prefix="/" + "a" * 1023, options={"o": "x" * 8192}
    )
    assert SHAPE.fullmatch(longest.seal(MASTER))
    assert Papers.of(_script(longest), PLAIN.tag, MASTER) == longest


def test_only_this_hub_for_this_tag() -> None:
    script = _script()
    assert Papers.of(script, "sampan-demo-abcd1234-2", MASTER) is None
    assert Papers.of(script, PLAIN.tag, MasterKey(bytes(32))) is None
    assert Papers.of(_script(replace(PAPERS, tag="sampan-demo-abcd1234-2")), PLAIN.tag, MASTER) is None
    assert Papers.of(render_script(PLAIN), PLAIN.tag, MASTER) is None


@pytest.mark.parametrize("change", ["owner", "account", "door_port"])
def test_nobody_can_write_any(change: str) -> None:
    mine, other = PAPERS.seal(MASTER), replace(PAPERS, **{change: 7}).seal(MASTER)  # type: ignore[arg-type]
    forged = f"{other.partition('.')[0]}.{mine.partition('.')[2]}"
    assert Papers.of(f"#!/bin/bash\n# papers: {forged}\n", PLAIN.tag, MASTER) is None
