"""The files that the hosts of a centre share: /etc of its own, homes, scratch, software."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.federation.account_files import write_accounts
from tests.federation.accounts import SYSTEM, accounts_of
from tests.federation.shape import TIME_ZONE, CentreShape
from tests.federation.writing import put

__all__ = ["lay_out", "shared"]

# What programs of this machine need in /etc, and no more: nobody's keys, passwords or settings.
_OF_THE_MACHINE: Final = (
    *(
        "alternatives",
        "ld.so.cache",
        "ld.so.conf",
        "ld.so.conf.d",
        "ssl/certs",
        "ca-certificates",
    ),
    *("protocols", "services", "fonts", "mime.types", "debian_version", "os-release", "profile"),
    *(
        "bash.bashrc",
        "login.defs",
        "lmod",
        "profile.d/lmod.sh",
        "magic",
        "terminfo",
        "inputrc",
        "host.conf",
    ),
)
# Shows in a job that it was loaded there.
_MODULE: Final = 'setenv("SITE_MODULE", "{centre}/" .. myModuleFullName())\n'


def shared(root: Path) -> dict[str, Path]:
    """Where at the centre → where on this machine."""
    return {
        "/etc": root / "etc",
        "/home": root / "home",
        "/scratch": root / "scratch",
        "/opt": root / "opt",
        "/usr/local": root / "local",
    }


def lay_out(centre: CentreShape, root: Path, addresses: Mapping[str, str]) -> None:
    """Makes what is missing. `addresses`: host names as the centre itself knows them."""
    for path in shared(root).values():
        path.mkdir(parents=True, exist_ok=True)
    (root / "scratch").chmod(0o1777)
    etc = root / "etc"
    for name in _OF_THE_MACHINE:
        _copy(Path("/etc") / name, etc / name)
    # Its clock tells the time of its place, as its descriptor says, whatever this machine's does.
    _copy(Path("/usr/share/zoneinfo") / TIME_ZONE, etc / "localtime")
    hosts = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in addresses.items())]
    put(etc / "hosts", "\n".join(hosts) + "\n")
    # Files alone: a question to a name server that nobody can reach would take seconds.
    put(etc / "nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
    put(etc / "resolv.conf", "")
    put(etc / "motd", f"{centre.en}\n")
    write_accounts(centre, etc, root / "home")
    for module in centre.modules:
        put(etc / "lmod" / "modules" / f"{module}.lua", _MODULE.format(centre=centre.name))
    software = root / "opt" / "software"
    software.mkdir(exist_ok=True)
    uid = next(who.uid for who in accounts_of(centre) if who.name == centre.service_account)
    os.chown(software, uid, uid)
    # Where the read-only user environments appear.
    (root / "opt" / "sampan" / "user").mkdir(parents=True, exist_ok=True)
    key = etc / "munge" / "munge.key"
    if not key.exists():
        put(key, secrets.token_bytes(1024), mode=0o400, owner="munge")
    os.chown(key.parent, SYSTEM["munge"], SYSTEM["munge"])
    key.parent.chmod(0o700)


def _copy(source: Path, target: Path) -> None:
    """Once, and as a whole: a start that is killed leaves no half of it."""
    if os.path.lexists(target) or not os.path.lexists(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.new")
    if source.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(source, draft, symlinks=True)
    else:
        shutil.copy2(source, draft)
    draft.rename(target)
