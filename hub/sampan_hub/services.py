"""What the steps of a launch may use: the broker's parts, put together once at its start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from sampan.errors import Missing
from sampan.messages import Message, text
from sampan_hub.catalogue.findings import Findings
from sampan_hub.catalogue.members import Members
from sampan_hub.catalogue.shelf import Shelf
from sampan_hub.catalogue.verifier import Verifier
from sampan_hub.centre import Centre
from sampan_hub.chronicle import Chronicle
from sampan_hub.directory import CentreDirectory
from sampan_hub.doors import Doors
from sampan_hub.doubts import Outcome
from sampan_hub.entitlements import Entitlements
from sampan_hub.hints import Hints
from sampan_hub.idleness import Idleness
from sampan_hub.in_flight import InFlight
from sampan_hub.keys import MasterKey
from sampan_hub.link import Link
from sampan_hub.records import Attempt, Launch
from sampan_hub.rosters import Rosters
from sampan_hub.settings import PREFIX, Settings
from sampan_hub.stalls import Stalls
from sampan_hub.store import Store
from sampan_hub.strays import Strays
from sampan_hub.waits import History
from sampan_hub.watch import Watch

__all__ = ["Services"]

_SERVES: Final = frozenset({"launch.ready", "launch.ready_again", "launch.server_back", "launch.moving"})
"""What is said of a launch whose door should lead somewhere."""
RELINKED: Final = 5.0
"""Seconds within which a link that was lost is usually there again."""


async def _nobody(_: Launch) -> None:
    """Until somebody is there to take launches up."""


@dataclass
class Services:
    """The broker's parts. Only `store` outlives the process; the rest is made again from it and from the centres."""

    settings: Settings
    store: Store
    directory: CentreDirectory
    doors: Doors
    master: MasterKey
    wake: Callable[[str], None]
    """Has a launch looked at now."""
    watches: dict[str, Watch] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    """The link of each launch whose job is reached."""
    lost_links: dict[str, float] = field(default_factory=dict)
    """Since when each launch that is reached has had no link."""
    fallen: set[str] = field(default_factory=set)
    """Launches whose server was killed, and is started again in its job."""
    listening: set[asyncio.Task[None]] = field(default_factory=set)
    """Who listens to the links: held, so that no task is lost."""
    identities: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """The environment each launch is to get when its job is reached: in memory only, told again by the hub when lost."""
    said: dict[str, tuple[Message, int]] = field(default_factory=dict)
    """What each live launch's door says while it leads nowhere: a sentence and the progress in percent."""
    ends_heard: dict[str, asyncio.Event] = field(default_factory=dict)
    """Set when the hub has been told that this launch has ended."""
    in_flight: InFlight = field(default_factory=InFlight)
    history: History = field(default_factory=History)
    """How long jobs waited lately; read from the store by the sweep, and added to whenever a wait is over."""
    outcomes: tuple[Outcome, ...] = ()
    """How starts went lately, the newest first; read from the store like the history of waits."""
    hedge_after: float = 0.0
    """From when on a second centre may be asked again for somebody who waits."""
    hints: Hints = field(default_factory=Hints)
    entitlements: Entitlements = field(default_factory=Entitlements)
    without_account: dict[tuple[str, str], Message] = field(default_factory=dict)
    """(centre, owner) → why this person has no account there; forgotten at each sweep and when the descriptor changes."""
    admitted: dict[str, float] = field(default_factory=dict)
    """Tag → when its turn came, 0 where it did not have to wait: it is not waited for twice."""
    turns_told: dict[str, float] = field(default_factory=dict)
    """Tag → when its place at a centre's door was last told, by a clock that nobody sets."""
    cancels: dict[str, float] = field(default_factory=dict)
    """Tag → when the job's scheduler was last asked to end it."""
    rosters: Rosters = field(default_factory=Rosters)
    """Whether each cluster's object listens, what it said and is asked for."""
    strays: Strays = field(default_factory=Strays)
    """Jobs of ours that the sweeps have found and no row knows."""
    lab_files: str = ""
    """The name of JupyterLab's files that this machine serves; nothing where it has none."""
    take_up: Callable[[Launch], Awaitable[None]] = _nobody
    """Opens a launch's door and moves it from now on; twice is once."""
    stalls: Stalls = field(default_factory=Stalls)
    """How long the event loop of this process was ever kept from going on."""
    started_at: float = field(default_factory=time.time)
    """When this process began to ask: what a centre did not answer before is nobody's fault."""

    def __post_init__(self) -> None:
        self.chronicle = Chronicle(self.settings.state / "chronicle.json")
        """How each centre has stood lately."""
        self.idleness = Idleness(self.settings.idle_after)
        self.shelf = Shelf(self.store.database, self.settings.state / "catalogue")
        """The catalogue."""
        self.members = Members(self.store.database)
        """Its providers."""
        findings = Findings(self.store.database, self.shelf)
        self.verifier = Verifier(findings, self.directory, self.settings.verify_every)

    def centre(self, name: str) -> Centre:
        """The centre of that id; `Missing` where its descriptor has gone or is broken."""
        try:
            return self.directory.centres[name]
        except KeyError:
            raise Missing("centre.unknown", centre=name) from None

    def watch(self, name: str) -> Watch:
        self.centre(name)
        return self.watches[name]

    def end_heard(self, launch: str) -> asyncio.Event:
        return self.ends_heard.setdefault(launch, asyncio.Event())

    def cut_off(self, launch: str) -> bool:
        """Whether nobody gets through to this launch's job, for longer than it takes to make a link again."""
        return self.now() - self.lost_links.get(launch, self.now()) > RELINKED

    def forget_missing_accounts(self, centre: str) -> None:
        """Asks again for everybody who has none there."""
        for key in [key for key in self.without_account if key[0] == centre]:
            del self.without_account[key]

    def attempt_dir(self, launch: Launch, attempt: Attempt) -> str:
        """Where the attempt's report and log lie, at its centre."""
        home = self.centre(attempt.centre).home(launch.owner, attempt.account)
        return f"{home}/.sampan/attempts/{attempt.tag}"

    def names(self, centre: str) -> dict[str, str]:
        """The centre's names; its id in both languages where its descriptor has gone."""
        known = self.directory.centres.get(centre)
        return {"en": centre, "zh": centre} if known is None else known.descriptor.names.model_dump()

    def say(self, centre: str) -> Message:
        """The centre's name, for the parameters of a message."""
        return text(self.names(centre))

    def explain(self, launch: str) -> tuple[Message, int]:
        """What a door says; see `said`. A session that is ready and asked for here has just lost its link."""
        message, progress = self.said.get(launch, (Message("door.waiting"), 0))
        return (Message("link.cut") if message.code in _SERVES else message), progress

    @property
    def hub_address(self) -> tuple[str, int]:
        """Where the hub's API listens on this machine; launchers get it as a unix socket."""
        return _address(self.settings.hub_api)

    @property
    def address(self) -> str:
        """Where people and their programs reach the broker: as it was set up, whatever a request says."""
        return f"{self.settings.public_url}{PREFIX}"

    @property
    def broker_address(self) -> tuple[str, int]:
        return "127.0.0.1", self.settings.port

    @staticmethod
    def now() -> float:
        """Seconds since the epoch, by this machine's clock."""
        return time.time()


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or (443 if parts.scheme == "https" else 80)
