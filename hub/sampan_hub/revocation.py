"""The list of what an authority has taken back, as sshd's RevokedKeys reads it: a key revocation list of OpenSSH."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from sampan.errors import Unavailable
from sampan_hub.authority import Authority, Key, State
from sampan_hub.certificates import Purpose, key_id

__all__ = ["write_revocations"]

FILE = "revoked"


def write_revocations(authority: Authority, centre: str) -> Path:
    """Writes the list as it is now, and says where. https://man.openbsd.org/ssh-keygen#KEY_REVOCATION_LISTS

    A key that has been taken back takes all its certificates along. An account's certificates all have one id.
    """
    state = authority.state()
    path = authority.folder / FILE
    with tempfile.TemporaryDirectory(dir=authority.folder) as folder:
        draft = Path(folder) / "list"
        _keygen(Path(folder), draft, [])
        for key in state.keys:
            _keygen(Path(folder), draft, _lines(state, key, centre), key)
        draft.replace(path)
    # It holds no secret, and sshd's own copy is read by all.
    path.chmod(0o644)
    return path


def _lines(state: State, key: Key, centre: str) -> list[str]:
    if key.revoked:
        return [key.public]
    ids = [key_id(state.hub, centre, account, purpose) for account in state.accounts for purpose in Purpose]
    return [f"serial: {number}" for number in state.serials] + [f"id: {name}" for name in ids]


def _keygen(folder: Path, draft: Path, lines: list[str], key: Key | None = None) -> None:
    """Begins the list, or adds what concerns one key of ours."""
    told = folder / "told"
    told.write_text("".join(f"{line}\n" for line in lines))
    argv = ["ssh-keygen", "-k", "-f", str(draft)]
    if key is not None:
        public = folder / "ca.pub"
        public.write_text(f"{key.public}\n")
        argv += ["-u", "-s", str(public)]
    try:
        done = subprocess.run([*argv, str(told)], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable("ca.keygen", cause=str(error)) from error
    if done.returncode != 0:
        raise Unavailable("ca.keygen", cause=done.stderr.strip()[-300:])
