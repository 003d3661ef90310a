"""A verifier over centres of this machine, with data in their folders."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sampan.entries import Status
from sampan_hub import demo_account
from sampan_hub.catalogue.findings import Findings
from sampan_hub.catalogue.rows import Kept
from sampan_hub.catalogue.shelf import Shelf
from sampan_hub.catalogue.verifier import Verifier
from sampan_hub.centre import Centre, make_centre
from sampan_hub.database import Database
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import parse_descriptor
from tests.sampan_hub.catalogue.products import product
from tests.sampan_hub.descriptions import here

__all__ = ["CSV", "Looking"]

CSV = "a,b\n1,2\n"


class Looking:
    """`east` and `west`, each with a folder of data, asked as the account that is there for that."""

    def __init__(self, database: Database, place: Path) -> None:
        self.place = place
        self.shelf = Shelf(database, place / "catalogue")
        self.centres = {name: self._centre(name) for name in ("east", "west")}
        self.verifier = Verifier(Findings(database, self.shelf), SimpleNamespace(centres=self.centres), 0.0)  # type: ignore[arg-type]
        self.clock = 1000.0

    def _centre(self, name: str, **more: Any) -> Centre:
        text = here(name, str(self.place / name), account=demo_account.ensure(), **more)
        found = parse_descriptor(f"{text}roots: {{data: {self.place / name / 'data'}}}\n", "a.yaml")
        assert isinstance(found, Descriptor), found
        (self.place / name / "data").mkdir(parents=True, exist_ok=True)
        return make_centre(found)

    def file(self, centre: str, name: str, text: str = CSV) -> Path:
        path = self.place / centre / "data" / name
        path.write_text(text)
        path.chmod(0o644)
        return path

    def silence(self, centre: str) -> None:
        """It answers nothing any more that could be understood."""
        self.centres[centre] = self._centre(centre, python="/bin/false")

    def heal(self, centre: str) -> None:
        self.centres[centre] = self._centre(centre)

    async def put(self, name: str, *centres: str, **more: Any) -> None:
        copy = {"href": f"{{data}}/{name}.csv", "format": "CSV", "opener": "csv", **more.pop("copy", {})}
        await self.shelf.put(
            [product(name, replicas=[{**copy, "centre": one} for one in centres], **more)], "olga"
        )

    async def publish(self, name: str, *centres: str, **more: Any) -> None:
        await self.put(name, *centres, **more)
        await self.shelf.move([("ocean", name, "1.0")], Status.PUBLISHED, "olga")

    async def entry(self, name: str) -> Kept:
        return await self.shelf.entry("ocean", name, "1.0")

    async def round(self) -> None:
        """One cycle, an hour after the last."""
        self.clock += 3600
        await self.verifier.round(self.clock, lambda: self.clock)

    async def told(self, name: str) -> tuple[Status, str | None]:
        kept = await self.entry(name)
        return kept.status, None if kept.reason is None else kept.reason.code

    async def close(self) -> None:
        for centre in self.centres.values():
            await centre.close()
        shutil.rmtree(self.place / "catalogue", ignore_errors=True)
