"""A login node for the tests of the ways to one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator

import pytest

from sampan_hub.transports.ssh import SshTransport
from tests.sampan_hub.transports.a_login_node import LoginNode, login_node

ANYTHING = re.compile(r"[^\0]*", re.DOTALL)


@pytest.fixture(scope="module")
def there() -> Iterator[LoginNode]:
    with login_node() as node:
        yield node


@pytest.fixture
def fresh() -> Iterator[LoginNode]:
    """A login node of one test's own, which it may do anything to."""
    with login_node() as node:
        yield node


@pytest.fixture
async def transport(fresh: LoginNode) -> AsyncIterator[SshTransport]:
    transport = SshTransport(fresh.descriptor(), fresh.signer, shape=ANYTHING)
    yield transport
    await transport.close()
