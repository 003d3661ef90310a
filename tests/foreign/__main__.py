"""`python -m tests.foreign`: jupyter_client's own tests, once on its own provisioner and once on ours, and what differs.

Its test kernels are programs of its own, and a kernel at a centre is always ours: what cannot be equal has its reason in a table.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from tests.ways.person import Person
from tests.ways.whole_hub import ROOT, whole_hub

PLACE: Final = ROOT / "build" / "foreign"
PAGE: Final = Path(__file__).parent / "jupyter_client.md"
"""What was found last."""
FILES: Final = ("test_client", "test_manager", "test_multikernelmanager", "test_kernelmanager")
"""Those of its files that start kernels."""
LOCAL, OURS = "local-provisioner", "sampan-provisioner"
SECONDS: Final = 60
"""For one test."""
REASONS: Final[Mapping[str, str]] = {
    r"TestKernelManagerShutDownGracefully": "its test kernel disobeys a shutdown and is killed: ours obeys",
    r"signal_kernel_subprocesses|TestParallel|TestAsyncKernelClient\.test_execute_interactive": (
        "asks a test kernel of its own (signaltest, echo) for what is no Python"
    ),
    r"_cinfo$": "names sockets of TCP, or of a prefix: ours are unix sockets in a folder of this account, whatever is asked for",
    r"test_bad_kernelspec": "the command of a kernelspec does not exist on this machine: none of it runs there",
    r"templated_kspec_env": "the environment of a local process",
}
UNEXPLAINED: Final = "not explained"


def fetch(name: str) -> Path:
    """The folder of that package's source, in the version that is installed."""
    told = f"{name}-{version(name)}"
    if not (PLACE / told / "tests").is_dir():
        PLACE.mkdir(parents=True, exist_ok=True)
        words = (
            "download",
            f"{name}=={version(name)}",
            "--no-deps",
            "--no-binary",
            name,
            "--dest",
            str(PLACE),
        )
        subprocess.run([sys.executable, "-m", "pip", "-q", *words], check=True)
        with tarfile.open(PLACE / f"{told}.tar.gz") as archive:
            inside = [one for one in archive if one.isfile() and ".." not in Path(one.name).parts]
            ours = [one for one in inside if one.name.startswith(f"{told}/")]
            archive.extractall(PLACE, ours)  # noqa: S202 (looked at just now)
    return PLACE / told


def fetch_plugin() -> Path:
    """pytest-jupyter, in a place of its own: nothing of ours needs it."""
    place = PLACE / "plugin"
    if not place.is_dir():
        words = ("install", "pytest-jupyter", "--no-deps", "--target", str(place))
        subprocess.run([sys.executable, "-m", "pip", "-q", *words], check=True)
    return place


async def run(folder: Path, provisioner: str, told: Mapping[str, str]) -> dict[str, str]:
    """Test → passed, failed or skipped."""
    report = PLACE / f"{provisioner}.xml"
    report.unlink(missing_ok=True)
    words = [f"tests/{name}.py" for name in FILES]
    words += [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:asyncio",
        f"--timeout={SECONDS}",
        f"--junit-xml={report}",
    ]
    environment = {
        **os.environ,
        **told,
        "PYTHONPATH": os.pathsep.join(
            (str(fetch_plugin()), *(str(ROOT / one) for one in ("hub", "kernels")))
        ),
        "JUPYTER_DEFAULT_PROVISIONER_NAME": provisioner,
    }
    with (PLACE / f"{provisioner}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pytest", *words), cwd=folder, env=environment, stdout=log, stderr=log
        )
        await process.wait()
    return read(report)


def read(report: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 (of our own pytest)
        kinds = {child.tag for child in case}
        how = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        name = f"{case.get('classname', '').removeprefix('tests.')}.{case.get('name')}"
        found[name] = "failed" if "failed" in (how, found.get(name)) else how
    return found


def compared(local: Mapping[str, str], ours: Mapping[str, str]) -> tuple[str, int]:
    """A page, and how many pass there, do not pass here, and have no reason for it."""
    differ = {name: why(name) for name in local if local[name] == "passed" != ours.get(name)}
    both = sum(how == "passed" for how in local.values()) - len(differ)
    lines = [
        f"# jupyter_client {version('jupyter_client')}: its own tests, with kernels at a centre",
        "",
        "Written by `python -m tests.foreign`, which runs those of its test files that start kernels twice: on its own",
        f"provisioner, and on ours over a hub. {both} pass on both; {len(differ)} pass on its own alone:",
        "",
        "| number | why | tests |",
        "|---|---|---|",
    ]
    for reason, number in Counter(differ.values()).most_common():
        tests = sorted(f"`{name}`" for name in differ if differ[name] == reason)
        lines.append(f"| {number} | {reason} | {', '.join(tests)} |")
    return "\n".join(lines), sum(reason == UNEXPLAINED for reason in differ.values())


def why(name: str) -> str:
    return next((reason for shape, reason in REASONS.items() if re.search(shape, name)), UNEXPLAINED)


async def main() -> int:
    folder = fetch("jupyter_client")
    local = await run(folder, LOCAL, {})
    async with whole_hub("embedded") as hub, Person(hub, "ann") as ann:
        token = (await ann.api("POST", "/users/ann/tokens", json={"note": "tests"})).json()["token"]
        ours = await run(folder, OURS, {"SAMPAN_URL": hub.url, "SAMPAN_TOKEN": token})
    said, unexplained = compared(local, ours)
    PAGE.write_text(said + "\n", encoding="utf-8")
    print(said)
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
