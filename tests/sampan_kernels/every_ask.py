"""All that the broker ever says to a centre, an example of each; a question without one fails here."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sampan_hub import environments, files
from sampan_hub.accounts import Accounts
from sampan_hub.asks import Ask
from sampan_hub.catalogue.looks import look, reap
from sampan_hub.environments import Place
from sampan_hub.jobs import JobSpec
from sampan_hub.rules import NO_RULES
from sampan_hub.schedulers import Scheduler
from sampan_hub.schedulers.process import ProcessScheduler
from sampan_hub.schedulers.slurm import SlurmScheduler
from sampan_hub.transports.login import IDLE
from sampan_kernels import gate
from tests.sampan_hub.descriptions import far, here
from tests.sampan_hub.test_certificates import described

__all__ = ["BUILD", "CARDS", "CONFIG", "HOME", "PREFIX", "TAG", "everything", "rows"]

PREFIX = "/opt/sampan/user"
HOME = "/public/home/hpc0042"
CONFIG: dict[str, Any] = {
    "service_account": "sampan",
    "home": "/public/home/{account}",
    "python": ["/public/software/sampan/.venv/bin/python3.11", "/srv/a/*/bin/python"],
    "queues": ["cpu_short", "dcu"],
    "demands": ["--account=climate"],
    "spool": "/srv/a/spool",
    "account_command": ["/usr/local/sbin/account-of", "--exact"],
    "prefix": PREFIX,
    "base": "/usr/bin/python3.11",
    "keep": ["SLURM_CONF"],
}
TAG = "sampan-test1-abcd2345-1"
OWN = f"{HOME}/.sampan/attempts/{TAG}"
CARDS = JobSpec(
    TAG,
    "dcu",
    4,
    8192,
    60,
    "#!/bin/sh\n",
    f"{OWN}/job.log",
    "dcu",
    2,
    (("gres", "dcu:1"), ("account", "climate")),
)
PLAIN = JobSpec(TAG, "cpu_short", 4, 8192, 60, "#!/bin/sh\n", f"{OWN}/job.log")
WORKERS = JobSpec(
    f"{TAG}-dask-w", "cpu_short", 1, 512, 60, "#!/bin/sh\n", f"{OWN}/abcd2345-%a.log", array=(0, 1, 7)
)
PLACE = Place(PREFIX, "0123456789ab")
BUILD = f"{PREFIX}/builds/0123456789ab-01234567-20260101120000"

SCHEDULED: Mapping[str, tuple[str, tuple[tuple[Any, ...], ...]]] = {
    # method: (who asks, the arguments of each way that it is asked in)
    "submit": ("person", ((PLAIN,), (CARDS,))),
    "expected_start": ("person", ((PLAIN,), (CARDS,))),
    "cancel": ("person", (("12", TAG), ("12", f"{TAG}-dask-w"))),
    "script": ("person", (("12", TAG),)),
    "limits": ("person", (("hpc0042", NO_RULES),)),
    "rules": ("service", ((),)),
    "find": ("both", (([],), ([TAG],), ([TAG, TAG.replace("-1", "-2")],))),
    "recall": ("both", (([TAG],),)),
    "status": ("both", (([],), (["12", "13"],))),
    "ended": ("both", ((["12"],), (["12", "13"],))),
    "usage": ("both", ((["12", "13"],),)),
    "capacity": ("both", ((),)),
}
OF_ARRAYS: Mapping[str, tuple[Any, ...]] = {"submit": (WORKERS,), "cancel": ("12_7", f"{TAG}-dask-w")}
"""As its person, where many jobs are one submission."""
OF_FILES: Mapping[str, tuple[Any, ...]] = {
    "make_directory": (OWN,),
    "read": (f"{OWN}/report.json",),
    "tail": (f"{OWN}/job.log", 4096),
}
OF_ENVIRONMENTS: Mapping[str, tuple[Any, ...]] = {
    "version": ("/usr/bin/python3.11",),
    "platform": ("/usr/bin/python3.11",),
    "facts": (PLACE.python,),
    "hashes": (
        [
            f"{PREFIX}/wheels/numpy-2.0-cp311-cp311-manylinux_2_17_x86_64.whl",
            f"{BUILD}/{environments.RECORD}",
        ],
    ),
    "make_folders": ([PREFIX, PLACE.wheels, f"{PLACE.wheels}/01234567", PLACE.builds],),
    "write": (f"{PLACE.wheels}/a.whl", 2 << 20, b"data"),
    "rename": (f"{PLACE.wheels}/a.whl",),
    "make_venv": ("/usr/bin/python3.11", BUILD),
    "install": (BUILD, PLACE.wheels, f"{PLACE.wheels}/0123456789ab.lock"),
    "install_own": (BUILD, f"{PLACE.wheels}/01234567/sampan-0.1.0-py3-none-any.whl"),
    "open_to_all": (BUILD,),
    "remove": (BUILD,),
    "point": (PLACE, BUILD),
}


def asks_of(module: Any, told: Mapping[str, tuple[Any, ...]]) -> Iterator[Ask[Any]]:
    """One of each question that a module has. A new one that nobody thought of here fails."""
    makers = {
        name: maker
        for name, maker in inspect.getmembers(module, inspect.isfunction)
        if "Ask[" in str(inspect.signature(maker).return_annotation) and not name.startswith("_")
    }
    assert makers.keys() == told.keys(), "a question without an example here"
    for name, maker in makers.items():
        made = maker(*told[name])
        yield from made if isinstance(made, tuple) else (made,)


def asks_of_scheduler(dialect: Scheduler) -> Iterator[tuple[str, Ask[Any]]]:
    methods = {
        name for name, _ in inspect.getmembers(Scheduler, inspect.isfunction) if not name.startswith("_")
    }
    assert methods == SCHEDULED.keys(), "a question without an example here"
    for name, (who, calls) in SCHEDULED.items():
        for given in calls:
            for one in ("person", "service") if who == "both" else (who,):
                yield one, getattr(dialect, name)(*given)
    if dialect.arrays:
        for name, given in OF_ARRAYS.items():
            yield "person", getattr(dialect, name)(*given)


class Asked:
    """Stands for a centre: remembers what it is asked."""

    def __init__(self) -> None:
        self.descriptor = described(
            far().replace(
                'method: table\n  table: {alice: hpc0042, Bob: hpc0043, "李雷": hpc0044}',
                "method: command\n  command: [/usr/local/sbin/account-of, --exact]\n  certified: [hpc0042]",
            )
        )
        self.asks: list[Ask[Any]] = []

    async def ask(self, ask: Ask[Any]) -> str:
        self.asks.append(ask)
        return "hpc0042"


async def everything() -> list[tuple[str, Ask[Any]]]:
    """(who asks, what) for all that the broker ever says to a centre."""
    asked = Asked()
    for user in ("alice", "李雷", "a;id"):
        await Accounts(asked)._ask(user)  # type: ignore[arg-type]
    process = ProcessScheduler.of(described(here("a", "/srv/a", python="/srv/a/venv/bin/python")))
    slurm = SlurmScheduler.of(described(far()))
    return [
        *(("service", ask) for ask in asked.asks),
        *(("person", ask) for ask in asks_of(files, OF_FILES)),
        *(("service", ask) for ask in asks_of(environments, OF_ENVIRONMENTS)),
        *asks_of_scheduler(process),
        *asks_of_scheduler(slurm),
        ("service", environments.write(f"{BUILD}/{environments.RECORD}", 0, b"{}")),
        (
            "service",
            environments.hashes([f"{BUILD}/{environments.RECORD}.part", f"{PLACE.wheels}/a.whl.part"]),
        ),
        ("service", environments.rename(f"{BUILD}/{environments.RECORD}")),
        ("service", reap(PLACE.python, {"form": "lmod", "href": "{modules}"})),
        ("service", look(PLACE.python, [{"distribution": "numpy"}])),
        ("service", Ask("idle", IDLE, str)),
    ]


def rows(**changed: Any) -> list[gate.Row]:
    return gate.table({**CONFIG, **changed}, "hpc0042", re.escape(HOME))
