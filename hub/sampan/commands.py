"""`sampan`: the commands. Three ask the broker from anywhere; others come from the leaves that are installed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Final, Protocol

from sampan.errors import Invalid, SampanError
from sampan.messages import Message
from sampan.questions import Centres, Launches, Place
from sampan.tables import clean
from sampan.whereabouts import spoken_language

__all__ = ["Command", "main"]

GROUP: Final = "sampan.commands"
"""The entry-point group in which a leaf names its commands; each value is a :class:`Command`."""
FAILURE: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130


class Command(Protocol):
    """A word after `sampan`. Implementations: the three here, `up` in the broker's package."""

    help: str
    """One line."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds its arguments."""

    def run(self, args: argparse.Namespace) -> int:
        """Does it; the exit code. A SampanError becomes a sentence on stderr and 1, or 2 where it is Invalid."""


class NotInstalled:
    """Stands for a command whose leaf lies here without what it needs."""

    def __init__(self, entry: EntryPoint, cause: Exception) -> None:
        self.help = f"needs more installed: {cause} / 需要安装更多组件"
        self._message = Message("command.not_installed", {"command": entry.name, "cause": str(cause)})

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Its arguments are unknown."""

    def run(self, args: argparse.Namespace) -> int:
        _complain(self._message)
        return FAILURE


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; exit codes: 0 done, 1 it failed, 2 it was asked wrongly, 130 interrupted."""
    parser = argparse.ArgumentParser(
        prog="sampan", description="One notebook, every centre. / 一个笔记本，通用各超算中心。"
    )
    words = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in sorted(_commands().items()):
        below = words.add_parser(name, help=command.help, description=command.help)
        command.configure(below)
        below.set_defaults(command=command)
    args, unknown = parser.parse_known_args(argv)
    # What is not installed cannot say which arguments it has.
    if unknown and not isinstance(args.command, NotInstalled):
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        return _run(args.command, args)
    except SampanError as error:
        _complain(error.message)
        return USAGE if isinstance(error, Invalid) else FAILURE
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(command: Command, args: argparse.Namespace) -> int:
    try:
        code = command.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read us has seen enough; the interpreter would complain once more while it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    return code


def _commands() -> dict[str, Command]:
    found: dict[str, Command] = {"centres": Centres(), "place": Place(), "launches": Launches()}
    for entry in entry_points(group=GROUP):
        try:
            found.setdefault(entry.name, entry.load())
        except (ImportError, AttributeError) as error:
            found.setdefault(entry.name, NotInstalled(entry, error))
    return found


def _complain(message: Message) -> None:
    print(f"sampan: {clean(message.say(spoken_language(os.environ)))}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
