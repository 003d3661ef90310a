from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sampan_hub.user_lock import UserLock, user_lock

pytestmark = pytest.mark.fast

ROOT = Path(__file__).resolve().parents[2]
LOCK = """\
Six==1.17.0 ; sys_platform == 'linux' \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
    # via -c requirements/dev.lock
tomli==2.0.1 ; python_full_version < '3.11' and sys_platform == 'linux' --hash=sha256:{a}
psycopg[binary]==3.2.1 \\
    --hash=sha256:{a}
""".format(a="a" * 64, b="b" * 64)


def test_the_lock_is_that_of_the_checkout() -> None:
    text = (ROOT / "requirements/user.lock").read_bytes()
    assert user_lock().digest == hashlib.sha256(text).hexdigest()
    assert user_lock().name == user_lock().digest[:12]
    assert len(list(user_lock().pins())) == text.count(b"==") - text.count(b" == ")


def test_a_pin_with_its_hashes_and_without_its_marker() -> None:
    six, tomli, psycopg = UserLock(LOCK).pins()
    assert (six.name, six.version, six.hashes) == ("six", "1.17.0", frozenset({"a" * 64, "b" * 64}))
    assert six.line == f"six==1.17.0 --hash=sha256:{'a' * 64} --hash=sha256:{'b' * 64}"
    assert (tomli.name, psycopg.name, psycopg.version) == ("tomli", "psycopg", "3.2.1")


def test_who_belongs_where() -> None:
    _, tomli, psycopg = UserLock(LOCK).pins()
    old = {"python_full_version": "3.10.4", "sys_platform": "linux"}
    assert tomli.holds(old)
    assert not tomli.holds({**old, "python_full_version": "3.11.2"})
    assert psycopg.holds(old)


def test_one_letter_is_another_environment() -> None:
    assert UserLock(LOCK).digest != UserLock(LOCK.replace("1.17.0", "1.17.1")).digest
