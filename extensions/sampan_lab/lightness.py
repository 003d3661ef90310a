"""What a session's server need not do before it answers: most of its start was the import of things that it never uses.

Each part leaves a way to the real thing: who asks for it after all gets it then, at its price.
"""

from __future__ import annotations

import importlib
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import wraps
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

__all__ = ["light_imports"]


@contextmanager
def light_imports() -> Iterator[None]:
    """Within it, Jupyter's server is imported without the hub's database, a grammar's compilation, certificates and Node.

    Raises whatever an import raises where another version of those packages wants more of them than this knows.
    """
    with ExitStack() as stack:
        for module in _instead():
            stack.enter_context(_placed(module))
        # httpx's command, with what paints its output: httpx does without it.
        stack.enter_context(_placed(None, "httpx._main"))
        stack.enter_context(_certificates_later())
        _without_node()
        yield


def _instead() -> list[ModuleType]:
    return [
        # The hub's database and what is made from it: its metrics and scopes name them; a single-user server has none.
        _Absent("sqlalchemy"),
        _Absent("jupyterhub.orm"),
        _Absent("jupyterhub.roles"),
        # What the database may raise: a function of the hub's that is never called here catches it.
        _with("sqlalchemy.exc", SQLAlchemyError=type("SQLAlchemyError", (Exception,), {})),
        # The hub's own pages: JupyterHub's log tells one of them from the others.
        _with("jupyterhub.handlers.pages", HealthCheckHandler=type("HealthCheckHandler", (), {})),
        # Compiles a grammar of international addresses, 0.7 s; jsonschema asks it about such fields alone.
        _with("rfc3987_syntax", is_valid_syntax=_later("rfc3987_syntax", "is_valid_syntax")),
    ]


class _Absent(ModuleType):
    """Leads to the real module, once it is not in its place any more. Before, whoever wants something of it fails."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or sys.modules.get(self.__name__) is self:
            raise AttributeError(f"{self.__name__} is not imported at the start of a session: {name}")
        return getattr(importlib.import_module(self.__name__), name)


def _with(module: str, **members: Any) -> ModuleType:
    made = ModuleType(module)
    vars(made).update(members)
    return made


def _later(module: str, function: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(importlib.import_module(module), function)(*args, **kwargs)

    return call


@contextmanager
def _placed(module: ModuleType | None, name: str = "") -> Iterator[None]:
    """In place of the real one, where that is not imported yet; None makes its import fail. Afterwards the way is free."""
    name = module.__name__ if module is not None else name
    if name in sys.modules:
        yield
        return
    sys.modules[name] = module  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


@contextmanager
def _certificates_later() -> Iterator[None]:
    """Contexts made within it read the machine's certificates when they are first used: aiohttp makes one at its import.

    A session speaks to its hub by a unix socket, and most never use it.
    """
    empty: WeakKeyDictionary[ssl.SSLContext, tuple[Any, ...]] = WeakKeyDictionary()
    kind: Any = ssl.SSLContext
    load = kind.load_default_certs

    def filled(use: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(use)
        def call(context: ssl.SSLContext, *args: Any, **kwargs: Any) -> Any:
            if (purpose := empty.pop(context, None)) is not None:
                load(context, *purpose)
            return use(context, *args, **kwargs)

        return call

    def remember(context: ssl.SSLContext, *purpose: Any) -> None:
        empty[context] = purpose

    kind.load_default_certs = remember
    try:
        yield
    finally:
        kind.load_default_certs = load
        for name in ("wrap_bio", "wrap_socket", "cert_store_stats", "get_ca_certs"):
            setattr(kind, name, filled(getattr(kind, name)))


def _without_node() -> None:
    """JupyterLab asks yarn for its registry as soon as it is imported, which starts Node; here nobody builds JupyterLab.

    Answered as where there is no Node.
    """
    with suppress(ImportError):
        commands: Any = importlib.import_module("jupyterlab.commands")
        if hasattr(commands, "_yarn_config"):
            commands._yarn_config = _no_yarn  # noqa: SLF001 (it has no other switch)


def _no_yarn(_: object) -> dict[str, dict[str, Any]]:
    return {"yarn config": {}, "npm config": {}}
