"""What each centre says of itself (`sampan/centre/1`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.federation import user_environment
from tests.federation.account_files import ACCOUNT_COMMAND
from tests.federation.accounts import people_of
from tests.federation.batch import SPOOL
from tests.federation.shape import CORES, MEMORY_MIB, TIME_ZONE, CentreShape

if TYPE_CHECKING:
    from tests.federation.centre import Centre

__all__ = ["describe"]


def describe(centre: Centre) -> dict[str, Any]:
    """As the YAML file would say it."""
    shape = centre.shape
    city, city_zh, latitude, longitude = shape.city
    return {
        "schema": "sampan/centre/1",
        "id": shape.name,
        "names": {"en": shape.en, "zh": shape.zh},
        "place": {
            "city": {"en": city, "zh": city_zh},
            "country": "CN",
            "latitude": latitude,
            "longitude": longitude,
        },
        "time_zone": TIME_ZONE,
        "contacts": [{"name": "Operators", "email": f"operators@{shape.name}.example"}],
        "endpoint": {
            "transport": "ssh",
            "host": centre.address,
            "port": centre.port,
            "host_keys": list(centre.host_keys),
            "service_account": shape.service_account,
            "source_addresses": [centre.hub_address],
        },
        "accounts": _accounts(shape),
        "scheduler": _scheduler(shape),
        "shares": _shares(shape),
        "environment": {"python": str(user_environment.python()), "modules": list(shape.modules)},
        "home": "/home/{account}",
        "scratch": "/scratch",
    }


def _accounts(shape: CentreShape) -> dict[str, Any]:
    people = people_of(shape)
    if shape.asks_for_accounts:
        return {"method": "command", "command": [ACCOUNT_COMMAND], "certified": list(people.values())}
    return {"method": "table", "table": people}


def _scheduler(shape: CentreShape) -> dict[str, Any]:
    if shape.has_slurm:
        return {"kind": "slurm", "sees_all_jobs": shape.sees_all_jobs}
    return {"kind": "process", "spool": SPOOL, "cores": CORES, "memory_gib": MEMORY_MIB / 1024}


def _shares(shape: CentreShape) -> list[dict[str, Any]]:
    names = [queue.name for queue in shape.queues]
    return [
        {
            "id": queue.name,
            "names": {"en": queue.en, "zh": queue.zh},
            "queue": queue.name,
            "max_hours": float(queue.hours),
            "cores": CORES,
            "memory_per_core_gib": MEMORY_MIB / CORES / 1024,
            "accelerators": dict(shape.accelerators),
            "demands": [list(demand) for demand in queue.demands],
            "overlaps": [name for name in names if name != queue.name],
        }
        for queue in shape.queues
    ]
