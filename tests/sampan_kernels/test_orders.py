"""What the job script says, read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from sampan_kernels.orders import Orders

pytestmark = pytest.mark.fast

SAID = {
    "SAMPAN_TAG": "sampan-demo-abcd1234-1",
    "SAMPAN_NONCE": "00ff",
    "SAMPAN_CLIENT_KEY": "ssh-ed25519 A",
    "SAMPAN_BIND": "127.0.0.1",
    "SAMPAN_MINUTES": "90",
    "SAMPAN_CENTRE": "alpha",
    "PATH": "/usr/bin",
}


def read(directory: Path, **changed: str) -> Orders:
    return Orders.read(SAID | {"SAMPAN_ATTEMPT_DIR": str(directory)} | changed, now=1000.0)


def test_reads_an_attempt(tmp_path: Path) -> None:
    orders = read(tmp_path)
    assert (orders.tag, orders.deadline, orders.unclaimed) == ("sampan-demo-abcd1234-1", 6400.0, 600.0)
    assert orders.home == Path.cwd()
    assert read(tmp_path, SAMPAN_UNCLAIMED="0.5").unclaimed == 0.5


def test_children_see_where_they_are_and_not_how_to_get_in(tmp_path: Path) -> None:
    environment = read(tmp_path).environment
    assert (environment["PATH"], environment["SAMPAN_CENTRE"]) == ("/usr/bin", "alpha")
    assert {"SAMPAN_CLIENT_KEY", "SAMPAN_NONCE", "SAMPAN_BIND"} & set(environment) == set()


@pytest.mark.parametrize("name", ["SAMPAN_TAG", "SAMPAN_CLIENT_KEY", "SAMPAN_BIND", "SAMPAN_MINUTES"])
def test_a_script_that_says_too_little_fails_at_once(name: str, tmp_path: Path) -> None:
    said = {key: value for key, value in SAID.items() if key != name}
    with pytest.raises(KeyError, match=name):
        Orders.read(said | {"SAMPAN_ATTEMPT_DIR": str(tmp_path)}, now=0)


def test_the_tail_of_the_log(tmp_path: Path) -> None:
    orders = read(tmp_path)
    assert orders.log_tail(100) == ""
    orders.log.write_bytes("第一行\n".encode() + b"\xff last\n")
    assert orders.log_tail(7) == "\ufffd last\n"
    assert orders.log_tail(10_000).startswith("第一行")
