"""What a centre has that a catalogue could tell of: `python -I -m sampan_kernels.reaping < question.json`, findings out.

Modules of Lmod; STAC, intake and intake-esm catalogues, which are read as data (nothing that they name is imported, no template
of theirs is filled in); a folder of files. Only what lies below the place that is asked about is told of.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sampan.entries import resolve
from sampan.errors import SampanError
from sampan_kernels.apart import bound, line

__all__ = ["FORMS", "main", "reap"]

Finding = dict[str, Any]
MOST: Final = 2_000
"""Things that one harvest tells of."""
_TEXT: Final = 1_000
_LARGEST: Final = 32 << 20
"""Bytes of a catalogue's file that are read."""
_OPENERS: Final = {
    ".nc": "netcdf4",
    ".nc4": "netcdf4",
    ".cdf": "netcdf4",
    ".zarr": "zarr",
    ".grib": "cfgrib",
    ".grib2": "cfgrib",
    ".grb": "cfgrib",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".parquet": "parquet",
}
_DRIVERS: Final = {"netcdf": "netcdf4", "zarr": "zarr", "csv": "csv", "json": "json", "parquet": "parquet"}
_FORMATS: Final = {**_DRIVERS, "grib": "cfgrib", "nc": "netcdf4", "netcdf4": "netcdf4"}
_MEDIA: Final = {
    "application/x-netcdf": "netcdf4",
    "application/netcdf": "netcdf4",
    "application/vnd+zarr": "zarr",
    "application/vnd.zarr": "zarr",
    "application/wmo-grib2": "cfgrib",
    "application/x-grib": "cfgrib",
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
}
_SPIDERS: Final = ("/usr/share/lmod/lmod/libexec/spider", "/opt/apps/lmod/lmod/libexec/spider")


class Place:
    """A file or folder below a root, and how what lies beside or below it is called."""

    def __init__(self, href: str, roots: Mapping[str, str]) -> None:
        self._root = href.partition("/")[0]
        self._below = Path(resolve(f"{self._root}/x", roots)).parent
        self.path = Path(resolve(href, roots)) if "/" in href else self._below

    def at(self, href: str) -> Path:
        return self._below / href.partition("/")[2]

    def href(self, path: Path | str, base: Path) -> str | None:
        """None for what lies elsewhere, or is no file of this machine."""
        text = str(path).removeprefix("file://")
        if not 0 < len(text) <= _TEXT or "://" in text or "{" in text or "*" in text:
            return None
        whole = (base / text).resolve()
        try:
            return f"{self._root}/{whole.relative_to(self._below.resolve()).as_posix()}"
        except ValueError:
            return None


def reap(asked: Mapping[str, Any]) -> Iterator[Finding]:
    """Everything that is found at `href` in that `form`: each a finding, or `{"skipped": what, "why": …}`."""
    place = Place(asked["href"], asked.get("roots", {}))
    for number, one in enumerate(FORMS[asked["form"]](place)):
        if number == MOST:
            yield {"skipped": "…", "why": "many"}
            return
        yield one


# --- modules


def _lmod(place: Place) -> Iterator[Finding]:
    """https://lmod.readthedocs.io/en/latest/136_spider.html: the program evaluates the module files, as a login does."""
    program = next((one for one in _SPIDERS if Path(one).exists()), "spider")
    done = subprocess.run(
        [program, "-o", "jsonSoftwarePage", str(place.path)], capture_output=True, timeout=120, check=True
    )
    for package in json.loads(done.stdout):
        for one in package["versions"]:
            name, _, version = str(one["full"]).rpartition("/")
            yield {
                "kind": "software",
                "name": str(package["package"] if name else one["full"])[:_TEXT],
                "version": str(one.get("versionName") or version),
                "module": str(one["full"]),
                "title": str(package["package"]),
                "summary": str(one.get("description") or package.get("description") or "")[:_TEXT],
            }


# --- catalogues


def _stac(place: Place) -> Iterator[Finding]:
    """A static catalogue (https://github.com/radiantearth/stac-spec): its items, by the links below it."""
    left, seen = [(place.path, "")], set[Path]()
    while left:
        path, licence = left.pop()
        if path in seen or len(seen) > MOST:
            continue
        seen.add(path)
        told = _json(path)
        licence = _text(told.get("license")) or licence
        for link in told.get("links", ()):
            href = place.href(_text(link.get("href"), None), path.parent)
            if link.get("rel") in {"child", "item"} and href is not None:
                left.append((place.at(href), licence))
        if told.get("type") == "Feature":
            yield _item(place, path, told, licence)


def _item(place: Place, path: Path, told: Mapping[str, Any], licence: str) -> Finding:
    facts, name = told.get("properties", {}), _text(told.get("id"))
    for asset in told.get("assets", {}).values():
        where, media = _text(asset.get("href"), None), _text(asset.get("type"))
        href = place.href(where, path.parent)
        opener = _MEDIA.get(media.partition(";")[0]) or _opener(where)
        if href is not None and opener is not None:
            title = _text(facts.get("title")) or name
            return {
                **_copy(name, href, opener, title, _text(facts.get("description"))),
                "licence": _text(facts.get("license")) or licence,
                "bbox": told.get("bbox"),
                "when": [facts.get("start_datetime") or facts.get("datetime"), facts.get("end_datetime")],
            }
    return {"skipped": name, "why": "asset"}


def _intake(place: Place) -> Iterator[Finding]:
    """https://intake.readthedocs.io/en/latest/catalog.html: a driver is a word of a list here, and never a class to import."""
    import yaml

    try:
        told = yaml.safe_load(_read(place.path))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    for name, source in (told.get("sources") or {}).items():
        args = source.get("args") or {}
        where = _text(args.get("urlpath", args.get("uri", args.get("path"))), None)
        opener = _DRIVERS.get(_text(source.get("driver")).rpartition(".")[2].lower().removesuffix("source"))
        folder = re.sub(r"^\{\{\s*CATALOG_DIR\s*\}\}/?", "", where)
        href = place.href(folder or ".", place.path.parent) if where else None
        # A name is no list, nor anything else that refers to itself: it was a key.
        name = str(name)[:_TEXT]
        if opener is None or href is None:
            yield {"skipped": name, "why": "driver" if opener is None else "place"}
            continue
        meta = source.get("metadata") or {}
        title = _text(meta.get("title")) or name
        found = _copy(name, href, opener, title, _text(source.get("description")))
        yield {**found, "licence": _text(meta.get("license"))}


def _esm(place: Place) -> Iterator[Finding]:
    """https://github.com/NCAR/esm-collection-spec: each row of its table is a file."""
    told = _json(place.path)
    assets = told["assets"]
    table = place.href(str(told["catalog_file"]), place.path.parent)
    if table is None:
        yield {"skipped": str(told["catalog_file"])[:_TEXT], "why": "place"}
        return
    columns = [one["column_name"] for one in told.get("attributes", ())]
    for row in csv.DictReader(_read(place.at(table)).splitlines()):
        where = row.get(assets["column_name"]) or ""
        form = str(assets.get("format") or row.get(assets.get("format_column_name", "")) or "")
        href, opener = place.href(where, place.at(table).parent), _FORMATS.get(form.lower())
        if href is None or opener is None:
            yield {"skipped": where[:_TEXT], "why": "place" if href is None else "driver"}
            continue
        said = [row[name] for name in columns if row.get(name)]
        words = " ".join(said) or Path(where).stem
        found = _copy(
            "-".join(said) or Path(where).stem, href, opener, words, str(told.get("description") or "")
        )
        yield {
            **found,
            "variables": [row[name][:_TEXT] for name in ("variable_id", "variable") if row.get(name)],
        }


# --- files


def _folder(place: Place) -> Iterator[Finding]:
    """Each file by what it ends in. What leads out of the folder is not followed."""
    for path in _below(place.path):
        href, opener = place.href(path, place.path), _opener(path.name)
        if href is not None and opener is not None:
            name = path.relative_to(place.path).as_posix()
            yield _copy(re.sub(r"\.[a-z0-9.]+$", "", name), href, opener, Path(name).stem, "")


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir() and path.suffix != ".zarr":
            yield from _below(path)
        elif not path.name.startswith("."):
            yield path


def _opener(name: str) -> str | None:
    return next((opener for suffix, opener in _OPENERS.items() if name.lower().endswith(suffix)), None)


def _copy(name: str, href: str, opener: str, title: str, summary: str) -> Finding:
    told = {"kind": "dataset", "name": name[:_TEXT], "version": "1", "href": href, "opener": opener}
    return {**told, "title": title[:_TEXT], "summary": summary[:_TEXT]}


def _text(value: Any, most: int | None = _TEXT) -> str:
    """What is no text is none: a few lines of YAML can be a list that is endless when it is written out."""
    return value[:most] if isinstance(value, str) else ""


def _json(path: Path) -> dict[str, Any]:
    told = json.loads(_read(path))
    if not isinstance(told, dict):
        raise ValueError(f"{path.name}: an object was expected")
    return told


def _read(path: Path) -> str:
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"{path.name}: larger than {_LARGEST} bytes")
    return path.read_text(encoding="utf-8")


FORMS: Final[Mapping[str, Callable[[Place], Iterator[Finding]]]] = {
    "esm": _esm,
    "folder": _folder,
    "intake": _intake,
    "lmod": _lmod,
    "stac": _stac,
}
"""Form → how it is read."""


def main() -> None:
    """Prints one line of JSON for each finding, and `{"end": true}` behind the last; or `{"failed": why}`."""
    asked = json.load(sys.stdin)
    bound()
    os.nice(10)
    try:
        for one in (*reap(asked), {"end": True}):
            print(line(one))
    except SampanError as error:
        print(json.dumps({"failed": error.code}))
    except (
        AttributeError,
        KeyError,
        MemoryError,
        OSError,
        RecursionError,
        TypeError,
        ValueError,
        subprocess.SubprocessError,
    ) as error:
        print(json.dumps({"failed": f"{type(error).__name__}: {error}"[:_TEXT]}))


if __name__ == "__main__":
    main()
