"""The one transport of all services.

Per attempt, in this order: cache → breaker → quota reservation → pace → request → ledger. What is shared by processes
(cache, breaker, quota, pace, ledger) is behind the Protocols of `shared.py`, which `storage` implements and the
composition hands in. One request on the wire is `exchange.py`; reading its body is `answers.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
import logging
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote, quote_plus

import httpx
import tenacity
from pydantic import SecretStr

from alexandria_pipeline.domain.calls import Allowance, Attempt, CallContext, CallOutcome, Ending, Kept, Slot
from alexandria_pipeline.domain.errors import StorageError
from alexandria_pipeline.domain.outcomes import Failed, Unavailable
from alexandria_pipeline.domain.quota import QuotaLimits
from alexandria_pipeline.providers.answers import Decoded, Undecodable, decode
from alexandria_pipeline.providers.clock import DatabaseClock
from alexandria_pipeline.providers.exchange import Heard, Here, HttpClient, exchange

if TYPE_CHECKING:
    from alexandria_pipeline.domain.month import Month
    from alexandria_pipeline.providers.shared import Cache, Calls

log = logging.getLogger(__name__)

Json = Any
"""A decoded JSON value of unknown shape; parsers check every step into it."""

MOST_ATTEMPTS = 3
MOST_REDIRECTS = 3
LONGEST_PAUSE = 60.0
LONGEST_BACKOFF = 20.0
BAN_SECONDS = 900.0  # after a service without accounts refuses this client
SHORTEST_SECRET = 8
STATE_SECONDS = 1.0  # how long `unavailable` believes what it read

TRY_AGAIN = frozenset({408, 425, 429})
REDIRECTS = frozenset({301, 302, 303, 307, 308})

LATE_SECONDS = 0.01  # a request that leaves later than this after its slot moves those that follow by the rest
LOOK_AHEAD_SECONDS = 0.05  # how long before its slot a request looks whether the slot still stands …
LOOK_FROM_SECONDS = 0.15  # … if it had to wait longer than this


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer with a JSON body: `status` below 500 and not one that the service's error table explains."""

    status: int
    data: Json
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What an AI call used, for the ledger."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """What the transport must know about one service; each provider file declares its own.

    `explain` is the vendor's error table: (status, decoded body or None) → what that means, None where the status and
    body are an answer (200, a 404 that is an empty result). A temporary Unavailable closes the service until 00:00 UTC
    if it has a key (the account's day is used up), or else for a quarter of an hour (it refuses this client). A
    transient Failed with a status that may be repeated is repeated. `empty` says whether an answer is a definite no,
    which has a life of its own in the cache. `retry_after` finds the seconds to wait in a body, where a service does
    not say them in a header.
    """

    name: str
    explain: Callable[[int, Json], Unavailable | Failed | None]
    empty: Callable[[Reply], bool]
    cache_days: float
    negative_cache_days: float
    usage: Callable[[Json], Usage] | None = None
    key: KeyPlace | None = None
    retry_after: Callable[[Json], float | None] | None = None


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a service wants its key: a header or a query parameter, the key after `prefix`. Never part of a cache key."""

    header: str | None = None
    parameter: str | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """What is set for one service. `timeout_seconds` is for a whole attempt, from its slot to the last byte.

    `key_setting`: the variable that holds the key. `enabled_setting`: the one that switches the service off.
    `redirect_hosts`: hosts other than the base's that it may redirect to. `parallel`: requests of one process at a time.
    """

    base_url: str
    requests_per_second: float
    timeout_seconds: float = 15.0
    enabled: bool = True
    key: SecretStr | None = None
    model: str | None = None
    quota: QuotaLimits = field(default_factory=lambda: QuotaLimits(None))
    key_setting: str = ""
    enabled_setting: str = ""
    redirect_hosts: tuple[str, ...] = ()
    parallel: int = 32
    backoff_seconds: float = 1.0

    @property
    def allowance(self) -> Allowance:
        """The pace and the daily limit, for the shared tables."""
        return Allowance(self.requests_per_second, self.quota.safe, self.timeout_seconds + LONGEST_PAUSE)


class ServiceHttp(Protocol):
    """The transport, bound to one service: base URL, key, pace, quota, cache, breaker and ledger are its business."""

    name: str

    def unavailable(self) -> Unavailable | None:
        """No key, switched off, breaker open or quota used up; None when the service can be asked."""
        ...

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Reply | Unavailable | Failed:
        """`path` is relative to the base URL. Never raises for what the network or the service does."""
        ...

    async def post(self, path: str, body: Mapping[str, Json]) -> Reply | Unavailable | Failed: ...


Told = TypeVar("Told", Unavailable, Failed)

_NOBODY = CallContext()
_CONTEXT: ContextVar[CallContext] = ContextVar("alexandria_call_context", default=_NOBODY)


@contextlib.contextmanager
def call_context(
    *, run_id: str | None = None, month: Month | None = None, stage: str | None = None, operation: str | None = None
) -> Iterator[None]:
    """Says for whom the calls of this block (and of tasks started in it) are made; what is not given stays as it was."""
    now = _CONTEXT.get()
    token = _CONTEXT.set(
        CallContext(run_id or now.run_id, month or now.month, stage or now.stage, operation or now.operation)
    )
    try:
        yield
    finally:
        _CONTEXT.reset(token)


@dataclass(frozen=True, slots=True)
class _Ask:
    """One address to be asked. `url` is without the key; `ours`: it is the service's own host, which gets the key."""

    method: str
    url: httpx.URL
    content: bytes | None = None
    ours: bool = True


@dataclass(frozen=True, slots=True)
class _Result:
    """What one attempt came to. `pause`: seconds before the next attempt, if not the usual.

    `location`: ask there instead; `as_get`: and without the body.
    """

    answer: Reply | Unavailable | Failed
    again: bool = False
    pause: float | None = None
    location: str | None = None
    as_get: bool = False


class Service:
    """ServiceHttp over HTTP. Everything that processes share is in `calls` and `cache`."""

    def __init__(
        self, spec: ServiceSpec, config: ServiceConfig, client: HttpClient, calls: Calls, cache: Cache
    ) -> None:
        self.name = spec.name
        self._spec, self._config = spec, config
        self._client, self._calls, self._cache = client, calls, cache
        self._base = httpx.URL(config.base_url.rstrip("/"))
        self._key = config.key.get_secret_value() if config.key else ""
        self._dresses = _dresses(self._key)
        self._allowance = config.allowance
        self._lead = 0.005
        self._clock = DatabaseClock()
        self._state: tuple[float, Unavailable | None] = (-STATE_SECONDS, None)
        pause = config.backoff_seconds
        self._backoff = tenacity.wait_exponential(pause, max=LONGEST_BACKOFF) + tenacity.wait_random(0, pause)

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

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Reply | Unavailable | Failed:
        return await self._ask("GET", path, params, None)

    async def post(self, path: str, body: Mapping[str, Json]) -> Reply | Unavailable | Failed:
        return await self._ask("POST", path, None, json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))

    def _off(self) -> Unavailable | None:
        if not self._config.enabled:
            return Unavailable(f"{self.name} is switched off by {self._config.enabled_setting or 'its settings'}")
        if self._spec.key is not None and not self._key:
            return Unavailable(f"{self.name} needs a key: set {self._config.key_setting or 'it in its settings'}")
        return None

    def _shared_state(self) -> Unavailable | None:
        try:
            state = self._calls.state(self.name)
        except StorageError as error:
            return _no_database(error)
        if state is None:
            return None
        if state.shut is None and self._allowance.daily_limit is not None and state.used >= self._allowance.daily_limit:
            return Unavailable(f"the daily quota of {self.name} is used up until 00:00 UTC", temporary=True)
        return Unavailable(state.shut, temporary=True) if state.shut else None

    async def _ask(
        self, method: str, path: str, params: Mapping[str, str | int] | None, content: bytes | None
    ) -> Reply | Unavailable | Failed:
        if (off := self._off()) is not None:
            return off
        try:
            url = httpx.URL(f"{self._base}/{path.lstrip('/')}")
            ask = _Ask(method, url.copy_merge_params(dict(params)) if params else url, content)
        except (httpx.InvalidURL, ValueError):
            return Failed(f"{self.name} cannot be asked this: it makes no address", transient=False)
        if self._spec.cache_days <= 0:
            return await self._fetch(ask, None)
        key = _cache_key(self.name, ask)
        here = await self._client.here()
        answer: Reply | Unavailable | Failed = await here.once(key, lambda: self._found_or_fetched(ask, key))
        return answer

    async def _found_or_fetched(self, ask: _Ask, key: str) -> Reply | Unavailable | Failed:
        try:
            found = await self._cache.find(key)
        except StorageError as error:
            return _no_database(error)
        return _stored(found) or await self._fetch(ask, key)

    async def _fetch(self, ask: _Ask, key: str | None) -> Reply | Unavailable | Failed:
        """The answer, after retries and redirects; a failure is logged here, once."""
        answer: Reply | Unavailable | Failed = Failed(f"{self.name} redirects more than {MOST_REDIRECTS} times")
        for _ in range(MOST_REDIRECTS + 1):
            result = await self._tried(ask, key)
            answer = result.answer if result.location is None else answer
            if result.location is None:
                break
            target = self._redirected(ask, result.location, as_get=result.as_get)
            if isinstance(target, Failed):
                answer = target
                break
            ask = target
        if isinstance(answer, Failed):
            log.warning("%s: %s (%s %s)", self.name, answer.reason, ask.method, self._readable(ask.url))
        return answer

    async def _tried(self, ask: _Ask, key: str | None) -> _Result:
        """Up to three attempts at one address."""
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(MOST_ATTEMPTS),
            retry=tenacity.retry_if_result(lambda result: result.again),
            wait=self._pause,
            retry_error_callback=_last_result,
            sleep=asyncio.sleep,
        )
        return await retrying(self._attempt, ask, key, itertools.count(1))

    def _pause(self, state: tenacity.RetryCallState) -> float:
        pause = _last_result(state).pause
        return self._backoff(state) if pause is None else pause

    async def _attempt(self, ask: _Ask, key: str | None, numbers: Iterator[int]) -> _Result:
        here = await self._client.here()
        try:
            request = self._request(here.http, ask)
        except (ValueError, TypeError):  # without the cause: it repeats what could not be encoded, maybe the key
            return _Result(Failed(f"{self.name} cannot be asked this: the request cannot be written", transient=False))
        number = next(numbers)
        attempt = Attempt(self.name, ask.method, self._readable(ask.url), number, _CONTEXT.get())
        parallel, ahead = here.queue(self.name, self._config.parallel, self._allowance.slots_ahead)
        async with parallel:
            async with ahead:
                leave = await self._slot(attempt)
            if isinstance(leave, Unavailable):
                return _Result(leave)
            slot, due = leave
            heard = await self._heard(here, request, slot, due)
        result, ending = self._judge(heard, number, key)
        await self._finish(slot, replace(ending, status=heard.status, latency=heard.latency, size=len(heard.body)))
        return result

    async def _slot(self, attempt: Attempt) -> tuple[Slot, float] | Unavailable:
        """Leave to send now: counted, written down, and waited for; with the time that it was given for."""
        slot: Slot | Unavailable | None = None
        try:
            started = time.monotonic()
            slot = await self._calls.begin(attempt, self._allowance, self._lead)
            self._learn(time.monotonic() - started)
            while isinstance(slot, Slot):
                if (due := await self._waited(slot)) is not None:
                    return slot, due
                slot = await self._moved(slot)
        except StorageError as error:
            return _no_database(error)
        except asyncio.CancelledError:
            if isinstance(slot, Slot):
                with contextlib.suppress(StorageError):
                    await self._calls.give_back(slot)
            raise
        return slot

    async def _waited(self, slot: Slot) -> float | None:
        """When the slot is due, by the clock of this process, waited for; None if it stands no more."""
        due = self._clock.local(slot.at, slot.wait)
        if slot.wait > LOOK_FROM_SECONDS:
            await asyncio.sleep(slot.wait - LOOK_AHEAD_SECONDS)
            outlook = await self._calls.look(slot)
            if outlook.pushed_back or outlook.shut:
                return None
            due = self._clock.local(outlook.at, outlook.wait)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        return due

    async def _moved(self, slot: Slot) -> Slot | Unavailable:
        outlook = await self._calls.look(slot)
        if outlook.shut:
            await self._calls.give_back(slot)
            return Unavailable(f"{self.name} is left alone after failures in a row", temporary=True)
        return await self._calls.again(slot, self._allowance, self._lead)

    def _learn(self, round_trip: float) -> None:
        """Slots are asked for so far ahead that they are still to come when the answer is here."""
        self._lead = min(0.2, max(0.005, 0.8 * self._lead + 0.2 * 1.5 * round_trip))

    async def _heard(self, here: Here, request: httpx.Request, slot: Slot, due: float) -> Heard:
        def sent() -> None:
            late = time.monotonic() - due
            if late > LATE_SECONDS:
                here.aside(self._delay(slot, late - LATE_SECONDS))

        try:
            return await exchange(here.http, request, self._config.timeout_seconds, sent)
        except asyncio.CancelledError:
            await self._finish(slot, Ending(CallOutcome.CANCELLED, healthy=None))
            raise

    async def _delay(self, slot: Slot, late: float) -> None:
        with contextlib.suppress(StorageError):
            await self._calls.delay(slot, late)

    async def _finish(self, slot: Slot, ending: Ending) -> None:
        """The answer is worth more than its row: without a database it is used all the same, and the row stays open."""
        try:
            await self._calls.finish(slot, ending)
        except StorageError as error:
            log.warning("%s: the call %d stays open in the ledger: %s", self.name, slot.call_id, error)

    def _judge(self, heard: Heard, number: int, key: str | None) -> tuple[_Result, Ending]:
        status = heard.status
        if status is None or heard.cut:
            return self._failed(Failed(f"{self.name}: {heard.problem}"), heard, number, again=heard.broken)
        if status in REDIRECTS and heard.location is not None:
            onward = _Result(Failed("redirected"), location=heard.location, as_get=status in (301, 302, 303))
            return onward, Ending(CallOutcome.REDIRECTED)
        decoded = Undecodable(heard.problem) if heard.problem else decode(self._without_key_bytes(heard.body))
        data = decoded.data if isinstance(decoded, Decoded) else None
        explained = self._spec.explain(status, data)
        if isinstance(explained, Unavailable):
            return self._refused(self._safe(explained), status)
        if explained is None and isinstance(decoded, Decoded) and not _may_repeat(status) and status // 100 != 3:
            return self._answered(Reply(status, decoded.data, decoded.text), key)
        if explained is None:
            reason = f"HTTP {status}" if isinstance(decoded, Decoded) else f"HTTP {status}, {decoded.reason}"
            explained = Failed(f"{self.name}: {reason}", transient=_may_repeat(status) or status == 200)
        wanted = (
            self._spec.retry_after(data) if self._spec.retry_after and heard.retry_after is None else heard.retry_after
        )
        again = explained.transient and _may_repeat(status)
        return self._failed(self._safe(explained), replace(heard, retry_after=wanted), number, again=again)

    def _answered(self, reply: Reply, key: str | None) -> tuple[_Result, Ending]:
        empty = self._spec.empty(reply)
        usage = self._spec.usage(reply.data) if self._spec.usage else Usage()
        days = self._spec.negative_cache_days if empty else self._spec.cache_days
        kept = None
        if key is not None and days > 0 and (empty or reply.status == 200):
            kept = Kept(key, reply.status, empty, zlib.compress(reply.text.encode("utf-8")), days)
        ending = Ending(
            CallOutcome.EMPTY if empty else CallOutcome.ANSWERED,
            input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cost_usd=usage.cost_usd, kept=kept,
        )  # fmt: skip
        return _Result(reply), ending

    def _refused(self, refusal: Unavailable, status: int) -> tuple[_Result, Ending]:
        ending = Ending(CallOutcome.REFUSED, reason=refusal.reason, healthy=status not in (401, 403))
        if refusal.temporary and self._spec.key is not None:
            log.warning("%s: %s; it is not asked again before 00:00 UTC", self.name, refusal.reason)
            ending = replace(ending, healthy=None, exhausted=True)
        elif refusal.temporary:
            ending = replace(ending, healthy=False, shut=BAN_SECONDS)
        return _Result(refusal), ending

    def _failed(self, failure: Failed, heard: Heard, number: int, *, again: bool) -> tuple[_Result, Ending]:
        status, wanted = heard.status, heard.retry_after if again else None
        vendor = (
            status is not None and 400 <= status < 500 and status not in (401, 403, *TRY_AGAIN) and not heard.broken
        )
        ending = Ending(CallOutcome.FAILED, reason=failure.reason, healthy=vendor)
        if wanted is not None and wanted > LONGEST_PAUSE:
            refusal = Unavailable(
                f"{self.name} asks to be left alone for {wanted:,.0f} s (HTTP {status})", temporary=True
            )
            return _Result(refusal), replace(ending, reason=refusal.reason, shut=min(wanted, 86400.0))
        if wanted is None and status == 429:
            wanted = min(LONGEST_BACKOFF, self._config.backoff_seconds * 2 ** (number - 1))
        if wanted is not None:
            # The pause is everybody's: the next slot of the shared pace lies behind it, so nothing else is to be waited for.
            return _Result(failure, again, pause=0.0), replace(ending, hold=wanted)
        return _Result(failure, again), ending

    def _request(self, http: httpx.AsyncClient, ask: _Ask) -> httpx.Request:
        headers, url = {}, ask.url
        if ask.content is not None:
            headers["Content-Type"] = "application/json"
        place = self._spec.key
        if place is not None and ask.ours and self._key:
            value = place.prefix + self._key
            if place.header:
                headers[place.header] = value
            if place.parameter:
                url = url.copy_set_param(place.parameter, value)
        return http.build_request(ask.method, url, headers=headers, content=ask.content)

    def _redirected(self, ask: _Ask, location: str, *, as_get: bool) -> _Ask | Failed:
        """Where a redirect leads, if we go there: the same host or one that is allowed, never from https to http."""
        refused = Failed(f"{self.name} redirects to where we do not go")
        try:
            target = ask.url.join(location).copy_with(fragment=None)
        except (httpx.InvalidURL, ValueError):
            return refused
        if self._spec.key is not None and self._spec.key.parameter:
            target = target.copy_remove_param(self._spec.key.parameter)
        ours = _same_host(target, self._base)
        other = not ours and target.host in self._config.redirect_hosts
        safe = target.scheme == "https" or (target.scheme == "http" and self._base.scheme == "http")
        if not safe or not (ours or other) or target.userinfo or self._readable(target) != str(target):
            return refused
        if as_get and ask.content is not None:
            return refused
        return replace(ask, url=target, ours=ours)

    def _readable(self, url: httpx.URL) -> str:
        """An address for people and tables: no key in it, in whatever dress."""
        return self._without_key(str(url))

    def _without_key(self, text: str) -> str:
        for dress in self._dresses:
            text = text.replace(dress, "***")
        return text

    def _without_key_bytes(self, body: bytes) -> bytes:
        return body.replace(self._key.encode(), b"***") if self._dresses else body

    def _safe(self, outcome: Told) -> Told:
        """A vendor's words may repeat the key."""
        return replace(outcome, reason=self._without_key(outcome.reason))


def _dresses(key: str) -> frozenset[str]:
    """The forms in which a key may show up. A very short one is no secret, and would be found in every word."""
    return (
        frozenset({key, quote(key), quote(key, safe=""), quote_plus(key)})
        if len(key) >= SHORTEST_SECRET
        else frozenset()
    )


def _may_repeat(status: int) -> bool:
    return status >= 500 or status in TRY_AGAIN


def _last_result(state: tenacity.RetryCallState) -> _Result:
    result: _Result = state.outcome.result() if state.outcome else _Result(Failed("never asked"))
    return result


def _cache_key(service: str, ask: _Ask) -> str:
    """Method, address and body, as a hash: it holds no secret, since the key is not part of the address yet."""
    asked = f"{ask.method} {ask.url}\n".encode() + (ask.content or b"")
    return f"{service}:{hashlib.sha256(asked).hexdigest()}"


def _stored(found: tuple[int, bytes] | None) -> Reply | None:
    """A cached answer; None where there is none, or where it cannot be read any more."""
    if found is None:
        return None
    try:
        decoded = decode(zlib.decompress(found[1]))
    except zlib.error:
        return None
    return Reply(found[0], decoded.data, decoded.text) if isinstance(decoded, Decoded) else None


def _same_host(target: httpx.URL, base: httpx.URL) -> bool:
    """The same host and port, or the same host over TLS."""
    if target.host != base.host:
        return False
    upgraded = (base.scheme, target.scheme) == ("http", "https") and base.port is None and target.port is None
    return upgraded or (target.scheme == base.scheme and target.port == base.port)


def _no_database(error: StorageError) -> Unavailable:
    return Unavailable(
        f"nothing is sent without being counted, and the database does not answer ({error})", temporary=True
    )
