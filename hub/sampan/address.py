"""Where the broker is and as whom to speak to it: read once, from arguments or from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from sampan.errors import Forbidden, Invalid

__all__ = ["PREFIX", "Address"]

PREFIX: Final = "/services/sampan"
"""Where the hub's proxy shows the broker."""
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class Address:
    """The broker's address and what proves who asks.

    `url` is what requests are relative to, without a trailing slash; `socket` is the unix socket that carries them, None
    for TCP. `token` is a JupyterHub token. `secret` is the hub's own secret, good on the broker's socket only, and `user`
    whom the hub acts for. Neither is ever shown by `repr`.
    """

    url: str
    socket: str | None = None
    token: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    user: str | None = None

    @classmethod
    def parse(
        cls,
        url: str | None,
        *,
        socket: str | os.PathLike[str] | None = None,
        token: str | None = None,
        secret: str | None = None,
        user: str | None = None,
    ) -> Address:
        """Reads `http://…`, `https://…` or `http+unix://%2Fpath%2Fbroker.sock/services/sampan`.

        The address may be the hub's own: the broker's place below it is added. With `socket` no url is needed. Raises
        Invalid.
        """
        path = None if socket is None else os.fspath(socket)
        if url is None and path is not None:
            url = "http://broker"
        parts = urlsplit(url or "")
        if parts.scheme == "http+unix" and path is None:
            path, host = unquote(parts.netloc), "http://broker"
        else:
            host = f"{parts.scheme}://{parts.netloc}"
        absolute = path is None or path.startswith("/")
        if parts.scheme not in {"http", "https", "http+unix"} or not parts.netloc or not absolute:
            raise Invalid("broker.address", value=str(url)[:200])
        below = parts.path.rstrip("/")
        if not below.endswith(PREFIX):
            below += PREFIX
        return cls(host + below, path, token, secret, user)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Address:
        """Of a person's own machine (SAMPAN_URL), else of the session or the job we run in (SAMPAN_BROKER_URL).

        The token of a session is never sent to an address that somebody typed. Raises Invalid where neither is set, and
        where the first would send it in clear over a network.
        """
        if url := environment.get("SAMPAN_URL"):
            address = cls.parse(url, token=environment.get("SAMPAN_TOKEN") or _kept_token(environment))
            if address.url.startswith("http://") and not address.on_this_machine:
                raise Invalid("broker.not_encrypted", value=url[:200])
            return address
        if url := environment.get("SAMPAN_BROKER_URL"):
            token = environment.get("SAMPAN_BROKER_TOKEN") or environment.get("JUPYTERHUB_API_TOKEN")
            return cls.parse(url, token=token)
        raise Invalid("broker.no_address")

    @property
    def on_this_machine(self) -> bool:
        return self.socket is not None or urlsplit(self.url).hostname in LOOPBACK

    def headers(self) -> dict[str, str]:
        """What proves who asks."""
        if self.secret is not None:
            # Percent-encoded: a header holds no 张三.
            acting = {} if self.user is None else {"X-Sampan-User": quote(self.user, safe="")}
            return {"Authorization": f"Sampan {self.secret}", **acting}
        return {} if self.token is None else {"Authorization": f"token {self.token}"}


def _kept_token(environment: Mapping[str, str]) -> str | None:
    """The token in `~/.config/sampan/token`; refused where others can read it."""
    folder = environment.get("XDG_CONFIG_HOME") or str(
        Path(environment.get("HOME") or "~").expanduser() / ".config"
    )
    file = Path(folder) / "sampan" / "token"
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(
            "request.field", cause=str(error), field=str(file), expected="a readable file"
        ) from error
    if mode & 0o077:
        raise Forbidden("broker.token_file", file=str(file))
    return text or None
