"""The submission has succeeded, its answer is lost, and the broker tries again: one job."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from tests.faults.broken import Broken
from tests.faults.cases import Pair
from tests.faults.in_front import in_front
from tests.faults.losses import counted
from tests.federation.federation import Federation
from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.federation]

REAL: Final = '/run/in-front/real/sbatch "$@" >/dev/null\necho >> /run/in-front/submitted\n'
SHAPES: Final[dict[str, tuple[Pair, str]]] = {
    "hangs": (
        ("`sbatch` submits and its answer never comes", "`sbatch` 已提交，答复迟迟不来"),
        "exec sleep 60\n",
    ),
    "fails": (
        ("`sbatch` submits and ends with a timeout on stderr", "`sbatch` 已提交，却以 stderr 上的超时结束"),
        'echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2\nexit 1\n',
    ),
    "empty": (
        ("`sbatch` submits and says nothing, exit 0", "`sbatch` 已提交，退出码 0，一言不发"),
        "exit 0\n",
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_one_job(real_hub: WholeHub, federation: Federation, broken: Broken, shape: str) -> None:
    east = federation.centre("east")
    done, lines = SHAPES[shape]
    with in_front(east) as front:
        front.says("sbatch", f'case "$*" in *--test-only*) ;; *) {REAL}{lines};; esac\n')
        async with Person(real_hub, "ann") as ann:
            await ann.start(plan="light", centre="east")
            launch = await ann.at("ready")
            seconds = broken.seconds
            submitted = (await asyncio.to_thread(east.run, ["wc", "-l", "/run/in-front/submitted"])).stdout
            assert submitted.split()[0] == "1", "it looked for the tag before it would have submitted again"
            tags = [job["tag"] for job in await asyncio.to_thread(real_hub.jobs, "east")]
            assert sum(launch["id"] in tag for tag in tags) == 1
            assert len(launch["attempts"]) == 1
            broken(done, launch["message"], await counted(real_hub, [launch]), seconds)
