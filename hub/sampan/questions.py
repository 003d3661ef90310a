"""What `sampan centres`, `sampan place` and `sampan launches` ask and show."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from sampan import calls
from sampan.client import AsyncBroker, Broker
from sampan.messages import LANGUAGES, Language
from sampan.tables import clean, table
from sampan.whereabouts import spoken_language

__all__ = ["Centres", "Launches", "Place"]

Json = dict[str, Any]
# English, Chinese; in the order of sampan.messages.LANGUAGES.
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "accelerators": ("ACCELERATORS", "加速卡"),
    "as_of": ("AS OF", "更新于"),
    "centre": ("CENTRE", "超算中心"),
    "draining": ("takes no new work", "暂停接收"),
    "free": ("FREE CORES", "空闲核数"),
    "hours": ("HOURS", "最长小时"),
    "id": ("ID", "编号"),
    "kind": ("KIND", "类别"),
    "link": ("Start link options: {query}", "启动链接参数：{query}"),
    "name": ("NAME", "名称"),
    "no": ("no", "不可"),
    "none": ("Nothing of yours runs.", "目前没有您的任务。"),
    "now": ("now", "立即"),
    "ok": ("open", "开放"),
    "owner": ("OWNER", "用户"),
    "progress": ("NOW", "当前情况"),
    "queue": ("queue", "排队"),
    "seconds_ago": ("{age} s ago", "{age} 秒前"),
    "share": ("QUEUE", "队列"),
    "state": ("STATE", "状态"),
    "unknown": ("unknown", "不详"),
    "unreachable": ("unreachable", "无法连接"),
    "usual": ("USUAL WAIT", "通常等待"),
    "verdict": ("START", "启动"),
    "waiting": ("WAITING", "等待数"),
    "why": ("WHY", "原因"),
}


class Centres:
    help = "the centres and what is free there / 各超算中心及空闲资源"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        _json_flag(parser)

    def run(self, args: argparse.Namespace) -> int:
        with Broker.from_environment() as broker:
            centres = broker.centres()
        if args.json:
            _print_json(centres)
            return 0
        language = spoken_language(os.environ)
        heads = ("id", "centre", "state", "share", "free", "hours", "accelerators", "waiting", "as_of")
        rows = [row for centre in centres for row in _centre_rows(centre, language)]
        print(table([_word(head, language) for head in heads], rows))
        for centre in centres:
            if centre.get("problem"):
                print(f"{clean(centre['id'])}: {_say(centre['problem'], language)}")
        return 0


class Place:
    help = "where a need would run, and why (exit 1: nowhere) / 某项需求会在哪里运行及原因（退出码 1：无处可运行）"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        _json_flag(parser)
        # Texts as they are typed: what they may be is for the broker alone to say.
        for option, shown, told in OPTIONS:
            parser.add_argument(f"--{option}", metavar=shown, help=told)

    def run(self, args: argparse.Namespace) -> int:
        given = {option: getattr(args, option) for option, _, _ in OPTIONS}
        with Broker.from_environment() as broker:
            answer = broker.place({option: value for option, value in given.items() if value is not None})
        if args.json:
            _print_json(answer)
        else:
            self._show(answer, spoken_language(os.environ))
        return 0 if answer["ranked"] else 1

    def _show(self, answer: Json, language: Language) -> None:
        heads = [_word(head, language) for head in ("id", "centre", "share", "verdict", "usual", "why")]
        rows = [
            [
                row["centre"],
                _name(row, language),
                row.get("share") or "–",
                _word(row["verdict"], language),
                _say(row["start"]["short"], language) if row.get("start") else "–",
                " ".join(_say(reason, language) for reason in row["reasons"]),
            ]
            for row in (*answer["ranked"], *answer["refused"])
        ]
        print(table(heads, rows))
        print(_word("link", language).replace("{query}", clean(answer["query"])))


OPTIONS: Final = (
    ("plan", "NAME", "a plan: light, standard, … / 套餐"),
    ("cores", "N", "cores / 核数"),
    ("memory", "GIB", "memory in GiB / 内存（GiB）"),
    ("hours", "H", "longest duration in hours / 最长小时数"),
    ("accelerator", "TYPE", "kind of accelerator / 加速卡类型"),
    ("accelerators", "N", "how many accelerators / 加速卡数量"),
    ("software", "NAME", "an environment / 软件环境"),
    ("data", "A,B", "data to be near to / 就近的数据"),
    ("centre", "ID", "only this centre / 指定中心"),
)


class Launches:
    help = "what of yours runs; follow or stop it / 查看、跟踪或停止您的任务"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        _json_flag(parser)
        one = parser.add_mutually_exclusive_group()
        one.add_argument("--follow", metavar="ID", help="tell each step until it has ended / 跟踪直到结束")
        one.add_argument("--stop", metavar="ID", help="ask for its end / 停止")
        one.add_argument(
            "--let-go", metavar="ID", help="end one of which nothing is heard / 放弃失去联系的任务"
        )
        one.add_argument("--all", action="store_true", help="ended ones too / 包括已结束的")
        parser.add_argument("--owner", metavar="USER", help="one person's, for operators / 某人的（运维）")
        parser.add_argument("--until-ready", action="store_true", help="follow until ready / 跟踪到就绪为止")

    def run(self, args: argparse.Namespace) -> int:
        language = spoken_language(os.environ)
        if args.follow is not None:
            return asyncio.run(
                _follow(args.follow, args.until_ready, _print_json_line if args.json else _step_in(language))
            )
        with Broker.from_environment() as broker:
            answer: Json | list[Json]
            if args.let_go is not None:
                answer = broker.ask(calls.let_go(args.let_go))
            elif args.stop is not None:
                answer = broker.stop(args.stop)
            else:
                answer = broker.launches(args.all, args.owner)
        if args.json:
            _print_json(answer)
        elif isinstance(answer, dict):
            print(_say(answer["message"], language))
        else:
            _show_launches(answer, args.all or args.owner is not None, language)
        return 0


async def _follow(launch: str, until_ready: bool, show: Callable[[Json], None]) -> int:
    """Exit code 0 at the end it was asked to follow to, 1 when a launch that was to be ready ended before."""
    async with AsyncBroker.from_environment() as broker:
        async for event in broker.events(launch):
            show(event)
            if until_ready and event["final"] == "ready":
                return 0
    return 1 if until_ready else 0


def _step_in(language: Language) -> Callable[[Json], None]:
    def show(event: Json) -> None:
        at = datetime.fromtimestamp(float(event["at"])).astimezone()
        print(f"{at:%H:%M:%S} {int(event['progress']):>3} %  {_say(event['message'], language)}", flush=True)

    return show


def _show_launches(launches: list[Json], owners: bool, language: Language) -> None:
    if not launches:
        print(_word("none", language))
        return
    heads = ["id", *(["owner"] if owners else []), "kind", "name", "centre", "progress"]
    rows = [
        [
            launch["id"],
            *([launch["owner"]] if owners else []),
            launch["kind"],
            launch["name"] or "–",
            _name(launch, language),
            _say(launch["message"], language),
        ]
        for launch in launches
    ]
    print(table([_word(head, language) for head in heads], rows))


def _centre_rows(centre: Json, language: Language) -> list[list[str]]:
    age = centre.get("age")
    as_of = "–" if age is None else _word("seconds_ago", language).replace("{age}", str(round(age)))
    head = [centre["id"], _name(centre, language), _word(centre["state"], language)]
    shares = [
        [
            *head,
            share["id"],
            f"{_number(share['cores_free'])}/{_number(share['cores_total'])}",
            _number(share["max_hours"]),
            ", ".join(f"{kind} {free}/{total}" for kind, (total, free) in share["accelerators"].items())
            or "–",
            _number(share["pending"]),
            as_of,
        ]
        for share in centre["shares"]
    ]
    return shares or [[*head, "–", "–", "–", "–", "–", as_of]]


def _number(value: float | None) -> str:
    """What is not known is shown as that: never as a zero."""
    return "?" if value is None else f"{value:g}"


def _name(row: Json, language: Language) -> str:
    """The centre's name; an id or a dash where there is none (yet)."""
    names = row.get("names") or {}
    return str(names.get(language) or row.get("centre") or "–")


def _say(told: Json, language: Language) -> str:
    """A message in the broker's own words: it may be newer than we are."""
    return clean(str(told.get(language) or told["code"]))


def _word(word: str, language: Language) -> str:
    pair = WORDS.get(word)
    return word if pair is None else pair[LANGUAGES.index(language)]


def _json_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="the broker's answer, for scripts / 以 JSON 输出")


def _print_json(answer: object) -> None:
    print(json.dumps(answer, ensure_ascii=False, indent=2))


def _print_json_line(event: Json) -> None:
    print(json.dumps(event, ensure_ascii=False), flush=True)
