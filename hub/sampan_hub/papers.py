"""A job's papers: what a broker that has forgotten a launch needs to know it again. They travel in the job's own script.

Sealed with the hub's secret: a person may read their own, and nobody can write any. Nothing in them is secret.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from sampan.need import Need
from sampan.stages import Kind
from sampan_hub.keys import MasterKey

__all__ = ["SHAPE", "Papers"]

SHAPE: Final = re.compile(r"[A-Za-z0-9_=-]{1,24576}\.[0-9a-f]{64}")
_LINE: Final = re.compile(rf"^# papers: ({SHAPE.pattern})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Papers:
    """Launch and attempt as they were when the job was submitted, at `submitted_at` by the broker's clock.

    `created_at` is the launch's, `minutes` and `rival` the attempt's. `door_port` is kept so that whoever still knows the old
    address is not led to another's.
    """

    tag: str
    owner: str
    account: str
    kind: Kind
    name: str
    need: Need
    options: Mapping[str, Any]
    prefix: str
    parent: str | None
    door_port: int | None
    centre: str
    share: str
    created_at: float
    submitted_at: float
    minutes: int | None = None
    rival: bool = False

    def seal(self, master: MasterKey) -> str:
        """One word of plain characters, see `SHAPE`."""
        told = base64.urlsafe_b64encode(
            json.dumps({**asdict(self), "need": self.need.to_json()}, sort_keys=True, default=str).encode()
        )
        return f"{told.decode()}.{master.seal(self.tag, told)}"

    @classmethod
    def of(cls, script: str, tag: str, master: MasterKey) -> Self | None:
        """The papers in a script; None unless they are ours, and those of the job called `tag`."""
        found = _LINE.search(script)
        if found is None:
            return None
        told, _, seal = found[1].partition(".")
        if not master.sealed(tag, told.encode(), seal):
            return None
        try:
            said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(told))
            said |= {"need": Need.from_json(said["need"]), "kind": Kind(said["kind"])}
            papers = cls(**said)
        except (KeyError, TypeError, ValueError, binascii.Error):
            # Of a version that said something else.
            return None
        return papers if papers.tag == tag else None

    @property
    def launch(self) -> str:
        return self.tag.split("-")[2]

    @property
    def number(self) -> int:
        return int(self.tag.split("-")[3])
