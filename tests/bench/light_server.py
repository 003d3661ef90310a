"""A launcher whose server is no Jupyter: a page on its unix socket and nothing else, so that a crowd fits on two cores.

Everything before the server is as ever: job, launcher, report, link, identity, door. Read by tests/bench/bench_load.py.
"""

from __future__ import annotations

from typing import Final

__all__ = ["PROGRAM", "python"]

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
import dataclasses, sys
from types import MappingProxyType
from sampan_kernels import kinds

def light(*words, made=kinds.KINDS["server"]):
    recipe = made(*words)
    return dataclasses.replace(recipe, argv=(sys.executable, "-S", "-c", {_SERVER!r}, str(words[2].server)))

kinds.KINDS = MappingProxyType({{**kinds.KINDS, "server": light}})
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


def python(real: str) -> str:
    """The text of a program to be put where a centre's Python is."""
    return PROGRAM.replace("{python}", real)
