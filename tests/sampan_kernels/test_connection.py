"""A kernel's connection: a file as Jupyter reads it, keys that nobody sees by accident."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sampan_hub.kernel_sockets import SOCKETS as AS_THE_BROKER_KNOWS
from sampan_hub.kernel_sockets import read_keys
from sampan_kernels.berth import Berth
from sampan_kernels.connection import PORTS, Connection
from sampan_kernels.kinds import SOCKETS, recipe

pytestmark = pytest.mark.fast

BERTH = Berth(Path("/tmp/sampan-abc"))


def test_both_sides_of_the_link_know_the_same_sockets() -> None:
    assert dict(SOCKETS["kernel"]) == dict(AS_THE_BROKER_KNOWS)


def test_clients_are_told_those_sockets_and_the_kernel_all_but_one_of_them() -> None:
    made = Connection.make(BERTH.runtime / "kernel")
    told, file = made.to_json(), json.loads(made.to_file())
    assert (told["transport"], told["signature_scheme"]) == ("ipc", "hmac-sha256")
    for name, place in AS_THE_BROKER_KNOWS.items():
        assert f"{told['ip']}-{told[f'{name}_port']}" == str(BERTH.directory / place)
    # Between the kernel and those who listen stands its recorder.
    assert {name for name in told if told[name] != file[name]} == {"iopub_port"}
    assert file["iopub_port"] not in PORTS.values()


def test_keys_are_new_each_time_and_come_over_the_link_whole() -> None:
    one, two = Connection.make(Path("/x")), Connection.make(Path("/x"))
    assert {one.key, one.secret} & {two.key, two.secret} == set()
    assert read_keys({"connection": one.to_json()})["curve_secretkey"] == one.secret


def test_no_key_is_in_arguments_environment_or_what_is_logged() -> None:
    how = recipe("kernel", "/", {"JUPYTERHUB_API_TOKEN": "t"}, berth=BERTH, home=Path("/h"), inherited={})
    assert how.connection is not None
    shown = repr(how) + repr(how.connection) + " ".join(how.argv) + str(how.environment)
    for secret in (how.connection.key, how.connection.secret, "JUPYTERHUB_API_TOKEN"):
        assert secret not in shown
    (text,) = how.files.values()
    assert how.connection.key in text
