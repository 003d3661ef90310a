"""The gate at a centre: the hub's logins lead to it, and to nothing else there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from sampan_hub.authority import State
from sampan_hub.certificates import Purpose
from sampan_hub.sshd_lines import CONFIG, GATE, principal_line, sshd_files
from tests.federation import user_environment
from tests.federation.account_files import ACCOUNT_COMMAND
from tests.federation.accounts import accounts_of
from tests.federation.batch import SPOOL
from tests.federation.host import REPOSITORY
from tests.federation.shape import CentreShape
from tests.federation.writing import put

__all__ = ["write_gate"]

_SOURCE: Final = REPOSITORY / "kernels" / "sampan_kernels" / "gate.py"


def write_gate(centre: CentreShape, etc: Path, local: Path) -> str:
    """The program, what is where, and who comes through it. With the principal `operator:NAME` one comes in without it.

    What stays to be written is the text for sshd's own configuration, as `sampan ca show` gives it.
    """
    put(local / Path(GATE.split()[-1]).relative_to("/usr/local"), _SOURCE.read_text(), mode=0o755)
    put(etc / "sampan" / "gate.json", json.dumps(_config(centre), indent=1))
    purposes = {
        who.name: Purpose.SERVICE if who.name == centre.service_account else Purpose.PERSON
        for who in accounts_of(centre)
    }
    for account, purpose in purposes.items():
        lines = f"{principal_line(account, purpose)}\noperator:{account}\n"
        put(etc / "ssh" / "sampan" / "principals" / account, lines)
    return sshd_files(centre.name, State("", (), 0), purposes)[CONFIG]


def _config(centre: CentreShape) -> dict[str, Any]:
    config: dict[str, Any] = {
        "service_account": centre.service_account,
        "account_command": [ACCOUNT_COMMAND],
        # The second is for what a test puts in its place.
        "python": [str(user_environment.python()), "/scratch/bin/*"],
        "base": "/usr/bin/python3",
        "prefix": "/opt/software/sampan-*",
    }
    if not centre.has_slurm:
        return {**config, "spool": SPOOL}
    demands = {
        f"--{option}={value}"
        for queue in centre.queues
        for option, value in queue.demands
        if option != "gres"
    }
    return {**config, "queues": [queue.name for queue in centre.queues], "demands": sorted(demands)}
