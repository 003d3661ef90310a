"""Functions and what they return, as they travel between a notebook and its cluster at another centre; and what is done there.

Whoever unpacks runs what was packed. Both ends are one person's own; a centre that a person computes at is believed.
"""

from __future__ import annotations

import base64
import io
import pickle
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from sampan.errors import Invalid, Missing, SampanError

if TYPE_CHECKING:
    from distributed import Client

__all__ = [
    "CELL",
    "KIND",
    "begin",
    "order",
    "ordered",
    "pack",
    "python",
    "read",
    "unpack",
    "with_client",
    "work",
]

CELL: Final = "from sampan.far_work import ordered, work\nwork(ordered())"
KIND: Final = "application/vnd.sampan.work+json"
"""Under which a message holds what is to be done, and its answer what became of it."""
_MOST: Final = 16
"""MiB that travel at once: what is reduced is kilobytes, and what is not belongs where it is."""
_clients: list[Client] = []


class _Parcel(io.BytesIO):
    """Stops what is too large before it is copied whole."""

    def write(self, data: Any, /) -> int:
        if self.tell() + memoryview(data).nbytes > _MOST << 20:
            raise Invalid("clusters.large", most=_MOST)
        return super().write(data)


def pack(value: object) -> str:
    """Raises `Invalid` for what is too large, or cannot travel at all, as an open file."""
    try:
        import cloudpickle
    except ModuleNotFoundError as error:
        raise Missing("cluster.no_dask", str(error)) from error
    parcel = _Parcel()
    try:
        cloudpickle.dump(value, parcel)
    except SampanError:
        raise
    except Exception as error:  # whatever a person's own objects say
        raise Invalid("clusters.travel", why=_name(error)) from error
    return base64.b64encode(parcel.getbuffer()).decode()


def unpack(packed: str) -> Any:
    try:
        return pickle.loads(base64.b64decode(packed))  # noqa: S301 (one person's own, at both ends)
    except Exception as error:  # a module that is not here, or whatever a person's own objects say
        raise Invalid("clusters.travel", why=_name(error)) from error


def order(function: Callable[..., object], *args: object, **kwargs: object) -> str:
    """What a message has beside `CELL`, so that `function` is called there and what it returns is displayed."""
    return pack((function, args, kwargs))


def ordered() -> str:
    """Of the message that is answered just now. In its code, it would be hashed and compiled before it is read."""
    from IPython.core.getipython import get_ipython

    packed: str = get_ipython().kernel.get_parent()["metadata"][KIND]  # type: ignore[union-attr]
    return packed


def work(packed: str) -> None:
    """Does it, here, in the kernel that was asked."""
    try:
        function, args, kwargs = unpack(packed)
        told = {"value": pack(function(*args, **kwargs))}
    except Exception as error:  # noqa: BLE001 (what a person's own function raises is raised in their notebook)
        told = _raised(error)
    from IPython.display import publish_display_data

    publish_display_data({KIND: told})  # type: ignore[no-untyped-call]


def begin(given: Mapping[str, Any]) -> dict[str, Any]:
    """Opens the cluster here. Its launch, and by whose Python functions are to be made that are run here."""
    from sampan.dask_cluster import cluster

    opened = cluster(**given)
    _clients.append(opened.get_client())  # type: ignore[no-untyped-call]
    return {"launch": opened.name, "python": python()}


def python() -> str:
    return "{}.{}".format(*sys.version_info)


def with_client(function: Callable[..., object], *args: object, **kwargs: object) -> object:
    return function(_clients[-1], *args, **kwargs)


def read(told: Mapping[str, str], centre: str) -> Any:
    """What the function returned there. Raises what it raised, with what was said of it there."""
    if "value" in told:
        return unpack(told["value"])
    try:
        error = unpack(told["error"])
    except Invalid:
        error = None
    if not isinstance(error, Exception):
        error = Invalid("clusters.raised", centre=centre, error=told["name"])
    error.add_note(f"{centre}:\n{told['traceback']}")
    raise error


def _raised(error: Exception) -> dict[str, str]:
    try:
        packed = pack(error)
    except SampanError:
        packed = ""
    there = error.__traceback__
    while there is not None and there.tb_frame.f_code.co_filename == __file__:
        there = there.tb_next
    said = "".join(traceback.format_exception(type(error), error, there))
    return {"error": packed, "name": _name(error), "traceback": said}


def _name(error: Exception) -> str:
    return "".join(traceback.format_exception_only(error)).strip()
