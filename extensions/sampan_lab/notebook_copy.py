"""An entry's notebook, from where it lies at this centre into the person's own folder."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from typing import Any, Final

__all__ = ["copied", "lies_here"]

LARGEST: Final = 64 << 20
"""Bytes; a notebook that is larger is none that a browser shows."""
_TRIES: Final = 1000


def lies_here(told: dict[str, Any], centre: str) -> Path:
    """The file of an entry at this centre. Raises SampanError: it lies elsewhere, is no notebook, may not be opened."""
    from sampan.entries import PACKAGES, Entry, resolve
    from sampan.errors import Refused
    from sampan.opening import allowed, elsewhere

    one = Entry.from_json(told)
    allowed(one, told)
    copies = [copy for copy in one.replicas if copy.opener == "notebook" and copy.state == "online"]
    if not copies:
        raise Refused("entry.no_data", entry=one.ref, kind=one.kind)
    near = [copy for copy in copies if copy.centre in {None, centre}]
    if not near:
        raise elsewhere(one, told.get("centres", {}))
    roots = told.get("roots", {}).get(near[0].centre, {})
    return Path(resolve(near[0].href, {**roots, PACKAGES: sysconfig.get_path("purelib")}))


def copied(source: Path, folder: Path, name: str) -> str:
    """The name of the copy below `folder`; nothing that is there is ever overwritten. Raises Missing (entry.gone).

    Byte by byte, and not through Jupyter: that would sign a notebook which says of itself that it is trusted.
    """
    from sampan.errors import Missing

    try:
        if not source.is_file() or source.stat().st_size > LARGEST:
            raise Missing("entry.gone", entry=name, path=str(source))
        content = source.read_bytes()
    except OSError as error:
        raise Missing("entry.gone", entry=name, path=str(source), cause=repr(error)) from error
    for number in range(_TRIES):
        target = folder / (f"{name}.ipynb" if number == 0 else f"{name}-{number}.ipynb")
        try:
            made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(made, "wb") as file:
            file.write(content)
        return target.name
    raise Missing("entry.gone", entry=name, path=str(folder))
