"""Somebody plays the launcher: another host key, another node, other fields, or a second report. Refused, and logged."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from sampan_hub.records import Attempt, Launch
from tests.faults.broken import Broken
from tests.faults.cases import Pair
from tests.faults.losses import counted_at_sites
from tests.sampan_hub.scripted_centre import Bench, bench
from tests.sampan_hub.steps.a_launcher import a_launcher, folder

FORGED: dict[str, tuple[Pair, dict[str, Any]]] = {
    "nonce": (("A report with another nonce", "报告中的随机数不符"), {"nonce": "forged"}),
    "more": (("A report with a field more", "报告多出一个字段"), {"cmd": "id"}),
    "node": (("A report from a node that is not the job's", "报告来自不属于该作业的节点"), {"node": "n2"}),
    "shell": (("A report whose node is `$(id)`", "报告中的节点名为 `$(id)`"), {"node": "$(id)"}),
    "port": (("A report with a port of the system's", "报告使用系统端口"), {"port": 22}),
    "pid": (("A report of process 1", "报告声称是 1 号进程"), {"pid": 1}),
    "protocol": (("A report of a protocol that nobody speaks", "报告使用无人使用的协议"), {"protocol": 99}),
    "key": (
        ("A report with a host key of another kind", "报告中的主机密钥类型不符"),
        {"host_key": "ssh-rsa AAAA"},
    ),
}
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, "east", "west") as made:
        yield made


def _write(bench: Bench, launch: Launch, attempt: Attempt, **changes: Any) -> None:
    honest = {
        "protocol": 1,
        "nonce": bench.services.master.nonce(attempt.tag),
        "port": 2222,
        "node": "n1",
        "pid": 4242,
        "host_key": HOST_KEY,
    }
    (folder(bench, launch, attempt) / "report.json").write_text(json.dumps({**honest, **changes}))


@pytest.mark.parametrize("what", FORGED)
async def test_a_forged_report(
    two: Bench, broken: Broken, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The job is ended, the next centre is tried, and nobody was given the identity."""
    done, changes = FORGED[what]
    launch = await two.launch()
    attempt = await two.at(launch, "running")
    two.services.identities[launch.id] = {"JUPYTERHUB_API_TOKEN": "secret"}
    _write(two, launch, attempt, **changes)
    with caplog.at_level(logging.ERROR):
        await two.step(launch)
    assert "refused" in caplog.text
    assert "secret" not in caplog.text
    await two.tick()
    second = await two.at(launch, "running", 2)
    first = (await two.store.attempts(launch.id))[0]
    assert second.centre != attempt.centre
    assert first.cause is not None
    assert first.cause.code == "ended.report"
    assert two.sites[attempt.centre].live == []
    assert (await two.row(launch)).identity_attempt is None
    broken(done, first.cause, await counted_at_sites(two, launch.id))


class _Open(asyncssh.SSHServer):
    """Lets everybody in, and writes down that somebody came that far."""

    came: bool = False

    def begin_auth(self, username: str) -> bool:
        _Open.came = True
        return False


async def test_another_process_at_the_port(two: Bench, broken: Broken) -> None:
    """The launcher has reported and gone; a neighbour on the node listens at its port, with a host key of its own."""
    launch = await two.launch()
    attempt = await two.at(launch, "running")
    two.services.identities[launch.id] = {"JUPYTERHUB_API_TOKEN": "secret"}
    keys = [asyncssh.generate_private_key("ssh-ed25519")]
    neighbour = await asyncssh.listen("127.0.0.1", 0, server_factory=_Open, server_host_keys=keys)
    _Open.came = False
    async with neighbour:
        _write(two, launch, attempt, port=neighbour.get_port())
        for _ in range(4):
            await two.step(launch)
        assert not _Open.came, "not even a name is told to whoever has not the launcher's key"
        assert launch.id not in two.services.links
        row = await two.row(launch)
        assert row.identity_attempt is None
        losses = await counted_at_sites(two, launch.id)
    broken(
        ("Another process listens at the launcher's port", "另一进程占用启动器的端口"), row.message, losses
    )


async def test_a_second_report(two: Bench, broken: Broken) -> None:
    """Once the launcher is reached, what is written into its file is read by nobody."""
    launch = await two.launch()
    attempt = await two.at(launch, "running")
    async with a_launcher(two, launch, attempt):
        reached = await two.at(launch, "reachable")
        _write(two, launch, attempt, port=4444, node="n2")
        await two.services.links[launch.id].close()
        for _ in range(3):
            await two.step(launch)
        last = await two.last(launch)
        assert (last.report, last.stage, last.number) == (reached.report, "reachable", 1)
        assert not two.services.links[launch.id].closed.is_set()
        said = (await two.row(launch)).message
        losses = await counted_at_sites(two, launch.id)
    broken(("A second report, of another port and node", "第二份报告，端口与节点皆不同"), said, losses)
