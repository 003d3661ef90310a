"""What the catalogue tells of, seen at its centre: `python -I -m sampan_kernels.looking < questions.json`, facts out.

Each thing is looked at in a process of its own, with a bound on its time and memory: a broken file breaks that, and the
others are told of all the same. It only reports; what follows from it is decided by who asks.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import math
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sampan.entries import PACKAGES, Replica, resolve
from sampan.errors import SampanError
from sampan_kernels.apart import answers, line
from sampan_kernels.probes import software

__all__ = ["look", "main"]

Facts = dict[str, Any]
Members = Sequence[tuple[Path, os.stat_result]]
_HASHED: Final = 1 << 30
"""Bytes up to which a file is read whole each time; a larger one only where its size or time is not what it was, and its
checksum is stated."""
_TABLE: Final = 200 << 20
"""Bytes of the largest table that is read to see that it opens: it is no lazy thing."""
_PICTURE: Final = 200_000
_VARIABLES: Final = 100
_DIMENSIONS: Final = 20
_TEXT: Final = 300
_AXES: Final = {
    "time": "time",
    "latitude": "latitude",
    "longitude": "longitude",
    "lat": "latitude",
    "lon": "longitude",
}


def look(asked: Mapping[str, Any]) -> Facts:
    """The facts of one thing: a file or folder (`href`), or a distribution of this environment (`distribution`)."""
    return software(asked["distribution"]) if "distribution" in asked else _data(asked)


# --- data


def _data(asked: Mapping[str, Any]) -> Facts:
    copy = Replica.from_json(asked["replica"])
    name = copy.href[1:].partition("}")[0]
    try:
        roots = {**asked.get("roots", {}), PACKAGES: _packages()}
        path = Path(resolve(copy.href, roots))
    except SampanError as error:
        return {"error": error.code}
    place = Path(os.path.realpath(path))
    # What a link leads to elsewhere is read with rights that whoever made the link may not have.
    if not place.is_relative_to(os.path.realpath(roots[name])):
        return {"error": "entry.outside"}
    try:
        place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return {"there": False}
    except PermissionError:
        return {"there": True, "denied": True}
    try:
        members = _members(place)
        if members is None:
            return {"error": "entry.outside"}
        everybody = name == PACKAGES or bool(asked.get("shared")) or _open_to_others(place, members)
        facts = {**_size(members), **_owner(place, asked.get("group"))}
        changed = [facts["bytes"], facts["modified"]] != asked.get("seen")
        if (facts["bytes"] <= _HASHED and everybody) or (copy.checksum is not None and changed):
            facts["checksum"] = _told(_checksum(place, members), copy.checksum, everybody)
    except FileNotFoundError:
        # One of its files has gone meanwhile, or a link leads nowhere: what is there cannot be told now.
        return {"failed": "time"}
    except PermissionError:
        return {"there": True, "denied": True}
    facts = {"there": True, **facts}
    # A preview of what this account alone may read would be everybody's.
    if everybody:
        facts |= _opened(copy, path, facts["bytes"], picture=bool(asked.get("picture")))
    return facts


def _told(checksum: str, stated: str | None, everybody: bool) -> str:
    """Of what is not everybody's only whether it is what was stated."""
    return checksum if everybody or checksum == stated else "sha256:?"


def _packages() -> str:
    import sysconfig

    return sysconfig.get_path("purelib")


def _members(place: Path) -> Members | None:
    """The file; a folder with everything in it, in one order at every centre. None where a link in it leads out of it."""
    found = [place]
    for folder, folders, names in os.walk(place):
        folders.sort()
        inside = [Path(folder) / name for name in (*folders, *sorted(names))]
        links = (one for one in inside if one.is_symlink())
        if not all(Path(os.path.realpath(one)).is_relative_to(place) for one in links):
            return None
        found += inside
    return [(one, one.stat()) for one in found]


def _files(members: Members) -> list[tuple[Path, os.stat_result]]:
    return [(path, seen) for path, seen in members if not stat.S_ISDIR(seen.st_mode)]


def _open_to_others(place: Path, members: Members) -> bool:
    """Whether any account of this machine can read all of it, by the modes from the top down."""
    if not all(folder.stat().st_mode & stat.S_IXOTH for folder in place.parents):
        return False
    modes = (seen.st_mode for _, seen in members)
    wanted = stat.S_IROTH | stat.S_IXOTH
    return all(mode & wanted == wanted if stat.S_ISDIR(mode) else mode & stat.S_IROTH for mode in modes)


def _size(members: Members) -> Facts:
    seen = [seen for _, seen in _files(members)]
    return {
        "bytes": sum(one.st_size for one in seen),
        "modified": max((one.st_mtime_ns for one in seen), default=0),
    }


def _owner(path: Path, group: str | None) -> Facts:
    """Whether the group that is needed exists here, owns it, and whether others are kept out."""
    import grp

    if group is None:
        return {}
    there = path.stat()
    try:
        known = grp.getgrnam(group).gr_gid
    except KeyError:
        return {"group": {"known": False}}
    return {
        "group": {"known": True, "owns": there.st_gid == known, "closed": not there.st_mode & stat.S_IRWXO}
    }


def _checksum(place: Path, members: Members) -> str:
    """SHA-256 of a file; of a folder that of the lines `digest, two blanks, name below it` of its files."""
    if not place.is_dir():
        return f"sha256:{_digest(place)}"
    lines = "".join(f"{_digest(one)}  {one.relative_to(place).as_posix()}\n" for one, _ in _files(members))
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _opened(copy: Replica, path: Path, size: int, *, picture: bool) -> Facts:
    from sampan.openers import read

    if copy.opener in {"csv", "json", "parquet"} and size > _TABLE:
        return {}
    try:
        data = read("", copy, str(path))
        facts: Facts = {"opened": True, "found": describe(data)}
    except SampanError as error:
        return {"error": error.code}
    except PermissionError:
        return {"denied": True}
    except Exception as error:  # noqa: BLE001 (whatever a file brings up, it is the finding)
        return {"opened": False, "why": f"{type(error).__name__}: {error}"[:_TEXT]}
    if picture:
        facts["picture"] = _picture(data)
    return facts


def describe(data: Any) -> Facts:
    """Dimensions, variables with their units, and where and when it is of; the columns of a table; the cells of a notebook."""
    if "cells" in data and "nbformat" in data:
        return {"dims": {"cells": len(data["cells"])}, "variables": [], "extent": {}}
    if not hasattr(data, "sizes"):
        found = [{"name": str(name)[:_TEXT], "dims": ["rows"]} for name in list(data.columns)[:_VARIABLES]]
        return {"dims": {"rows": len(data)}, "variables": found, "extent": {}}
    found = []
    for name in list(data.data_vars)[:_VARIABLES]:
        one = data[name]
        told = {key: str(one.attrs[key])[:_TEXT] for key in ("units", "long_name") if key in one.attrs}
        dims = [str(dim)[:_TEXT] for dim in one.dims[:_DIMENSIONS]]
        found.append({"name": str(name)[:_TEXT], "dims": dims, **told})
    sizes = list(data.sizes.items())[:_VARIABLES]
    return {
        "dims": {str(name)[:_TEXT]: int(count) for name, count in sizes},
        "variables": found,
        "extent": _extent(data),
    }


def _extent(data: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name, one in data.coords.items():
        axis = _AXES.get(str(one.attrs.get("standard_name", name)).lower())
        if axis is None or axis in found or not one.size:
            continue
        with contextlib.suppress(TypeError, ValueError):  # times of another calendar, words
            ends = [one.min().values, one.max().values]
            if axis == "time":
                found[axis] = [str(end)[:19] for end in ends]
            elif all(math.isfinite(float(end)) for end in ends):
                found[axis] = [float(end) for end in ends]
    return found


def _picture(data: Any) -> str | None:
    """Of its first variable that can be drawn, as PNG in base64."""
    from sampan.pictures import draw, variables

    with contextlib.suppress(Exception):  # a preview that cannot be made is none
        for name in variables(data)[:1]:
            made = draw(data, name, {})
            return base64.b64encode(made).decode() if len(made) <= _PICTURE else None
    return None


def main() -> None:
    """Prints one line of JSON for each question: facts, or null."""
    # Before anything that counts: threads of a library would not be there in a child.
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
    os.environ["MPLBACKEND"] = "agg"
    os.nice(10)
    questions = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):
        _warm(questions)
    for facts in answers(questions, look):
        print("null" if facts is None else line(facts), flush=True)


def _warm(questions: Sequence[Mapping[str, Any]]) -> None:
    """What many children would import, once."""
    openers = {one["replica"]["opener"] for one in questions if "replica" in one}
    wanted = ["pandas"] if openers & {"csv", "json"} else []
    wanted += ["xarray", "dask.array"] if openers - {"csv", "json", "parquet", "notebook"} else []
    wanted += ["netCDF4"] if "netcdf4" in openers else []
    wanted += ["matplotlib.figure"] if any(one.get("picture") for one in questions) else []
    for name in wanted:
        with contextlib.suppress(Exception):
            __import__(name)


if __name__ == "__main__":
    main()
