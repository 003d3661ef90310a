"""The server's half of the Lab extension: its routes, wired to the broker. `jpserver_extensions` names this module."""

from __future__ import annotations

from typing import Any

from jupyter_server.serverapp import ServerApp

__all__: list[str] = []


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "sampan_lab.extension"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    from jupyter_server.utils import url_path_join

    from sampan_lab import catalogue_handlers, centre_handlers, cluster_handlers, handlers
    from sampan_lab.activity import Activity
    from sampan_lab.asking import Asking
    from sampan_lab.dask_pages import PATTERN, PagesHandler
    from sampan_lab.following import Following

    root = url_path_join(server.base_url, "sampan", "api")
    asking = Asking()
    activity = Activity(server, asking)
    needs = {"asking": asking, "activity": activity, "following": Following(asking, server.event_logger)}
    rows: list[Any] = [
        (url_path_join(root, name), handler, needs)
        for routes in (
            handlers.ROUTES,
            centre_handlers.ROUTES,
            cluster_handlers.ROUTES,
            catalogue_handlers.ROUTES,
        )
        for name, handler in routes.items()
    ]
    rows.append((url_path_join(server.base_url, PATTERN), PagesHandler, {"asking": asking}))
    server.web_app.add_handlers(".*$", rows)
    # Those of extensions have a hash in their names, too; JupyterLab means to say so, and forgets the server's own prefix.
    kept = server.web_app.settings.setdefault("static_immutable_cache", [])
    kept.append(url_path_join(server.base_url, "lab", "extensions"))
    server.io_loop.add_callback(activity.begin)
