"""What Slurm says when it does not do what it was asked: a no, with a sentence for people, or no answer at all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from sampan.errors import Refused, SampanError
from sampan_hub.asks import Completed
from sampan_hub.schedulers.slurm_states import wait_of
from sampan_hub.schedulers.slurm_text import not_an_answer

__all__ = ["NO_ANSWERS", "REFUSALS", "refusal"]

# The texts of slurm_strerror(), which all commands print: https://github.com/SchedMD/slurm, src/common/slurm_errno.c
REFUSALS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Access denied to requested reservation": "batch.reservation",
        "Access/permission denied": "batch.not_allowed",
        "Account already child": "batch.account",
        "Batch script is empty": "batch.option",
        "Burst Buffer permission denied": "batch.storage",
        "Burst Buffer request invalid": "batch.storage",
        "CPU count per node can not be satisfied": "batch.too_large",
        "CPU count specification invalid": "batch.too_large",
        "Duplicate generic resource (gres) specification": "batch.option",
        "Invalid --": "batch.option",
        "Invalid GRES specification": "batch.accelerator",
        "Invalid Trackable RESource": "batch.accelerator",
        "Invalid account or account/partition combination specified": "batch.account",
        "Invalid cluster name": "batch.option",
        "Invalid feature specification": "batch.option",
        "Invalid generic resource (gres) specification": "batch.accelerator",
        "Invalid group id": "batch.user",
        "Invalid partition name specified": "batch.queue",
        "Invalid preferred feature specification": "batch.option",
        "Invalid qos specification": "batch.not_allowed",
        "Invalid user id": "batch.user",
        "Invalid wckey specification": "batch.account",
        "Job can not start due to maintenance reservation": "batch.machines",
        "Job dependency problem": "batch.dependency",
        "Job size specification needs to be provided": "batch.option",
        "Job violates accounting/QOS policy": "batch.limits",
        "Memory required by task is not available": "batch.too_large",
        "Memory specification can not be satisfied": "batch.too_large",
        "More processors requested than permitted": "batch.too_large",
        "Multiple partition job request not supported": "batch.option",
        "No partition specified or system default partition": "batch.queue",
        "Node count specification invalid": "batch.too_large",
        "Partition in DOWN state": "batch.queue_closed",
        "Requested GRES option unsupported": "batch.accelerator",
        "Requested account has breached requested QOS usage threshold": "batch.limit",
        "Requested more tasks than available processors": "batch.too_large",
        "Requested node configuration is not available": "batch.impossible",
        "Requested nodes not in this partition": "batch.option",
        "Requested operation is presently disabled": "batch.not_allowed",
        "Requested operation not supported on this system": "batch.not_allowed",
        "Requested partition configuration not available now": "batch.queue_closed",
        "Requested reservation is": "batch.reservation",
        "Requested reservation not usable now": "batch.reservation",
        "Requested time limit is invalid": "batch.too_long",
        "Required node not available": "batch.machines",
        "Required partition not available": "batch.queue_closed",
        "System submissions disabled": "batch.queue_closed",
        "This does not look like a batch script": "batch.option",
        "Time limit specification required": "batch.option",
        "User's group not permitted to use this partition": "batch.not_allowed",
        "ambiguous option": "batch.option",
        "invalid option": "batch.option",
        "invalid partition specified": "batch.queue",
        "option '": "batch.option",
        "unrecognized option": "batch.option",
    }
)
"""How its text begins → the sentence for it. The text itself goes to the log."""

NO_ANSWERS: Final = (
    "Authentication credential invalid",
    "Can't find an address, check slurm.conf",
    "Communication ",
    "Controller is in standby mode",
    "Error generating job credential",
    "Failed to connect to authentication agent",
    "Header lengths are longer than data received",
    "I/O error writing script/environment to file",
    "Incompatible versions of client and server code",
    "Invalid authentication credential",
    "Invalid job credential",
    "Job update not available right now",
    "Message receive failure",
    "Protocol authentication error",
    "Received ",
    "Slurm backup controller in standby mode",
    "Slurm internal error",
    "Slurm temporarily unable to accept job",
    "Slurmctld ",
    "Socket timed out on send/recv operation",
    "Transport endpoint is not connected",
    "Unable to connect to database",
    "Unable to contact slurm controller",
    "Unable to create job record, try again",
    "Unexpected message received",
    "Unexpected missing socket error",
    "Zero Bytes were transmitted or received",
    "slurm_receive_msg",
)
"""How texts begin that say that it could not be asked, or could not decide just now."""
_SYSTEM: Final = frozenset(os.strerror(number) for number in range(1, 134)) - {"Success"}
"""What a system call that failed says: the way to the controller, not its answer."""

_LINE: Final = re.compile(r"(?:sbatch|scancel|srun|squeue|sinfo|sacct|sacctmgr): (?:error: |fatal: )?(.*)")
_DECIDED: Final = re.compile(
    r"(?:Batch job submission failed|allocation failure|Kill job error on job id \S+): (.*)"
)
"""What stands before the controller's own words: whatever they are, it has decided."""


def refusal(done: Completed) -> SampanError:
    """What to raise for a command that failed: `Refused` where Slurm said no, `Unavailable` where it said nothing of the kind.

    A text that no table knows is a no only where the controller itself said it.
    """
    texts = list(_texts(done.stderr))
    words = "; ".join(texts)[-300:]
    if not texts or any(text in _SYSTEM or text.startswith(NO_ANSWERS) for text in texts):
        return not_an_answer(done)
    # What comes last sums up what came before; a limit's own name says more. What would start later is not kept, though.
    limits = [code for text in texts if " " not in text and (code := wait_of(text).code) is not None]
    limits = ["batch.limits" if code == "batch.limit" else code for code in limits]
    codes = [code for text in reversed(texts) if (code := _code(text)) is not None]
    for code in (*limits, *codes):
        return Refused(code, cause=words)
    if any(_DECIDED.match(line) for line in _lines(done.stderr)):
        return Refused("scheduler.refused", cause=words, why=texts[-1])
    return not_an_answer(done)


def _code(text: str) -> str | None:
    return next((code for start, code in REFUSALS.items() if text.startswith(start)), None)


def _lines(stderr: str) -> Iterator[str]:
    """The lines that Slurm's commands wrote, without their names; other programs' words are not read."""
    for line in stderr.split("\n"):
        found = _LINE.fullmatch(line.strip())
        if found:
            yield found[1]
        elif line.startswith(("allocation failure: ", "slurm_load_")):
            yield line


def _texts(stderr: str) -> Iterator[str]:
    for line in _lines(stderr):
        found = _DECIDED.match(line)
        yield (found[1] if found else line).strip()
