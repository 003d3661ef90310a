"""What a real Slurm 22.05.8 said, recorded word for word, and a dialect that reads it."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from pathlib import Path

from sampan_hub.asks import Completed
from sampan_hub.jobs import JobSpec
from sampan_hub.schedulers.slurm import SlurmScheduler

__all__ = ["GOLDEN", "SPEC", "dialect", "failed", "recorded", "said"]

GOLDEN = Path(__file__).parents[1] / "golden" / "slurm"


SPEC = JobSpec(
    tag="sampan-demo-abcd1234-1",
    queue="work",
    cores=2,
    memory_mib=4096,
    minutes=90,
    script="#!/bin/bash\nexec true\n",
    log="/home/e-alice/.sampan/attempts/sampan-demo-abcd1234-1/job.log",
)


def dialect(
    *queues: str, cards: Mapping[str, str] | None = None, qos: Mapping[str, str] | None = None
) -> SlurmScheduler:
    zone = zoneinfo.ZoneInfo("Asia/Shanghai")
    return SlurmScheduler(queues or ("work", "long"), cards or {}, zone, 10, qos or {})


def said(text: str) -> Completed:
    return Completed(0, text, "")


def failed(stderr: str, status: int = 1) -> Completed:
    return Completed(status, "", stderr)


def recorded(name: str) -> Completed:
    return said((GOLDEN / f"{name}.txt").read_text(encoding="utf-8"))
