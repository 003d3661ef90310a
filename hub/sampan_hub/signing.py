"""What the signer does: whether this account may be signed for, the certificate, and its line in the log."""

from __future__ import annotations

import contextlib
import logging
import time
from pathlib import Path
from typing import Final

from sampan.errors import Forbidden, Invalid, SampanError, Unavailable
from sampan_hub.authority import Authority
from sampan_hub.certificates import Order, Request, Signed, error_line, order
from sampan_hub.rate import Rate
from sampan_hub.signer_log import moment, record
from sampan_hub.signing_list import SigningList

__all__ = ["Signer"]

log = logging.getLogger(__name__)

PER_ACCOUNT: Final = (20, 0.2)
"""At once, and then each second: a certificate serves for minutes, so whoever asks more often is not in order."""
PER_CENTRE: Final = (400, 10.0)


class Signer:
    """Orders in, certificates out."""

    def __init__(self, centres: Path, authorities: Path, *, hub: str, minutes: int) -> None:
        self._list = SigningList(centres)
        self._folder = authorities
        self._hub = hub
        self._minutes = minutes
        self._authorities: dict[str, Authority] = {}
        self._rate = Rate({"account": PER_ACCOUNT, "centre": PER_CENTRE})

    def sign(self, request: Request, peer: tuple[int, int]) -> Signed:
        """The certificate, once its line is in the log. Raises `Forbidden` or `Unavailable`, each with a line too."""
        try:
            return self._sign(request, peer)
        except SampanError as error:
            told = {"code": error.code, "cause": error.cause}
            with contextlib.suppress(OSError):
                record("refused", centre=request.centre, account=request.account, peer=peer, **told)
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
            record(
                "signed",
                centre=wanted.centre,
                account=wanted.account,
                peer=peer,
                purpose=wanted.purpose,
                serial=serial,
                key_id=wanted.key_id,
                ca=by,
                key=key,
                valid_after=moment(wanted.valid_after),
                valid_before=moment(wanted.valid_before),
            )
        except OSError as error:
            raise Unavailable("signer.log", cause=str(error)) from error

    def answer(self, line: bytes, peer: tuple[int, int]) -> bytes:
        """The line that answers this one. `peer`: process and user id of who asks."""
        try:
            request = Request.from_line(line)
        except Invalid as error:
            with contextlib.suppress(OSError):
                record("unreadable", peer=peer, field=error.message.params["field"])
            return error_line(error)
        try:
            return self.sign(request, peer).to_line()
        except SampanError as error:
            return error_line(error)
        except Exception:
            log.exception("a request failed")
            return error_line(Unavailable("signer.failed"))
