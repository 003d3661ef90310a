"""The hub is JupyterHub, without the grammar of a format that nothing of it uses."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.fast

_LOOK = """
import sys
import sampan_spawners.jupyterhub
import jupyterhub.app
import jsonschema
assert jupyterhub.app.main
assert "date-time" in jsonschema.Draft7Validator.FORMAT_CHECKER.checkers
print(sorted(name for name in sys.modules if name.split(".")[0] in {"lark", "rfc3987_syntax"} and sys.modules[name]))
"""


def test_it_is_imported_without_a_grammar_that_nothing_uses() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOOK], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
