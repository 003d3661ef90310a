"""The job script of an attempt: typed facts in, bash text out. Nothing that a person typed is in it in clear letters."""

from __future__ import annotations

import re
import shlex
import unicodedata
from dataclasses import dataclass, fields
from typing import Any, Final

from sampan.errors import Invalid
from sampan_hub.papers import SHAPE

__all__ = ["ALONE", "Script", "check", "prepared", "render_script"]

_NAME: Final = (re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"), "a short name")
_ID: Final = (re.compile(r"[a-z0-9]{4,16}"), "a to z and digits")
_KIND: Final = (re.compile(r"[a-z]{1,16}"), "a word for what a launch runs")
_TAG: Final = (re.compile(r"sampan-[a-z0-9]{4,16}-[a-z0-9]{4,16}-[0-9]{1,6}"), "a tag of ours")
_PATH: Final = (re.compile(r"/(?:[A-Za-z0-9._@+=,-]+/?)*"), "an absolute path of plain characters")
_MODULE: Final = (re.compile(r"[A-Za-z0-9][A-Za-z0-9._+/-]{0,127}"), "a module's name")
_KEY: Final = (re.compile(r"ssh-ed25519 [A-Za-z0-9+/]{68}"), "an ed25519 public key")
_NONCE: Final = (re.compile(r"[0-9a-f]{16,128}"), "hexadecimal digits")
_ADDRESS: Final = (re.compile(r"[0-9a-fA-F.:]{2,45}"), "a numeric address")
_PAPERS: Final = (SHAPE, "papers that we have sealed")
_LONGEST_TITLE: Final = 200
_LONGEST_PATH: Final = 1024


@dataclass(frozen=True, slots=True)
class Script:
    """What one job is told. `title_*` are the centre's names for people; `memory_mib` in MiB, `minutes` its time limit.

    `setup_file` lies at the centre and may hold shell lines of its operators; ours hold none of theirs. `bind` is the
    address the launcher listens on: loopback where the broker is on the same machine. `settled`: the folder of `python` is a
    link that leads to another environment tomorrow, and the job stays with the one it began with. `papers` are sealed, see
    `sampan_hub.papers`; empty: without.
    """

    tag: str
    launch: str
    kind: str
    centre: str
    title_en: str
    title_zh: str
    share: str
    scheduler: str
    cores: int
    memory_mib: int
    minutes: int
    home: str
    attempt_dir: str
    nonce: str
    client_key: str
    bind: str
    python: str
    settled: bool = False
    modules: tuple[str, ...] = ()
    setup_file: str | None = None
    papers: str = ""

    def __post_init__(self) -> None:
        """Raises `Invalid`, naming the field, for whatever is not of the narrow shape that a script may hold."""
        for field in fields(self):
            check(field.name, getattr(self, field.name))


_SHAPES: Final[dict[str, tuple[re.Pattern[str], str]]] = {
    "tag": _TAG,
    "launch": _ID,
    "kind": _KIND,
    "centre": _NAME,
    "share": _NAME,
    "scheduler": _NAME,
    "home": _PATH,
    "attempt_dir": _PATH,
    "nonce": _NONCE,
    "client_key": _KEY,
    "bind": _ADDRESS,
    "python": _PATH,
    "modules": _MODULE,
    "setup_file": _PATH,
    "papers": _PAPERS,
}
_NUMBERS: Final = {"cores": 100_000, "memory_mib": 2**40, "minutes": 1_000_000}


def render_script(script: Script) -> str:
    """The script as text. Equal values give equal text: it is compared with a golden copy."""
    exports = {
        "HOME": script.home,
        "SAMPAN_CENTRE": script.centre,
        "SAMPAN_CENTRE_EN": script.title_en,
        "SAMPAN_CENTRE_ZH": script.title_zh,
        "SAMPAN_SHARE": script.share,
        "SAMPAN_SCHEDULER": script.scheduler,
        "SAMPAN_CORES": str(script.cores),
        "SAMPAN_MEMORY_MIB": str(script.memory_mib),
        "SAMPAN_MINUTES": str(script.minutes),
        "SAMPAN_LAUNCH": script.launch,
        "SAMPAN_KIND": script.kind,
        "SAMPAN_TAG": script.tag,
        "SAMPAN_ATTEMPT_DIR": script.attempt_dir,
        "SAMPAN_NONCE": script.nonce,
        "SAMPAN_CLIENT_KEY": script.client_key,
        "SAMPAN_BIND": script.bind,
    }
    lines = [
        "#!/bin/bash",
        f"# Sampan: attempt {script.tag}. Made by the broker; holds no secret.",
        *([f"# papers: {script.papers}"] if script.papers else ()),
        "umask 077",
        *(ALONE if script.scheduler == "slurm" else ()),
        *(f"export {name}={shlex.quote(value)}" for name, value in exports.items()),
    ]
    lines += prepared(script.modules, script.setup_file)
    lines.append(f"cd {shlex.quote(script.home)} || exit 67")
    python = shlex.quote(script.python)
    if script.settled:
        folder, _, name = script.python.rpartition("/")
        lines += [
            f"SAMPAN_PYTHON=$(cd -P -- {shlex.quote(folder)} && pwd)/{shlex.quote(name)} || exit 68",
            "export SAMPAN_PYTHON",
        ]
        python = '"$SAMPAN_PYTHON"'
    # -P: a file of the person's own that is called like a module is not taken for it.
    lines.append(f"exec {python} -P -m sampan_kernels.launcher")
    return "\n".join(lines) + "\n"


def prepared(modules: tuple[str, ...], setup_file: str | None) -> list[str]:
    """The lines that prepare what a centre says of its environment."""
    lines = []
    if modules:
        # A batch shell is no login shell: at some centres `module` is defined in the profile only.
        lines.append("type module >/dev/null 2>&1 || source /etc/profile")
        lines += [f"module load {shlex.quote(name)} || exit 65" for name in modules]
    if setup_file:
        lines.append(f"source {shlex.quote(setup_file)} || exit 66")
    return lines


_KEPT: Final = (
    *("PATH", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ"),
    *("SLURM*", "*_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "ZE_AFFINITY_MASK"),
    *("*_proxy", "*_PROXY"),
)
ALONE: Final = (
    # A batch system hands on what whoever submits had exported. A job is the same whoever that is: what the system itself
    # says stays, and the ways out of a node; the process scheduler gives its jobs no more than that either.
    f'for name in $(compgen -e); do case $name in {"|".join(_KEPT)}) ;; *) unset "$name" ;; esac; done',
    "unset -f $(compgen -A function)",
    "export PATH=${PATH:-/usr/local/bin:/usr/bin:/bin} LANG=C.UTF-8",
)


def check(field: str, value: Any, like: str = "") -> None:
    """Raises `Invalid`, naming the field, where the value has not the narrow shape of its field in a script, or of `like`."""
    if field in _NUMBERS:
        if type(value) is not int or not 0 < value <= _NUMBERS[field]:
            raise Invalid("script.value", field=field, expected=f"1–{_NUMBERS[field]}")
    elif field.startswith("title_"):
        if not _is_title(value):
            raise Invalid("script.value", field=field, expected=f"1–{_LONGEST_TITLE} printable characters")
    elif (field, value) in (("setup_file", None), ("papers", "")) or field == "settled":
        return
    else:
        shape, expected = _SHAPES[like or field]
        for text in value if field == "modules" else (value,):
            short = isinstance(text, str) and (len(text) <= _LONGEST_PATH or field == "papers")
            if not short or not shape.fullmatch(text) or "/../" in f"{text}/":
                raise Invalid("script.value", field=field, expected=expected)


def _is_title(value: Any) -> bool:
    """Any language, and nothing that breaks a line or hides: no control, format, separator or unassigned character."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TITLE:
        return False
    return all(char == " " or unicodedata.category(char)[0] not in "CZ" for char in value)
