from __future__ import annotations

import json
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from sampan.errors import Invalid
from sampan_hub.loopback_ports import OTHERS, USUAL, LoopbackPorts, is_free, listen


def some_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def test_the_usual_ones_where_they_are_free_else_others(tmp_path: Path) -> None:
    with ExitStack() as taken:
        for port in USUAL.values():
            if is_free(port):
                taken.enter_context(listen(port))
        ports = LoopbackPorts.choose(some_free_port(), tmp_path / "ports.json")
    ports.close()
    assert {ports.hub, ports.broker, ports.proxy_api} <= set(OTHERS)
    assert len({ports.hub, ports.broker, ports.proxy_api, ports.public}) == 4


def test_they_stay_over_a_restart_while_they_are_free(tmp_path: Path) -> None:
    record = tmp_path / "ports.json"
    record.write_text(json.dumps({"hub": 18081, "broker": 18082, "proxy_api": 18083}), encoding="utf-8")
    free = {port: is_free(port) for port in (18081, 18082, 18083)}
    ports = LoopbackPorts.choose(some_free_port(), record)
    assert (ports.hub == 18081, ports.broker == 18082, ports.proxy_api == 18083) == tuple(free.values())
    ports.close()
    with listen(ports.hub):
        moved = LoopbackPorts.choose(some_free_port(), record)
    moved.close()
    assert moved.hub != ports.hub
    assert (moved.broker, moved.proxy_api) == (ports.broker, ports.proxy_api)
    assert json.loads(record.read_text(encoding="utf-8"))["hub"] == moved.hub


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"hub": "x"}', '{"hub": 1, "broker": 2, "proxy_api": 99999}']
)
def test_a_record_that_cannot_be_read_is_made_anew(tmp_path: Path, text: str) -> None:
    record = tmp_path / "ports.json"
    record.write_text(text, encoding="utf-8")
    ports = LoopbackPorts.choose(some_free_port(), record)
    ports.close()
    assert json.loads(record.read_text(encoding="utf-8"))["broker"] == ports.broker
    assert [path.name for path in tmp_path.iterdir()] == ["ports.json"]


def test_the_public_one_is_a_person_s_choice(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = int(sock.getsockname()[1])
        with pytest.raises(Invalid) as caught:
            LoopbackPorts.choose(port, tmp_path / "ports.json")
    assert caught.value.code == "up.port"
    assert f"PORT={port + 1}" in caught.value.message.say("zh")
    assert str(port) in caught.value.message.say("en")


def test_several_that_start_in_the_same_second_choose_different_ones(tmp_path: Path) -> None:
    """None of them listens yet when the next one chooses, each in a process of its own."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom sampan_hub.loopback_ports import LoopbackPorts\n"
        "ports = LoopbackPorts.choose(int(sys.argv[1]), Path(sys.argv[2]))\n"
        "print(ports.hub, ports.broker, ports.proxy_api, flush=True)\nsys.stdin.read()"
    )
    several = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(some_free_port()), str(tmp_path / f"{number}.json")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(5)
    ]
    try:
        chosen = [one.stdout.readline().split() for one in several if one.stdout is not None]
    finally:
        for one in several:
            one.communicate()
    ports = [port for some in chosen for port in some]
    assert len(ports) == 15
    assert len(set(ports)) == 15


def test_a_port_that_another_one_has_claimed_is_taken(tmp_path: Path) -> None:
    port = some_free_port()
    first = LoopbackPorts.choose(port, tmp_path / "first.json")
    with pytest.raises(Invalid) as caught:
        LoopbackPorts.choose(port, tmp_path / "second.json")
    assert caught.value.code == "up.port"
    first.close()
    LoopbackPorts.choose(port, tmp_path / "second.json").close()


@pytest.mark.parametrize("port", [-1, 65536, 10**12])
def test_what_is_no_port_is_said(port: int) -> None:
    with pytest.raises(Invalid) as caught:
        is_free(port)
    assert caught.value.code == "up.no_port"
