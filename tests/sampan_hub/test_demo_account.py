"""The account of demo jobs: real accounts where the tests run as root, none where they do not."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator

import pytest

from sampan.errors import Refused
from sampan_hub import demo_account

as_root = os.getuid() == 0


@pytest.fixture
def name() -> Iterator[str]:
    name = f"sampan-test-{os.getpid()}"
    yield name
    if as_root:
        subprocess.run(["userdel", name], capture_output=True, check=False, timeout=30)


def test_root_s_jobs_get_an_account_and_an_ordinary_user_s_do_not(name: str) -> None:
    made = demo_account.ensure(name)
    assert made == (name if as_root else None)
    if as_root:
        account = pwd.getpwnam(name)
        assert account.pw_uid != 0
        assert os.getgrouplist(name, account.pw_gid) == [account.pw_gid]
        assert demo_account.ensure(name) == name
        shadow = subprocess.run(
            ["getent", "shadow", name], capture_output=True, text=True, check=True, timeout=30
        )
        assert shadow.stdout.split(":")[1] in {"!", "*", "!!"}


def test_what_useradd_refuses_is_said_and_root_itself_never_serves() -> None:
    if not as_root:
        assert demo_account.ensure("root") is None
        return
    for refused in ("Not A Name", "root"):
        with pytest.raises(Refused) as caught:
            demo_account.ensure(refused)
        assert caught.value.code == "up.account"
