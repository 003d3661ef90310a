"""What must hold between the values of a descriptor, each of them sound by itself."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Final, TypeAlias

from sampan.messages import Message, Value
from sampan_hub.descriptor import Accounts, Descriptor, SchedulerFacts, Share

__all__ = ["disagreements"]

Disagreement: TypeAlias = tuple[str, Message]
"""A dotted key, and what is expected there."""


def disagreements(centre: Descriptor) -> Iterator[Disagreement]:
    """Everything in it that contradicts something else, by key."""
    yield from _endpoint(centre)
    yield from _accounts(centre.accounts, centre.endpoint.transport)
    yield from _certified(centre)
    yield from _scheduler(centre.scheduler)
    yield from _shares(centre)
    yield from _environment(centre)
    yield from _home(centre)


def _say(code: str, **params: Value) -> Message:
    return Message(f"descriptor.{code}", params)


def _endpoint(centre: Descriptor) -> Iterator[Disagreement]:
    endpoint = centre.endpoint
    of_ssh = {name: getattr(endpoint, name) for name in ("host", "port", "host_keys", "source_addresses")}
    if endpoint.transport == "local":
        for name in (name for name, value in of_ssh.items() if value):
            yield f"endpoint.{name}", _say("only_with", key="transport: ssh")
        return
    for name, value in {**of_ssh, "port": 22, "service_account": endpoint.service_account}.items():
        if not value:
            yield f"endpoint.{name}", _say("needed_with", key="transport: ssh")
    for number, key in enumerate(endpoint.host_keys):
        if not _is_host_key(key):
            yield f"endpoint.host_keys.{number}", _say("host_key")


def _is_host_key(text: str) -> bool:
    """Whether the base64 part is whole and says of itself what stands before it (RFC 4253, 6.6)."""
    kind, _, data = text.partition(" ")
    try:
        blob = base64.b64decode(data, validate=True)
        (length,) = struct.unpack_from(">I", blob)
    except (ValueError, struct.error):
        return False
    return blob[4 : 4 + length] == kind.encode() and len(blob) > 4 + length


def _accounts(accounts: Accounts, transport: str) -> Iterator[Disagreement]:
    given = {"shared": accounts.account, "table": accounts.table, "command": accounts.command}
    keys = {"shared": "account", "table": "table", "command": "command"}
    for method, value in given.items():
        if value and method != accounts.method:
            yield f"accounts.{keys[method]}", _say("only_with", key=f"method: {method}")
    if accounts.method == "shared":
        if transport != "local":
            yield "accounts.method", _say("shared")
    elif not given[accounts.method]:
        yield f"accounts.{accounts.method}", _say("needed_with", key=f"method: {accounts.method}")
    if accounts.command and not accounts.command[0].startswith("/"):
        yield "accounts.command.0", _say("path")
    owners: dict[str, str] = {}
    for person, account in accounts.table.items():
        if account in owners:
            yield f"accounts.table.{person}", _say("twice", value=account, other=owners[account])
        owners.setdefault(account, person)


def _certified(centre: Descriptor) -> Iterator[Disagreement]:
    """Over ssh there is a list of all accounts that the hub may act as, and whoever asks for everybody is not on it."""
    accounts, endpoint = centre.accounts, centre.endpoint
    listed = endpoint.transport == "ssh" and accounts.method == "command"
    if listed and not accounts.certified:
        yield "accounts.certified", _say("needed_with", key="method: command, transport: ssh")
    if accounts.certified and not listed:
        yield "accounts.certified", _say("only_with", key="method: command, transport: ssh")
    owners = {endpoint.service_account: "endpoint.service_account"} if endpoint.transport == "ssh" else {}
    for person, account in accounts.table.items():
        if account in owners:
            yield f"accounts.table.{person}", _say("twice", value=account, other=owners[account])
    for number, account in enumerate(accounts.certified):
        key = f"accounts.certified.{number}"
        if account in owners:
            yield key, _say("twice", value=account, other=owners[account])
        owners.setdefault(account, key)


def _scheduler(scheduler: SchedulerFacts) -> Iterator[Disagreement]:
    needed = {name: getattr(scheduler, name) for name in ("spool", "cores", "memory_gib")}
    for name, value in needed.items():
        if scheduler.kind == "process" and not value:
            yield f"scheduler.{name}", _say("needed_with", key="kind: process")
    for name, value in {**needed, "accelerators": scheduler.accelerators}.items():
        if scheduler.kind != "process" and value:
            yield f"scheduler.{name}", _say("only_with", key="kind: process")


def _shares(centre: Descriptor) -> Iterator[Disagreement]:
    known: dict[str, int] = {}
    for number, share in enumerate(centre.shares):
        if share.id in known:
            yield f"shares.{number}.id", _say("twice", value=share.id, other=f"shares.{known[share.id]}")
        known.setdefault(share.id, number)
    for number, share in enumerate(centre.shares):
        for place, other in enumerate(share.overlaps):
            if other == share.id or other not in known:
                yield (
                    f"shares.{number}.overlaps.{place}",
                    _say("another_share", known=", ".join(sorted(known))),
                )
        for place, (option, _) in enumerate(share.demands):
            if option in _OURS:
                yield f"shares.{number}.demands.{place}.0", _say("own_option")
        if centre.scheduler.kind == "process":
            for key, message in _within(share, centre.scheduler):
                yield f"shares.{number}.{key}", message


_OURS: Final = frozenset(
    (
        *(
            "array",
            "begin",
            "chdir",
            "clusters",
            "cpus-per-task",
            "dependency",
            "error",
            "export",
            "export-file",
        ),
        *("get-user-env", "gid", "hold", "input", "job-name", "mem", "mem-per-cpu", "mem-per-gpu", "nodes"),
        *(
            "ntasks",
            "ntasks-per-node",
            "open-mode",
            "output",
            "parsable",
            "partition",
            "propagate",
            "requeue",
        ),
        *("test-only", "time", "time-min", "uid", "wait", "wrap"),
    )
)
"""Options that say what a job is, and how it is found again: no queue demands them."""


def _within(share: Share, machine: SchedulerFacts) -> Iterator[Disagreement]:
    """A share of the process scheduler gives no more than its one machine is declared to have."""
    if machine.cores and share.cores > machine.cores:
        yield "cores", _say("at_most", most=f"{machine.cores} (scheduler.cores)")
    if machine.memory_gib and share.cores * share.memory_per_core_gib > machine.memory_gib * 1.001:
        most = f"{machine.memory_gib / share.cores:g} (scheduler.memory_gib / cores)"
        yield "memory_per_core_gib", _say("at_most", most=most)
    for kind, count in share.accelerators.items():
        if count > machine.accelerators.get(kind, 0):
            most = f"{machine.accelerators.get(kind, 0)} (scheduler.accelerators)"
            yield f"accelerators.{kind}", _say("at_most", most=most)
    if share.demands:
        yield "demands", _say("only_with", key="kind: slurm")


def _environment(centre: Descriptor) -> Iterator[Disagreement]:
    environment = centre.environment
    if not environment.python and not environment.prefix:
        yield "environment.python", _say("missing")
    if environment.python and environment.prefix:
        yield "environment.prefix", _say("not_both", other="environment.python")
    if environment.prefix and not environment.prefix.strip("/"):
        yield "environment.prefix", _say("path")


def _home(centre: Descriptor) -> Iterator[Disagreement]:
    if centre.accounts.method == "shared" and "{user}" not in centre.home:
        yield "home", _say("home_of_shared")
    elif "{user}" not in centre.home and "{account}" not in centre.home:
        yield "home", _say("home")
