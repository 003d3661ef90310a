"""One account's connection to a real OpenSSH: kept, lost, made again, refused."""

from __future__ import annotations

import asyncio
import time

import asyncssh
import pytest

from sampan.errors import Unavailable, Unreachable
from sampan.stages import Seen
from sampan_hub.centre import make_centre
from sampan_hub.testing.transport_contract import TransportContract
from sampan_hub.transports import login
from sampan_hub.transports.ssh import SshTransport
from sampan_hub.watch import Watch
from tests.sampan_hub.transports.a_login_node import ALICE, SERVICE, LoginNode, as_root
from tests.waiting import until

pytestmark = as_root


async def healed(transport: SshTransport, account: str | None = None) -> float:
    """Seconds until it works again."""
    began = time.monotonic()
    async with asyncio.timeout(15):
        while True:
            try:
                await transport.run(["true"], account=account)
            except Unavailable:
                await asyncio.sleep(0.1)
            else:
                return time.monotonic() - began


# --- the kept connection


async def test_the_service_account_comes_once(fresh: LoginNode, transport: SshTransport) -> None:
    """However many ask at once, also more than fit on a connection."""
    outcomes = await asyncio.gather(*(transport.run(["sh", "-c", f"sleep 0.2; echo {n}"]) for n in range(30)))
    assert [done.stdout for done in outcomes] == [f"{n}\n" for n in range(30)]
    assert fresh.log.count(f"Accepted publickey for {SERVICE} ") == 1
    assert fresh.connections(SERVICE) == 1


async def test_a_centre_that_lets_fewer_at_once(fresh: LoginNode, transport: SshTransport) -> None:
    fresh.stop()
    fresh.start("MaxSessions 2")
    outcomes = await asyncio.gather(*(transport.run(["sh", "-c", "sleep 0.1; echo x"]) for _ in range(6)))
    assert [done.stdout for done in outcomes] == ["x\n"] * 6


async def test_a_centre_that_gives_no_terminal(fresh: LoginNode, transport: SshTransport) -> None:
    """Small messages wait there; everything else is as ever."""
    fresh.stop()
    fresh.start("PermitTTY no")
    assert (await transport.run(["echo", "fine"])).stdout == "fine\n"
    assert (await transport.run(["cat"], b"fine")).stdout == "fine"


async def test_a_lost_connection_is_made_again(fresh: LoginNode, transport: SshTransport) -> None:
    await transport.run(["true"])
    fresh.drop_connections()
    assert (await transport.run(["echo", "back"])).stdout == "back\n"
    assert fresh.log.count(f"Accepted publickey for {SERVICE} ") == 2


async def test_where_nobody_listens_and_back(fresh: LoginNode, transport: SshTransport) -> None:
    fresh.stop()
    with pytest.raises(Unreachable) as caught:
        await transport.run(["true"])
    assert caught.value.code == "centre.unreachable"
    fresh.start()
    assert await healed(transport) < 8


async def test_a_failed_connect_is_not_tried_again_by_everybody(
    fresh: LoginNode, transport: SshTransport
) -> None:
    fresh.stop()
    came = 0

    def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal came
        came += 1
        writer.transport.abort()

    async with await asyncio.start_server(refuse, "127.0.0.1", fresh.port):
        for _ in range(4):
            outcomes = await asyncio.gather(
                *(transport.run(["true"]) for _ in range(100)), return_exceptions=True
            )
            assert all(isinstance(outcome, Unreachable) for outcome in outcomes)
            await asyncio.sleep(0.1)
    assert 1 <= came <= 3


async def test_a_centre_that_accepts_and_never_speaks(fresh: LoginNode, transport: SshTransport) -> None:
    fresh.stop()
    taken: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(lambda _, w: taken.append(w), "127.0.0.1", fresh.port):
        began = time.monotonic()
        with pytest.raises(Unreachable):
            await transport.run(["true"], deadline=0.5)
        assert time.monotonic() - began < 3
        for writer in taken:
            writer.transport.abort()


async def test_a_cut_that_nobody_tells_of(
    fresh: LoginNode, transport: SshTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packets that go nowhere: first no answer in time, then the connection is known to be lost."""
    monkeypatch.setattr(login, "KEEPALIVE", {"keepalive_interval": 0.3, "keepalive_count_max": 2})
    await transport.run(["true"])
    fresh.freeze()
    with pytest.raises(Unavailable) as caught:
        await transport.run(["true"], deadline=0.2)
    assert caught.value.code == "centre.timeout"
    with pytest.raises(Unreachable):
        await transport.run(["true"], deadline=5)
    fresh.freeze(thaw=True)
    assert await healed(transport) < 8


async def test_nobody_comes_with_a_certificate_that_has_run_out(
    fresh: LoginNode, transport: SshTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open connection is given to nobody any more once its certificate is no good for a new one."""
    monkeypatch.setattr("sampan_hub.credentials.MARGIN", 299.0)
    await transport.run(["true"], account=ALICE)
    await asyncio.sleep(1.2)
    await transport.run(["true"], account=ALICE)
    assert fresh.log.count(f"Accepted publickey for {ALICE} ") == 2
    await until(lambda: fresh.connections(ALICE) == 1, 10)


async def test_without_a_signer_and_with_it_again(fresh: LoginNode, transport: SshTransport) -> None:
    await transport.run(["true"])
    fresh.stop_signer()
    with pytest.raises(Unavailable) as caught:
        await transport.run(["true"], account=ALICE)
    assert caught.value.code == "signer.away"
    assert (await transport.run(["echo", "as ever"])).status == 0, "the kept connection needs none"
    fresh.start_signer()
    assert await healed(transport, ALICE) < 8


async def test_a_centre_that_lets_nobody_in(fresh: LoginNode, transport: SshTransport) -> None:
    (fresh.etc / "principals" / ALICE).write_text("somebody:else\n")
    with pytest.raises(Unavailable) as caught:
        await transport.run(["true"], account=ALICE)
    assert (caught.value.code, caught.value.message.params["account"]) == ("centre.login", ALICE)
    (fresh.etc / "principals" / ALICE).write_text(f"sampan:{ALICE}\n")
    assert await healed(transport, ALICE) < 8


# --- host keys


async def test_a_changed_host_key_is_named_and_nothing_is_sent(
    fresh: LoginNode, transport: SshTransport
) -> None:
    fresh.stop()
    fresh.new_host_key()
    fresh.start()
    with pytest.raises(Unavailable) as caught:
        await transport.run(["true"])
    shown = asyncssh.import_public_key(fresh.host_key).get_fingerprint()
    assert caught.value.code == "centre.host_key"
    assert f"ssh-ed25519 {shown}" in caught.value.message.say("en")
    assert shown in caught.value.message.say("zh")
    assert not isinstance(caught.value, Unreachable), "the way is not cut"
    assert "Accepted" not in fresh.log
    with pytest.raises(Unavailable) as again:
        await transport.reach(
            "127.0.0.1", 1, TransportContract.options(asyncssh.generate_private_key("ssh-ed25519"))
        )
    assert again.value.code == "centre.host_key"


async def test_a_host_key_of_another_kind_is_named_too(fresh: LoginNode, transport: SshTransport) -> None:
    fresh.stop()
    fresh.new_host_key("ecdsa")
    fresh.start()
    with pytest.raises(Unavailable) as caught:
        await transport.run(["true"])
    assert "ecdsa-sha2-nistp256 SHA256:" in caught.value.message.say("en")


async def test_a_changed_host_key_is_the_centres_trouble(fresh: LoginNode) -> None:
    """What pages and commands show of a centre; it is no news of its jobs, which are not given up for it."""
    centre = make_centre(fresh.descriptor(), signer=fresh.signer)
    fresh.stop()
    fresh.new_host_key()
    fresh.start()
    watch = Watch(centre, lambda _: None)
    await watch.measure()
    assert watch.trouble is not None
    assert "showed another key (ssh-ed25519 SHA256:" in watch.trouble.message.say("en")
    assert watch.seen is Seen.UNKNOWN
    assert watch.fresh() is None
    await centre.close()


async def test_two_keys_while_one_is_replaced(fresh: LoginNode) -> None:
    old = fresh.host_key
    fresh.stop()
    new = fresh.new_host_key("ecdsa")
    fresh.start()
    transport = SshTransport(fresh.descriptor(old, new), fresh.signer)
    assert (await transport.run(["true"])).status == 0
    await transport.close()
