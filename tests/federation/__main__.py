"""`python -m tests.federation`: the federation by hand."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.federation.demo import demo
from tests.federation.federation import Federation
from tests.federation.host import Failed
from tests.federation.shape import CENTRES


def main() -> int:
    told = _parser().parse_args()
    try:
        return int(globals()[f"_{told.verb}"](Federation(), told) or 0)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1


def _up(federation: Federation, told: argparse.Namespace) -> None:
    seconds = federation.up(lambda line: print(line, flush=True), keep=True)
    print(f"the federation is up after {seconds:.1f} s; `python -m tests.federation down` takes it down")


def _down(federation: Federation, told: argparse.Namespace) -> None:
    federation.down()
    print("the federation is down")


def _status(federation: Federation, told: argparse.Namespace) -> int:
    if federation.record.range is None:
        print("the federation is down")
        return 1
    row = "{:<12} {:<14} {:<8} {:<10} {:>9} {:>7} {:>7}"
    print(row.format("host", "address", "up", "state", "cores", "free", "jobs"))
    for centre in federation.centres.values():
        alive = centre.is_up
        nodes = centre.nodes() if alive else {}
        live = [job for job in (centre.jobs() if alive else ()) if job["state"] != "ended"]
        cut = alive and centre.is_cut
        for short, host in centre.hosts.items():
            node = nodes.get(host.name, {})
            address = centre.address if short == "login" else centre.addresses[short]
            jobs = len(live) if short == "login" else sum(host.name in job["nodes"] for job in live)
            state = "cut off" if cut and short == "login" else node.get("state", "")
            facts = (state, node.get("cores", ""), node.get("idle", ""))
            print(row.format(host.name, address, "yes" if host.up else "no", *facts, jobs))
    return 0


def _fill(federation: Federation, told: argparse.Namespace) -> None:
    print(f"job {federation.centre(told.centre).fill(told.cores)}")


def _free(federation: Federation, told: argparse.Namespace) -> None:
    federation.centre(told.centre).free()


def _cut(federation: Federation, told: argparse.Namespace) -> None:
    federation.centre(told.centre).cut()


def _heal(federation: Federation, told: argparse.Namespace) -> None:
    federation.centre(told.centre).heal()


def _join(federation: Federation, told: argparse.Namespace) -> None:
    federation.join(told.state)


def _demo(federation: Federation, told: argparse.Namespace) -> int:
    return demo(federation, told.state, told.port)


def _run(federation: Federation, told: argparse.Namespace) -> None:
    name, _, short = told.host.partition("-")
    host = federation.centre(name).hosts.get(short)
    if host is None:
        raise Failed(f"no host {told.host!r}")
    argv = host.argv(told.command, told.account)
    sys.stdout.flush()
    os.execvp(argv[0], argv)  # noqa: S606 (this process becomes it, terminal and all)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.federation", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in ("up", "down", "status"):
        verbs.add_parser(name)
    for name in ("fill", "free", "cut", "heal"):
        verb = verbs.add_parser(name)
        verb.add_argument("centre", choices=[shape.name for shape in CENTRES])
        if name == "fill":
            verb.add_argument("cores", type=int, nargs="?")
    verbs.add_parser("join").add_argument("state", type=Path)
    trial = verbs.add_parser("demo")
    trial.add_argument("--state", type=Path, default=Path("state-federation"))
    trial.add_argument("--port", type=int, default=8000)
    run = verbs.add_parser("run")
    run.add_argument("host")
    run.add_argument("--as", dest="account")
    run.add_argument("command", nargs="+")
    return parser


if __name__ == "__main__":
    sys.exit(main())
