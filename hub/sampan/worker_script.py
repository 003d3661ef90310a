"""The lines that a worker's job runs before Dask, rendered from typed values."""

from __future__ import annotations

import shlex

from sampan.crew import Crew
from sampan.facts import Facts
from sampan.seal import WORKER_ENVIRONMENT
from sampan.whereabouts import Here

__all__ = ["prologue"]

# Dask's nanny sets these for its workers (distributed.nanny.pre-spawn-environ); ours have no nanny.
ONE_THREAD_EACH = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def prologue(facts: Facts, here: Here, crew: Crew, tag: str) -> list[str]:
    """Bash lines: a private umask, the place as `sampan.here()` reads it in a worker, the centre's modules and setup.

    The job's end counts from its own start, by the clock of the node it runs on.
    """
    environment = {
        "SAMPAN_CENTRE": here.centre,
        "SAMPAN_CENTRE_EN": here.names["en"],
        "SAMPAN_CENTRE_ZH": here.names["zh"],
        "SAMPAN_SHARE": facts.share,
        "SAMPAN_CORES": str(crew.cores),
        "SAMPAN_MEMORY_MIB": str(crew.memory_mib),
        "SAMPAN_LAUNCH": here.launch,
        "SAMPAN_TAG": tag,
        "SAMPAN_SCHEDULER": facts.scheduler,
        **ONE_THREAD_EACH,
        **WORKER_ENVIRONMENT,
    }
    return [
        # A batch shell is no login shell: at some centres `module` is defined in the profile only. What the profile
        # sets, the lines below set again.
        *(["type module >/dev/null 2>&1 || source /etc/profile"] if facts.modules else []),
        "umask 077",
        *(f"export {name}={shlex.quote(value)}" for name, value in environment.items()),
        f"export SAMPAN_DEADLINE=$(( $(date +%s) + {crew.minutes * 60} ))",
        *(f"module load {module} || exit 65" for module in facts.modules),
        *([f"source {facts.setup_file} || exit 66"] if facts.setup_file else []),
    ]
