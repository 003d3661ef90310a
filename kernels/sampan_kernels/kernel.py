"""ipykernel without a TCP port: `python -m sampan_kernels.kernel -f CONNECTION_FILE`.

On a node that others use too, a loopback port is open to all of them. Over `transport=ipc` ipykernel still opens two:
one for the output of forked processes, which becomes a unix socket here, and, once debugging starts, debugpy's adapter,
which runs code for whoever connects first. So there is no debugger.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Final

import zmq
from ipykernel import iostream, kernelapp
from traitlets import default
from zmq.eventloop.zmqstream import ZMQStream

__all__ = ["PatientKernel", "PrivateOutput", "main", "prepare"]

MANY: Final = 100_000
"""Messages."""
_ON_THE_WAY: Final = (
    *("IPython.core.completerlib", "IPython.core.logger", "IPython.core.oinspect"),
    *("IPython.extensions.storemagic", "faulthandler", "sqlite3", "tornado.platform.asyncio"),
)
"""What ipykernel imports no earlier than between its start and its first cell."""


class PrivateOutput(iostream.IOPubThread):
    """Takes the output of forked processes on a unix socket in the kernel's runtime directory."""

    _pipe_address: str

    def _setup_pipe_in(self) -> None:
        self._pipe_uuid = os.urandom(16)
        path = Path(os.environ["JUPYTER_RUNTIME_DIR"], f"forks-{os.getpid()}")
        path.unlink(missing_ok=True)  # of an earlier process with this number
        self._pipe_address = f"ipc://{path}"
        pipe = self.socket.context.socket(zmq.PULL)
        pipe.linger = 0
        pipe.bind(self._pipe_address)
        self._pipe_in = ZMQStream(pipe, self.io_loop)
        self._pipe_in.on_recv(self._handle_pipe_msg)

    def _setup_pipe_out(self) -> tuple[zmq.Context[zmq.Socket[bytes]], zmq.Socket[bytes]]:
        context = zmq.Context()  # a context does not survive a fork
        pipe = context.socket(zmq.PUSH)
        pipe.linger = 3000  # ms: output of a process that ends is still delivered
        pipe.connect(self._pipe_address)
        return context, pipe


class PatientKernel(kernelapp.IPKernelApp):
    """Output waits for a recorder that has little time just now; by itself ipykernel drops what is beyond a thousand messages."""

    @default("parent_handle")
    def _parent(self) -> int:
        """ipykernel reads it when it is imported, which may be in another process; 1, which never ends, is not looked after."""
        return int(os.environ.get("JPY_PARENT_PID") or 0)

    def init_iopub(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        context.setsockopt(zmq.SNDHWM, MANY)
        super().init_iopub(context)


def main() -> None:
    """Runs one kernel until it is shut down."""
    # As ipykernel_launcher does: what lies in the notebook's folder must not shadow the standard library.
    if sys.path[0] in ("", str(Path.cwd())):
        del sys.path[0]
    _without_debugger()
    vars(kernelapp)["IOPubThread"] = PrivateOutput
    PatientKernel.launch_instance()


def prepare() -> None:
    """Imports the rest of what :func:`main` needs; a template calls it before anybody wants a kernel."""
    _without_debugger()
    for name in _ON_THE_WAY:
        with suppress(ImportError):
            import_module(name)


def _without_debugger() -> None:
    """ipykernel has no setting for it: it looks whether debugpy is there. (A tenth of a second is saved, too.)"""
    sys.modules["debugpy.server"] = None  # type: ignore[assignment]
    try:
        import_module("ipykernel.debugger")
    finally:
        del sys.modules["debugpy.server"]  # a person may import it


if __name__ == "__main__":
    main()
