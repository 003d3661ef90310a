"""The catalogue's real entries at a real centre: each is opened there, and five that are broken on purpose are named."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import update

from sampan.entries import Status
from sampan_hub.catalogue.command import demo
from sampan_hub.catalogue.findings import Findings
from sampan_hub.catalogue.harvest import Harvest
from sampan_hub.catalogue.harvester import Harvested, harvest
from sampan_hub.catalogue.product import Product
from sampan_hub.catalogue.shelf import Shelf
from sampan_hub.catalogue.verifier import Verifier
from sampan_hub.centre import Centre, make_centre
from sampan_hub.database import Database
from sampan_hub.tables import entries
from tests.federation.federation import Federation
from tests.federation.joined import Joined, join
from tests.sampan_hub.catalogue.products import product

pytestmark = pytest.mark.federation

CSV = "a,b\n1,2\n"
SOUND = f"sha256:{hashlib.sha256(CSV.encode()).hexdigest()}"
FOLDER = f"/scratch/catalogue-{secrets.token_hex(4)}"


@pytest.fixture(scope="module")
def joined(federation: Federation) -> Iterator[Joined]:
    with join(federation) as made:
        yield made


@pytest.fixture
async def west(joined: Joined) -> AsyncIterator[Centre]:
    """With a folder of data, and the folder of its modules."""
    roots = {"data": FOLDER, "modules": "/etc/lmod/modules"}
    made = make_centre(joined.descriptor("west").model_copy(update={"roots": roots}), signer=joined.signer)
    yield made
    await made.close()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'broker.sqlite'}")
    yield opened
    await opened.close()


def broken(name: str, **copy: Any) -> Product:
    place = {"centre": "west", "href": f"{{data}}/{name}.csv", "format": "CSV", "opener": "csv"}
    return product(name, replicas=[{**place, "bytes": len(CSV), "checksum": SOUND, **copy}])


async def say(database: Database, name: str, **changes: Any) -> None:
    """What no product may say, written past everything that reads products."""

    async def work(connection: Any) -> None:
        mine = entries.c.name == name
        document = (await connection.execute(entries.select().where(mine))).mappings().one()["document"]
        await connection.execute(update(entries).where(mine).values(document={**document, **changes}))

    await database.write(work)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_every_real_entry_opens_and_five_that_are_broken_are_named(
    joined: Joined, west: Centre, database: Database, tmp_path: Path
) -> None:
    """Some ninety things are opened and drawn one after another; under load that is more than a minute."""
    for name in ("good", "changed", "members", "engine", "licence"):
        text = CSV.replace("2", "3") if name == "changed" else CSV
        operators = joined.federation.centre("west")
        operators.run(
            ["install", "-D", "-m", "644", "/dev/stdin", f"{FOLDER}/{name}.csv"], stdin=text.encode()
        )
    shelf = Shelf(database, tmp_path / "catalogue")
    real = list(demo(True))
    few = [broken(name) for name in ("good", "changed", "gone", "engine", "licence")]
    few.append(broken("members", group="nosuchgroup"))
    await shelf.put([*real, *few], "root")
    refs = [(one.provider, one.name, one.version) for one in (*real, *few)]
    await shelf.move(refs, Status.PUBLISHED, "root")
    await say(database, "licence", licence="")
    await say(database, "engine", replicas=[{**few[3].to_json()["replicas"][0], "opener": "os.system"}])
    verifier = Verifier(Findings(database, shelf), SimpleNamespace(centres={"west": west}), 0.0)  # type: ignore[arg-type]
    await verifier.round(100.0, lambda: 100.0)
    stand = {ref: await shelf.entry(*ref) for ref in refs}
    bad = {ref[1]: kept.reason.code for ref, kept in stand.items() if kept.reason is not None}
    assert bad == {
        "changed": "check.checksum",
        "gone": "check.gone",
        "members": "check.group_unknown",
        "engine": "check.opener",
        "licence": "check.licence",
    }
    assert len(real) >= 60
    for ref, kept in stand.items():
        assert (kept.status is Status.QUARANTINED, kept.verified_at) == (
            (True, None) if ref[1] in bad else (False, 100.0)
        ), ref
        if kept.kind == "dataset" and ref[1] not in bad:
            assert kept.found is not None
            assert sum(kept.found["dims"].values()) > 0, ref


async def test_modules_and_a_folder_of_a_real_centre_are_harvested(
    joined: Joined, west: Centre, database: Database, tmp_path: Path
) -> None:
    operators = joined.federation.centre("west")
    operators.run(["install", "-D", "-m", "644", "/dev/stdin", f"{FOLDER}/here/a.csv"], stdin=CSV.encode())
    shelf = Shelf(database, tmp_path / "catalogue")
    verifier = Verifier(Findings(database, shelf), SimpleNamespace(centres={"west": west}), 0.0)  # type: ignore[arg-type]

    async def reaped(form: str, href: str, provider: str) -> Harvested:
        names = west.descriptor.names.model_dump()
        what = Harvest(provider, "west", form, href, "CC0-1.0", "general", names)
        return await harvest(shelf, verifier, west, what, "root", 100.0)

    assert "west-modules/notebooks@2026" in (await reaped("lmod", "{modules}", "west-modules")).new
    kept = await shelf.entry("west-modules", "notebooks", "2026")
    assert kept.document["builds"][0]["name"] == "notebooks/2026"
    assert (await reaped("folder", "{data}/here", "west-data")).new == ("west-data/a@1",)
    operators.run(["rm", f"{FOLDER}/here/a.csv"])
    assert (await reaped("folder", "{data}/here", "west-data")).vanished == ("west-data/a@1",)
