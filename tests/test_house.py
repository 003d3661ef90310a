"""The house stays as it was drawn: packages, imports, file names and sizes, locks."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.fast

ROOT = Path(__file__).resolve().parent.parent
FOLDERS_OF_PACKAGES = ("hub", "spawners", "kernels", "extensions")
SOURCES = (*FOLDERS_OF_PACKAGES, "tests", "tools", "docs", "notebooks")
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "base", "manager", "core", "misc"}
LONGEST_FILE = 300
# Files that may be longer, each with its reason. A table of data is a reason; "it grew" is not.
MAY_BE_LONGER: dict[str, str] = {
    "hub/sampan/sentences.py": "one table of all that is said, to be read side by side",
    "kernels/sampan_kernels/gate.py": "a centre's operators install it as one file, beside nothing else of ours",
}
# Written so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
# Machine addresses of registries have no place in a lock: whoever installs says where from.
ADDRESS = re.compile(r"[a-z+]+://|--(extra-)?index-url|--find-links|--trusted-host", re.IGNORECASE)


def settings() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def files(*suffixes: str) -> list[Path]:
    """Source files of the checkout with one of these suffixes, without what was built or installed."""
    return sorted(
        path
        for folder in SOURCES
        for path in (ROOT / folder).rglob("*")
        if path.suffix in suffixes and "node_modules" not in path.parts and path.is_file()
    )


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_keep_to_trunk_and_leaves() -> None:
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / place) for place in FOLDERS_OF_PACKAGES)}
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(
        command, cwd=ROOT, env=here, text=True, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_package_is_installed_typed_and_under_contract() -> None:
    on_disk = {
        name_of(init.parent)
        for place in FOLDERS_OF_PACKAGES
        for init in (ROOT / place).glob("*/__init__.py")
        if init.parent.name.startswith("sampan")
    }
    tool = settings()["tool"]
    installed = set(tool["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert installed == on_disk
    assert {Path(package).name for package in installed} == set(tool["importlinter"]["root_packages"])
    assert installed <= set(tool["mypy"]["files"])
    untyped = [package for package in installed if not (ROOT / package / "py.typed").is_file()]
    assert untyped == []


def test_leaves_are_held_apart_by_the_contracts() -> None:
    """A new package that nobody added to the contracts would be free to import anything."""
    linter = settings()["tool"]["importlinter"]
    leaves = set(linter["root_packages"]) - {"sampan"}
    contracts = {contract["id"]: contract for contract in linter["contracts"]}
    assert set(contracts["trunk"]["forbidden_modules"]) == leaves
    assert set(contracts["leaves"]["modules"]) == leaves


def test_names_say_something() -> None:
    silent = [name_of(path) for path in files(".py", ".ts", ".tsx") if path.stem in NAMES_THAT_SAY_NOTHING]
    assert silent == []


def test_files_stay_readable() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files(".py")}
    too_long = {name: n for name, n in lengths.items() if n > LONGEST_FILE and name not in MAY_BE_LONGER}
    assert too_long == {}
    excused_for_nothing = [name for name in MAY_BE_LONGER if lengths.get(name, 0) <= LONGEST_FILE]
    assert excused_for_nothing == []


def test_whoever_asks_for_more_time_says_why() -> None:
    """A test that may take over a minute has a docstring that tells what takes it, and the mark that it is found by."""
    silent = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                marks = [ast.unparse(mark) for mark in node.decorator_list]
                longer = any(mark.startswith("pytest.mark.timeout(") for mark in marks)
                if longer and not ("pytest.mark.slow" in marks and ast.get_docstring(node)):
                    silent.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert silent == []


def test_nothing_is_left_for_later_in_comments() -> None:
    unfinished = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in files(".py", ".ts", ".tsx", ".md", ".yaml", ".toml", ".ipynb")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if UNFINISHED.search(line)
    ]
    assert unfinished == []


@pytest.mark.parametrize("lock", ["dev.lock", "user.lock", "data.lock"])
def test_python_locks_pin_hashes_and_name_no_registry(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    assert ADDRESS.findall(text) == []
    # One logical line a package: a backslash continues it.
    entries = [
        line
        for line in text.replace("\\\n", " ").splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    assert entries
    assert [line for line in entries if "==" not in line or "--hash=sha256:" not in line] == []


def test_locks_agree() -> None:
    """A centre's environment holds the versions that the tests ran with."""

    def pins(lock: str) -> set[str]:
        text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
        return set(re.findall(r"^([a-z0-9][\w.\-\[\]]*==[^ ;\\]+)", text, re.MULTILINE))

    assert pins("user.lock") | pins("data.lock") <= pins("dev.lock")


def test_every_direct_requirement_is_locked() -> None:
    project = settings()["project"]
    wanted = sum(project["optional-dependencies"].values(), project["dependencies"])
    names = {re.split(r"[\[<>=!~ ;]", requirement)[0].lower().replace("_", "-") for requirement in wanted}
    lock = (ROOT / "requirements/dev.lock").read_text(encoding="utf-8")
    assert names - set(re.findall(r"^([a-z0-9][a-z0-9.\-]*)", lock, re.MULTILINE)) == set()


def test_proxy_lock_names_no_registry() -> None:
    text = (ROOT / "hub/proxy/package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in text
    assert text.count('"integrity"') > 5


def test_make_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    explained = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    assert targets == explained
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == targets
