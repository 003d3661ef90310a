"""Sampan: one notebook, every centre. The trunk: values, errors, the client, and what a notebook calls.

What a notebook calls is found when it is first named (PEP 562): `import sampan` alone loads nothing else, because each
start of a server, a kernel and a command pays for it. No module of the trunk may be called like one of these names: the
import system would put the module in the function's place.
"""

from importlib import import_module

TYPE_CHECKING = False  # type checkers know the name; `typing` itself would be most of what this import costs
if TYPE_CHECKING:
    from sampan.browsing import browse
    from sampan.citing import cite
    from sampan.dask_cluster import cluster, dask_client
    from sampan.finding import find
    from sampan.fleet import clusters
    from sampan.need import Need
    from sampan.opening import open  # noqa: A004 (called as sampan.open)
    from sampan.whereabouts import Here, here

__all__ = ["Here", "Need", "browse", "cite", "cluster", "clusters", "dask_client", "find", "here", "open"]

_HOMES = {
    "Here": "sampan.whereabouts",
    "Need": "sampan.need",
    "browse": "sampan.browsing",
    "cite": "sampan.citing",
    "cluster": "sampan.dask_cluster",
    "clusters": "sampan.fleet",
    "dask_client": "sampan.dask_cluster",
    "find": "sampan.finding",
    "here": "sampan.whereabouts",
    "open": "sampan.opening",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'sampan' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
