"""What a door says by itself while there is no server behind it: a page, or JSON for a program. Pure."""

from __future__ import annotations

import json
from html import escape
from typing import Final

from sampan.messages import LANGUAGES, Message

__all__ = ["door_answer"]

RETRY: Final = 3
"""Seconds until a page or a program should look again."""
_TITLES: Final = {"en": "Your notebook is on its way", "zh": "您的笔记本即将就绪"}
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'"
_STYLE: Final = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem;color:#222;background:#fff}"
    "progress{width:100%;height:1rem}section{margin:1.5rem 0}h1,h2{font-size:1.25rem;margin:0}p{margin:.25rem 0}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#111}}"
)


def door_answer(head: bytes, message: Message, progress: int) -> bytes:
    """A whole HTTP/1.1 response of status 424 to the request that begins with `head`.

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
        body = _page(message, progress)
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


def _page(message: Message, progress: int) -> str:
    percent = min(100, max(0, progress))
    parts = "".join(
        f'<section lang="{language}"><h2>{escape(_TITLES[language])}</h2><p>{escape(message.say(language))}</p></section>'
        for language in LANGUAGES
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="refresh" content="{RETRY}"><meta name="viewport" content="width=device-width">'
        f"<title>Sampan</title><style>{_STYLE}</style></head>"
        f'<body><main role="status"><progress aria-label="Sampan" max="100" value="{percent}"></progress>{parts}</main>'
        "</body></html>"
    )
