"""The signer: `python -m sampan_hub.signer`. It alone holds the keys with which the hub acts as people; it does nothing else.

It answers one question over a unix socket: a certificate for this public key, at this centre, as this account. Whether
that account may be signed for is written in the centre's descriptor, which it reads itself.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import json
import logging
import os
import re
import signal
import socket
import struct
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sampan.errors import Forbidden, Invalid, SampanError, Unavailable
from sampan_hub.authority import Authority
from sampan_hub.certificates import LONGEST_LINE, Order, Request, Signed, error_line, order
from sampan_hub.rate import Rate
from sampan_hub.signing_list import SigningList

__all__ = ["Signer", "flags", "main"]

log = logging.getLogger(__name__)

AT_ONCE: Final = 32
PATIENCE: Final = 10.0
"""Seconds for a whole line, and between two lines."""
PER_ACCOUNT: Final = (20, 0.2)
"""At once, and then each second: a certificate serves for minutes, so whoever asks more often is not in order."""
PER_CENTRE: Final = (400, 10.0)
_PEER: Final = struct.Struct("3i")


class Signer:
    """Orders in, certificates out. `accounts`: user ids, besides our own, whose requests are answered."""

    def __init__(
        self,
        centres: Path,
        authorities: Path,
        *,
        hub: str,
        minutes: int,
        accounts: frozenset[int] = frozenset(),
    ) -> None:
        self._list = SigningList(centres)
        self._folder = authorities
        self._hub = hub
        self._minutes = minutes
        self._accounts = accounts | {os.geteuid()}
        self._authorities: dict[str, Authority] = {}
        self._rate = Rate({"account": PER_ACCOUNT, "centre": PER_CENTRE})
        self._places = asyncio.Semaphore(AT_ONCE)

    def sign(self, request: Request, peer: tuple[int, int]) -> Signed:
        """The certificate, once its line is in the log. Raises `Forbidden` or `Unavailable`, each with a line too."""
        try:
            return self._sign(request, peer)
        except SampanError as error:
            told = {"code": error.code, "cause": error.cause}
            with contextlib.suppress(OSError):
                _record("refused", centre=request.centre, account=request.account, peer=peer, **told)
            raise

    def _sign(self, request: Request, peer: tuple[int, int]) -> Signed:
        centre = self._list.centre(request.centre)
        if centre is None:
            raise Forbidden("signer.centre", centre=request.centre)
        authority = self.authority(request.centre)
        state = authority.state()
        wanted = order(centre, request.account, hub=state.hub, now=time.time(), minutes=self._minutes)
        if request.account in state.accounts:
            raise Forbidden("signer.revoked", account=request.account, centre=request.centre)
        allowed = ("account", f"{request.centre}/{request.account}"), ("centre", request.centre)
        if not self._rate.take(*allowed):
            raise Unavailable("signer.busy")
        try:
            certificate, serial = authority.sign(wanted, request.key)
        except OSError as error:
            raise Unavailable("ca.write", cause=str(error), folder=str(authority.folder)) from error
        self._tell(wanted, serial, state.signs.fingerprint, request.key, peer)
        return Signed(certificate.export_certificate("openssh").decode().strip(), wanted.valid_before)

    def authority(self, centre: str) -> Authority:
        if centre not in self._authorities:
            self._authorities[centre] = Authority(self._folder / centre, self._hub)
        return self._authorities[centre]

    @staticmethod
    def _tell(wanted: Order, serial: int, by: str, key: str, peer: tuple[int, int]) -> None:
        """A certificate that is in no log is not handed out."""
        try:
            _record(
                "signed",
                centre=wanted.centre,
                account=wanted.account,
                peer=peer,
                purpose=wanted.purpose,
                serial=serial,
                key_id=wanted.key_id,
                ca=by,
                key=key,
                valid_after=_moment(wanted.valid_after),
                valid_before=_moment(wanted.valid_before),
            )
        except OSError as error:
            raise Unavailable("signer.log", cause=str(error)) from error

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: a line in, a line out, until the other side has enough."""
        peer = _peer(writer.get_extra_info("socket"))
        try:
            if peer[1] not in self._accounts:
                _record("stranger", peer=peer)
                return
            async with self._places:
                while (line := await asyncio.wait_for(reader.readline(), PATIENCE)).endswith(b"\n"):
                    writer.write(self._answer(line, peer))
                    await asyncio.wait_for(writer.drain(), PATIENCE)
        except (OSError, TimeoutError, ValueError):
            # Gone, silent, or a line without end: nothing was asked, and nothing is owed.
            return
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _answer(self, line: bytes, peer: tuple[int, int]) -> bytes:
        try:
            request = Request.from_line(line)
        except Invalid as error:
            with contextlib.suppress(OSError):
                _record("unreadable", peer=peer, field=error.message.params["field"])
            return error_line(error)
        try:
            return self.sign(request, peer).to_line()
        except SampanError as error:
            return error_line(error)
        except Exception:
            log.exception("a request failed")
            return error_line(Unavailable("signer.failed"))


def _record(event: str, *, peer: tuple[int, int], **fields: object) -> None:
    """One line of JSON in the signer's log; OSError where it cannot be written."""
    line = {"at": _moment(time.time()), "event": event, **fields, "pid": peer[0], "uid": peer[1]}
    print(json.dumps(line, ensure_ascii=False), file=sys.stderr, flush=True)


def _moment(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="seconds")


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
        ("--hub-id", "demo", _hub_id, "names this hub in every certificate"),
        ("--minutes", 5, _minutes, "how long a certificate is good: 1 to 60"),
        ("--accounts", (), _accounts, "user ids, by commas, that may ask besides the signer's own"),
    ):
        parser.add_argument(name, default=default, type=kind, help=meaning)
    return parser


def _hub_id(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]{4,16}", text):
        raise argparse.ArgumentTypeError("4 to 16 lower-case letters and digits")
    return text


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
    signer = Signer(
        args.centres or state / "centres",
        state / "ca",
        hub=args.hub_id,
        minutes=args.minutes,
        accounts=frozenset(args.accounts),
    )
    sock = listener(args.socket or state / "run" / "signer.sock", shared=bool(args.accounts))
    async with await asyncio.start_unix_server(signer.serve, sock=sock, limit=LONGEST_LINE):
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
