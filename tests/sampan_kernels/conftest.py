"""What kernels elsewhere are tested with: a broker of their own for each file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from jupyter_client.kernelspec import KernelSpecManager

from sampan.address import Address
from tests.sampan_hub.real_broker import RealBroker, real_broker


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker() -> AsyncIterator[RealBroker]:
    async with real_broker(lambda made: made.only("east")) as made:
        yield made


@pytest.fixture
def specs(broker: RealBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KernelSpecManager:
    """A kernelspec as a person writes it; who they are the broker is told by the hub's way in, as there is no hub here."""
    way = broker.state / "run" / "broker.sock"
    address = Address.parse(None, socket=way, secret=broker.secret("hub-broker"), user="alice")
    monkeypatch.setattr(Address, "from_environment", lambda _: address)
    for name, options in (("small", {"cores": "1", "memory": "0.5"}), ("huge", {"cores": "4000"})):
        provisioner = {"provisioner_name": "sampan-provisioner", "config": {"options": options}}
        spec = {
            "argv": [],
            "display_name": name,
            "language": "python",
            "metadata": {"kernel_provisioner": provisioner},
        }
        (tmp_path / "kernels" / name).mkdir(parents=True)
        (tmp_path / "kernels" / name / "kernel.json").write_text(json.dumps(spec))
    return KernelSpecManager(kernel_dirs=[str(tmp_path / "kernels")])
