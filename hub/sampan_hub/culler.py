"""Ends servers in which nothing is done: `python -m sampan_hub.culler`. A process of its own, with a token for just that.

jupyterhub-idle-culler does the work. By itself it goes by the hub's `last_activity`, which says that a page is open somewhere (a
Lab that nobody looks at asks its server for news every few seconds) and says nothing of a server that cannot be reached. So
it asks the broker instead, which knows by each session's own word what its kernels do.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from jupyterhub_idle_culler import IdleCuller

from sampan import logs

__all__ = ["Arbiter", "flags", "main"]

log = logging.getLogger(__name__)

FRESH: Final = 10.0
"""Seconds for which one answer of the broker serves for all servers."""
DEADLINE: Final = 10.0


class Arbiter:
    """Whether a server is to be ended, as jupyterhub-idle-culler asks it. No answer of the broker's is a no for everybody."""

    def __init__(self, broker: str, token: str) -> None:
        self._broker = broker
        self._token = token
        self._idle: frozenset[str] = frozenset()
        self._asked_at = float("-inf")

    def __call__(self, *, server: Mapping[str, Any], **_: object) -> bool:
        return urlsplit(str(server.get("url") or "")).path in self._idle_now()

    def _idle_now(self) -> frozenset[str]:
        if time.monotonic() - self._asked_at > FRESH:
            self._asked_at = time.monotonic()
            try:
                answer = httpx.get(
                    f"{self._broker}/services/sampan/api/idle",
                    headers={"Authorization": f"token {self._token}"},
                    timeout=DEADLINE,
                    trust_env=False,
                )
                answer.raise_for_status()
                self._idle = frozenset(map(str, answer.json()["prefixes"]))
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                log.warning("the broker does not say what is idle; nothing is ended: %s", error)
                self._idle = frozenset()
        return self._idle


def flags() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="sampan-culler", description="Ends the idle servers of a Sampan hub."
    )
    parser.add_argument(
        "--hub-api", default="http://127.0.0.1:8081/hub/api", help="where the hub's API listens"
    )
    parser.add_argument("--broker", default="http://127.0.0.1:8082", help="where the broker listens")
    limit = int(os.environ.get("SAMPAN_IDLE_AFTER") or 3600)
    every = max(5, min(60, limit // 4))
    parser.add_argument(
        "--every", type=int, default=every, help="seconds between looks ($SAMPAN_IDLE_AFTER / 4)"
    )
    parser.add_argument(
        "--log-format",
        default=os.environ.get("SAMPAN_LOG_FORMAT", "text"),
        choices=logs.FORMATS,
        help="lines for people, or JSON ($SAMPAN_LOG_FORMAT)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs until it is ended. The token is in $JUPYTERHUB_API_TOKEN."""
    told = flags().parse_args(argv)
    logs.begin(told.log_format)
    culler = IdleCuller.instance(
        url=told.hub_api,
        cull_every=told.every,
        # Named servers stay in their owner's list, and nobody is removed with their server.
        remove_named_servers=False,
        cull_users=False,
        cull_arbiter_hook=Arbiter(told.broker, os.environ["JUPYTERHUB_API_TOKEN"]),
        config_file="",
        logging_config={"formatters": {"console": {"class": "sampan.logs.JsonLines"}}}
        if told.log_format == "json"
        else {},
    )
    culler.start()
    return 0


if __name__ == "__main__":
    sys.exit(main())
