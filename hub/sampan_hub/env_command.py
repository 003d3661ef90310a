"""`sampan env build|check CENTRE`: the user environment at a centre, made from this hub's lock, or held against it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from sampan.errors import Conflict, Invalid, Missing
from sampan.messages import Message, text
from sampan.tables import clean
from sampan.whereabouts import spoken_language
from sampan_hub import building
from sampan_hub.building import Builder
from sampan_hub.centre import Centre, make_centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import read_descriptor
from sampan_hub.own_wheel import own_wheel
from sampan_hub.process_lock import hold, holder
from sampan_hub.state_directory import StateDirectory
from sampan_hub.user_lock import user_lock

__all__ = ["EnvCommand", "command"]

FAILURE: Final = 1


class EnvCommand:
    help = "make or check the software environment at a centre / 在某中心构建或检查软件环境"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "what", choices=("build", "check"), help="make it, or tell what differs / 构建或检查"
        )
        parser.add_argument("centre", metavar="CENTRE", help="its id / 中心的 id")
        parser.add_argument(
            "--json", action="store_true", help="one JSON object a line, for scripts / 以 JSON 输出，每行一个"
        )
        parser.add_argument(
            "--signer-socket",
            type=Path,
            metavar="PATH",
            help="where the signer listens (run/signer.sock in the state directory) / 签名服务的套接字",
        )
        state = Path(os.environ.get("SAMPAN_STATE", "state"))
        parser.add_argument(
            "--state", type=Path, default=state, help="the hub's state directory (./state) / 状态目录"
        )

    def run(self, args: argparse.Namespace) -> int:
        state = StateDirectory(args.state)
        if not (state.path / "centres").is_dir():
            raise Invalid("environment.no_state", state=str(state.path))
        work = _build if args.what == "build" else _check
        signer = args.signer_socket or state.path / "run" / "signer.sock"
        return asyncio.run(work(state, args.centre, signer, as_json=args.json))


command = EnvCommand()


async def _build(state: StateDirectory, name: str, signer: Path, *, as_json: bool) -> int:
    async with _centre(state, name, signer) as centre:
        lock = hold(state.lock(f"env-{centre.id}"))
        if lock is None:
            raise Conflict(
                "environment.building",
                centre=_name(centre),
                pid=holder(state.lock(f"env-{centre.id}")) or "?",
            )
        try:
            builder = Builder(centre, user_lock(), own_wheel(), state.path / "wheels")
            async for step in builder.build():
                if as_json:
                    _print({"progress": step.progress, "message": step.message.to_json()})
                else:
                    print(f"{step.progress:>3} %  {_said(step.message)}", flush=True)
        finally:
            os.close(lock)
    return 0


async def _check(state: StateDirectory, name: str, signer: Path, *, as_json: bool) -> int:
    async with _centre(state, name, signer) as centre:
        facts = await building.look(centre)
        environment = centre.descriptor.environment
        machine = await building.machine_of(centre, environment.base if facts is None else environment.python)
        told = building.compare(centre, facts, user_lock(), own_wheel(), machine)
        if as_json:
            _print({"centre": centre.id, "sound": not told, "differences": [one.to_json() for one in told]})
            return FAILURE if told else 0
        for message in told:
            print(_said(message), flush=True)
        if facts is not None and not told:
            names = ("prefix", "sampan", "jupyterhub", "python")
            params = {name: getattr(facts, name) for name in names}
            print(_said(Message("environment.sound", {"centre": _name(centre), **params})), flush=True)
        return FAILURE if told else 0


@asynccontextmanager
async def _centre(state: StateDirectory, name: str, signer: Path) -> AsyncIterator[Centre]:
    """The centre of that id, as the broker of this state directory would have it."""
    centre = make_centre(_descriptor(state.path / "centres", name), signer=signer)
    try:
        yield centre
    finally:
        await centre.close()


def _descriptor(folder: Path, name: str) -> Descriptor:
    """Raises `Missing` where no file describes it, and what is wrong with its own file where that is broken."""
    for path in sorted(folder.glob("*.yaml")):
        found = read_descriptor(path)
        if isinstance(found, Descriptor) and found.id == name:
            return found
        if not isinstance(found, Descriptor) and path.stem == name:
            raise found[0]
    raise Missing("centre.unknown", centre=name)


def _name(centre: Centre) -> Message:
    return text(centre.descriptor.names.model_dump())


def _said(message: Message) -> str:
    return clean(message.say(spoken_language(os.environ)))


def _print(data: dict[str, Any]) -> None:
    print(json.dumps(data, ensure_ascii=False), flush=True)
