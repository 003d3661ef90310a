"""`sampan catalogue publish|demo|verify`: products into a hub's catalogue and what became of them, as whoever's token it is."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from sampan import calls
from sampan.client import Broker
from sampan.entries import Status
from sampan.errors import Invalid, Missing
from sampan.messages import Message
from sampan.tables import clean
from sampan.whereabouts import spoken_language
from sampan_hub import plain_yaml
from sampan_hub.catalogue.demo import datasets, software
from sampan_hub.catalogue.product import Product
from sampan_hub.user_lock import user_lock

__all__ = ["CatalogueCommand", "command", "read_product"]

_IN_EVERY_ENVIRONMENT: Final = "demo-iris"
LOOKING: Final = 600.0
"""Seconds for an answer, which comes when the last centre has looked."""
REF: Final = re.compile(r"([a-z][a-z0-9-]*)/([a-z][a-z0-9-]*)@([A-Za-z0-9][A-Za-z0-9._+-]*)")


class CatalogueCommand:
    help = "publish products in the catalogue / 在目录中发布条目"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "what",
            choices=("publish", "demo", "verify"),
            help=(
                "publish the products of these files, or the demo catalogue; look at entries at their centres now / "
                "发布文件中的条目，或演示目录；立即到各中心检查条目"
            ),
        )
        parser.add_argument(
            "files",
            nargs="*",
            metavar="FILE",
            help="product.yaml; to verify: provider/name@version, or none for all / 条目文件；检查时为条目名称，省略则检查全部",
        )
        parser.add_argument(
            "--data",
            action="store_true",
            help="also what the extra `data` brings, where the centres' environments have it / 同时发布附加数据包中的数据",
        )

    def run(self, args: argparse.Namespace) -> int:
        if args.what == "verify":
            return verify(args.files)
        products = (
            demo(args.data) if args.what == "demo" else [read_product(Path(file)) for file in args.files]
        )
        with Broker.from_environment() as broker:
            for one in products:
                kept = broker.ask(calls.put_entry(one.to_json()))
                if kept["status"] == Status.DRAFT:
                    kept = broker.ask(calls.move_entry(one.provider, one.name, one.version, Status.PUBLISHED))
                print(f"{one.provider}/{one.name}@{one.version}  {kept['status']}")
        return 0


def verify(refs: Sequence[str]) -> int:
    """Looks at each of these now and prints what is wrong; without any begins with everything. 1 where one is not sound."""
    bad = False
    with Broker.from_environment(deadline=LOOKING) as broker:
        if not refs:
            broker.ask(calls.check_everything())
        for ref in refs:
            named = REF.fullmatch(ref)
            if named is None:
                raise Missing("entry.unknown", entry=ref[:100])
            told = broker.ask(calls.check_entry(named[1], named[2], named[3]))
            print(f"{ref}  {told['status']}")
            for one in told["checks"]:
                why = (
                    Message.from_json(one["reason"]).say(spoken_language(os.environ)) if one["reason"] else ""
                )
                print(
                    clean(f"  {one['centre']}  {one['what']}  {'+' if one['sound'] else '-'}  {why}".rstrip())
                )
            bad |= told["verified_at"] is None
    return 1 if bad else 0


def demo(data: bool) -> Iterable[Product]:
    """Real entries; without `data` those alone that every environment of ours has."""
    yield from software(user_lock())
    yield from (one for one in datasets() if data or one.provider == _IN_EVERY_ENVIRONMENT)


def read_product(file: Path) -> Product:
    """Raises Invalid (entry.product) naming the file, the key, and what was expected."""
    try:
        return Product.model_validate(plain_yaml.load(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "?"
        raise Invalid("entry.product", file=str(file), key=key, expected=first["msg"]) from error
    except (OSError, ValueError) as error:
        raise Invalid("entry.product", file=str(file), key="?", expected=str(error)) from error


command: Final = CatalogueCommand()
