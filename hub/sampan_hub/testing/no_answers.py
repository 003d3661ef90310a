"""What comes back from a centre where nobody has answered: as it was seen, from shells, ways that are cut and controllers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sampan_hub.asks import Completed

__all__ = ["NO_ANSWERS"]

NO_ANSWERS: Final[Mapping[str, Completed]] = {
    "nothing": Completed(0, "", ""),
    "a blank line": Completed(0, "\n", ""),
    "the way is cut": Completed(255, "", "ssh: connect to host login port 22: Connection refused"),
    "a prompt": Completed(1, "", "sudo: a password is required"),
    "two lines": Completed(1, "", "error: Unable to contact the controller\nerror: (null)\n"),
    "a banner": Completed(0, "Welcome to the centre!\n", ""),
    "killed": Completed(-9, "", ""),
    "not found": Completed(127, "", "sh: 1: command not found"),
}
