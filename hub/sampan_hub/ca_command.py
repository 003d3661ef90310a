"""`sampan ca show|rotate|revoke CENTRE`: the keys with which the hub may act as people there, and taking that back."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
from pathlib import Path
from typing import Any, Final

from sampan.errors import Invalid, Missing
from sampan.messages import Message
from sampan.whereabouts import spoken_language
from sampan_hub.authority import Authority, Key, State
from sampan_hub.certificates import Purpose, certified
from sampan_hub.revocation import write_revocations
from sampan_hub.settings import hub_id
from sampan_hub.signing_list import SigningList
from sampan_hub.sshd_lines import FOLDER, REVOKED, sshd_files
from sampan_hub.state_directory import StateDirectory

__all__ = ["CaCommand", "command"]

_BELONGS: Final = {
    "activate": "rotate",
    "serial": "revoke",
    "account": "revoke",
    "all": "revoke",
    "undo": "revoke",
}
"""Flag → the one action that it is for."""


class CaCommand:
    help = "the keys that let the hub in at a centre / 平台登录某中心所用的签名密钥"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        def flag(name: str, meaning: str, **more: Any) -> None:
            parser.add_argument(name, help=meaning, **more)

        actions = ("show", "rotate", "revoke")
        flag("what", "tell, replace, or take back / 查看、更换或撤销", choices=actions)
        flag("centre", "its id / 中心的 id", metavar="CENTRE")
        flag("--activate", "rotate: the new key signs from now on / 启用新密钥", action="store_true")
        flag(
            "--serial",
            "revoke: one certificate, by its number / 按序号撤销",
            type=int,
            action="append",
            default=[],
        )
        flag("--account", "revoke: an account, now and later / 撤销账号", action="append", default=[])
        flag("--all", "revoke: all that older keys have signed / 撤销旧密钥", action="store_true")
        flag("--undo", "revoke: with --account, sign for it again / 恢复账号", action="store_true")
        flag("--json", "for scripts / 以 JSON 输出", action="store_true")
        state = Path(os.environ.get("SAMPAN_STATE", "state"))
        naming = "names the hub in a new authority (the state's own) / 平台标识"
        flag("--hub-id", naming, type=hub_id, default=None)
        flag("--state", "the signer's state directory (./state) / 状态目录", type=Path, default=state)

    def run(self, args: argparse.Namespace) -> int:
        for name, action in _BELONGS.items():
            if getattr(args, name) and args.what != action:
                raise Invalid("ca.flag", flag=f"--{name}", action=action)
        state = StateDirectory(args.state)
        if not (state.path / "centres").is_dir():
            raise Invalid("ca.no_state", state=str(state.path))
        centre = SigningList(state.path / "centres").centre(args.centre)
        authority = Authority(state.path / "ca" / args.centre, args.hub_id or _hub(state))
        if not (authority.folder / "authority.json").exists():
            if centre is None:
                raise Missing("centre.unknown", centre=args.centre)
            if not authority.hub:
                raise Missing("ca.no_hub", state=str(state.path))
        accounts = {} if centre is None else dict(certified(centre))
        told = _ACTIONS[args.what](authority, args)
        _show(authority, args.centre, accounts, told, as_json=args.json)
        return 0


command = CaCommand()


def _hub(state: StateDirectory) -> str:
    """Empty where nobody has said it yet: an authority keeps its name for good, so none is made up."""
    try:
        return state.secret("hub-id")
    except OSError:
        return ""


def _told(authority: Authority, args: argparse.Namespace) -> list[Message]:
    authority.state()
    return []


def _rotate(authority: Authority, args: argparse.Namespace) -> list[Message]:
    """A key that the centre has not been told of lets nobody in: so first it is made, and only then it signs."""
    if args.activate:
        key = authority.activate().signs
        return [Message("ca.signs", {"key": key.fingerprint, "centre": args.centre})]
    authority.rotate()
    return [Message("ca.rotated", {"file": f"{FOLDER}/ca.pub", "centre": args.centre})]


def _revoke(authority: Authority, args: argparse.Namespace) -> list[Message]:
    if args.undo:
        if not args.account or args.serial or args.all:
            raise Invalid("ca.flag", flag="--undo", action="revoke --account")
        for account in args.account:
            authority.restore(account)
    elif not (args.account or args.serial or args.all):
        raise Invalid("ca.what", centre=args.centre)
    else:
        authority.revoke(accounts=tuple(args.account), serials=tuple(args.serial), old_keys=args.all)
    file = write_revocations(authority, args.centre)
    return [Message("ca.revoked", {"file": str(file), "there": REVOKED})]


_ACTIONS: Final = {"show": _told, "rotate": _rotate, "revoke": _revoke}


def _show(
    authority: Authority, centre: str, accounts: dict[str, Purpose], told: list[Message], *, as_json: bool
) -> None:
    state = authority.state()
    files = sshd_files(centre, state, accounts)
    if as_json:
        said = {
            "centre": centre,
            "hub": state.hub,
            "keys": [
                {
                    "number": key.number,
                    "public": key.public,
                    "fingerprint": key.fingerprint,
                    "made_at": key.made_at,
                    "state": _standing(state, key),
                }
                for key in state.keys
            ],
            "accounts": accounts,
            "revoked": {"accounts": state.accounts, "serials": state.serials},
            "files": files,
            "messages": [message.to_json() for message in told],
        }
        print(json.dumps(said, ensure_ascii=False))
        return
    language = spoken_language(os.environ)
    for key in state.keys:
        at = dt.datetime.fromtimestamp(key.made_at, dt.UTC).strftime("%Y-%m-%d")
        params: dict[str, str | int] = {"number": key.number, "key": key.fingerprint, "at": at}
        print("#", Message(f"ca.key_{_standing(state, key)}", params).say(language))
    if state.accounts or state.serials:
        names = ", ".join((*state.accounts, *map(str, state.serials)))
        print("#", Message("ca.taken_back", {"names": names}).say(language))
    for path, text in files.items():
        print(f"\n# {path}\n{text}", end="")
    if accounts:
        print("\n#", Message("ca.principals", {"count": len(accounts), "folder": FOLDER}).say(language))
    for message in told:
        print("\n#", message.say(language))


def _standing(state: State, key: Key) -> str:
    if key.revoked:
        return "revoked"
    if key.number == state.signing:
        return "signs"
    return "waits" if key.number > state.signing else "trusted"
