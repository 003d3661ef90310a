"""How one share stands at one measured moment, and after what was promised of it since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sampan.need import Need
from sampan_hub.capacity import NodeReading
from sampan_hub.centre_facts import ShareFacts

__all__ = ["Standing", "Taken"]

_NO_CARDS: Mapping[str, tuple[int, int]] = {}


@dataclass(frozen=True, slots=True)
class Taken:
    """What a promise takes: `need`, as its share counts it, from the shares of those queues. `waits`: nothing yet."""

    queues: frozenset[str]
    need: Need
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Cores free and in all on the share's nodes that are up, cards likewise by kind, and how many jobs wait there."""

    share: ShareFacts
    cores_free: int
    cores_total: int
    ahead: int
    cards: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Kind → (free, total)."""

    @classmethod
    def of(cls, share: ShareFacts, nodes: Iterable[NodeReading], ahead: int) -> Standing:
        """What those nodes and that queue come to."""
        up = [node for node in nodes if node.up]
        cards = {
            kind: _sums(node.accelerators.get(kind, (0, 0)) for node in up) for kind in share.accelerators
        }
        return cls(
            share,
            cores_free=sum(node.cores_free for node in up),
            cores_total=sum(node.cores for node in up),
            ahead=ahead,
            cards=cards or _NO_CARDS,
        )

    def after(self, taken: Sequence[Taken]) -> Standing:
        """This share once the promises are kept; itself where none of them is felt here."""
        mine = [one for one in taken if self.share.queue in one.queues]
        if not mine:
            return self
        placed = [one.need for one in mine if not one.waits]
        cores = sum(need.cores for need in placed)
        cards = {
            kind: (
                max(0, free - sum(need.accelerators for need in placed if need.accelerator == kind)),
                total,
            )
            for kind, (free, total) in self.cards.items()
        }
        ahead, left = self.ahead + len(mine), max(0, self.cores_free - cores)
        return replace(self, ahead=ahead, cores_free=left, cards=cards)

    def liking(self, need: Need | None = None) -> tuple[object, ...]:
        """What is liked better comes first: fewer cards burned, the cheaper, the emptier, the one for shorter sessions.

        Of two queues over the same nodes the long one is so left to those who need it. Then always the same one. Among shares
        with the same terms the need makes no difference.
        """
        share = self.share
        dear = (0, share.cost) if need is None else share.price(need)
        return *dear, -self.cores_free, share.max_minutes, share.id


def _sums(cards: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """(total, free) of each node → (free, total) of all."""
    free = total = 0
    for of_node, unused in cards:
        free, total = free + unused, total + of_node
    return free, total
