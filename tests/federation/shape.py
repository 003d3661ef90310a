"""What the four centres are like: values, nothing that runs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["CENTRES", "CORES", "MEMORY_MIB", "TIME_ZONE", "CentreShape", "Queue"]

CORES: Final = int(os.environ.get("SAMPAN_FEDERATION_CORES", "8"))
"""Of each node, by its own claim; the machine may have fewer. Other than 8 is for measurements: tests count on that."""
MEMORY_MIB: Final = 16 * 1024
TIME_ZONE: Final = "Asia/Shanghai"
"""Of all of them."""


@dataclass(frozen=True, slots=True)
class Queue:
    """One partition over all nodes of its centre. `hours`: its time limit; `allocating`: hosts that may submit."""

    name: str
    hours: int
    en: str
    zh: str
    allocating: tuple[str, ...] = ()
    preempts: str = ""
    """A partition whose jobs make way for those of this one; it is no share of ours."""
    demands: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CentreShape:
    """One centre. `number` is part of its addresses; `first_uid` begins the range of its people's UIDs.

    `accounts` is a pattern for the account of a hub user, from `user` and from `number`, which counts them from 1.
    """

    name: str
    number: int
    en: str
    zh: str
    city: tuple[str, str, float, float]
    accounts: str
    first_uid: int
    service_account: str
    queues: tuple[Queue, ...]
    nodes: tuple[str, ...] = ("n1", "n2")
    accelerators: dict[str, int] = field(default_factory=dict)
    private_data: tuple[str, ...] = ()
    gateway_ports: str = "clientspecified"
    sees_all_jobs: bool = True
    submit_script: str = ""
    modules: tuple[str, ...] = ()
    """What its user environment takes (Lmod), each of them made for it."""
    asks_for_accounts: bool = False
    """Whether a command there says who a hub user is; else a table in the descriptor."""
    slurm: dict[str, Any] = field(default_factory=dict)
    """Further lines of slurm.conf, or other values for those there are."""

    @property
    def has_slurm(self) -> bool:
        return bool(self.nodes)

    @property
    def hosts(self) -> tuple[str, ...]:
        return ("login", *self.nodes)


_ONLY_WITH_DCU: Final = """\
function slurm_job_submit(job, partitions, uid)
   for _, name in ipairs({"tres_per_node", "tres_per_job", "tres_per_task", "tres_per_socket"}) do
      if job[name] ~= nil and string.find(job[name], "dcu", 1, true) then
         return slurm.SUCCESS
      end
   end
   slurm.log_user("jobs here must ask for a DCU: --gres=dcu:1")
   return 2072 -- ESLURM_INVALID_GRES
end

function slurm_job_modify(job, record, partitions, uid)
   return slurm.SUCCESS
end
"""

CENTRES: Final = (
    CentreShape(
        name="east",
        number=1,
        en="East Lake Supercomputing Centre",
        zh="东湖超算中心",
        city=("Wuhan", "武汉", 30.55, 114.41),
        accounts="e-{user}",
        first_uid=21001,
        service_account="sampan-svc",
        # Two queues over the same nodes: whoever adds up their cores counts them twice.
        queues=(Queue("work", 8, "Work", "通用队列"), Queue("long", 72, "Long", "长作业队列")),
        slurm={"EnforcePartLimits": "ALL"},
    ),
    CentreShape(
        name="west",
        number=2,
        en="West Ridge Supercomputing Centre",
        zh="西岭超算中心",
        city=("Chengdu", "成都", 30.66, 104.07),
        accounts="{user}_w",
        first_uid=32001,
        service_account="svc_notebook",
        modules=("notebooks/2026",),
        asks_for_accounts=True,
        queues=(Queue("batch", 2, "Batch", "批处理队列", preempts="spare"),),
        slurm={"PreemptType": "preempt/partition_prio", "PreemptMode": "CANCEL"},
    ),
    CentreShape(
        name="core",
        number=3,
        en="Core Accelerator Centre",
        zh="芯谷加速计算中心",
        city=("Kunshan", "昆山", 31.38, 120.98),
        accounts="c30{number:02d}",
        first_uid=43001,
        service_account="sampan-svc",
        queues=(
            Queue(
                "dcu",
                24,
                "Accelerators",
                "加速卡队列",
                allocating=("core-login",),
                demands=(("gres", "dcu:1"),),
            ),
        ),
        accelerators={"dcu": 4},
        private_data=("jobs", "usage"),
        gateway_ports="no",
        sees_all_jobs=False,
        submit_script=_ONLY_WITH_DCU,
    ),
    CentreShape(
        name="cloud",
        number=4,
        en="Cloud Harbour",
        zh="云港",
        city=("Guiyang", "贵阳", 26.65, 106.63),
        accounts="cloud-{user}",
        first_uid=54001,
        service_account="sampan-svc",
        queues=(Queue("small", 12, "Small", "小作业队列"),),
        nodes=(),
    ),
)
