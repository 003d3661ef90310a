"""One site: a descriptor, one transport, one scheduler; and the bulkhead around all that is asked of it."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

import asyncssh

from sampan.errors import Invalid, Missing, Unavailable
from sampan.messages import Message, text
from sampan.need import Need
from sampan_hub.accounts import Accounts, shared_account, slug
from sampan_hub.admission import Admission
from sampan_hub.asks import Ask
from sampan_hub.bulkhead import Bulkhead
from sampan_hub.centre_facts import CentreFacts
from sampan_hub.demands import without_cards
from sampan_hub.descriptor import Descriptor, Share
from sampan_hub.environments import with_interpreter
from sampan_hub.jobs import JobSpec
from sampan_hub.schedulers import Scheduler
from sampan_hub.schedulers.process import ProcessScheduler
from sampan_hub.schedulers.slurm import SlurmScheduler
from sampan_hub.transports import Transport
from sampan_hub.transports.local import LocalTransport
from sampan_hub.transports.ssh import SshTransport
from sampan_hub.vetting import Vetting

__all__ = ["Centre", "make_centre"]

log = logging.getLogger(__name__)

T = TypeVar("T")

_LONG: Final = 256 << 10
"""Characters of an answer that is read beside the event loop."""
BLIND: Final = 3600.0
"""Seconds for which a service account that did not see a person's job is not asked about jobs again."""


class Centre:
    """Everything that is asked of a centre goes through :meth:`ask`, every connection to a launcher through :meth:`reach`."""

    def __init__(self, descriptor: Descriptor, transport: Transport, scheduler: Scheduler) -> None:
        self.descriptor = descriptor
        self.transport = transport
        self.scheduler = scheduler
        self.asked: Counter[str] = Counter()
        """How often each verb was asked."""
        self.facts = CentreFacts.of(descriptor)
        self.vetting = Vetting(self)
        """Whether its environment suits this hub."""
        self._accounts = Accounts(self)
        self.bulkhead = Bulkhead(text(descriptor.names.model_dump()), descriptor.limits)
        self.admission = Admission(descriptor.limits.starts_per_minute, descriptor.limits.starts_at_once)
        """Whose submission is next."""
        self._blind_until = -math.inf

    @property
    def id(self) -> str:
        return self.descriptor.id

    async def ask(self, ask: Ask[T], *, account: str | None = None, deadline: float = 10.0) -> T:
        """Runs one row of the command table there and reads its answer, as a person or (None) as the service account.

        `deadline` covers the wait for a place too. Raises what the transport and the parser raise, and what
        `Bulkhead.command` does.
        """
        async with self.bulkhead.command(deadline, person=account is not None) as left:
            self.asked[ask.verb] += 1
            done = await self.transport.run(
                ask.argv, ask.stdin, account=account, deadline=left, most=ask.most
            )
        try:
            if len(done.stdout) > _LONG:
                # What takes a noticeable part of a second to read keeps nobody else waiting for it.
                return await asyncio.to_thread(ask.parse, done)
            return ask.parse(done)
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            # A parser that did not expect this: what a centre says is never an error of ours.
            cause = f"{ask.verb}: {error!r}: {done.stdout[:300]!r}"
            raise Unavailable(
                "centre.no_answer", cause=cause, centre=text(self.descriptor.names.model_dump())
            ) from error

    async def reach(
        self, host: str, port: int, options: asyncssh.SSHClientConnectionOptions, *, deadline: float = 10.0
    ) -> asyncssh.SSHClientConnection:
        """See `Transport.reach`; raises what `Bulkhead.stream` does, too."""
        async with self.bulkhead.stream(host, deadline) as left:
            return await self.transport.reach(host, port, options, deadline=left)

    def share(self, name: str) -> Share:
        for share in self.descriptor.shares:
            if share.id == name:
                return share
        raise Missing("centre.share", centre=text(self.descriptor.names.model_dump()), share=name)

    def takes(self, share: str, need: Need) -> Need:
        """The need as that share counts it: with the cards that it demands and the cores that it charges."""
        facts = self.facts.share(share)
        if facts is None:
            raise Missing("centre.share", centre=text(self.descriptor.names.model_dump()), share=share)
        return facts.terms.effective(need)

    def job(
        self, share: str, need: Need, *, tag: str, script: str, log: str, array: tuple[int, ...] = ()
    ) -> JobSpec:
        """The job that a need becomes in that share: what placement counted there is what is submitted."""
        said, wants = self.share(share), self.takes(share, need)
        return JobSpec(
            tag=tag,
            queue=said.queue,
            cores=wants.cores,
            memory_mib=wants.memory_mib,
            minutes=wants.minutes,
            script=script,
            log=log,
            accelerator=wants.accelerator,
            accelerators=wants.accelerators,
            directives=without_cards(said.demands, wants.accelerator or "", said.accelerators),
            array=array,
        )

    async def account(self, user: str) -> str:
        """The account of a hub user here. Raises `Forbidden` where there is none."""
        return await self._accounts.of(user)

    def asker(self, account: str) -> str | None:
        """As whom one asks about jobs of this account: the service account (None) where it sees everybody's."""
        sees_all = self.descriptor.scheduler.sees_all_jobs and time.monotonic() >= self._blind_until
        return None if sees_all else account

    def blind(self) -> None:
        """The service account does not see everybody's jobs, whatever the descriptor says: for a while each person asks."""
        log.error("%s: the service account does not see everybody's jobs (sees_all_jobs is wrong)", self.id)
        self._blind_until = time.monotonic() + BLIND

    def home(self, user: str, account: str) -> str:
        """A person's home here."""
        return self.descriptor.home.replace("{user}", slug(user)).replace("{account}", account)

    def launcher_host(self, node: str) -> str:
        """Where a launcher on `node` is reached: the process scheduler runs jobs where its commands run."""
        return "127.0.0.1" if self.descriptor.scheduler.kind == "process" else node

    async def close(self) -> None:
        await self.transport.close()


def make_centre(descriptor: Descriptor, file: str = "", *, signer: Path | None = None) -> Centre:
    """The centre of a descriptor, by the tables of transports and schedulers.

    `signer`: the socket of who signs certificates for ssh.
    Raises `Invalid` where everybody's jobs would run as the system's account that the broker itself runs as: the file alone
    does not tell.
    """
    if descriptor.accounts.method == "shared":
        account, may_run = shared_account(descriptor.accounts)
        if not may_run:
            expected = Message("descriptor.shared_account", {"account": account})
            key = "accounts.account"
            raise Invalid("centre.descriptor", file=file or descriptor.id, key=key, expected=expected)
    descriptor = with_interpreter(descriptor)
    transport = TRANSPORTS[descriptor.endpoint.transport](descriptor, signer)
    return Centre(descriptor, transport, SCHEDULERS[descriptor.scheduler.kind](descriptor))


TRANSPORTS: Final[Mapping[str, Callable[[Descriptor, Path | None], Transport]]] = {
    "local": lambda descriptor, _: LocalTransport(
        descriptor.names.model_dump(), descriptor.endpoint.service_account or descriptor.accounts.account
    ),
    "ssh": SshTransport,
}
SCHEDULERS: Final[Mapping[str, Callable[[Descriptor], Scheduler]]] = {
    "process": ProcessScheduler.of,
    "slurm": SlurmScheduler.of,
}
