"""What a person writes to compute at a centre from their own machine: Jupyter's blocking kernel manager, and nothing of ours.

`python a_kernel.py CENTRE`, with SAMPAN_URL and SAMPAN_TOKEN in the environment. Prints one JSON object: what was seen.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

WHERE = "import json, os, socket; print(json.dumps([os.environ['SAMPAN_CENTRE'], os.environ['SAMPAN_TAG'], socket.gethostname()]))"


def run(client: Any, code: str, begun: Callable[[], object] | None = None) -> str:
    """What it printed, and the name of its error; `begun` is called when it says something."""
    said: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        said.append(message["content"].get("text") or message["content"].get("ename") or "")
        if begun is not None and message["content"].get("text"):
            begun()

    client.execute_interactive(code, timeout=60, output_hook=hear)
    return "".join(said).strip()


def main(folder: Path, centre: str) -> dict[str, Any]:
    options = {"plan": "light", "centre": centre}
    provisioner = {"provisioner_name": "sampan-provisioner", "config": {"options": options}}
    spec = {
        "argv": [],
        "display_name": "Python there",
        "language": "python",
        "metadata": {"kernel_provisioner": provisioner},
    }
    (folder / "there").mkdir()
    (folder / "there" / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    manager = KernelManager(
        kernel_name="there", kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(folder)])
    )
    seen: dict[str, Any] = {}
    manager.start_kernel()
    try:
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        seen["where"] = json.loads(run(client, WHERE))
        seen["sum"] = run(client, "x = 41; print(x + 1)")
        interrupt = threading.Thread(target=manager.interrupt_kernel)
        began = time.monotonic()
        seen["interrupted"] = run(client, "import time; print('begun'); time.sleep(600)", interrupt.start)
        seen["seconds"] = time.monotonic() - began
        interrupt.join()
        for now in (False, True):
            manager.restart_kernel(now=now)
            client.wait_for_ready(timeout=60)
            seen[f"after restart, now={now}"] = [json.loads(run(client, WHERE)), run(client, "print(x)")]
        client.stop_channels()
    finally:
        manager.shutdown_kernel()
    return seen


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        # What others of this machine would have to guess.
        os.environ["JUPYTER_RUNTIME_DIR"] = place
        print(json.dumps(main(Path(place), sys.argv[1])))
