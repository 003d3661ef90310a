"""A hub on the federation, for whoever wants to look: `make demo FEDERATION=1`."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Final

from tests.federation.accounts import USERS
from tests.federation.federation import Federation, sampan

__all__ = ["demo"]

_CONFIG: Final = Path(__file__).with_name("hub_config.py")


def demo(federation: Federation, state: Path, port: int) -> int:
    """Until Ctrl-C; the federation stays up. Returns the exit status of `sampan up`."""
    _say(
        f"the federation is up after {federation.up(_say, keep=True):.1f} s",
        f"log in as one of {', '.join(USERS[:6])}, p00 … p59",
    )
    federation.join(state)
    argv, environment = sampan("up", "--port", str(port), "--state", str(state), "--config", str(_CONFIG))
    with subprocess.Popen(argv, env=environment) as hub:
        # A terminal sends Ctrl-C to both; we stay until the hub has ended, and pass on what is sent to us alone.
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: hub.terminate())
        status = hub.wait()
    _say(
        "the federation is still up, with its jobs: `.venv/bin/python -m tests.federation down` takes it down"
    )
    return status


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)
