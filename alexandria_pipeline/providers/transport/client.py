"""The one transport of all services.

Per attempt, in this order: cache → breaker → quota reservation → pace → request → ledger. What is shared by processes
(cache, breaker, quota, pace, ledger) is behind the Protocols of `shared.py`, which `storage` implements and the
composition hands in. What is asked is `addresses.py`, leave to send it `slots.py`, one request on the wire `exchange.py`,
reading its body `answers.py`, what it means `judging.py`, and what callers see of all this `contract.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import tenacity

from alexandria_pipeline.domain.calls import CallAttempt, CallOutcome, CallResult, Slot
from alexandria_pipeline.domain.errors import StorageError
from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.transport.body import Decoded, decode
from alexandria_pipeline.providers.transport.connection import HttpClient, LoopState, RawResponse, exchange
from alexandria_pipeline.providers.transport.rate_limiter import RateLimiter, no_database
from alexandria_pipeline.providers.transport.request_builder import PreparedRequest, RequestBuilder, cache_key
from alexandria_pipeline.providers.transport.response_policy import MAX_BACKOFF_SECONDS, ResponsePolicy, Result, Secret
from alexandria_pipeline.providers.transport.types import (
    Json,
    Params,
    Reply,
    ServiceConfig,
    ServiceSpec,
    current_call,
)

if TYPE_CHECKING:
    from alexandria_pipeline.providers.transport.ports import CallLedger, ResponseCache

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
MAX_REDIRECTS = 3
STATE_SECONDS = 1.0  # how long `unavailable` believes what it read
QUEUED_SECONDS = (
    1.0  # after which a question that has had to wait for its turn looks again whether it is answered by now
)
LATE_SECONDS = 0.005  # a request that leaves later than this after its slot moves those that follow by the rest


class ServiceTransport:
    """ServiceHttp over HTTP. Everything that processes share is in `calls` and `cache`."""

    def __init__(
        self, spec: ServiceSpec, config: ServiceConfig, client: HttpClient, calls: CallLedger, cache: ResponseCache
    ) -> None:
        self.name = spec.name
        self._spec, self._config = spec, config
        self._client, self._calls, self._cache = client, calls, cache
        self._secret = Secret(config.key.get_secret_value() if config.key else "")
        self._addresses = RequestBuilder(spec, config, self._secret)
        self._judge = ResponsePolicy(spec, self._secret, config.backoff_seconds)
        self._allowance = config.allowance
        self._slots = RateLimiter(spec.name, calls, config.allowance, config.timeout_seconds)
        self._state: tuple[float, Unavailable | None] = (-STATE_SECONDS, None)
        pause = config.backoff_seconds
        self._backoff = tenacity.wait_exponential(pause, max=MAX_BACKOFF_SECONDS) + tenacity.wait_random(0, pause)

    def __repr__(self) -> str:
        return f"Service({self.name!r})"

    def unavailable(self) -> Unavailable | None:
        """As the Protocol says; what all processes share is read at most once a second."""
        if (off := self._off()) is not None:
            return off
        read_at, state = self._state
        if time.monotonic() - read_at >= STATE_SECONDS:
            state = self._shared_state()
            self._state = (time.monotonic(), state)
        return state

    async def get(self, path: str, params: Params | None = None) -> Reply | Unavailable | Failed:
        return await self._ask("GET", path, params, None)

    async def post(self, path: str, body: Mapping[str, Json]) -> Reply | Unavailable | Failed:
        return await self._ask("POST", path, None, json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))

    def _off(self) -> Unavailable | None:
        if not self._config.enabled:
            return Unavailable(f"{self.name} is switched off by {self._config.enabled_setting or 'its settings'}")
        if self._spec.key is not None and not self._secret.key:
            return Unavailable(f"{self.name} needs a key: set {self._config.key_setting or 'it in its settings'}")
        return None

    def _shared_state(self) -> Unavailable | None:
        try:
            state = self._calls.state(self.name)
        except StorageError as error:
            return no_database(error)
        if state is None:
            return None
        if state.shut is None and self._allowance.daily_limit is not None and state.used >= self._allowance.daily_limit:
            return Unavailable(f"the daily quota of {self.name} is used up until 00:00 UTC", temporary=True)
        return Unavailable(state.shut, temporary=True) if state.shut else None

    async def _ask(
        self, method: str, path: str, params: Params | None, content: bytes | None
    ) -> Reply | Unavailable | Failed:
        if (off := self._off()) is not None:
            return off
        ask = self._addresses.ask(method, path, params, content)
        if isinstance(ask, Failed):
            return ask
        if self._spec.cache_days <= 0:
            return await self._fetch(ask, None)
        key = cache_key(self.name, ask)
        here = await self._client.here()
        answer: Reply | Unavailable | Failed = await here.once(key, lambda: self._found_or_fetched(ask, key))
        return answer

    async def _found_or_fetched(self, ask: PreparedRequest, key: str) -> Reply | Unavailable | Failed:
        return await self._found(key) or await self._fetch(ask, key)

    async def _found(self, key: str) -> Reply | Unavailable | None:
        try:
            return _stored(await self._cache.find(key))
        except StorageError as error:
            return no_database(error)

    async def _fetch(self, ask: PreparedRequest, key: str | None) -> Reply | Unavailable | Failed:
        """The answer, after retries and redirects; a failure is logged here, once."""
        answer: Reply | Unavailable | Failed = Failed(f"{self.name} redirects more than {MAX_REDIRECTS} times")
        for _ in range(MAX_REDIRECTS + 1):
            result = await self._tried(ask, key)
            answer = result.answer if result.location is None else answer
            if result.location is None:
                break
            target = self._addresses.redirected(ask, result.location, as_get=result.as_get)
            if isinstance(target, Failed):
                answer = target
                break
            ask = target
        if isinstance(answer, Failed):
            log.warning("%s (%s %s)", answer.reason, ask.method, self._addresses.readable(ask.url))
        return answer

    async def _tried(self, ask: PreparedRequest, key: str | None) -> Result:
        """Up to three attempts at one address."""
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(MAX_ATTEMPTS),
            retry=tenacity.retry_if_result(lambda result: result.again),
            wait=self._pause,
            retry_error_callback=_last_result,
            sleep=asyncio.sleep,
        )
        return await retrying(self._attempt, ask, key, itertools.count(1))

    def _pause(self, state: tenacity.RetryCallState) -> float:
        pause = _last_result(state).pause
        return self._backoff(state) if pause is None else pause

    async def _attempt(self, ask: PreparedRequest, key: str | None, numbers: Iterator[int]) -> Result:
        here = await self._client.here()
        try:
            request = self._addresses.request(here.http, ask)
        except (ValueError, TypeError):  # without the cause: it repeats what could not be encoded, maybe the key
            return Result(Failed(f"{self.name} cannot be asked this: the request cannot be written", transient=False))
        number = next(numbers)
        attempt = CallAttempt(self.name, ask.method, self._addresses.readable(ask.url), number, current_call())
        parallel, ahead = here.queue(self.name, self._config.parallel, self._allowance.slots_ahead)
        queued = time.monotonic()
        async with parallel:
            async with ahead:
                # Another process may have asked the same while this one waited for its turn.
                if key is not None and time.monotonic() - queued > QUEUED_SECONDS and (found := await self._found(key)):
                    return Result(found)
                leave = await self._slots.leave(attempt)
            if isinstance(leave, Unavailable):
                return Result(leave)
            slot, due = leave
            heard = await self._heard(here, request, slot, due)
        result, ending = self._judge(heard, number, key)
        await self._finish(slot, replace(ending, status=heard.status, latency=heard.latency, size=len(heard.body)))
        return result

    async def _heard(self, here: LoopState, request: httpx.Request, slot: Slot, due: float) -> RawResponse:
        def sent() -> None:
            late = time.monotonic() - due
            if late > LATE_SECONDS:
                here.aside(self._delay(slot, late - LATE_SECONDS))

        try:
            return await exchange(here.http, request, self._config.timeout_seconds, sent)
        except asyncio.CancelledError:
            await self._finish(slot, CallResult(CallOutcome.CANCELLED, healthy=None))
            raise

    async def _delay(self, slot: Slot, late: float) -> None:
        with contextlib.suppress(StorageError):
            await self._calls.delay(slot, late)

    async def _finish(self, slot: Slot, ending: CallResult) -> None:
        """The answer is worth more than its row: without a database it is used all the same, and the row stays open."""
        try:
            await self._calls.finish(slot, ending)
        except StorageError as error:
            log.warning("%s: the call %d stays open in the ledger: %s", self.name, slot.call_id, error)


def _last_result(state: tenacity.RetryCallState) -> Result:
    result: Result = state.outcome.result() if state.outcome else Result(Failed("never asked"))
    return result


def _stored(found: tuple[int, bytes] | None) -> Reply | None:
    """A cached answer; None where there is none, or where it cannot be read any more."""
    if found is None:
        return None
    try:
        decoded = decode(zlib.decompress(found[1]))
    except zlib.error:
        return None
    return Reply(found[0], decoded.data, decoded.text) if isinstance(decoded, Decoded) else None
