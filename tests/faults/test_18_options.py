"""Options that want to be more than options: refused by schema, in words; the generated script is as ever."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.faults.broken import Broken
from tests.faults.losses import counted, counted_at_sites
from tests.sampan_hub.scripted_centre import Bench, bench
from tests.ways.person import Person
from tests.ways.whole_hub import WholeHub, came

pytestmark = pytest.mark.asyncio(loop_scope="session")

BAD: list[tuple[dict[str, Any], str]] = [
    ({"cores": "1\n#SBATCH --account=other"}, "cores"),
    ({"cores": -1}, "cores"),
    ({"cores": {"$ne": 1}}, "cores"),
    ({"cores": ["1", "2"]}, "cores"),
    ({"cores": "1" * (1 << 20)}, "too large"),
    ({"memory": "NaN"}, "memory"),
    ({"memory": "%s%n"}, "memory"),
    ({"hours": "1e9"}, "hours"),
    ({"hours": "1\u2028#SBATCH --uid=0"}, "hours"),
    ({"centre": "$(id)"}, "centre"),
    ({"centre": "east\x00"}, "centre"),
    ({"software": "../../etc"}, "software"),
    ({"plan": "{{ plan }}"}, "plan"),
    ({"account": "other"}, "account"),
    ({"reservation": "maintenance"}, "reservation"),
    ({"accelerator": "dcu:1 --exclusive"}, "accelerator"),
]
HOSTILE = ("a\n#SBATCH --account=other", "{{ x }}%n$(id)`id`", "\u2028#SBATCH --uid=0", "'; rm -rf / #")


async def test_refused_in_words(hub: WholeHub, broken: Broken) -> None:
    """The REST way skips every form: the field is named, nothing is launched, and the hub goes on."""
    before = hub.pid("hub")
    async with Person(hub, "dan") as dan:
        message = ""  # The hub's API says it in both languages at once.
        for options, field in BAD:
            answer = await dan.api("POST", "/users/dan/server", json=options)
            assert answer.status_code in range(400, 500), (
                str(options)[:99],
                answer.status_code,
                answer.text[:300],
            )
            message = answer.json()["message"]
            assert field in message, (str(options)[:99], answer.text[:300])
            await came(lambda: _empty(dan))
        assert await hub.launches("dan", ended=True) == []
        answer = await dan.api("POST", "/users/dan/server", json={"plan": "light", "cores": "1"})
        assert answer.status_code in (201, 202)
        await dan.ready()
        losses = await counted(hub, [await dan.launch()])
    assert hub.pid("hub") == before
    broken(
        (
            f"{len(BAD)} options such as a newline and `#SBATCH`, through the API",
            f"经接口提交 {len(BAD)} 种选项，如换行加 `#SBATCH`",
        ),
        (message, ""),
        losses,
    )


async def _empty(person: Person) -> bool:
    return not await person.server()


@pytest_asyncio.fixture(loop_scope="session")
async def one(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east") as made:
        yield made


async def test_the_script_is_as_ever(one: Bench, broken: Broken) -> None:
    """Names of people and of their servers reach no line of it; golden copies of it are in tests/sampan_hub/golden."""
    scripts = {}
    for number, name in enumerate(("plain", *HOSTILE)):
        launch = await one.launch("ann", name)
        attempt = await one.at(launch, "submitted")
        text = one.sites["east"].jobs[attempt.job or ""].script
        scripts[name] = _without_what_differs(text, attempt.tag, launch.id)
        assert text.count("\n#SBATCH") == 0
        assert number + 1 == len(one.sites["east"].jobs)
    assert set(scripts.values()) == {scripts["plain"]}
    [newest, *_] = await one.store.launches("ann")
    broken(
        (
            "Servers named like shell, Slurm directives and templates",
            "服务器名形如 Shell 命令、Slurm 指令与模板",
        ),
        newest.message,
        await counted_at_sites(one),
    )


def _without_what_differs(text: str, tag: str, launch: str) -> str:
    """The tag, the launch, the nonce and the client key are drawn anew each time; papers are sealed, in plain letters."""
    papers = re.findall(r"^# papers: (.*)$", text, re.MULTILINE)
    assert all(re.fullmatch(r"[A-Za-z0-9_.=+/-]+", paper) for paper in papers)
    text = re.sub(r"^# papers: .*$", "# papers", text, flags=re.MULTILINE)
    text = re.sub(r"^(export SAMPAN_(?:NONCE|CLIENT_KEY))=.*$", r"\1", text, flags=re.MULTILINE)
    return text.replace(tag, "TAG").replace(launch, "LAUNCH")
