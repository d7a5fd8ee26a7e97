"""The Dagster UI with a guard: `python -m alexandria_pipeline.orchestration.webserver` instead of `dagster-webserver`.

The UI has no login and no protection against requests of other sites: a page that a browser opens can start runs and switch
sensors on. The guard refuses requests with a foreign Host, Origin or Sec-Fetch-Site. Same options as `dagster-webserver`.
`dev.py` uses it for `make dev`.
"""

import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import dagster_webserver.app
import dagster_webserver.cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from alexandria_pipeline.domain.web_requests import SAFE_METHODS, refusal
from alexandria_pipeline.settings import load_settings


class RequestGuard:
    """ASGI middleware: answers 403 to refused requests, and closes refused WebSockets. `hosts`: additional host names."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        # GraphQL may change something with every method.
        changes = scope.get("method") not in SAFE_METHODS or scope["path"].rstrip("/").endswith("/graphql")
        reason = refusal(HTTPConnection(scope).headers, self._hosts, changes=changes)
        if reason is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        else:
            await PlainTextResponse(f"{reason}\n", 403)(scope, receive, send)


class GuardedWebserver(DagsterWebserver[Any, Any]):
    """The web server of Dagster behind the guard. The host of ALEXANDRIA_DAGSTER_URL is allowed."""

    def build_middleware(self) -> list[Middleware]:
        url = load_settings().dagster_url
        name = urlsplit(str(url)).hostname if url else None
        return [Middleware(RequestGuard, hosts=frozenset({name} if name else ())), *super().build_middleware()]


def main() -> None:
    """Runs the web server. Raises RuntimeError if Dagster does not build its application where it did."""
    if vars(dagster_webserver.app).get("DagsterWebserver") is not DagsterWebserver:
        raise RuntimeError("this version of Dagster needs another way to add the guard of the UI")
    vars(dagster_webserver.app)["DagsterWebserver"] = GuardedWebserver
    if load_settings().log_format == "json" and "--log-format" not in sys.argv:
        sys.argv += ["--log-format", "json"]
    run: Callable[[], None] = dagster_webserver.cli.main
    run()


if __name__ == "__main__":
    main()
