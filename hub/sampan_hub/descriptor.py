"""What a centre says of itself: one YAML file, schema `sampan/centre/1`, read strictly.

Names follow GLUE 2.1 (OGF GFD.219) where it has one for the thing: a share is its ComputingShare, `max_hours` its
MaxWallTime, the endpoint its ComputingEndpoint, the environment its ApplicationEnvironment.
"""

from __future__ import annotations

import zoneinfo
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

__all__ = ["SCHEMA", "Descriptor", "Share", "json_schema"]

SCHEMA = "sampan/centre/1"

_NAME = r"^[a-z][a-z0-9-]{0,30}$"
_PATH = r"^/[A-Za-z0-9._/@+=,-]{0,400}$"
_TEMPLATE = r"^/(?:[A-Za-z0-9._/@+=,-]|\{account\}|\{user\}){0,400}$"
_OPTION = r"^--[a-z][a-z-]{0,40}$"
_VALUE = r"^[A-Za-z0-9._:=,/@+-]{1,200}$"
_MODULE = r"^[A-Za-z0-9][A-Za-z0-9._+/-]{0,100}$"
_ACCOUNT = r"^[a-z_][a-z0-9_-]{0,31}$"

Name = Annotated[str, Field(pattern=_NAME)]
Path = Annotated[str, Field(pattern=_PATH)]
Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f\u2028\u2029]*$")]
Hours = Annotated[float, Field(gt=0, le=24 * 366, allow_inf_nan=False)]
Gib = Annotated[float, Field(gt=0, le=65536, allow_inf_nan=False)]
Cores = Annotated[int, Field(ge=1, le=65536)]

SYSTEM_ACCOUNTS = frozenset(
    (
        *(
            "root",
            "daemon",
            "bin",
            "sys",
            "sync",
            "games",
            "man",
            "lp",
            "mail",
            "news",
            "uucp",
            "proxy",
            "www-data",
        ),
        *("backup", "list", "irc", "nobody", "sshd", "slurm", "munge", "mysql", "postgres", "messagebus"),
        *("systemd-network", "systemd-resolve", "systemd-timesync"),
    )
)
"""Accounts that no person is ever mapped to."""


def _zone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise ValueError("a time zone of the IANA database, such as Asia/Shanghai")
    return name


def _person_account(name: str) -> str:
    if name in SYSTEM_ACCOUNTS:
        raise ValueError("an account of a person, not one of the system")
    return name


Account = Annotated[str, Field(pattern=_ACCOUNT), AfterValidator(_person_account)]


class _Part(BaseModel):
    """Unknown keys are refused: a misspelt one would silently mean nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Names(_Part):
    en: Word
    zh: Word


class Place(_Part):
    city: Names
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


class Contact(_Part):
    name: Word
    email: Annotated[str, Field(pattern=r"^[^@\s<>]{1,100}@[^@\s<>]{1,100}$")]
    role: Literal["operator", "security", "support"] = "operator"


class Endpoint(_Part):
    """How the broker reaches the centre. `host`, `port`, `host_keys` and `service_account` belong to ssh."""

    transport: Literal["local", "ssh"]
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$")] | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    host_keys: tuple[
        Annotated[str, Field(pattern=r"^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+$")], ...
    ] = ()
    service_account: Annotated[str, Field(pattern=_ACCOUNT)] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.transport == "ssh" and not (self.host and self.host_keys and self.service_account):
            raise ValueError("host, host_keys and service_account, which the ssh transport needs")
        return self


class Accounts(_Part):
    """How a hub user becomes an account of the centre.

    `table`: written down here, one to one. `command`: an argument list that reads the hub user's name on standard input
    and prints the account. `shared`: everybody is one account, for trying out on one's own machine only.
    """

    method: Literal["shared", "table", "command"]
    account: Account | None = None
    table: dict[Annotated[str, Field(min_length=1, max_length=255)], Account] = Field(default_factory=dict)
    command: tuple[Word, ...] = ()

    @model_validator(mode="after")
    def _one_to_one(self) -> Self:
        accounts = list(self.table.values())
        twice = sorted({account for account in accounts if accounts.count(account) > 1})
        if twice:
            raise ValueError(f"one account for each person; {twice[0]} is given to several")
        if self.method == "table" and not self.table:
            raise ValueError("a table with at least one person")
        if self.method == "command" and not (self.command and self.command[0].startswith("/")):
            raise ValueError("a command as a list, beginning with an absolute path")
        return self


class SchedulerFacts(_Part):
    """The batch system. `spool`, `cores`, `memory_gib` and `accelerators` belong to the process scheduler."""

    kind: Literal["process", "slurm"]
    sees_all_jobs: bool = True
    """Whether the service account sees everybody's jobs (Slurm: no PrivateData=jobs)."""
    nodes_may_submit: bool = True
    spool: Path | None = None
    cores: Cores | None = None
    memory_gib: Gib | None = None
    accelerators: dict[Name, Annotated[int, Field(ge=1, le=1024)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "process" and not (self.spool and self.cores and self.memory_gib):
            raise ValueError("spool, cores and memory_gib, which the process scheduler needs")
        return self


class Share(_Part):
    """One queue 队列. `cores`: the most that one node gives; memory is per core, as schedulers account for it."""

    id: Name
    names: Names
    queue: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    max_hours: Hours
    cores: Cores
    memory_per_core_gib: Gib
    accelerators: dict[Name, Annotated[int, Field(ge=1, le=64)]] = Field(default_factory=dict)
    demands: tuple[
        tuple[Annotated[str, Field(pattern=_OPTION)], Annotated[str, Field(pattern=_VALUE)]], ...
    ] = ()
    """What the queue demands of every job, as options of the scheduler's submit command."""
    overlaps: tuple[Name, ...] = ()
    """Other shares over the same nodes: their cores are counted once."""
    cost: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] = 1.0
    """Core-hours charged for one core and hour."""

    @property
    def memory_mib(self) -> int:
        """The most memory that one node gives."""
        return round(self.cores * self.memory_per_core_gib * 1024)


class Environment(_Part):
    """The user environment there: a Python, modules to load before it, and a file at the centre for what else it takes."""

    python: Path
    modules: tuple[Annotated[str, Field(pattern=_MODULE)], ...] = ()
    setup_file: Path | None = None


class Networks(_Part):
    nodes_reach_internet: bool = False


class Limits(_Part):
    """How long each part of a start may take before the next centre is tried."""

    queue_minutes: Annotated[int, Field(ge=1, le=60 * 24 * 30)] = 60 * 24
    boot_seconds: Annotated[int, Field(ge=5, le=3600)] = 120
    reach_seconds: Annotated[int, Field(ge=5, le=3600)] = 120


class Descriptor(_Part):
    """One centre."""

    schema_id: Annotated[Literal["sampan/centre/1"], Field(alias="schema")]
    id: Name
    names: Names
    summary: Names | None = None
    place: Place
    time_zone: Annotated[str, AfterValidator(_zone)]
    contacts: Annotated[tuple[Contact, ...], Field(min_length=1)]
    state: Literal["open", "draining"] = "open"
    simulated: bool = False
    """Whether this is a part of one machine that plays a centre; said wherever the centre is shown."""
    endpoint: Endpoint
    accounts: Accounts
    scheduler: SchedulerFacts
    shares: Annotated[tuple[Share, ...], Field(min_length=1)]
    environment: Environment
    home: Annotated[str, Field(pattern=_TEMPLATE)]
    """A person's home, with {account} or {user} in it."""
    scratch: Path
    networks: Networks = Networks()
    limits: Limits = Limits()
    quirks: tuple[Word, ...] = ()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        names = [share.id for share in self.shares]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"shares with different ids; {twice[0]} stands twice")
        for share in self.shares:
            if strange := set(share.overlaps) - set(names):
                raise ValueError(f"overlaps that name shares of this centre; {min(strange)} is none")
        if self.accounts.method == "shared" and self.endpoint.transport != "local":
            raise ValueError(
                "accounts by table or command: one account for everybody is for the local transport only"
            )
        if self.accounts.method == "shared" and "{user}" not in self.home:
            raise ValueError("a home with {user} in it, since all share one account")
        if self.accounts.method != "shared" and "{user}" not in self.home and "{account}" not in self.home:
            raise ValueError("a home with {account} or {user} in it")
        return self


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of a descriptor."""
    schema = Descriptor.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}
