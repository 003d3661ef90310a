"""Where this process runs: told from the job's environment alone, so also while the broker is away."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from types import MappingProxyType
from typing import Final

from sampan.errors import Invalid, Missing
from sampan.messages import LANGUAGES, Language, Message

__all__ = ["Here", "here", "spoken_language"]

LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "centre": ("Centre", "超算中心"),
    "share": ("Share", "队列"),
    "node": ("Machine", "节点"),
    "cores": ("Cores", "核数"),
    "memory": ("Memory", "内存"),
    "time_left": ("Time left", "剩余时间"),
    "launch": ("Launch", "任务编号"),
}


@dataclass(frozen=True)
class Here:
    """One session's place, as it is at the moment of asking.

    `names` maps "en" and "zh" to the centre's name. `cores` and `memory_mib` (MiB) are what this process may use.
    `time_left` is None where the centre sets no limit. `scheduler` is "process" or "slurm".
    """

    centre: str
    names: Mapping[Language, str]
    share: str
    node: str
    cores: int
    memory_mib: int
    time_left: timedelta | None
    launch: str
    scheduler: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", MappingProxyType(dict(self.names)))

    def __str__(self) -> str:
        return self.say(spoken_language(os.environ))

    def say(self, language: Language) -> str:
        """One plain sentence."""
        facts: dict[str, str | int | float] = {
            "centre": self.names[language],
            "share": self.share,
            "node": self.node,
            "cores": self.cores,
            "memory": _gib(self.memory_mib),
        }
        if self.time_left is None:
            return Message("here.is_unlimited", facts).say(language)
        return Message("here.is", {**facts, "left": _duration(self.time_left, language)}).say(language)

    def _repr_html_(self) -> str:
        language = spoken_language(os.environ)
        centre = f"{self.names[language]} ({self.centre})"
        left = "–" if self.time_left is None else _duration(self.time_left, language)
        values = (
            *(centre, self.share, self.node, str(self.cores)),
            *(f"{_gib(self.memory_mib)} GiB", left, self.launch),
        )
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left">{escape(pair[LANGUAGES.index(language)])}</th>'
            f'<td style="text-align:left">{escape(value)}</td></tr>'
            for pair, value in zip(LABELS.values(), values, strict=True)
        )
        return f'<table lang="{language}"><tbody>{rows}</tbody></table>'


def here() -> Here:
    """Where this notebook runs, what it may use there, and for how long.

    From the environment of the job and from the machine itself; nobody is asked. Raises `Missing` outside a session and
    `Invalid` where the environment is not this machine's or cannot be read.
    """
    return read(os.environ, node=socket.gethostname(), usable=len(os.sched_getaffinity(0)), now=time.time())


def read(environ: Mapping[str, str], *, node: str, usable: int, now: float) -> Here:
    """The place that `environ` tells of, held against the machine's own name `node` and its `usable` cores.

    The environment of a job can be carried to another machine (ssh, an exported batch environment); cores, memory and
    time in it are then another job's, so a different node is an error and not a detail. Cores are those granted, and
    never more than the kernel of the operating system lets this process run on: a thread pool is sized by this number,
    and threads beyond the affinity only take turns.
    """
    if not environ.get("SAMPAN_CENTRE"):
        raise Missing("here.outside")
    expected = _field(environ, "SAMPAN_NODE", node)
    if expected.partition(".")[0] != node.partition(".")[0]:
        raise Invalid("here.elsewhere", expected=expected, node=node)
    centre = environ["SAMPAN_CENTRE"]
    deadline = environ.get("SAMPAN_DEADLINE")
    return Here(
        centre=centre,
        names={
            "en": _field(environ, "SAMPAN_CENTRE_EN", centre),
            "zh": _field(environ, "SAMPAN_CENTRE_ZH", centre),
        },
        share=_field(environ, "SAMPAN_SHARE"),
        node=node,
        cores=min(_number(environ, "SAMPAN_CORES", int), usable),
        memory_mib=_number(environ, "SAMPAN_MEMORY_MIB", int),
        time_left=_left(_number(environ, "SAMPAN_DEADLINE", float) - now) if deadline else None,
        launch=_field(environ, "SAMPAN_LAUNCH"),
        scheduler=_field(environ, "SAMPAN_SCHEDULER"),
    )


def spoken_language(environ: Mapping[str, str]) -> Language:
    """The person's language by the locale of the process, in the order that gettext gives the variables."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(name):
            return "zh" if environ[name].lower().startswith("zh") else "en"
    return "en"


def _field(environ: Mapping[str, str], name: str, default: str = "") -> str:
    value = environ.get(name) or default
    if not value:
        raise Invalid("here.field", field=name)
    return value


def _number(environ: Mapping[str, str], name: str, kind: Callable[[str], float]) -> int:
    try:
        value = int(kind(_field(environ, name)))
    except (ValueError, OverflowError) as error:
        raise Invalid("here.field", str(error), field=name) from error
    if value <= 0:
        raise Invalid("here.field", str(value), field=name)
    return value


def _left(seconds: float) -> timedelta:
    return timedelta(seconds=max(0, round(seconds)))


def _gib(mib: int) -> str:
    return f"{mib / 1024:.1f}".removesuffix(".0")


def _duration(left: timedelta, language: Language) -> str:
    hours, minutes = divmod(int(left.total_seconds()) // 60, 60)
    units = ("h", "min") if language == "en" else ("小时", "分钟")
    return f"{hours} {units[0]} {minutes} {units[1]}" if hours else f"{minutes} {units[1]}"
