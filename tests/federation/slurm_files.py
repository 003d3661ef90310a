"""slurm.conf and its kin, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.federation.shape import CORES, MEMORY_MIB, CentreShape

__all__ = ["gres_conf", "slurm_conf", "slurmdbd_conf"]

_SLURM: Final[Mapping[str, str]] = {
    "AuthType": "auth/munge",
    "SlurmUser": "slurm",
    "StateSaveLocation": "/var/lib/slurm/slurmctld",
    "SlurmdSpoolDir": "/var/lib/slurm/slurmd",
    "SlurmctldPidFile": "/run/slurm/slurmctld.pid",
    "SlurmdPidFile": "/run/slurm/slurmd.pid",
    "SlurmctldLogFile": "/var/log/slurm/slurmctld.log",
    "SlurmdLogFile": "/var/log/slurm/slurmd.log",
    "MailProg": "/usr/bin/true",
    "ProctrackType": "proctrack/linuxproc",
    "TaskPlugin": "task/none",
    "MpiDefault": "none",
    # 8 CPUs a node, whatever the machine has.
    "SlurmdParameters": "config_overrides",
    "SelectType": "select/cons_tres",
    "SelectTypeParameters": "CR_CPU_Memory",
    "DefMemPerCPU": "512",
    # Small jobs start in well under half a second.
    "SchedulerParameters": "batch_sched_delay=0,sched_interval=5,bf_interval=5",
    "SlurmctldTimeout": "30",
    "SlurmdTimeout": "30",
    "MinJobAge": "300",
    "KillWait": "5",
    # Steps end late on a busy machine; a node that is drained for it takes nothing for the rest of the run.
    "UnkillableStepTimeout": "300",
    "MessageTimeout": "10",
    "ReturnToService": "2",
    "JobAcctGatherType": "jobacct_gather/linux",
    "JobAcctGatherFrequency": "task=1",
    # Without control groups nobody sees the kernel's own end for a job: no OUT_OF_MEMORY here. slurmstepd watches, ends
    # the job with "Exceeded job memory limit" in its log, and accounts it as FAILED, exit code 0:9.
    "JobAcctGatherParams": "OverMemoryKill",
    "AccountingStorageType": "accounting_storage/slurmdbd",
    "AccountingStorageEnforce": "associations,limits,qos",
}


def slurm_conf(centre: CentreShape, addresses: Mapping[str, str]) -> str:
    """`addresses`: host → its address inside the centre."""
    login = f"{centre.name}-login"
    kinds = sorted(centre.accelerators)
    values = {
        "ClusterName": centre.name,
        "SlurmctldHost": f"{login}({addresses['login']})",
        "AccountingStorageHost": login,
        **_SLURM,
        **({"GresTypes": ",".join(kinds)} if kinds else {}),
        **({"AccountingStorageTRES": ",".join(f"gres/{kind}" for kind in kinds)} if kinds else {}),
        **({"PrivateData": ",".join(centre.private_data)} if centre.private_data else {}),
        **({"JobSubmitPlugins": "lua"} if centre.submit_script else {}),
        **centre.slurm,
    }
    has = f"CPUs={CORES} Boards=1 SocketsPerBoard=1 CoresPerSocket={CORES} ThreadsPerCore=1 RealMemory={MEMORY_MIB}"
    if kinds:
        has += " Gres=" + ",".join(f"{kind}:{centre.accelerators[kind]}" for kind in kinds)
    lines = [f"{key}={value}" for key, value in values.items()]
    for node in centre.nodes:
        name = f"{centre.name}-{node}"
        lines.append(f"NodeName={name} NodeHostname={name} NodeAddr={addresses[node]} {has} State=UNKNOWN")
    nodes = ",".join(f"{centre.name}-{node}" for node in centre.nodes)
    for number, queue in enumerate(centre.queues):
        line = f"PartitionName={queue.name} Nodes={nodes} Default={'NO' if number else 'YES'}"
        line += f" MaxTime={queue.hours}:00:00 DefaultTime=60 State=UP"
        if queue.allocating:
            line += f" AllocNodes={','.join(queue.allocating)}"
        if queue.preempts:
            lines.append(
                f"PartitionName={queue.preempts} Nodes={nodes} MaxTime={queue.hours}:00:00 PriorityTier=1"
            )
            line += " PriorityTier=2 PreemptMode=OFF"
        lines.append(line)
    return "\n".join(["# Written by tests/federation.", *lines]) + "\n"


def gres_conf(centre: CentreShape) -> str:
    """Counted only: there is no device behind."""
    nodes = ",".join(f"{centre.name}-{node}" for node in centre.nodes)
    lines = [
        f"NodeName={nodes} Name={kind} Count={count}" for kind, count in sorted(centre.accelerators.items())
    ]
    return "\n".join(lines) + "\n"


def slurmdbd_conf(centre: CentreShape) -> str:
    values = {
        "AuthType": "auth/munge",
        "DbdHost": f"{centre.name}-login",
        "SlurmUser": "slurm",
        "PidFile": "/run/slurm/slurmdbd.pid",
        "LogFile": "/var/log/slurm/slurmdbd.log",
        "StorageType": "accounting_storage/mysql",
        "StorageHost": "localhost",
        "StorageUser": "slurm",
        "StorageLoc": "slurm_acct_db",
        **({"PrivateData": ",".join(centre.private_data)} if centre.private_data else {}),
    }
    return "\n".join(f"{key}={value}" for key, value in values.items()) + "\n"
