"""The HTTP transport of all services.

Per attempt, in this order: cache → circuit breaker → quota reservation → rate limit → request → ledger. The state that
processes share is behind the Protocols of `ports.py`, which `storage` implements. `request_builder.py` makes requests,
`rate_limiter.py` reserves send slots, `connection.py` sends, `body.py` decodes, and `response_policy.py` decides what a
response means.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx
import tenacity

from alexandria_pipeline.domain.calls import CallAttempt, CallOutcome, CallResult, Slot
from alexandria_pipeline.domain.errors import StorageError
from alexandria_pipeline.domain.service_answers import Answer, Failed, Unavailable
from alexandria_pipeline.providers.transport.body import MAX_BODY_BYTES, Decoded, decode, decompressed
from alexandria_pipeline.providers.transport.connection import HttpClient, LoopState, RawResponse, send
from alexandria_pipeline.providers.transport.rate_limiter import RateLimiter, no_database
from alexandria_pipeline.providers.transport.request_builder import PreparedRequest, RequestBuilder, cache_key
from alexandria_pipeline.providers.transport.response_policy import (
    MAX_BACKOFF_SECONDS,
    Accepted,
    AttemptResult,
    ResponsePolicy,
)
from alexandria_pipeline.providers.transport.secret import Secret
from alexandria_pipeline.providers.transport.types import (
    Json,
    JsonResponse,
    Params,
    Parse,
    ServiceConfig,
    ServiceSpec,
    current_context,
    note_call,
)

if TYPE_CHECKING:
    from alexandria_pipeline.providers.transport.ports import CallLedger, ResponseCache

log = logging.getLogger(__name__)

MAX_REDIRECTS: Final = 3
STATE_SECONDS: Final = 1.0  # how long `unavailable` uses the state that it read
QUEUED_SECONDS: Final = 1.0  # a request that has waited longer for its turn checks the cache again
INLINE_BYTES: Final = 16_384  # a response up to this size is read in the event loop
READ_SECONDS: Final = 10.0  # the longest time that reading one response may take
LATE_SECONDS: Final = 0.005  # a request sent later than this after its slot moves the later slots

T = TypeVar("T")
_Fetched = Accepted | Unavailable | Failed


class ServiceTransport:
    """The `ServiceHttp` of one service. `ledger` and `cache` are shared by all processes."""

    def __init__(
        self, spec: ServiceSpec, config: ServiceConfig, client: HttpClient, ledger: CallLedger, cache: ResponseCache
    ) -> None:
        self.name = spec.name
        self._spec, self._config = spec, config
        self._client, self._ledger, self._cache = client, ledger, cache
        self._secret = Secret(config.key.get_secret_value() if config.key else "")
        self._requests = RequestBuilder(spec, config, self._secret)
        self._policy = ResponsePolicy(spec, self._secret, config.backoff_seconds)
        self._allowance = config.allowance
        self._limiter = RateLimiter(spec.name, ledger, config.allowance, config.timeout_seconds)
        self._state: tuple[float, Unavailable | None] = (-STATE_SECONDS, None)
        backoff = config.backoff_seconds
        self._backoff = tenacity.wait_exponential(backoff, max=MAX_BACKOFF_SECONDS) + tenacity.wait_random(0, backoff)

    def __repr__(self) -> str:
        return f"ServiceTransport({self.name!r})"

    def unavailable(self) -> Unavailable | None:
        """Why the service cannot be called now; None if it can. The shared state is read at most once a second."""
        if (reason := self._not_set_up()) is not None:
            return reason
        read_at, state = self._state
        if time.monotonic() - read_at >= STATE_SECONDS:
            state = self._shared_state()
            self._state = (time.monotonic(), state)
        return state

    async def get(self, path: str, parse: Parse[T], params: Params | None = None) -> Answer[T]:
        """GET; `path` is relative to the base URL."""
        return await self._call("GET", path, params, None, parse)

    async def post(self, path: str, body: Mapping[str, Json], parse: Parse[T]) -> Answer[T]:
        """POST of a JSON body; `path` is relative to the base URL."""
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        return await self._call("POST", path, None, content, parse)

    def _not_set_up(self) -> Unavailable | None:
        if not self._config.enabled:
            return Unavailable(f"{self.name} is switched off by {self._config.enabled_variable or 'its settings'}")
        if self._spec.key is not None and not self._secret.key:
            return Unavailable(f"{self.name} needs a key: set {self._config.key_variable or 'it in its settings'}")
        return Unavailable(self._config.missing) if self._config.missing else None

    def _shared_state(self) -> Unavailable | None:
        try:
            state = self._ledger.state(self.name)
        except StorageError as error:
            return no_database(error)
        if state is None:
            return None
        limit = self._allowance.safe_limit
        if state.unavailable_reason is None and limit is not None and state.used >= limit:
            ends = self._allowance.day_ends
            return Unavailable(f"the daily quota of {self.name} is used up until {ends}", temporary=True)
        if state.unavailable_reason is None:
            return None
        retry_at = state.retry_at if state.breaker == "open" else None
        return Unavailable(state.unavailable_reason, temporary=True, retry_at=retry_at)

    async def _call(
        self, method: str, path: str, params: Params | None, content: bytes | None, parse: Parse[T]
    ) -> Answer[T]:
        if (reason := self._not_set_up()) is not None:
            return reason
        prepared = self._requests.prepare(method, path, params, content)
        if isinstance(prepared, Failed):
            return prepared
        if self._spec.cache_days <= 0:
            fetched = await self._fetch(prepared, None, parse)
        else:
            key = cache_key(self.name, prepared)
            loop_state = await self._client.loop_state()
            fetched = await loop_state.once(key, lambda: self._find_or_fetch(prepared, key, parse))
        if not isinstance(fetched, Accepted):
            return fetched
        # Another caller may have started the same request with its own parser.
        answer: Answer[T]
        if fetched.parse is parse:
            answer = fetched.value
        elif len(fetched.response.text) <= INLINE_BYTES:
            answer = parse(fetched.response)
        else:
            answer = await asyncio.to_thread(parse, fetched.response)
        return answer

    async def _find_or_fetch(self, prepared: PreparedRequest, key: str, parse: Parse[Any]) -> _Fetched:
        return await self._find(key, parse) or await self._fetch(prepared, key, parse)

    async def _find(self, key: str, parse: Parse[Any]) -> Accepted | Unavailable | None:
        """The cached response; None if there is none, or if it cannot be read any more."""
        try:
            found = await self._cache.find(key)
        except StorageError as error:
            return no_database(error)
        if found is None:
            return None
        status, compressed = found
        body = decompressed(compressed, INLINE_BYTES)
        if body is not None:
            return _read_cached(status, body, key, parse)
        return await asyncio.to_thread(_read_cached, status, decompressed(compressed, MAX_BODY_BYTES), key, parse)

    async def _fetch(self, prepared: PreparedRequest, key: str | None, parse: Parse[Any]) -> _Fetched:
        """The response after retries and redirects. A failure is logged here, once."""
        outcome: _Fetched = Failed(f"{self.name} redirects more than {MAX_REDIRECTS} times")
        for _ in range(MAX_REDIRECTS + 1):
            result = await self._with_retries(prepared, key, parse)
            if result.location is None:
                outcome = result.outcome
                break
            target = self._requests.redirected(prepared, result.location, as_get=result.as_get)
            if isinstance(target, Failed):
                outcome = target
                break
            prepared = target
        if isinstance(outcome, Failed):
            log.warning("%s (%s %s)", outcome.reason, prepared.method, self._requests.without_key(prepared.url))
        return outcome

    async def _with_retries(self, prepared: PreparedRequest, key: str | None, parse: Parse[Any]) -> AttemptResult:
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(self._spec.max_attempts),
            retry=tenacity.retry_if_result(lambda result: result.retry),
            wait=self._retry_delay,
            retry_error_callback=_last_result,
            sleep=asyncio.sleep,
        )
        return await retrying(self._attempt, prepared, key, parse, itertools.count(1))

    def _retry_delay(self, state: tenacity.RetryCallState) -> float:
        delay = _last_result(state).retry_delay
        return self._backoff(state) if delay is None else delay

    async def _attempt(
        self, prepared: PreparedRequest, key: str | None, parse: Parse[Any], numbers: Iterator[int]
    ) -> AttemptResult:
        loop_state = await self._client.loop_state()
        try:
            request = self._requests.build(loop_state.http, prepared)
        except (ValueError, TypeError):  # the cause is dropped: it may quote the key
            return AttemptResult(Failed(f"{self.name} was not called: the request cannot be encoded", transient=False))
        number = next(numbers)
        url = self._requests.without_key(prepared.url)
        attempt = CallAttempt(self.name, prepared.method, url, number, current_context())
        parallel, ahead = loop_state.queues_of(self.name, self._config.parallel, self._allowance.slots_ahead)
        queued_at = time.monotonic()
        async with parallel:
            async with ahead:
                waited = time.monotonic() - queued_at
                # Another process may have made the same request in the meantime.
                if key is not None and waited > QUEUED_SECONDS and (found := await self._find(key, parse)):
                    return AttemptResult(found)
                acquired = await self._limiter.acquire(attempt)
            if isinstance(acquired, Unavailable):
                return AttemptResult(acquired)
            slot, due = acquired
            raw = await self._send(loop_state, request, slot, due)
        note_call(slot.call_id)
        result, call_result = await self._decide(slot, raw, number, key, parse)
        size = len(raw.body)
        await self._record(slot, replace(call_result, status=raw.status, latency_seconds=raw.latency, size=size))
        return result

    async def _decide(
        self, slot: Slot, raw: RawResponse, number: int, key: str | None, parse: Parse[Any]
    ) -> tuple[AttemptResult, CallResult]:
        """What the response means. A large one is read in a thread, so that other requests keep their send slots."""
        if len(raw.body) <= INLINE_BYTES:
            return self._policy.decide(raw, number, key, parse)
        reading = asyncio.ensure_future(asyncio.to_thread(self._policy.decide, raw, number, key, parse))
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await asyncio.shield(reading)
        except TimeoutError:
            problem = f"the response could not be read within {READ_SECONDS:g} s"
            return self._policy.decide(replace(raw, body=b"", problem=problem, incomplete=True), number, key, parse)
        except asyncio.CancelledError:  # the response is paid for: it is stored before the caller goes
            with contextlib.suppress(asyncio.CancelledError):  # a second cancellation ends the wait only
                await asyncio.wait([reading], timeout=READ_SECONDS)
            _, call_result = reading.result() if reading.done() else self._policy.decide(raw, number, key, parse)
            await self._record(
                slot, replace(call_result, status=raw.status, latency_seconds=raw.latency, size=len(raw.body))
            )
            raise

    async def _send(self, loop_state: LoopState, request: httpx.Request, slot: Slot, due: float) -> RawResponse:
        def on_sent() -> None:
            late = time.monotonic() - due
            if late > LATE_SECONDS:
                loop_state.in_background(self._postpone_later(slot, late - LATE_SECONDS))

        try:
            return await send(loop_state.http, request, self._config.timeout_seconds, on_sent)
        except asyncio.CancelledError:
            await self._record(slot, CallResult(CallOutcome.CANCELLED, healthy=None))
            raise

    async def _postpone_later(self, slot: Slot, late: float) -> None:
        with contextlib.suppress(StorageError):
            await self._ledger.postpone_later(slot, late)

    async def _record(self, slot: Slot, result: CallResult) -> None:
        """Without a database the response is used all the same, and its ledger row stays open."""
        try:
            await self._ledger.record(slot, result)
        except StorageError as error:
            log.warning("%s: call %d stays open in the ledger: %s", self.name, slot.call_id, error)


def _last_result(state: tenacity.RetryCallState) -> AttemptResult:
    result: AttemptResult = state.outcome.result() if state.outcome else AttemptResult(Failed("not called"))
    return result


def _read_cached(status: int, body: bytes | None, key: str, parse: Parse[Any]) -> Accepted | None:
    decoded = decode(body or b"")
    if not isinstance(decoded, Decoded):
        return None
    response = JsonResponse(status, decoded.data, decoded.text, key)
    value = parse(response)
    return None if isinstance(value, Failed) else Accepted(response, parse, value)
