"""The embedded default: three centres that are parts of this one machine, and say so."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any, Final

import yaml

__all__ = ["write_embedded"]

_CENTRES: Final[tuple[dict[str, Any], ...]] = (
    {
        "id": "east",
        "names": {"en": "East Harbour (simulated)", "zh": "东港（模拟）"},
        "city": {"en": "Shanghai", "zh": "上海"},
        "at": (31.23, 121.47),
        "cores": 4,
        "memory_gib": 8,
    },
    {
        "id": "west",
        "names": {"en": "West River (simulated)", "zh": "西江（模拟）"},
        "city": {"en": "Chengdu", "zh": "成都"},
        "at": (30.57, 104.07),
        "cores": 4,
        "memory_gib": 8,
    },
    {
        "id": "lake",
        "names": {"en": "Great Lake (simulated)", "zh": "大湖（模拟）"},
        "city": {"en": "Wuxi", "zh": "无锡"},
        "at": (31.49, 120.31),
        "cores": 8,
        "memory_gib": 16,
        "accelerators": {"dcu": 1},
    },
)


class _Dumper(yaml.SafeDumper):
    """Writes equal values out each time: a descriptor has no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def write_embedded(descriptors: Path, root: Path, python: str, account: str | None) -> None:
    """Writes the three descriptors into `descriptors`, and makes what they need below `root`.

    `account`: who the jobs run as (None: whoever runs the broker). `root` must be a place that this account can enter.
    """
    descriptors.mkdir(mode=0o700, parents=True, exist_ok=True)
    for facts in _CENTRES:
        place = root / facts["id"]
        for name in ("spool", "home", "scratch"):
            _own(place / name, account)
        file = descriptors / f"{facts['id']}.yaml"
        draft = file.with_suffix(".draft")
        draft.write_text(
            "# Written by `sampan up`: a part of this machine that plays a centre.\n"
            + yaml.dump(
                _descriptor(facts, place, python, account),
                Dumper=_Dumper,
                allow_unicode=True,
                sort_keys=False,
            ),
            encoding="utf-8",
        )
        draft.replace(file)


def _own(folder: Path, account: str | None) -> None:
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    if account is not None:
        owner = pwd.getpwnam(account)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    folder.chmod(0o700 if folder.name != "spool" else 0o755)


def _descriptor(facts: dict[str, Any], place: Path, python: str, account: str | None) -> dict[str, Any]:
    cards = facts.get("accelerators", {})
    latitude, longitude = facts["at"]
    return {
        "schema": "sampan/centre/1",
        "id": facts["id"],
        "names": facts["names"],
        "summary": {
            "en": "Processes on this machine; its cores, memory and cards are declared, not real.",
            "zh": "本机上的进程；核数、内存和加速卡均为声明值，并非真实硬件。",
        },
        "place": {"city": facts["city"], "country": "CN", "latitude": latitude, "longitude": longitude},
        "time_zone": "Asia/Shanghai",
        "contacts": [{"name": "Whoever started this", "email": "root@localhost", "role": "operator"}],
        "simulated": True,
        "endpoint": {"transport": "local"},
        "accounts": {"method": "shared", **({"account": account} if account else {})},
        "scheduler": {
            "kind": "process",
            "spool": str(place / "spool"),
            "cores": facts["cores"],
            "memory_gib": facts["memory_gib"],
            "accelerators": cards,
        },
        "shares": [
            {
                "id": "main",
                "names": {"en": "Main queue", "zh": "主队列"},
                "queue": "main",
                "max_hours": 8,
                "cores": facts["cores"],
                "memory_per_core_gib": facts["memory_gib"] / facts["cores"],
                "accelerators": cards,
            }
        ],
        "environment": {"python": python},
        "home": str(place / "home" / "{user}"),
        "scratch": str(place / "scratch"),
        "networks": {"nodes_reach_internet": True},
    }
