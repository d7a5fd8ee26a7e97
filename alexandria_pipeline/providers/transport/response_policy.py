"""What a response means: for the caller, for the next attempt, and for the state that all processes share.

This module decides. Waiting is in `rate_limiter.py`, sending in `connection.py`, and each service's own errors in the
`explain` function of its package. Pure, except for one log line.
"""

from __future__ import annotations

import logging
import re
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline.domain.calls import CacheEntry, CallOutcome, CallResult
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers.transport.body import Decoded, Undecodable, decode
from alexandria_pipeline.providers.transport.types import (
    MAX_PAUSE_SECONDS,
    JsonResponse,
    Parse,
    ServiceSpec,
    TokenUsage,
)

if TYPE_CHECKING:
    from alexandria_pipeline.providers.transport.connection import RawResponse
    from alexandria_pipeline.providers.transport.secret import Secret

log = logging.getLogger(__name__)

MAX_BACKOFF_SECONDS: Final = 20.0
REFUSED_CLIENT_SECONDS: Final = 900.0  # after a service without accounts rejects this client
MAX_BREAKER_SECONDS: Final = 86_400.0  # the longest Retry-After that is obeyed
MAX_BAN_SECONDS: Final = 31 * 86_400.0
MAX_ERROR_BYTES: Final = 65_536  # of an error body are searched for the end of a ban
BAN_STATUSES: Final = frozenset({403, 429})
# The sentence of Wikimedia's servers: You have been banned until (time), please respect throttling.
_BAN: Final = re.compile(rb"banned until (\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(?:Z| ?UTC|\+00:?00)?")

RETRYABLE: Final = frozenset({408, 425, 429})
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Accepted:
    """A response that its parser could read. `value`: what `parse` made of it, NotFound included."""

    response: JsonResponse
    parse: Parse[Any]
    value: Any


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The outcome of one attempt. `retry_delay`: seconds before the next attempt, if not the usual back-off.

    `location`: where the service redirects; `as_get`: the redirected request has no body.
    """

    outcome: Accepted | Unavailable | Failed
    retry: bool = False
    retry_delay: float | None = None
    location: str | None = None
    as_get: bool = False


class ResponsePolicy:
    """Decides on the responses of one service."""

    def __init__(self, spec: ServiceSpec, secret: Secret, backoff_seconds: float) -> None:
        self._name = spec.name
        self._spec, self._secret, self._backoff = spec, secret, backoff_seconds

    def decide(
        self, raw: RawResponse, number: int, cache_key: str | None, parse: Parse[Any]
    ) -> tuple[AttemptResult, CallResult]:
        """The result for the caller and for the ledger. `number` is the attempt's, from 1."""
        status = raw.status
        if status is None or raw.incomplete:
            return self._failed(Failed(f"{self._name}: {raw.problem}"), raw, number, retry=raw.network_failed)
        if status in REDIRECTS and raw.location is not None:
            result = AttemptResult(Failed("redirected"), location=raw.location, as_get=status in (301, 302, 303))
            return result, CallResult(CallOutcome.REDIRECTED)
        decoded = Undecodable(raw.problem) if raw.problem else decode(self._secret.hide_in_body(raw.body))
        data = decoded.data if isinstance(decoded, Decoded) else None
        if status in BAN_STATUSES and (until := banned_until(raw.body[:MAX_ERROR_BYTES])) is not None:
            return self._banned(until, datetime.now(UTC))
        explained = self._spec.explain(status, data)
        if isinstance(explained, Unavailable):
            return self._refused(self._secret.hide_in_reason(explained), status)
        if explained is None and isinstance(decoded, Decoded) and not is_retryable(status) and status // 100 != 3:
            response = JsonResponse(status, decoded.data, decoded.text, cache_key or "")
            return self._parsed(response, raw, number, cache_key, parse)
        if explained is None:
            reason = f"HTTP {status}" if isinstance(decoded, Decoded) else f"HTTP {status}, {decoded.reason}"
            explained = Failed(f"{self._name}: {reason}", transient=is_retryable(status) or status == 200)
        retry_after = raw.retry_after
        if self._spec.retry_after and retry_after is None:
            retry_after = self._spec.retry_after(data)
        if explained.pause_seconds is not None and retry_after is None:
            retry_after = explained.pause_seconds
        retry = explained.transient and (is_retryable(status) or explained.pause_seconds is not None)
        return self._failed(
            self._secret.hide_in_reason(explained), replace(raw, retry_after=retry_after), number, retry=retry
        )

    def _parsed(
        self, response: JsonResponse, raw: RawResponse, number: int, cache_key: str | None, parse: Parse[Any]
    ) -> tuple[AttemptResult, CallResult]:
        """The parser's verdict decides: a value and a definite no are cached, an unreadable response is not."""
        value = parse(response)
        if isinstance(value, Failed) and value.transient:
            return self._failed(value, raw, number, retry=False)
        negative = isinstance(value, NotFound)
        usage = self._spec.usage(response.data) if self._spec.usage else TokenUsage()
        days = self._spec.negative_cache_days if negative else self._spec.cache_days
        entry = None
        if cache_key is not None and days > 0 and not isinstance(value, Failed):
            entry = CacheEntry(cache_key, response.status, negative, zlib.compress(response.text.encode()), days)
        result = CallResult(
            CallOutcome.EMPTY if negative else CallOutcome.ANSWERED,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_usd=usage.cost_usd,
            cache_entry=entry,
        )
        return AttemptResult(Accepted(response, parse, value)), result

    def _banned(self, until: datetime, now: datetime) -> tuple[AttemptResult, CallResult]:
        """A ban with its end in the body is obeyed to its end; one that is over is a normal rejection for a minute."""
        seconds = min(max((until - now).total_seconds(), MAX_PAUSE_SECONDS), MAX_BAN_SECONDS)
        refusal = Unavailable(
            f"{self._name} has banned this client until {until:%Y-%m-%d %H:%M} UTC. When the ban is lifted earlier, run "
            f"`alexandria services reopen {self._name}`",
            temporary=True,
        )
        result = CallResult(CallOutcome.REFUSED, reason=refusal.reason, healthy=False, open_breaker_seconds=seconds)
        return AttemptResult(refusal), result

    def _refused(self, refusal: Unavailable, status: int) -> tuple[AttemptResult, CallResult]:
        result = CallResult(CallOutcome.REFUSED, reason=refusal.reason, healthy=status not in (401, 402, 403))
        if refusal.temporary and self._spec.key is not None:
            log.warning("%s; it is not called again before its quota day ends", refusal.reason)
            result = replace(result, healthy=None, exhausted=True)
        elif refusal.temporary:
            result = replace(result, healthy=False, open_breaker_seconds=REFUSED_CLIENT_SECONDS)
        return AttemptResult(refusal), result

    def _failed(
        self, failure: Failed, raw: RawResponse, number: int, *, retry: bool
    ) -> tuple[AttemptResult, CallResult]:
        status, pause = raw.status, raw.retry_after if retry else None
        healthy: bool | None = failure.refusal or (
            status is not None
            and 400 <= status < 500
            and status not in (401, 402, 403, *RETRYABLE)
            and not raw.network_failed
        )
        if retry and self._spec.fails_in_waves and status is not None and status >= 500:
            # One of many failed calls is little evidence about the service; the last attempt of a call does.
            healthy = None if number < self._spec.max_attempts else False
        result = CallResult(CallOutcome.FAILED, reason=failure.reason, healthy=healthy)
        if pause is not None and pause > MAX_PAUSE_SECONDS:
            seconds = min(pause, MAX_BREAKER_SECONDS)
            refusal = Unavailable(f"{self._name} requests a pause of {seconds:,.0f} s (HTTP {status})", temporary=True)
            return AttemptResult(refusal), replace(result, reason=refusal.reason, open_breaker_seconds=seconds)
        if pause is None and status == 429:
            pause = min(MAX_BACKOFF_SECONDS, self._backoff * 2 ** (number - 1))
        if pause is not None:
            # The pause applies to all processes. The next slot comes after it, so the retry needs no delay of its own.
            return AttemptResult(failure, retry, retry_delay=0.0), replace(result, pause_seconds=pause)
        return AttemptResult(failure, retry), result


def banned_until(body: bytes) -> datetime | None:
    """The end of a ban that a body names; None without one."""
    match = _BAN.search(body)
    try:
        return datetime.fromisoformat(match[1].decode()).replace(tzinfo=UTC) if match else None
    except ValueError:
        return None


def is_retryable(status: int) -> bool:
    """Whether the same request may succeed later: server errors, 408, 425 and 429."""
    return status >= 500 or status in RETRYABLE
