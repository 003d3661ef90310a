"""A launcher whose server is no Jupyter: a page on its unix socket and nothing else, so that a crowd fits on two cores.

Everything before the server is as ever: job, launcher, report, link, identity, door. For tests/bench/bench_load.py and the
cases of tests/faults with a crowd.
"""

from __future__ import annotations

from typing import Any, Final

from tests.ways.whole_hub import WholeHub

__all__ = ["lighten"]

_SERVER: Final = """\
import asyncio, os, sys

PAGE = b"HTTP/1.1 200 OK\\r\\nX-JupyterHub-Version: 6.1.0\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok"

async def answer(reader, writer):
    try:
        await reader.readuntil(b"\\r\\n\\r\\n")
        writer.write(PAGE)
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()

async def main():
    os.umask(0o177)
    async with await asyncio.start_unix_server(answer, sys.argv[1]) as server:
        await server.serve_forever()

asyncio.run(main())
"""
_LAUNCHER: Final = f"""\
import dataclasses, os, sys
from types import MappingProxyType
from sampan_kernels import kinds

def light(*words, made=kinds.KINDS["server"]):
    recipe = made(*words)
    return dataclasses.replace(recipe, argv=(sys.executable, "-S", "-c", {_SERVER!r}, str(words[2].server)))

kinds.KINDS = MappingProxyType({{**kinds.KINDS, "server": light}})
os.environ.pop("SAMPAN_KIND", None)  # nothing is prepared
from sampan_kernels.launcher import main
sys.exit(main())
"""
PROGRAM: Final = f"""\
#!/bin/sh
case "$*" in *sampan_kernels.launcher*) exec {{python}} -P -c "$(cat <<'END'
{_LAUNCHER}END
)";; esac
exec {{python}} "$@"
"""


def lighten(hub: WholeHub, centre: str, cores: int | None = None) -> None:
    """From now on the servers of that centre are light; with `cores`, so many of one core each have room there."""
    facts = hub.descriptor(centre)
    program = PROGRAM.replace("{python}", facts["environment"]["python"])
    more: dict[str, Any] = {"environment": {"python": hub.places.put(centre, "light", program)}}
    if cores is not None:
        more["scheduler"] = {**facts["scheduler"], "cores": cores, "memory_gib": cores}
        more["shares"] = [{**facts["shares"][0], "cores": cores, "memory_per_core_gib": 1.0}]
    hub.describe(centre, **more)
