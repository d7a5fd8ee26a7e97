"""Rate limit of the read API: a token bucket for each client address, in the memory of this process."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.monitoring.responses import problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

MAX_CLIENTS: Final = 10_000  # addresses that are remembered; the least recent one is forgotten first
BURST_SECONDS: Final = 10.0  # a client that was silent may send the requests of this time at once


class RateLimit:
    """Answers 429 with Retry-After to a client that sends more than `per_minute` requests; 0: no limit.

    Behind a proxy on the same machine the address is that of X-Forwarded-For (uvicorn's `proxy_headers`).
    """

    def __init__(self, app: ASGIApp, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._app, self._clock = app, clock
        self._rate = per_minute / 60
        self._burst = max(1.0, self._rate * BURST_SECONDS)
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wait = self._wait(scope["client"][0] if scope.get("client") else "") if self._rate else 0.0
        if wait <= 0:
            await self._app(scope, receive, send)
            return
        headers = {"retry-after": str(math.ceil(wait))}
        await problem("/api", 429, "too many requests; see Retry-After", headers=headers)(scope, receive, send)

    def _wait(self, client: str) -> float:
        """Takes a token; returns 0, or the seconds until there is one."""
        now = self._clock()
        tokens, then = self._clients.pop(client, (self._burst, now))
        tokens = min(self._burst, tokens + (now - then) * self._rate)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self._rate
        self._clients[client] = (tokens if wait else tokens - 1, now)
        if len(self._clients) > MAX_CLIENTS:
            self._clients.popitem(last=False)
        return wait
