"""`sampan backup FILE` and `sampan restore FILE`: what a hub must not lose, as one file, and back again."""

from __future__ import annotations

import argparse
import datetime as dt
import os
from pathlib import Path

from sampan.errors import Invalid
from sampan.messages import Message
from sampan.whereabouts import spoken_language
from sampan_hub.backup import BROKER_DUMP, HUB_SQLITE, MASTER, write_backup
from sampan_hub.restoring import restore as put_back
from sampan_hub.state_directory import StateDirectory

__all__ = ["Backup", "Restore", "backup", "restore"]


class Backup:
    help = "write what this hub must not lose into one file, also while it runs / 将平台不可丢失的内容备份为一个文件"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        _where(parser, "to be made, for its owner alone / 要生成的文件")
        parser.add_argument(
            "--with-ca",
            action="store_true",
            help="also the keys that let the hub in at centres: keep that file as you keep those / 包含各中心的签名密钥",
        )

    def run(self, args: argparse.Namespace) -> int:
        state = StateDirectory(args.state)
        if not (state.path / MASTER).is_file():
            raise Invalid("backup.no_state", state=str(state.path))
        manifest = write_backup(state, args.file, args.database, with_ca=args.with_ca)
        _tell("backup.done", file=str(args.file), count=len(manifest.files), hub=manifest.hub)
        if HUB_SQLITE not in manifest.files:
            _tell("backup.no_hub")
        if not args.with_ca and any((state.path / "ca").glob("*/*.key")):
            _tell("backup.no_ca")
        return 0


class Restore:
    help = "put a backup in place; the hub must not run / 从备份恢复（平台须先停止）"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        _where(parser, "that `sampan backup` has made / 备份文件")

    def run(self, args: argparse.Namespace) -> int:
        manifest, aside = put_back(StateDirectory(args.state), args.file, args.database)
        at = dt.datetime.fromtimestamp(manifest.made_at, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
        _tell("restore.done", hub=manifest.hub, at=at)
        if aside is not None:
            _tell("restore.aside", folder=str(aside))
        if BROKER_DUMP in manifest.files and HUB_SQLITE not in manifest.files:
            _tell("backup.no_hub")
        return 0


backup = Backup()
restore = Restore()


def _where(parser: argparse.ArgumentParser, meaning: str) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help=meaning)
    state = Path(os.environ.get("SAMPAN_STATE", "state"))
    parser.add_argument(
        "--state", type=Path, default=state, help="the hub's state directory (./state) / 状态目录"
    )
    parser.add_argument(
        "--database",
        default=os.environ.get("SAMPAN_DATABASE", ""),
        metavar="URL",
        help="the broker's, where it is not in the state directory ($SAMPAN_DATABASE) / 数据库地址",
    )


def _tell(code: str, /, **params: str | int) -> None:
    print(Message(code, params).say(spoken_language(os.environ)), flush=True)
