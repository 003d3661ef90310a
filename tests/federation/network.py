"""Links and addresses: hub to each login node, each login node to its own nodes, and nothing else."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from dataclasses import dataclass
from typing import Any, Final

from tests.federation.host import Failed, Host
from tests.federation.shape import CENTRES, CentreShape

__all__ = [
    "Plan",
    "choose",
    "close_range",
    "connect",
    "disconnect",
    "is_cut",
    "open_range",
    "set_link",
    "set_node_link",
]

_FIRST: Final = 213
_RANGES: Final = 30


@dataclass(frozen=True, slots=True)
class Plan:
    """10.N.0.0/16. One N a federation, so that several do not meet."""

    number: int

    @property
    def range(self) -> str:
        return f"10.{self.number}.0.0/16"

    def hub(self, centre: CentreShape) -> str:
        """The hub, as the centre sees it."""
        return f"10.{self.number}.{centre.number}.1"

    def login(self, centre: CentreShape) -> str:
        """The login node, as the hub sees it."""
        return f"10.{self.number}.{centre.number}.2"

    def inner(self, centre: CentreShape, host: str) -> str:
        """A host, as the others of its centre see it."""
        place = centre.hosts.index(host)
        return f"10.{self.number}.{centre.number + 10}.{place + 10 if place else 1}"

    def link(self, centre: CentreShape) -> str:
        """The hub's end of the link to the centre."""
        return f"s{self.number}-{centre.name}"


def choose() -> Plan:
    """A range that this machine knows nothing of. Raises Failed where it knows something of all."""
    told = _ip("-json", "address", "show"), _ip("-json", "route", "show", "table", "all")
    addresses, routes = (json.loads(text or "[]") for text in told)
    taken = [ipaddress.ip_network(route["dst"]) for route in routes if _is_network(route.get("dst"))]
    taken += [
        ipaddress.ip_network(f"{address['local']}/{address['prefixlen']}", strict=False)
        for link in addresses
        for address in link.get("addr_info", ())
        if address.get("local")
    ]
    for number in range(_FIRST, _FIRST + _RANGES):
        plan = Plan(number)
        wanted = ipaddress.ip_network(plan.range)
        if not any(wanted.version == other.version and wanted.overlaps(other) for other in taken):
            return plan
    raise Failed(f"no free range among 10.{_FIRST}.0.0/16 and the {_RANGES - 1} after it")


def _is_network(text: Any) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def open_range(plan: Plan) -> None:
    """Whatever of the range has no link of its own is not to be found; it does not leave by the default route either."""
    _ip("route", "replace", "unreachable", plan.range)


def close_range(plan: Plan) -> None:
    for centre in CENTRES:
        _ip("link", "delete", plan.link(centre), check=False)
    _ip("route", "delete", "unreachable", plan.range, check=False)


def connect(plan: Plan, centre: CentreShape, hosts: dict[str, Host]) -> None:
    """Gives new hosts of one centre their links and addresses."""
    login, hub = hosts["login"], plan.link(centre)
    _ip("link", "delete", hub, check=False)
    _ip("link", "add", hub, "type", "veth", "peer", "name", "hub", "netns", str(login.anchor.pid))
    _settings(None, hub)
    _ip("address", "add", f"{plan.hub(centre)}/30", "dev", hub)
    _ip("link", "set", hub, "up")
    _inside(
        login, "link set lo up", "link add nodes type bridge", f"address add {plan.login(centre)}/30 dev hub"
    )
    for name in centre.nodes:
        node = hosts[name]
        ends = ("link", "add", name, "netns", str(login.anchor.pid), "type", "veth")
        _ip(*ends, "peer", "name", "login", "netns", str(node.anchor.pid))
        _inside(login, f"link set {name} master nodes up")
        address = f"address add {plan.inner(centre, name)}/24 dev login"
        _inside(node, "link set lo up", address, "link set login up")
        _settings(node, "all", "default", "login")
    _inside(
        login,
        f"address add {plan.inner(centre, 'login')}/24 dev nodes",
        "link set nodes up",
        "link set hub up",
    )
    _settings(login, "all", "default", "hub", "nodes")


def disconnect(plan: Plan, centre: CentreShape) -> None:
    _ip("link", "delete", plan.link(centre), check=False)


def _settings(host: Host | None, *links: str) -> None:
    """No IPv6 by which a neighbour would be found all the same; on a host, no passing on either (some inherit that)."""
    lines = [f"echo 1 >/proc/sys/net/ipv6/conf/{link}/disable_ipv6" for link in links]
    # Without IPv6 in the kernel there is nothing to turn off.
    script = "[ -d /proc/sys/net/ipv6 ] || exit 0; " + "; ".join(lines)
    if host is None:
        subprocess.run(["sh", "-c", script], check=True, capture_output=True)
    else:
        host.run(["sh", "-c", f"echo 0 >/proc/sys/net/ipv4/ip_forward; {script}"])


def _inside(host: Host, *lines: str) -> None:
    host.run(["ip", "-batch", "-"], stdin="\n".join(lines).encode())


def set_link(login: Host, *, up: bool) -> None:
    """The link between hub and login node, at the login node's end: what the hub sends is lost, as with a cut cable.

    At the hub's own end the route would go with it, and every connection would fail in the same instant.
    """
    _inside(login, f"link set hub {'up' if up else 'down'}")


def is_cut(login: Host) -> bool:
    """Whether `set_link` has taken the link down."""
    [link] = json.loads(login.run(["ip", "-json", "link", "show", "hub"]).stdout)
    return "UP" not in link["flags"]


def set_node_link(login: Host, node: str, *, up: bool) -> None:
    """The link between a login node and one of its nodes, with which the other nodes lose it too."""
    _inside(login, f"link set {node} {'up' if up else 'down'}")


def _ip(*words: str, check: bool = True) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise Failed(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout
