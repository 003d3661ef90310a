"""Requests that a program makes up from the broker's own OpenAPI, valid and not: none may be answered by a mistake of ours."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from tests.sampan_hub.catalogue.products import document
from tests.sampan_hub.catalogue.served import Served

__all__ = ["EXTENT", "answered_well", "with_entries"]

EXTENT = {"bbox": [10, 10, 30, 30], "start": "2020-01-01", "end": "2020-12-31"}


async def with_entries(hub: Served) -> None:
    """Something to be found."""
    for name, more in (("sst", {"extent": EXTENT}), ("draft-of-sst", {}), ("tool", {"kind": "software"})):
        await hub.publish(document(name, **more))


async def answered_well(hub: Served, folder: Path, *flags: str) -> str:
    """Runs schemathesis as an administrator, who gets furthest; the same requests each time. Returns what it said."""
    argv = [str(Path(sys.executable).with_name("st")), "run", f"{hub.url}/openapi.json", "--seed", "1"]
    argv += ["-H", f"Authorization: token {hub.tokens['root']}", "--checks", "not_a_server_error"]
    argv += [
        "--request-timeout",
        "60",
        "--suppress-health-check",
        "all",
        "--warnings",
        "off",
        "--no-color",
        *flags,
    ]
    child = await asyncio.create_subprocess_exec(
        *argv, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said = (await child.communicate())[0].decode()
    assert child.returncode == 0, said[-6000:]
    selected, tested = (re.search(rf"{word}: (\d+)", said) for word in ("Selected", "Tested"))
    assert selected, said
    assert tested, said
    assert int(tested[1]) == int(selected[1]) >= 50, said
    assert "Traceback" not in hub.broker.output, hub.broker.output[-6000:]
    return said
