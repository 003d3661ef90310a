"""The launcher: the first and only program of a job. `python -m sampan_kernels.launcher`

Nothing secret is in its arguments, its environment or where others can read it: what a server needs to know comes over
the link, and how a kernel is spoken to is told over the link. What the job is for is imported beside it from the first moment.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from contextlib import suppress

from sampan_kernels import orphans
from sampan_kernels.berth import Berth
from sampan_kernels.orders import Orders
from sampan_kernels.templates import Templates

__all__ = ["main"]


def _launch() -> int:
    orphans.adopt()
    orders = Orders.read(os.environ, time.time())
    berth = Berth.make()
    try:
        templates = Templates(orders, berth)
        if orders.kind is not None:
            templates.begin(orders.kind)
        return asyncio.run(_attempt(orders, berth, templates))
    finally:
        berth.remove()


async def _attempt(orders: Orders, berth: Berth, templates: Templates) -> int:
    from sampan_kernels.attempt import Launcher  # ssh's import takes as long as a third of a server's

    return await Launcher(orders, berth, templates).run()


def main() -> None:
    """Runs one attempt; the exit status is the child's, 0 after a stop, 143 after SIGTERM, 3 where nobody came."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s launcher: %(message)s", stream=sys.stderr)
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    os.umask(0o077)
    with suppress(KeyboardInterrupt):
        sys.exit(_launch())


if __name__ == "__main__":
    main()
