"""What a child is started with: a table's row, and of the environment only what belongs there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sampan_kernels.berth import Berth
from sampan_kernels.kinds import KINDS, SOCKETS, Recipe, recipe

pytestmark = pytest.mark.fast

BERTH = Berth(Path("/tmp/sampan-abc"))
INHERITED = {"PATH": "/usr/bin", "SAMPAN_CENTRE": "alpha", "LANG": "C"}


def server(prefix: str = "/user/alice/", **env: str) -> Recipe:
    return recipe("server", prefix, env, berth=BERTH, home=Path("/home/alice"), inherited=INHERITED)


def test_a_server_listens_on_sockets_only() -> None:
    argv = server().argv
    assert argv[:4] == (sys.executable, "-P", "-m", "sampan_lab.singleuser")
    assert "--ServerApp.sock=/tmp/sampan-abc/server.sock" in argv
    assert "--ServerApp.sock_mode=0600" in argv
    assert "--KernelManager.transport=ipc" in argv
    assert "--ServerApp.root_dir=/home/alice" in argv


def test_no_value_of_the_hub_is_in_the_arguments() -> None:
    assert server(JUPYTERHUB_API_TOKEN="one").argv == server(JUPYTERHUB_API_TOKEN="two").argv


def test_the_hub_is_reached_through_the_link() -> None:
    environment = server(
        JUPYTERHUB_API_URL="http://10.0.0.1:8081/base/hub/api",
        JUPYTERHUB_ACTIVITY_URL="http://10.0.0.1:8081/base/hub/api/users/alice/activity",
        JUPYTERHUB_PUBLIC_HUB_URL="https://hub.example/base/hub/",
    ).environment
    socket = "http+unix://%2Ftmp%2Fsampan-abc%2Fhub.sock"
    assert environment["JUPYTERHUB_API_URL"] == f"{socket}/base/hub/api"
    assert environment["JUPYTERHUB_ACTIVITY_URL"] == f"{socket}/base/hub/api/users/alice/activity"
    # What a browser is sent to stays what it is.
    assert environment["JUPYTERHUB_PUBLIC_HUB_URL"] == "https://hub.example/base/hub/"


def test_takes_what_jupyterhub_hands_over_and_nothing_else() -> None:
    environment = server(
        JUPYTERHUB_API_TOKEN="secret",
        JUPYTERHUB_SERVICE_PREFIX="/user/bob/",
        JUPYTERHUB_SERVICE_URL="http://0.0.0.0:1234/",
        JUPYTERHUB_SSL_KEYFILE="/etc/hub/key",
        JUPYTERHUB_ROOT_DIR="/srv/hub",
        JUPYTERHUB_SINGLEUSER_APP="notebook",
        LANG="zh_CN.UTF-8",
        PATH="/hub/bin",
        LD_PRELOAD="/tmp/x.so",
        PYTHONPATH="/tmp",
        BASH_ENV="/tmp/x",
        SAMPAN_CENTRE="other",
        JUPYTER_RUNTIME_DIR="/srv",
    ).environment
    assert environment["JUPYTERHUB_API_TOKEN"] == "secret"
    assert environment["JUPYTERHUB_SERVICE_PREFIX"] == "/user/alice/"
    assert environment["JUPYTERHUB_SERVICE_URL"] == "http://127.0.0.1:8888/user/alice/"
    assert environment["JUPYTER_RUNTIME_DIR"] == "/tmp/sampan-abc/run"
    assert (environment["PATH"], environment["LANG"]) == ("/usr/bin", "zh_CN.UTF-8")
    assert environment["SAMPAN_CENTRE"] == "alpha"
    left_out = {"LD_PRELOAD", "PYTHONPATH", "BASH_ENV", "JUPYTERHUB_SSL_KEYFILE", "JUPYTERHUB_ROOT_DIR"}
    assert left_out & set(environment) == set()
    assert "JUPYTERHUB_SINGLEUSER_APP" not in environment


@pytest.mark.parametrize("prefix", ["/", "/user/al%C3%A9/", "/base/user/a..b@c/named-server/"])
def test_prefixes_of_jupyterhub(prefix: str) -> None:
    assert server(prefix).environment["JUPYTERHUB_SERVICE_PREFIX"] == prefix


@pytest.mark.parametrize(
    "prefix", ["", "user/", "/user", "/a/../b/", "/a//b/", "/a b/", "/a\n/", "/中/", "/a?b/"]
)
def test_refuses_other_prefixes(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        server(prefix)


@pytest.mark.parametrize("value", ["a\0b", "x" * 70_000])
def test_refuses_values_that_no_process_can_be_given(value: str) -> None:
    with pytest.raises(ValueError, match="env"):
        server(JUPYTERHUB_USER=value)


def test_a_kernel_is_handed_its_jobs_token_and_nothing_else_of_the_brokers() -> None:
    env = {"SAMPAN_BROKER_TOKEN": "own", "JUPYTERHUB_API_TOKEN": "a person's", "PATH": "/elsewhere"}
    made = recipe("kernel", "/", env, berth=BERTH, home=Path("/home/alice"), inherited=INHERITED)
    assert made.environment["SAMPAN_BROKER_TOKEN"] == "own"
    assert made.environment["PATH"] == "/usr/bin"
    assert "JUPYTERHUB_API_TOKEN" not in made.environment
    assert not [word for word in made.argv if "own" in word]
    none = recipe("kernel", "/", {}, berth=BERTH, home=Path("/home/alice"), inherited=INHERITED)
    assert "SAMPAN_BROKER_TOKEN" not in none.environment, "an older broker hands nothing over"


def test_refuses_other_kinds() -> None:
    with pytest.raises(ValueError, match="kind"):
        recipe("__class__", "/", {}, berth=BERTH, home=Path("/"), inherited={})
    assert set(KINDS) == set(SOCKETS) == {"server", "kernel"}
