"""A real hub and broker, and people with tokens: alice, olga who speaks for the provider ocean, root who administers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.sampan_hub.real_broker import RealBroker, real_broker
from tests.small_hub import SmallHub, small_hub

__all__ = ["Served", "served"]

MAKER = "fedcba9876543210fedcba9876543210"
EXTRA = f"""
c.Authenticator.admin_users = {{"root"}}
c.JupyterHub.services += [{{"name": "sampan"}}, {{"name": "maker", "api_token": "{MAKER}"}}]
c.JupyterHub.load_groups = {{"sampan:provider:ocean": {{"users": ["olga"]}}}}
c.JupyterHub.load_roles += [
    {{"name": "maker", "services": ["maker"], "scopes": ["admin:users", "tokens", "groups"]}},
    {{"name": "user", "scopes": ["self", "access:services!service=sampan"]}},
]
"""
PEOPLE = ("alice", "olga", "root")


@dataclass(frozen=True)
class Served:
    broker: RealBroker
    tokens: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.broker.port}/services/sampan"

    async def ask(self, method: str, path: str, who: str = "alice", **more: Any) -> httpx.Response:
        return await self.broker.tcp(method, path, f"token {self.tokens[who]}", **more)

    async def publish(self, document: dict[str, Any]) -> None:
        made = await self.ask("POST", "/catalogue/entries", "root", json=document)
        assert made.status_code == 201, made.text
        ref = f"{document['provider']}/{document['name']}/{document['version']}"
        done = await self.ask("PUT", f"/catalogue/entries/{ref}/status", "root", json={"status": "published"})
        assert done.is_success, done.text


@asynccontextmanager
async def served(folder: Path, **east: Any) -> AsyncIterator[Served]:
    """Its one centre is east, where `folder` is the root `ocean`; `east`: more of its descriptor."""

    def prepare(broker: RealBroker) -> None:
        broker.only("east")
        broker.describe("east", roots={"ocean": str(folder)}, **east)
        broker.flags += ["--public-url", f"http://127.0.0.1:{broker.port}"]

    async with small_hub(folder, EXTRA) as hub:
        tokens = await _tokens(hub)
        async with real_broker(prepare, f"http://127.0.0.1:{hub.port}/hub/api") as broker:
            yield Served(broker, tokens)


async def _tokens(hub: SmallHub) -> dict[str, str]:
    found = {}
    base = f"http://127.0.0.1:{hub.port}/hub/api"
    async with httpx.AsyncClient(headers={"Authorization": f"token {MAKER}"}, timeout=20) as client:
        for user in PEOPLE:
            await client.post(f"{base}/users/{user}")
            made = await client.post(f"{base}/users/{user}/tokens", json={})
            found[user] = made.json()["token"]
    return found
