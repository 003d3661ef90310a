"""Writes the reference pages that are made from the code: `python tools/reference.py`. A test holds them to it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sampan.commands import Command
from sampan.questions import Centres, Launches, Place
from sampan.sentences import SENTENCES
from sampan.stages import Kind, Seen, Stage, Target
from sampan_hub import culler, ends, kernel_api, overview, signer
from sampan_hub.api import PREFIX, routes
from sampan_hub.backup_command import Backup, Restore
from sampan_hub.ca_command import CaCommand
from sampan_hub.catalogue import product, web
from sampan_hub.catalogue.command import CatalogueCommand
from sampan_hub.catalogue.provider_command import ProvidersCommand
from sampan_hub.descriptor import json_schema
from sampan_hub.env_command import EnvCommand
from sampan_hub.plans import PLANS
from sampan_hub.settings import flags
from sampan_hub.up import Up
from sampan_spawners.spawner import SampanSpawner

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
MADE = "<!-- Made by tools/reference.py from the code; change it there. -->\n\n"


def pages() -> dict[str, str]:
    """File name in docs/reference → its text."""
    return {
        "sentences.md": _sentences(),
        "http-api.md": _routes(),
        "broker.md": _broker(),
        "commands.md": _commands(),
        "spawner.md": _spawner(),
        "words.md": _words(),
        "centre.schema.json": json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n",
        "product.schema.json": json.dumps(product.json_schema(), indent=2, ensure_ascii=False) + "\n",
    }


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return (
        "\n".join(
            "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"
            for row in lines
        )
        + "\n"
    )


def _code(text: object) -> str:
    return f"`{text}`"


def _sentences() -> str:
    rows = [(_code(code), english, chinese) for code, (english, chinese) in sorted(SENTENCES.items())]
    intro = (
        "# What Sampan says\n\nEvery reason, stage and error has a code that never changes its meaning, and a sentence in "
        "each language. The HTTP interface gives code, parameters and both sentences.\n\n"
    )
    return MADE + intro + _table(("code", "English", "中文"), rows)


def _routes() -> str:
    rows = []
    parts = (*(part.routes for part in web.PARTS), ends.routes, kernel_api.routes, overview.routes)
    for route in (route for some in (routes, *parts) for route in some.routes):
        found: Any = route
        for method in sorted(getattr(found, "methods", ("WEBSOCKET",))):
            first = (found.endpoint.__doc__ or "").strip().splitlines()[0]
            rows.append((_code(f"{method} {PREFIX}{found.path}"), first))
    intro = (
        "# The broker's HTTP interface\n\nBehind the hub's address. Send `Authorization: token …` with a JupyterHub token that "
        "may access the service `sampan`. The schema is served at "
        f'`{PREFIX}/openapi.json`. An error is `{{"error": {{code, params, en, zh}}, "retry", "field"}}`.\n\n'
    )
    return MADE + intro + _table(("route", "what it does"), rows)


def _default(value: object) -> str:
    if isinstance(value, tuple):
        value = "-".join(map(str, value))
    return "none" if value is None or value == frozenset() or not str(value) else _code(value)


def _flags(parser: argparse.ArgumentParser) -> str:
    rows = [
        (_code(" ".join(action.option_strings)), _default(action.default), action.help or "")
        for action in parser._actions  # noqa: SLF001 (argparse has no other way to list its flags)
        if action.dest != "help"
    ]
    return _table(("flag", "default", "meaning"), rows)


def _broker() -> str:
    intro = "# Settings of the broker\n\n`python -m sampan_hub.broker`; `sampan up` sets those that depend on the machine.\n\n"
    plans = [(_code(plan.id), *plan.names, _code(plan.need.to_query())) for plan in PLANS.values()]
    return (
        MADE
        + intro
        + _flags(flags())
        + "\n## Settings of the signer\n\n`python -m sampan_hub.signer`, an account of its own in operation; "
        + "see [Join a centre by SSH](../how-to/join-by-ssh.md).\n\n"
        + _flags(signer.flags())
        + "\n## Settings of the culler\n\n`python -m sampan_hub.culler`, which ends idle servers; see "
        + "[Watch over a hub](../how-to/watch-over.md).\n\n"
        + _flags(culler.flags())
        + "\n## Plans\n\n"
        + _table(("id", "English", "中文", "the same as a link"), plans)
    )


def _commands() -> str:
    text = (
        f"{MADE}# Commands\n\n`centres`, `launches` and `place` need `SAMPAN_URL` and `SAMPAN_TOKEN`; see "
        "[Ask from a script](../how-to/ask-from-a-script.md).\n"
    )
    commands: dict[str, Command] = {
        "backup": Backup(),
        "ca": CaCommand(),
        "catalogue": CatalogueCommand(),
        "centres": Centres(),
        "env": EnvCommand(),
        "launches": Launches(),
        "place": Place(),
        "providers": ProvidersCommand(),
        "restore": Restore(),
        "up": Up(),
    }
    for name, command in commands.items():
        parser = argparse.ArgumentParser(add_help=False)
        command.configure(parser)
        rows = [
            (
                _code(" ".join((*action.option_strings, _value(action))).strip()),
                action.help or "",
            )
            for action in parser._actions  # noqa: SLF001 (argparse has no other way to list its flags)
        ]
        text += f"\n## sampan {name}\n\n{command.help}\n\n" + _table(("flag", "meaning"), rows)
    return text


def _value(action: argparse.Action) -> str:
    """What stands for the value: of a word without dashes, what it may be."""
    if not action.option_strings and action.choices is not None:
        return "|".join(map(str, action.choices))
    return str(action.metavar or "")


def _spawner() -> str:
    traits = SampanSpawner.class_own_traits(config=True).items()
    rows = [
        (_code(f"c.SampanSpawner.{name}"), _code(repr(trait.default_value)), trait.help)
        for name, trait in traits
    ]
    intro = (
        '# Settings of the spawner\n\n`c.JupyterHub.spawner_class = "sampan"`. Those of JupyterHub\'s own that Sampan '
        "depends on stand in `jupyterhub_config.py`, each with what happens without it.\n\n"
    )
    return MADE + intro + _table(("setting", "default", "meaning"), rows)


def _words() -> str:
    kinds = {
        "Kinds of launch": Kind,
        "Targets": Target,
        "Stages of an attempt": Stage,
        "What was last seen": Seen,
    }
    text = MADE + "# Words for states\n"
    for title, kind in kinds.items():
        first = (kind.__doc__ or "").strip().splitlines()[0]
        text += f"\n## {title}\n\n{first}\n\n" + ", ".join(_code(word) for word in kind) + "\n"
    return text


if __name__ == "__main__":
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
