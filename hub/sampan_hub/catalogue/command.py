"""`sampan catalogue publish|demo|verify`: products into a hub's catalogue and what became of them, as whoever's token it is."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from sampan import calls
from sampan.client import Broker
from sampan.entries import Status
from sampan.errors import Invalid, Missing
from sampan_hub import plain_yaml
from sampan_hub.catalogue.demo import datasets, software
from sampan_hub.catalogue.looking_command import REF, harvest, verify
from sampan_hub.catalogue.product import Product
from sampan_hub.catalogue.shares import offers
from sampan_hub.user_lock import user_lock

__all__ = ["CatalogueCommand", "command", "read_product"]

_IN_EVERY_ENVIRONMENT: Final = "demo-iris"

_MOVES: Final = {"deprecate": Status.DEPRECATED, "withdraw": Status.WITHDRAWN}


class CatalogueCommand:
    help = "publish products in the catalogue / 在目录中发布条目"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "what",
            choices=("publish", "demo", "verify", "harvest", *_MOVES),
            help=(
                "publish the products of these files, or the demo catalogue; look at entries at their centres now; "
                "make entries of what a centre has; advise against a version, or take it back / "
                "发布文件中的条目，或演示目录；立即到各中心检查条目；收录某中心已有的内容；不再推荐某版本，或撤回某版本"
            ),
        )
        parser.add_argument(
            "files",
            nargs="*",
            metavar="FILE",
            help=(
                "product.yaml; to verify, deprecate, withdraw: provider/name@version, to verify none for all; "
                "to harvest: CENTRE FORM {root}/path, "
                "the form one of esm, folder, intake, lmod, stac / "
                "条目文件；检查、不再推荐或撤回时为条目名称，检查时省略则检查全部；收录时为 中心 类型 {root}/路径"
            ),
        )
        parser.add_argument(
            "--data",
            action="store_true",
            help="also what the extra `data` brings, where the centres' environments have it / 同时发布附加数据包中的数据",
        )

        parser.add_argument("--provider", help="of what is harvested / 收录内容的服务商")
        parser.add_argument(
            "--licence", help="SPDX, where the source names none / 来源未注明时的许可（SPDX）"
        )
        parser.add_argument("--subject", default="general", help="of what is harvested / 收录内容的主题")

    def run(self, args: argparse.Namespace) -> int:
        if args.what == "verify":
            return verify(args.files)
        if args.what == "harvest":
            return harvest(args)
        if args.what in _MOVES:
            return _move(args.files, _MOVES[args.what])
        with Broker.from_environment() as broker:
            if args.what == "demo":
                products = [*demo(args.data), *_shares(broker)]
            else:
                products = [read_product(Path(file)) for file in args.files]
            for one in products:
                kept = broker.ask(calls.put_entry(one.to_json()))
                if kept["status"] == Status.DRAFT:
                    kept = broker.ask(calls.move_entry(one.provider, one.name, one.version, Status.PUBLISHED))
                print(f"{one.provider}/{one.name}@{one.version}  {kept['status']}")
        return 0


def demo(data: bool) -> Iterable[Product]:
    """Real entries; without `data` those alone that every environment of ours has."""
    yield from software(user_lock())
    yield from (one for one in datasets() if data or one.provider == _IN_EVERY_ENVIRONMENT)


def _move(refs: Iterable[str], status: Status) -> int:
    with Broker.from_environment() as broker:
        for ref in refs:
            named = REF.fullmatch(ref)
            if named is None:
                raise Missing("entry.unknown", entry=ref[:100])
            kept = broker.ask(calls.move_entry(named[1], named[2], named[3], status))
            print(f"{ref}  {kept['status']}")
    return 0


def _shares(broker: Broker) -> Iterable[Product]:
    told = broker.ask(calls.centres())
    return offers(told)


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
