"""Admission at one centre: whose submission is next, and when. Nobody is refused; everybody has a place.

A token bucket (https://en.wikipedia.org/wiki/Token_bucket) keeps a crowd from flooding a scheduler; who takes the next token
is decided fairly: between groups first, between the people of a group next, and for one person in the order they asked. A
class of sixty that starts in one minute is one group; whoever comes alone is a group of their own, and passes it by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["Admission", "Ticket", "Turn"]

_GONE: Final = 60.0
"""Seconds after which a ticket that nobody asks about any more has no place."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who wants to be admitted: `key` names the submission, `since` is when it was asked for (seconds, any clock)."""

    key: str
    owner: str
    group: str
    since: float


@dataclass(frozen=True, slots=True)
class Turn:
    """Not yet: the place among those who wait, from 1, and in how many seconds that one is admitted if nobody leaves."""

    place: int
    seconds: float


class Admission:
    """The bucket and the line before it. Times are seconds by a clock that nobody sets."""

    def __init__(self, per_minute: int, at_once: int) -> None:
        """`per_minute`: tokens that come in a minute; `at_once`: the most that are ever saved up."""
        self._rate, self._most = per_minute / 60, float(at_once)
        self._tokens, self._counted_at = float(at_once), 0.0
        self._tickets: dict[str, Ticket] = {}
        self._asked: dict[str, float] = {}
        self._served: Counter[tuple[str, ...]] = Counter()
        """(group,) and (group, owner) → the round in which it is served next."""
        self._line: list[str] | None = None

    def __len__(self) -> int:
        """How many wait."""
        return len(self._tickets)

    def ask(self, ticket: Ticket, now: float) -> Turn | None:
        """None: admitted, and a token is spent. Else its place; whoever keeps it asks again within a minute."""
        self._fill(now)
        if ticket.key not in self._tickets:
            self._come(ticket)
        self._asked[ticket.key] = now
        for key in [key for key, asked in self._asked.items() if now - asked > _GONE]:
            self.leave(key)
        at = self._in_line().index(ticket.key)
        if at < int(self._tokens):
            self._tokens -= 1
            self._served[ticket.group,] += 1
            self._served[ticket.group, ticket.owner] += 1
            self.leave(ticket.key)
            return None
        return Turn(at + 1, (at + 1 - self._tokens) / self._rate)

    def leave(self, key: str) -> None:
        """Gives a place up; whoever has none gives up nothing."""
        self._asked.pop(key, None)
        if self._tickets.pop(key, None) is not None:
            self._line = None
        if not self._tickets:
            self._served.clear()

    def _come(self, ticket: Ticket) -> None:
        """A new group begins in the round that the others are in, and so does a new person of a group: not in the first."""
        groups = {one.group for one in self._tickets.values()}
        people = {one.owner for one in self._tickets.values() if one.group == ticket.group}
        if ticket.group not in groups:
            now = min((self._served[group,] for group in groups), default=0)
            self._served[ticket.group,] = max(self._served[ticket.group,], now)
        if ticket.owner not in people:
            now = min((self._served[ticket.group, owner] for owner in people), default=0)
            self._served[ticket.group, ticket.owner] = max(self._served[ticket.group, ticket.owner], now)
        self._tickets[ticket.key], self._line = ticket, None

    def _fill(self, now: float) -> None:
        if self._counted_at:
            self._tokens = min(self._most, self._tokens + max(0.0, now - self._counted_at) * self._rate)
        self._counted_at = now

    def _in_line(self) -> list[str]:
        """All who wait, the next one first. Each round takes one of each group, and of a group one of each person."""
        if self._line is None:
            groups: dict[str, dict[str, list[Ticket]]] = {}
            for ticket in sorted(self._tickets.values(), key=lambda one: (one.since, one.key)):
                groups.setdefault(ticket.group, {}).setdefault(ticket.owner, []).append(ticket)
            within = [
                (
                    self._served[group,],
                    _rounds((self._served[group, owner], mine) for owner, mine in people.items()),
                )
                for group, people in groups.items()
            ]
            self._line = [ticket.key for ticket in _rounds(within)]
        return self._line


def _rounds(lines: Iterable[tuple[int, list[Ticket]]]) -> list[Ticket]:
    """Several lines as one: of each, given with the round of its first, one ticket a round; who came first, first."""
    numbered = (
        ((first + at, ticket.since, ticket.key), ticket)
        for first, line in lines
        for at, ticket in enumerate(line)
    )
    return [ticket for _, ticket in sorted(numbered, key=lambda one: one[0])]
