"""Refuses requests for foreign host names and of foreign pages, before anything else looks at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from alexandria_pipeline.domain.web_requests import SAFE_METHODS, refusal
from alexandria_pipeline.monitoring.responses import problem

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

ANY_HOST = "*"


class HostGuard:
    """ASGI middleware: answers 403 to refused requests (`domain/web_requests.py`).

    `hosts`: names that are allowed beside IP addresses and names without a dot; "*" allows every name.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app, self._hosts = app, frozenset(host.lower().rstrip(".") for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or ANY_HOST in self._hosts:
            await self._app(scope, receive, send)
            return
        headers = HTTPConnection(scope).headers
        reason = refusal(headers, self._hosts, changes=scope["method"] not in SAFE_METHODS)
        if reason is None:
            await self._app(scope, receive, send)
        else:
            hint = "" if not reason.startswith("the host") else "; allow it with ALEXANDRIA_SERVE_HOSTS"
            await problem(scope["path"], 403, reason + hint)(scope, receive, send)
