"""`sampan catalogue verify|harvest`: what is in the catalogue, and what could be, looked at where it lies."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from typing import Any, Final

from sampan.calls import Call, Json
from sampan.client import Broker
from sampan.errors import Invalid, Missing
from sampan.messages import Message
from sampan.tables import clean
from sampan.whereabouts import spoken_language

__all__ = ["REF", "harvest", "verify"]

LOOKING: Final = 900.0
"""Seconds for an answer, which comes when the last centre has looked."""
REF: Final = re.compile(r"([a-z][a-z0-9-]*)/([a-z][a-z0-9-]*)@([A-Za-z0-9][A-Za-z0-9._+-]*)")


def verify(refs: Sequence[str]) -> int:
    """Looks at each of these now and prints what is wrong; without any begins with everything. 1 where one is not sound."""
    bad = False
    with Broker.from_environment(deadline=LOOKING) as broker:
        if not refs:
            broker.ask(_asked("checks"))
        for ref in refs:
            named = REF.fullmatch(ref)
            if named is None:
                raise Missing("entry.unknown", entry=ref[:100])
            told = broker.ask(_asked(f"entries/{named[1]}/{named[2]}/{named[3]}/checks"))
            _print(f"{ref}  {told['status']}")
            for one in told["checks"]:
                _print(
                    f"  {'+' if one['sound'] else '-'} {one['centre']}  {one['what']}  {_said(one['reason'])}"
                )
            bad |= told["verified_at"] is None
    return 1 if bad else 0


def harvest(args: argparse.Namespace) -> int:
    """What that centre has there becomes entries; prints what became of each that is not as it was."""
    if len(args.files) != 3 or not args.provider or not args.licence:
        raise Invalid("harvest.arguments")
    where = dict(zip(("centre", "form", "href"), args.files, strict=True))
    where |= {"provider": args.provider, "licence": args.licence, "subject": args.subject}
    with Broker.from_environment(deadline=LOOKING) as broker:
        told = broker.ask(_asked("harvests", where))
    for mark, refs in (("+", told["new"]), ("~", told["changed"]), ("-", told["vanished"])):
        for ref in refs:
            _print(f"{mark} {ref}")
    for one in told["skipped"]:
        _print(f"! {one['what']}  {_said(one['why'])}")
    _print(f"= {told['same']}")
    return 0


def _asked(path: str, what: Json | None = None) -> Call[Json]:
    """What only an administrator or a provider asks; the first of them has no answer but that it has begun."""
    return Call("POST", f"/api/catalogue/{path}", lambda told: {} if told is None else dict(told), json=what)


def _said(message: dict[str, Any] | None) -> str:
    return "" if message is None else Message.from_json(message).say(spoken_language(os.environ))


def _print(line: str) -> None:
    print(clean(line).rstrip())
