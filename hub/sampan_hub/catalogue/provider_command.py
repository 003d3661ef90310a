"""`sampan providers`: register as a provider, decide about one, and see what is used, over HTTP, as whoever's token it is."""

from __future__ import annotations

import argparse
import datetime
import os
import re
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from sampan.calls import Call, Json
from sampan.client import Broker
from sampan.errors import Invalid, Missing
from sampan.tables import table
from sampan.whereabouts import spoken_language
from sampan_hub import plain_yaml
from sampan_hub.catalogue.members import Registration, Standing

__all__ = ["ProvidersCommand", "command"]

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
_DECIDED: Final = {
    "approve": Standing.APPROVED,
    "refuse": Standing.REFUSED,
    "suspend": Standing.SUSPENDED,
}


class ProvidersCommand:
    help = "register as a provider, decide about one, see uses / 登记服务商、审核、查看使用情况"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "what",
            choices=("list", "register", *_DECIDED, "uses"),
            help=(
                "providers; ask to be one, as a file says; an administrator's decision; what was opened how often / "
                "列出服务商；按文件登记；管理员审核；使用情况"
            ),
        )
        parser.add_argument(
            "which",
            nargs="?",
            metavar="NAME|FILE",
            help="a provider, or provider.yaml / 服务商名称或登记文件",
        )
        parser.add_argument(
            "--reason-en", help="why it is refused or suspended, in English / 拒绝或暂停的原因（英文）"
        )
        parser.add_argument("--reason-zh", help="the same in Chinese / 原因（中文）")

    def run(self, args: argparse.Namespace) -> int:
        if args.what != "list" and not args.which:
            raise Invalid("provider.which", field="NAME")
        with Broker.from_environment() as broker:
            if args.what == "uses":
                print(_uses(broker.ask(_call("GET", f"/{_named(args.which)}/uses"))))
                return 0
            if args.what == "list":
                told = broker.ask(_call("GET"))
            elif args.what == "register":
                told = broker.ask(_call("POST", json=read_registration(Path(args.which))))
            else:
                decision = {"standing": _DECIDED[args.what], "reason": _reason(args)}
                told = broker.ask(_call("PUT", f"/{_named(args.which)}/standing", json=decision))
        print(_providers(told))
        return 0


def read_registration(file: Path) -> dict[str, Any]:
    """Raises Invalid (entry.product) naming the file, the key, and what was expected."""
    try:
        told = Registration.model_validate(plain_yaml.load(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "?"
        raise Invalid("entry.product", file=str(file), key=key, expected=first["msg"]) from error
    except (OSError, ValueError) as error:
        raise Invalid("entry.product", file=str(file), key="?", expected=str(error)) from error
    return told.model_dump(mode="json")


def _call(method: str, path: str = "", json: Json | None = None) -> Call[list[Json]]:
    """A row, or rows, of providers."""
    return Call(method, f"/api/catalogue/providers{path}", _rows, json=json)


def _rows(body: Any) -> list[Json]:
    return list(body) if isinstance(body, list) else [dict(body)]


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Missing("provider.unknown", provider=name[:64])
    return name


def _reason(args: argparse.Namespace) -> dict[str, str] | None:
    if args.reason_en is None and args.reason_zh is None:
        return None
    return {"en": args.reason_en or args.reason_zh, "zh": args.reason_zh or args.reason_en}


def _providers(told: list[dict[str, Any]]) -> str:
    language = spoken_language(os.environ)
    rows = [
        (
            one["name"],
            one["sort"],
            one["standing"],
            one["title"][language],
            (one.get("reason") or {}).get(language, ""),
        )
        for one in told
    ]
    return table(("NAME", "SORT", "STANDING", "TITLE", "REASON"), rows)


def _uses(told: list[dict[str, Any]]) -> str:
    rows = [
        (
            f"{one['name']}@{one['version']}",
            one["centre"] or "",
            str(one["uses"]),
            str(one["people"]),
            datetime.datetime.fromtimestamp(one["last_at"], datetime.UTC).isoformat(timespec="minutes"),
        )
        for one in told
    ]
    return table(("ENTRY", "CENTRE", "USES", "PEOPLE", "LAST"), rows)


command: Final = ProvidersCommand()
