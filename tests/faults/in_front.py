"""A program in front of Slurm's commands on a real login node, to answer in their stead as a test says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.federation.centre import Centre

__all__ = ["InFront", "in_front"]

COMMANDS: Final = ("squeue", "sinfo", "sacct", "scontrol", "sbatch", "scancel", "sacctmgr")
_FOLDER: Final = "/run/in-front"
# What is in its own file beside it says how it answers; without that file it is the command itself.
_PROGRAM: Final = """\
#!/bin/sh
name=${0##*/}
[ -e /run/in-front/$name.say ] && . /run/in-front/$name.say
[ -e /run/in-front/say ] && . /run/in-front/say
exec /run/in-front/real/$name "$@"
"""


class InFront:
    """`says`: shell lines, run before the command itself would be; None: it answers for itself again."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def all_say(self, lines: str | None) -> None:
        self._put("say", lines)

    def says(self, command: str, lines: str | None) -> None:
        self._put(f"{command}.say", lines)

    def _put(self, name: str, lines: str | None) -> None:
        if lines is None:
            self._centre.run(["rm", "-f", f"{_FOLDER}/{name}"])
        else:
            # As a whole: somebody may ask at this moment.
            script = f"cat > {_FOLDER}/new && mv {_FOLDER}/new {_FOLDER}/{name}"
            self._centre.run(["sh", "-c", script], stdin=lines.encode())


@contextmanager
def in_front(centre: Centre) -> Iterator[InFront]:
    """Mounted over the commands of that login node alone, within its own namespace; gone afterwards."""
    names = " ".join(COMMANDS)
    centre.run(
        [
            "sh",
            "-ec",
            f"mkdir -p {_FOLDER}/real; chmod 777 {_FOLDER}; for name in {names}; do cp /usr/bin/$name {_FOLDER}/real/; done",
        ]
    )
    centre.run(["sh", "-c", f"cat > {_FOLDER}/program; chmod 755 {_FOLDER}/program"], stdin=_PROGRAM.encode())
    centre.run(["sh", "-ec", f"for name in {names}; do mount --bind {_FOLDER}/program /usr/bin/$name; done"])
    try:
        yield InFront(centre)
    finally:
        centre.run(["sh", "-c", f"for name in {names}; do umount /usr/bin/$name; done; rm -rf {_FOLDER}"])
