"""What a door says by itself while there is no server behind it: a page, or JSON for a program. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Final

from sampan.messages import LANGUAGES, Language, Message

__all__ = ["door_answer"]

RETRY: Final = 3
"""Seconds until a page or a program should look again."""
_STARTING: Final = {"en": "Your notebook is on its way", "zh": "您的笔记本即将就绪"}
_SILENT: Final = {"en": "Your notebook cannot be reached just now", "zh": "暂时无法连接您的笔记本"}
_STOPPING: Final = {"en": "Your notebook is stopping", "zh": "正在停止您的笔记本"}
_ENDED: Final = {"en": "Your notebook has ended", "zh": "您的笔记本已结束"}
_ANOTHER: Final = {"en": "This is another notebook's address", "zh": "此地址属于另一个笔记本"}
_TITLES: Final = {
    "door.another": _ANOTHER,
    "launch.cut": _SILENT,
    "link.cut": _SILENT,
    "launch.unknown": _SILENT,
    "launch.unreachable": _SILENT,
    "launch.stopping": _STOPPING,
    "launch.stopping_unconfirmed": _STOPPING,
    "launch.stopped": _ENDED,
}
"""What a page is headed with for a message; ends by their kind, and a start for all others."""
_HOME: Final = {"en": "What you can do is on the hub's home page.", "zh": "可在平台首页查看您能做什么。"}
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'"
_STYLE: Final = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem;color:#222;background:#fff}"
    "progress{width:100%;height:1rem}section{margin:1.5rem 0}h1,h2{font-size:1.25rem;margin:0}p{margin:.25rem 0}"
    "a{color:#0b6e8a}@media(prefers-color-scheme:dark){body{color:#eee;background:#111}a{color:#56bdd8}}"
)


def door_answer(head: bytes, message: Message, progress: int, home: str = "") -> bytes:
    """A whole HTTP/1.1 response of status 424 to the request that begins with `head`. `home`: the address of the hub's page.

    Never 5xx: a proxy and JupyterHub read those as "the server is dead". HTML for who can show it; JSON, as Jupyter's own
    API answers, for a programming interface, for who asks for it, and for a connection that wants to be upgraded.
    """
    line, _, rest = head.partition(b"\r\n")
    method, path = [*line.decode("latin-1").split(" "), "", ""][:2]
    if _wants_json(path, _headers(rest)):
        kind = "application/json"
        body = json.dumps({"message": message.say("en"), "error": message.to_json()}, ensure_ascii=False)
    else:
        kind = "text/html; charset=utf-8"
        body = _page(message, progress, home)
    content = body.encode("utf-8")
    lines = (
        "HTTP/1.1 424 Failed Dependency",
        f"Content-Type: {kind}",
        f"Content-Length: {len(content)}",
        f"Content-Security-Policy: {_POLICY}",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer",
        f"Retry-After: {RETRY}",
        "Cache-Control: no-store",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode("ascii") + (b"" if method == "HEAD" else content)


def _headers(text: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in text.decode("latin-1").split("\r\n"))
    return {name.strip().lower(): value.strip().lower() for name, _, value in lines}


def _wants_json(path: str, headers: dict[str, str]) -> bool:
    accept = headers.get("accept", "")
    asks = "application/json" in accept and "text/html" not in accept
    return "upgrade" in headers or "/api/" in path.partition("?")[0] or asks


def _page(message: Message, progress: int, home: str) -> str:
    titles = _ENDED if message.code.startswith("ended.") else _TITLES.get(message.code, _STARTING)
    parts = "".join(
        f'<section lang="{language}"><h2>{escape(titles[language])}</h2><p>{escape(message.say(language))}</p>'
        f"{_way_home(titles, home, language)}</section>"
        for language in LANGUAGES
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="refresh" content="{RETRY}"><meta name="viewport" content="width=device-width">'
        f"<title>Sampan</title><style>{_STYLE}</style></head>"
        f'<body><main role="status">{_bar(titles, progress)}{parts}</main></body></html>'
    )


def _bar(titles: Mapping[str, str], progress: int) -> str:
    """How far a start is. What runs already, or has ended, is not on its way anywhere."""
    percent = min(100, max(0, progress))
    shown = f'<progress aria-label="Sampan" max="100" value="{percent}"></progress>'
    return shown if titles is _STARTING else ""


def _way_home(titles: Mapping[str, str], home: str, language: Language) -> str:
    shown = f'<p><a href="{escape(home)}">{_HOME[language]}</a></p>'
    return shown if home and titles is not _STARTING else ""
