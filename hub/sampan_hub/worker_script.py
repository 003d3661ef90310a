"""The job script of a cluster's workers: typed values in, bash text out. One script may be many jobs, told apart by a number."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, fields
from typing import Any, Final

from sampan.errors import Invalid
from sampan_hub.script import ALONE, check, prepared

__all__ = ["ADDRESS", "WorkerScript", "render_workers"]

ADDRESS: Final = r"tls://[0-9a-fA-F.:\[\]]{3,48}:[0-9]{1,5}"
"""Of a Dask scheduler, as it may stand in a script."""
_NUMBER: Final = "${numbers[$SLURM_ARRAY_TASK_ID]}"
"""In the place of a worker's number where one script is many jobs. https://slurm.schedmd.com/job_array.html"""
_PATIENCE: Final = 60
"""Seconds that a worker looks for its scheduler before it gives its job back."""
_LEAVE: Final = 30
"""Seconds before its walltime at which a worker hands on what it holds."""
# Dask's nanny sets these for its workers (distributed.nanny.pre-spawn-environ); ours have no nanny. And Dask always opens
# a web server beside its own protocol, which TLS does not cover: it stays, on loopback, without pages.
_ENVIRONMENT: Final = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "DASK_DISTRIBUTED__WORKER__HTTP__ROUTES": "[]",
}


@dataclass(frozen=True, slots=True)
class WorkerScript:
    """What the jobs of one request are told. `launch` is the session they work for, `name` their name at the batch system;
    Dask knows each by `cluster`, which is the cluster's launch, and its number. `keys` is the folder of the cluster's TLS
    files, `address` Dask's scheduler; what does not fit into memory is put below `scratch`, whether nodes share that or not.
    `local`: nothing may be listened on but loopback.
    """

    name: str
    cluster: str
    launch: str
    centre: str
    title_en: str
    title_zh: str
    share: str
    scheduler: str
    cores: int
    memory_mib: int
    minutes: int
    home: str
    scratch: str
    keys: str
    address: str
    python: str
    local: bool
    modules: tuple[str, ...] = ()
    setup_file: str | None = None

    def __post_init__(self) -> None:
        """Raises `Invalid`, naming the field, for whatever is not of the narrow shape that a script may hold."""
        for field in fields(self):
            _check(field.name, getattr(self, field.name))


_SHAPES: Final = {
    "name": (
        re.compile(r"sampan-[a-z0-9]{4,16}-[a-z0-9]{4,16}-[0-9]{1,6}-dask-w-[0-9a-f]{16}(?:-[0-9]{1,6})?"),
        "a tag of ours",
    ),
    "address": (re.compile(ADDRESS), "an address of Dask's"),
}

_LIKE: Final = {"keys": "attempt_dir", "scratch": "attempt_dir", "cluster": "launch"}


def _check(field: str, value: Any) -> None:
    if field in _SHAPES:
        shape, expected = _SHAPES[field]
        if not isinstance(value, str) or not shape.fullmatch(value):
            raise Invalid("script.value", field=field, expected=expected)
    elif field != "local":
        check(field, value, _LIKE.get(field, ""))


def render_workers(script: WorkerScript, *numbers: int) -> str:
    """The script as text; equal values give equal text. A worker's end counts from its own start, by its node's clock.

    Of several workers each has the number at its job's place in the array: Dask's numbers grow for as long as a cluster lives,
    and a centre's array ends at its MaxArraySize, 1001 by default.
    """
    exports = {
        "HOME": script.home,
        "SAMPAN_CENTRE": script.centre,
        "SAMPAN_CENTRE_EN": script.title_en,
        "SAMPAN_CENTRE_ZH": script.title_zh,
        "SAMPAN_SHARE": script.share,
        "SAMPAN_SCHEDULER": script.scheduler,
        "SAMPAN_CORES": str(script.cores),
        "SAMPAN_MEMORY_MIB": str(script.memory_mib),
        "SAMPAN_LAUNCH": script.launch,
        "SAMPAN_TAG": script.name,
        **_ENVIRONMENT,
    }
    lines = [
        "#!/bin/bash",
        f"# Sampan: workers of {script.name}. Made by the broker; holds no secret.",
        "umask 077",
        *(ALONE if script.scheduler == "slurm" else ()),
        *(f"export {name}={shlex.quote(value)}" for name, value in exports.items()),
        f"export SAMPAN_DEADLINE=$(( $(date +%s) + {script.minutes * 60} ))",
        *prepared(script.modules, script.setup_file),
        f"cd {shlex.quote(script.home)} || exit 67",
        *_spilling(script),
        *((f"numbers=({' '.join(map(str, numbers))})",) if numbers[1:] else ()),
        f"{shlex.quote(script.python)} -P {_command(script, _NUMBER if numbers[1:] else str(numbers[0]))} &",
        *_ENDING,
    ]
    return "\n".join(lines) + "\n"


def _spilling(script: WorkerScript) -> tuple[str, ...]:
    """A folder of the worker's own: Dask itself would share one of a fixed name among all who use the scratch, and reads back
    what lies there with pickle, so that whoever made that folder first could run code as everybody else.
    """
    scratch, keys = shlex.quote(script.scratch), shlex.quote(script.keys)
    return (
        f"spill=$(mktemp -d -p {scratch} sampan-dask-XXXXXXXXXX 2>/dev/null) ||",
        f"    spill=$(mktemp -d -p {keys} spill-XXXXXXXXXX) || exit 69",
        """trap 'rm -rf -- "$spill"' EXIT""",
    )


_ENDING: Final = (
    # The shell stays to remove what was spilled, whoever ends the worker; it hands on what is said to the job.
    "worker=$!",
    """trap 'kill -TERM "$worker" 2>/dev/null' TERM""",
    'wait "$worker"; code=$?',
    'while kill -0 "$worker" 2>/dev/null; do wait "$worker"; code=$?; done',
    'exit "$code"',
)


def _command(script: WorkerScript, number: str) -> str:
    """One process a job: its threads share the data, and its end is the job's."""
    words = [
        *("-m", "distributed.cli.dask_worker", script.address, "--no-nanny"),
        *("--nthreads", str(script.cores), "--memory-limit", f"{script.memory_mib}MiB"),
        *("--death-timeout", str(_PATIENCE), "--lifetime", f"{script.minutes * 60 - _LEAVE}s"),
        *("--tls-ca-file", f"{script.keys}/certificate.pem"),
        *("--tls-cert", f"{script.keys}/certificate.pem", "--tls-key", f"{script.keys}/key.pem"),
        *("--no-dashboard", "--dashboard-address", "127.0.0.1:0"),
        *(("--host", "127.0.0.1") if script.local else ()),
    ]
    return f'{shlex.join(words)} --local-directory "$spill" --name "{script.cluster}-{number}"'
