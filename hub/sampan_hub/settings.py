"""What the broker is told at its start, parsed once."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sampan.errors import Invalid
from sampan.logs import FORMATS

__all__ = ["PREFIX", "Settings", "flags", "hub_id", "parse"]

PREFIX = "/services/sampan"
"""Where JupyterHub's proxy leads to the broker."""


@dataclass(frozen=True)
class Settings:
    """Where the broker keeps things and whom it talks to. Every field is a flag of `python -m sampan_hub.broker`."""

    state: Path
    """The state directory, mode 0700: database, secrets, descriptors, sockets, logs."""
    port: int = 8082
    """Loopback port of the HTTP interface that the proxy routes to."""
    hub_api: str = "http://127.0.0.1:8081/hub/api"
    public_url: str = "http://127.0.0.1:8000"
    database: str = ""
    """SQLAlchemy URL; empty: SQLite in the state directory."""
    door_ports: tuple[int, int] = (20000, 24999)
    """First and last loopback port for doors: below Linux's ephemeral range, so that no outgoing connection takes one."""
    door_accounts: tuple[int, ...] = ()
    """User ids, besides the broker's own, whose connections a door accepts: those of the proxy and the hub."""
    hub_id: str = "demo"
    """Marks our jobs at every centre, so that two hubs never touch each other's jobs."""
    decide_after: int = 120
    """Seconds of silence about a launch after which its person may decide to let it go."""
    strays: str = "adopt"
    """What is done with a job of ours that no row knows: `adopt` it where that can be, else `drain` it; or `leave` it."""
    drain_after: int = 3600
    """Seconds that such a job goes on when it is to be drained."""

    idle_after: int = 3600
    """Seconds after which a server in which nothing is done is ended; 0: never."""
    verify_every: int = 21600
    """Seconds from one look at everything in the catalogue to the next; 0: never."""
    log_format: str = "text"
    hedge: bool = False
    """Whether a second centre is asked for a start that is predicted to wait long; the first to run is taken."""
    signer_socket: Path | None = None
    """Where the signer listens, which signs for people at centres reached over ssh; None: in the state directory."""

    @property
    def signer(self) -> Path:
        return self.signer_socket or self.state / "run" / "signer.sock"

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite+aiosqlite:///{self.state / 'broker.sqlite'}"

    @property
    def centres(self) -> Path:
        return self.state / "centres"

    @property
    def socket(self) -> Path:
        return self.state / "run" / "broker.sock"

    def secret(self, name: str) -> str:
        """The text of a secret file; `Invalid` names the file that is missing."""
        path = self.state / "secrets" / name
        try:
            return path.read_text().strip()
        except OSError as error:
            raise Invalid("settings.secret", cause=str(error), file=str(path)) from error


def flags() -> argparse.ArgumentParser:
    """The command line. Some flags have an environment variable as their default."""
    parser = argparse.ArgumentParser(prog="sampan-broker", description="The broker of a Sampan hub.")
    told = os.environ

    def flag(name: str, default: object, meaning: str, kind: Callable[[str], object] = str) -> None:
        parser.add_argument(name, default=default, type=kind, help=meaning)

    flag(
        "--state",
        Path(told.get("SAMPAN_STATE", "state")),
        "the state directory, mode 0700 ($SAMPAN_STATE)",
        Path,
    )
    flag(
        "--port",
        told.get("SAMPAN_BROKER_PORT", "8082"),
        "loopback port of the HTTP interface ($SAMPAN_BROKER_PORT)",
        int,
    )
    flag("--hub-api", Settings.hub_api, "where the hub's API listens")
    flag("--public-url", Settings.public_url, "the address that people open")
    flag(
        "--database",
        told.get("SAMPAN_DATABASE", ""),
        "sqlite: or postgresql: URL; empty: SQLite in the state directory",
    )
    flag(
        "--door-ports",
        (20000, 24999),
        "FIRST-LAST, loopback ports of the doors, below the ephemeral range",
        _ports,
    )
    flag(
        "--door-accounts",
        (),
        "user ids, by commas, whose connections doors accept besides the broker's own",
        _accounts,
    )
    flag("--signer-socket", None, "where the signer listens; run/signer.sock in the state directory", Path)
    flag(
        "--decide-after",
        told.get("SAMPAN_DECIDE_AFTER", "120"),
        "seconds of silence after which people may let go of their launch ($SAMPAN_DECIDE_AFTER)",
        int,
    )
    parser.add_argument(
        "--strays",
        default="adopt",
        choices=["adopt", "drain", "leave"],
        help="jobs of ours that the database does not know: take them up again where possible, end them, or leave them",
    )
    flag(
        "--drain-after", Settings.drain_after, "seconds until a job that is not taken up again is ended", int
    )
    flag(
        "--idle-after",
        told.get("SAMPAN_IDLE_AFTER", "3600"),
        "seconds after which idle servers are ended, 0 for never ($SAMPAN_IDLE_AFTER)",
        int,
    )
    flag(
        "--verify-every",
        told.get("SAMPAN_VERIFY_EVERY", "21600"),
        "seconds from one look at everything in the catalogue to the next, 0 for never ($SAMPAN_VERIFY_EVERY)",
        int,
    )
    parser.add_argument(
        "--log-format",
        default=told.get("SAMPAN_LOG_FORMAT", "text"),
        choices=FORMATS,
        help="lines for people, or JSON ($SAMPAN_LOG_FORMAT)",
    )
    parser.add_argument(
        "--hedge",
        action=argparse.BooleanOptionalAction,
        default=told.get("SAMPAN_HEDGE", "") == "1",
        help="ask a second centre where a wait of over five minutes is predicted ($SAMPAN_HEDGE=1)",
    )
    flag("--hub-id", "demo", "marks our jobs, so that two hubs never touch each other's", hub_id)
    return parser


def parse(argv: list[str]) -> Settings:
    """What the command line says."""
    told = flags().parse_args(argv)
    return Settings(
        state=told.state.resolve(),
        port=told.port,
        hub_api=told.hub_api.rstrip("/"),
        public_url=told.public_url.rstrip("/"),
        database=told.database,
        door_ports=told.door_ports,
        door_accounts=told.door_accounts,
        hub_id=told.hub_id,
        strays=told.strays,
        drain_after=told.drain_after,
        signer_socket=told.signer_socket,
        decide_after=told.decide_after,
        hedge=told.hedge,
        idle_after=told.idle_after,
        verify_every=told.verify_every,
        log_format=told.log_format,
    )


def _ports(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if not 1024 <= int(first) <= int(last) <= 65535:
        raise argparse.ArgumentTypeError("two ports from 1024 to 65535, as FIRST-LAST")
    return int(first), int(last)


def hub_id(text: str) -> str:
    """It becomes a part of every job's name, where anything else could be mistaken for the next part."""
    if not re.fullmatch(r"[a-z0-9]{4,16}", text):
        raise argparse.ArgumentTypeError("4 to 16 lower-case letters and digits")
    return text


def _accounts(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",") if part)
