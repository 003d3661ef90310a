"""The signer: `python -m sampan_hub.signer`. It alone holds the keys with which the hub acts as people; it does nothing else.

It answers one question over a unix socket: a certificate for this public key, at this centre, as this account. Whether
that account may be signed for is written in the centre's descriptor, which it reads itself.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sampan_hub.settings import hub_id
from sampan_hub.signer_log import record

if TYPE_CHECKING:
    from sampan_hub.signing import Signer

__all__ = ["flags", "main"]

AT_ONCE: Final = 32
PATIENCE: Final = 10.0
"""Seconds for a whole line, and between two lines."""
LONGEST_LINE: Final = 8192
_PEER: Final = struct.Struct("3i")


class _Desk:
    """Lets in who may ask, and hands each line on. `accounts`: user ids whose requests are answered."""

    def __init__(self, signer: Callable[[], Signer], accounts: frozenset[int]) -> None:
        self._signer = signer
        self._accounts = accounts
        self._places = asyncio.Semaphore(AT_ONCE)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: a line in, a line out, until the other side has enough."""
        try:
            peer = _peer(writer.get_extra_info("socket"))
            if peer[1] not in self._accounts:
                record("stranger", peer=peer)
                return
            async with self._places:
                while (line := await asyncio.wait_for(reader.readline(), PATIENCE)).endswith(b"\n"):
                    writer.write(self._signer().answer(line, peer))
                    await asyncio.wait_for(writer.drain(), PATIENCE)
        except (OSError, TimeoutError, ValueError):
            # Gone, silent, or a line without end: nothing was asked, and nothing is owed.
            return
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def _peer(sock: socket.socket) -> tuple[int, int]:
    """Process and user id of the other side, as the kernel says (SO_PEERCRED, man 7 unix)."""
    pid, uid, _ = _PEER.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return pid, uid


def flags() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="sampan-signer", description="The signer of a Sampan hub.")
    state = Path(os.environ.get("SAMPAN_STATE", "state"))
    for name, default, kind, meaning in (
        ("--state", state, Path, "the state directory; its ca/ holds the keys ($SAMPAN_STATE)"),
        ("--centres", None, Path, "the folder of descriptors (centres/ in the state directory)"),
        ("--socket", None, Path, "where it listens (run/signer.sock in the state directory)"),
        ("--hub-id", "demo", hub_id, "names this hub in every certificate"),
        ("--minutes", 5, _minutes, "how long a certificate is good: 1 to 60"),
        ("--accounts", (), _accounts, "user ids, by commas, that may ask besides the signer's own"),
    ):
        parser.add_argument(name, default=default, type=kind, help=meaning)
    return parser


def _minutes(text: str) -> int:
    if not 1 <= int(text) <= 60:
        raise argparse.ArgumentTypeError("1 to 60")
    return int(text)


def _accounts(text: str) -> frozenset[int]:
    return frozenset(int(part) for part in text.split(",") if part)


def listener(path: Path, *, shared: bool) -> socket.socket:
    """Mode 0600 from the first moment; where other accounts may ask, all may connect and the kernel says who they are.

    It appears under its name once somebody listens, in place of what a killed one has left.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}")
    aside.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o111 if shared else 0o177)
    try:
        sock.bind(str(aside))
    finally:
        os.umask(before)
    sock.listen(128)
    aside.replace(path)
    return sock


async def serve(args: argparse.Namespace) -> None:
    """Runs the signer until SIGTERM or SIGINT."""
    enough = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, enough.set)
    state = args.state.resolve()

    @functools.cache
    def signer() -> Signer:
        # A federation without ssh never pays for what signing takes: cryptography, and the descriptors' models.
        from sampan_hub.signing import Signer

        centres = args.centres or state / "centres"
        return Signer(centres, state / "ca", hub=args.hub_id, minutes=args.minutes)

    if any((state / "ca").glob("*/authority.json")):
        signer()
    desk = _Desk(signer, frozenset({os.geteuid(), *args.accounts}))
    sock = listener(args.socket or state / "run" / "signer.sock", shared=bool(args.accounts))
    async with await asyncio.start_unix_server(desk.serve, sock=sock, limit=LONGEST_LINE):
        await enough.wait()


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0 after a stop, 1 where it could not start."""
    os.umask(0o077)
    try:
        asyncio.run(serve(flags().parse_args(argv)))
    except OSError as error:
        print(f"the signer cannot start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
