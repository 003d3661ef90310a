"""The peer of a start at a real centre: JupyterHub with batchspawner's SlurmSpawner, on that centre's login node.

It has to run there, because its proxy needs a route to the nodes. Only the proxy's program comes from this machine: it runs
in the login node's network.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tests.bench.stock_hub import StockHub, proxy_command
from tests.federation import user_environment
from tests.federation.centre import Centre
from tests.ways.whole_hub import came

__all__ = ["BatchHub", "batch_hub"]

PORT, HUB_PORT, API_PORT = 8000, 8081, 8001
THERE: Final = "/scratch/batch-hub"
"""Its folder at the centre: on every node, as its jobs need batchspawner too."""
SETTINGS: Final = """
import batchspawner

c = get_config()
c.JupyterHub.bind_url = "http://0.0.0.0:{port}"
c.JupyterHub.hub_ip = "0.0.0.0"
c.JupyterHub.hub_connect_ip = "{inner}"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api_port}"
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.auth_token = {token!r}
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = {password!r}
c.SharedPasswordAuthenticator.allow_all = True
c.JupyterHub.default_url = "/hub/home"
c.JupyterHub.spawner_class = "batchspawner.SlurmSpawner"
c.Spawner.options_form = "<input name='plan'>"
c.Spawner.default_url = "/lab"
# batchspawner's proxy reaches the server over the centre's network.
c.Spawner.ip = "0.0.0.0"
c.Spawner.http_timeout = 120
c.Spawner.start_timeout = 120
c.Spawner.cmd = ["{bin}/jupyterhub-singleuser"]
c.BatchSpawnerBase.batchspawner_singleuser_cmd = "{python} -m batchspawner.singleuser"
c.BatchSpawnerBase.exec_prefix = "setpriv --reuid={{username}} --regid={{username}} --init-groups --"
c.BatchSpawnerBase.req_partition = {queue!r}
c.BatchSpawnerBase.req_runtime = "2:00:00"
c.BatchSpawnerBase.req_memory = "2048"
c.BatchSpawnerBase.req_nprocs = "1"
c.BatchSpawnerBase.req_prologue = "export PATH={bin}:$PATH"
# Its srun hands on what is exported to the job, and no more.
c.Spawner.environment = {{"PYTHONPATH": "{there}"}}
c.BatchSpawnerBase.req_homedir = "/home/{{username}}"
"""


class BatchHub(StockHub):
    """`centre`: where it runs. Its people log in under the names of their accounts there."""

    def __init__(self, folder: Path, centre: Centre) -> None:
        super().__init__(folder)
        self._centre = centre
        self.url = f"http://{centre.address}:{PORT}"
        self._parts: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        here = self._centre.root / THERE.lstrip("/")
        here.mkdir(mode=0o755, parents=True)
        package = find_spec("batchspawner")
        if package is None or package.origin is None:
            raise ModuleNotFoundError("batchspawner is in requirements/dev.lock: make setup")
        shutil.copytree(Path(package.origin).parent, here / "batchspawner")
        python, token = str(user_environment.python()), secrets.token_hex(16)
        facts = {"port": PORT, "hub_port": HUB_PORT, "api_port": API_PORT, "token": token, "there": THERE}
        facts |= {"password": self.password, "python": python, "bin": str(Path(python).parent)}
        facts |= {"inner": self._centre.addresses["login"], "queue": self._centre.shape.queues[0].name}
        (here / "config.py").write_text(SETTINGS.format(**facts), encoding="utf-8")
        login = self._centre.hosts["login"]
        # The login node's network and its names of the nodes, this machine's files otherwise: that is where Node is.
        names = f'mount --bind {self._centre.root}/etc/hosts /etc/hosts && exec "$@"'
        network = ["nsenter", f"--target={login.anchor.pid}", "--net", "--", "unshare", "--mount"]
        network += ["sh", "-c", names, "sh"]
        hub = ["env", "-C", THERE, f"PYTHONPATH={THERE}", python, "-m", "jupyterhub", "-f", "config.py"]
        proxy = [*proxy_command(), "--ip=0.0.0.0", f"--port={PORT}", f"--api-port={API_PORT}"]
        proxy += ["--api-ip=127.0.0.1", f"--default-target=http://127.0.0.1:{HUB_PORT}"]
        with (self.folder / "batch.log").open("wb") as log:
            for argv in ([*network, "env", f"CONFIGPROXY_AUTH_TOKEN={token}", *proxy], login.argv(hub)):
                self._parts.append(subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True))

    def stop(self) -> None:
        # Into another process namespace nsenter goes by a child, which does not end with it.
        for process in self._centre.hosts["login"].processes():
            if b"jupyterhub" in Path(f"/proc/{process.pid}/cmdline").read_bytes():
                # Asked politely, it waits for servers that the scheduler has ended already.
                process.end()
        for part in reversed(self._parts):
            part.terminate()
            part.wait(30)
        self._centre.end_all_jobs()
        shutil.rmtree(self._centre.root / THERE.lstrip("/"), ignore_errors=True)


@asynccontextmanager
async def batch_hub(folder: Path, centre: Centre) -> AsyncIterator[BatchHub]:
    hub = BatchHub(folder, centre)
    try:
        hub.start()
        await came(hub.answers, 60)
        yield hub
    finally:
        sys.stdout.write((folder / "batch.log").read_text(errors="replace")[-6000:])
        await asyncio.to_thread(hub.stop)
