"""What a centre says of itself: one YAML file, schema `sampan/centre/1`, read strictly.

Names follow GLUE 2.1 (OGF GFD.219) where it has one for the thing; the field's docstring then says which. This file says
what each value may be by itself; `agreement` says what must hold between them.
"""

from __future__ import annotations

import ipaddress
import json
import zoneinfo
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from sampan_hub.system_accounts import is_system_account

__all__ = ["ACCOUNT", "SCHEMA", "SHAPES", "Descriptor", "Limits", "Share", "json_schema"]

SCHEMA: Final = "sampan/centre/1"

ACCOUNT: Final = r"^[a-z_][a-z0-9_-]{0,31}$"
_NAME: Final = r"^[a-z][a-z0-9-]{0,30}$"
_QUEUE: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
# No part of a path is "." or "..": what is written here is what is meant.
_PART: Final = r"\.?[A-Za-z0-9_@+=,-][A-Za-z0-9._@+=,-]*"
_PATH: Final = rf"^/(?:{_PART}/)*(?:{_PART})?$"
_FILLED: Final = r"\.?(?:[A-Za-z0-9_@+=,-]|\{account\}|\{user\})(?:[A-Za-z0-9._@+=,-]|\{account\}|\{user\})*"
_TEMPLATE: Final = rf"^/(?:{_FILLED}/)*{_FILLED}$"
_OPTION: Final = r"^[a-z][a-z-]{0,40}$"
_VALUE: Final = r"^[A-Za-z0-9][A-Za-z0-9._:=,/@+-]{0,199}$"
_MODULE: Final = r"^[A-Za-z0-9][A-Za-z0-9._+/-]{0,100}$"
_WORD: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
_COUNTRY: Final = r"^[A-Z]{2}$"
_EMAIL: Final = r"^[^@\s<>\x00-\x1f]{1,100}@[^@\s<>\x00-\x1f]{1,100}$"
_HOST: Final = r"^[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$"
_ADDRESS: Final = r"^[0-9A-Fa-f:.]{2,45}(?:/[0-9]{1,3})?$"
_HOST_KEY: Final = r"^(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) [A-Za-z0-9+/]{40,1000}={0,2}$"

SHAPES: Final[dict[str, str]] = {
    _NAME: "name",
    _QUEUE: "queue",
    _PATH: "path",
    _TEMPLATE: "template",
    _OPTION: "option",
    _VALUE: "value",
    _MODULE: "module",
    _WORD: "words",
    ACCOUNT: "account",
    _COUNTRY: "country",
    _EMAIL: "email",
    _HOST: "host",
    _ADDRESS: "source_address",
    _HOST_KEY: "host_key",
}
"""Pattern → what it is called in the sentences (`descriptor.<that>`)."""

Name = Annotated[str, Field(pattern=_NAME)]
Path = Annotated[str, Field(pattern=_PATH, max_length=400)]
Template = Annotated[str, Field(pattern=_TEMPLATE, max_length=400)]
Word = Annotated[str, Field(min_length=1, max_length=200, pattern=_WORD)]
Hours = Annotated[float, Field(gt=0, le=24 * 366, allow_inf_nan=False)]
Gib = Annotated[float, Field(gt=0, le=65536, allow_inf_nan=False)]
Cores = Annotated[int, Field(ge=1, le=65536)]


def _zone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise PydanticCustomError("zone", "a time zone")
    return name


def _of_a_person(name: str) -> str:
    if is_system_account(name):
        raise PydanticCustomError("system_account", "an account of a person")
    return name


def _addresses(text: str) -> str:
    """A network with bits behind its mask is refused by sshd too; one that is all there is would bound nothing."""
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        network = None
    if network is None or network.prefixlen == 0:
        raise PydanticCustomError("source_address", "an address or a network")
    return text


Account = Annotated[str, Field(pattern=ACCOUNT), AfterValidator(_of_a_person)]


class _Part(BaseModel):
    """Unknown keys are refused: a misspelt one would silently mean nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class Names(_Part):
    """A name in both languages of the hub."""

    en: Word
    zh: Word


class Place(_Part):
    """GLUE 2.1: Location."""

    city: Names
    country: Annotated[str, Field(pattern=_COUNTRY)]
    """ISO 3166-1, two capital letters."""
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


class Contact(_Part):
    """GLUE 2.1: Contact."""

    name: Word
    email: Annotated[str, Field(pattern=_EMAIL)]
    role: Literal["operator", "security", "support"] = "operator"
    """GLUE 2.1: Contact.Type (sysadmin, security, usersupport)."""


class Endpoint(_Part):
    """How the broker reaches the centre (GLUE 2.1: ComputingEndpoint). Addresses, ports and host keys belong to ssh."""

    transport: Literal["local", "ssh"]
    host: Annotated[str, Field(pattern=_HOST)] | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """22 where none is given."""
    host_keys: tuple[Annotated[str, Field(pattern=_HOST_KEY)], ...] = ()
    """The pinned public keys, each as type and base64; two while one is being replaced."""
    service_account: Account | None = None
    """Who asks the scheduler; with the local transport and none here, whoever runs the broker."""
    source_addresses: Annotated[
        tuple[Annotated[str, Field(pattern=_ADDRESS), AfterValidator(_addresses)], ...], Field(max_length=32)
    ] = ()
    """Where the hub comes from, as the centre sees it: addresses or networks. A certificate is good from there alone."""


class Accounts(_Part):
    """How a hub user becomes an account of the centre (GLUE 2.1: MappingPolicy).

    `table`: written down here, one to one. `command`: an argument list, run at the centre, that reads the hub user's name
    on standard input and prints the account. `shared`: everybody is one account, for one's own machine only.
    """

    method: Literal["shared", "table", "command"]
    account: Account | None = None
    """With `shared`: whose jobs all are; whoever runs the broker where none is given, which root may not."""
    table: dict[Annotated[str, Field(min_length=1, max_length=255, pattern=_WORD)], Account] = Field(
        default_factory=dict
    )
    command: Annotated[tuple[Word, ...], Field(max_length=32)] = ()
    certified: Annotated[tuple[Account, ...], Field(max_length=100_000)] = ()
    """With `command` over ssh: every account that the hub may act as, whatever the command answers."""


class SchedulerFacts(_Part):
    """The batch system (GLUE 2.1: ComputingManager). All below `sees_all_jobs` belongs to the process scheduler."""

    kind: Literal["process", "slurm"]
    sees_all_jobs: bool = True
    """Whether the service account sees everybody's jobs (Slurm: no PrivateData=jobs)."""
    spool: Path | None = None
    cores: Cores | None = None
    """Admitted, not enforced: the machine may have more or fewer."""
    memory_gib: Gib | None = None
    """Admitted, and watched: a job that takes more than it asked for is ended."""
    accelerators: dict[Name, Annotated[int, Field(ge=1, le=1024)]] = Field(default_factory=dict)


class Share(_Part):
    """One queue 队列 (GLUE 2.1: ComputingShare)."""

    id: Name
    names: Names
    queue: Annotated[str, Field(pattern=_QUEUE)]
    """The scheduler's own name of it (GLUE 2.1: MappingQueue)."""
    max_hours: Hours
    """GLUE 2.1: MaxWallTime, there in seconds."""
    cores: Cores
    """The most that a single node gives (GLUE 2.1: MaxSlotsPerJob on one ExecutionEnvironment)."""
    memory_per_core_gib: Gib
    """What comes with each core, as schedulers account for it."""
    accelerators: dict[Name, Annotated[int, Field(ge=1, le=64)]] = Field(default_factory=dict)
    """Type → the most that a single node gives (GLUE 2.1: AcceleratorEnvironment)."""
    demands: tuple[
        tuple[Annotated[str, Field(pattern=_OPTION)], Annotated[str, Field(pattern=_VALUE)]], ...
    ] = ()
    """What the queue demands of every job: options of the submit command without their dashes, each with its value."""
    overlaps: tuple[Name, ...] = ()
    """Other shares over the same nodes: their cores are counted once."""
    memory_charges_cores: bool = False
    """Whether memory beyond what comes with its cores costs a job further cores (Slurm: MaxMemPerCPU)."""
    cost: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] = 1.0
    """Core-hours charged for one core and hour."""

    @property
    def memory_mib(self) -> int:
        """The most memory that one node gives."""
        return round(self.cores * self.memory_per_core_gib * 1024)


class Environment(_Part):
    """The user environment there (GLUE 2.1: ApplicationEnvironment).

    Its operators make it and name its `python`, or they name a `prefix` and `sampan env build` makes it there.
    """

    python: Path = ""
    """Its interpreter; given unless `prefix` is."""
    prefix: Path | None = None
    """A folder that belongs to the service account, is readable by everybody and shared by the nodes."""
    base: Path = "/usr/bin/python3"
    """With `prefix`: the centre's own Python, 3.11 or newer, that the environment is made from."""
    modules: tuple[Annotated[str, Field(pattern=_MODULE)], ...] = ()
    """To load before it, in this order."""
    setup_file: Path | None = None
    """A file of shell lines, at the centre and its operators' own, for what else it takes."""
    software: tuple[Annotated[str, Field(pattern=_MODULE)], ...] = ()
    """Names under which a need may ask for this environment."""


class Networks(_Part):
    nodes_reach_internet: bool = False
    """GLUE 2.1: ExecutionEnvironment.ConnectivityOut."""


class Limits(_Part):
    """How long each part of a start may take before the next centre is tried, and how much is asked of it at once."""

    queue_minutes: Annotated[int, Field(ge=1, le=60 * 24 * 30)] = 60 * 24
    boot_seconds: Annotated[int, Field(ge=5, le=3600)] = 120
    reach_seconds: Annotated[int, Field(ge=5, le=3600)] = 120
    calls: Annotated[int, Field(ge=4, le=64)] = 8
    """The most commands that the hub has under way there at once, and the most connections to launchers being made."""
    calls_waiting: Annotated[int, Field(ge=0, le=10_000)] = 400
    """The most of each that wait for a place in the hub; further ones are told at once that the centre is busy."""
    starts_per_minute: Annotated[int, Field(ge=1, le=60_000)] = 600
    """How many jobs the hub submits there in a minute; who is next is decided fairly between groups and people."""
    starts_at_once: Annotated[int, Field(ge=1, le=1000)] = 60
    """How many of these may come at once after a quiet time."""
    hedged: bool = True
    """Whether a start may wait here and at another centre at once, where the hub does that; the loser gives its place back."""


class Descriptor(_Part):
    """One centre 超算中心 (GLUE 2.1: ComputingService)."""

    schema_id: Annotated[Literal["sampan/centre/1"], Field(alias="schema")]
    id: Name
    names: Names
    summary: Names | None = None
    place: Place
    time_zone: Annotated[str, AfterValidator(_zone)]
    """Of the IANA database."""
    contacts: Annotated[tuple[Contact, ...], Field(min_length=1)]
    state: Literal["open", "draining"] = "open"
    """GLUE 2.1: ServingState (production, draining)."""
    simulated: bool = False
    """Whether this is a part of one machine that plays a centre. Its names say so too, for wherever only they are shown."""
    endpoint: Endpoint
    accounts: Accounts
    scheduler: SchedulerFacts
    shares: Annotated[tuple[Share, ...], Field(min_length=1, max_length=200)]
    environment: Environment
    home: Template
    """A person's home, with {account} or {user} (a safe form of the hub user's name) in it."""
    scratch: Path
    roots: Annotated[dict[Name, Path], Field(max_length=50)] = Field(default_factory=dict)
    """Folders that the nodes see and the catalogue's data lies in, by name: `{name}/…` in an entry is below that folder here."""
    networks: Networks = Networks()
    limits: Limits = Limits()
    quirks: tuple[Word, ...] = ()
    """What else is odd there, in words for operators."""


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of a descriptor. What must hold between values is not in it."""
    schema = Descriptor.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}


if __name__ == "__main__":
    # python -m sampan_hub.descriptor > docs/reference/centre.schema.json
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
