"""A light start leaves out what it says, and who asks for the real thing gets it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BEGIN = """
import sys
from sampan_lab.lightness import light_imports
with light_imports():
    import jupyter_server.serverapp, jupyterhub.singleuser, jupyterlab.labapp
"""

ANOTHER = """
import sys
class Another:
    def find_spec(self, name, path, target=None):
        if name == "jupyterhub.scopes":
            import sqlalchemy
            sqlalchemy.select
sys.meta_path.insert(0, Another())
"""
"""A JupyterHub that wants something of its database as soon as it is imported."""


def said(program: str, **more: str) -> list[str]:
    """What a Python that begins lightly prints, by lines: this one has imported everything already."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BEGIN + program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **more},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_what_is_left_out() -> None:
    names = (
        "rfc3987_syntax.syntax_helpers",
        "sqlalchemy.sql",
        "alembic",
        "httpx._main",
        "jupyterhub.handlers",
    )
    assert said(f"print([name for name in {names} if name in sys.modules])") == ["[]"]


def test_no_node_is_started() -> None:
    """JupyterLab would start it at its import, wherever there is one."""
    watch = "import sys\nsys.addaudithook(lambda name, args: name == 'subprocess.Popen' and print('started', args[0]))\n"
    done = subprocess.run(
        [sys.executable, "-c", watch + BEGIN],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("program", "answer"),
    [
        (
            """
import jsonschema
check = jsonschema.FormatChecker(["iri"])
print(*(check.conforms(one, "iri") for one in ("http://例子.中国/", "no iri at all")))""",
            "True False",
        ),
        ("import sqlalchemy\nprint(sqlalchemy.select(sqlalchemy.literal(1)).compile() is not None)", "True"),
        ("from sqlalchemy.exc import IntegrityError\nprint(IntegrityError.__module__)", "sqlalchemy.exc"),
        ("from jupyterhub.handlers.pages import HomeHandler as one\nprint(one.__name__)", "HomeHandler"),
        ("from jupyterhub import orm\nprint(orm.User.__tablename__)", "users"),
        ("import httpx._main\nprint(callable(httpx._main.main))", "True"),
    ],
    ids=["grammar", "database", "its errors", "hub's pages", "hub's rows", "httpx's command"],
)
def test_who_asks_for_it_gets_it(program: str, answer: str) -> None:
    assert said(program) == [answer]


def test_certificates_are_there_when_they_are_needed() -> None:
    """aiohttp's own context, made at its import, trusts what any other does."""
    program = """
import ssl, aiohttp.connector
usual, made = ssl.create_default_context(), aiohttp.connector._SSL_CONTEXT_VERIFIED
made.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="example.org")
print(made.cert_store_stats() == usual.cert_store_stats(), made.verify_mode is ssl.CERT_REQUIRED, made.check_hostname)
print(usual.cert_store_stats()["x509"] > 0)
"""
    certificates = next(
        (str(path) for path in map(Path, ("/etc/ssl/certs/ca-certificates.crt",)) if path.exists()), ""
    )
    assert certificates, "this machine trusts nobody: install ca-certificates"
    assert said(program, SSL_CERT_FILE=certificates) == ["True True True", "True"]


def test_another_version_starts_plainly(tmp_path: Path) -> None:
    """Where a light import fails the server begins anew without, and says so."""
    (tmp_path / "sitecustomize.py").write_text(ANOTHER)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "sampan_lab.singleuser", "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]),
            "JUPYTER_PATH": str(tmp_path / "a"),
            "JUPYTER_CONFIG_PATH": str(tmp_path / "b"),
            "JUPYTERHUB_SERVICE_PREFIX": "/user/alice/",
            "JUPYTERHUB_API_TOKEN": "x",
        },
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("a light start fails") == 1
    assert done.stdout.strip()
