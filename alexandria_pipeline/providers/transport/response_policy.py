"""What an answer means: for the caller, for the next attempt, and for everybody. Pure, apart from a line in the log.

Here: the table of endings. Not here: waiting for leave (`slots.py`), sending and counting (`http.py`), and a vendor's own
errors, which are each provider's `explain`.
"""

from __future__ import annotations

import logging
import re
import zlib
from base64 import b64encode
from dataclasses import dataclass, replace
from html.entities import html5
from typing import TYPE_CHECKING, TypeVar

from alexandria_pipeline.domain.calls import CacheEntry, CallOutcome, CallResult
from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.transport.body import Decoded, Undecodable, decode
from alexandria_pipeline.providers.transport.types import MAX_PAUSE_SECONDS, Reply, ServiceSpec, TokenUsage

if TYPE_CHECKING:
    from alexandria_pipeline.providers.transport.connection import RawResponse

log = logging.getLogger(__name__)

MAX_BACKOFF_SECONDS = 20.0
BAN_SECONDS = 900.0  # after a service without accounts refuses this client
DAY_SECONDS = 86_400.0  # nobody is left alone for longer, whatever it asks for
MIN_SECRET_LENGTH = 8

RETRYABLE = frozenset({408, 425, 429})
REDIRECTS = frozenset({301, 302, 303, 307, 308})

Told = TypeVar("Told", Unavailable, Failed)


@dataclass(frozen=True, slots=True)
class Result:
    """What one attempt came to. `pause`: seconds before the next attempt, if not the usual.

    `location`: ask there instead; `as_get`: and without the body.
    """

    answer: Reply | Unavailable | Failed
    again: bool = False
    pause: float | None = None
    location: str | None = None
    as_get: bool = False


class Secret:
    """A service's key, and the removal of it from whatever is shown or stored, in each dress that a text gives it."""

    def __init__(self, key: str) -> None:
        self.key = key
        packed = b64encode(key.encode()).decode().rstrip("=")
        pattern = f"{''.join(map(_dresses, key))}|{re.escape(packed)}=*"
        # A very short key is no secret, and would be found in every word.
        self._dressed = re.compile(pattern) if len(key) >= MIN_SECRET_LENGTH else None
        # Looking for the pattern is slow; no dress but base64 changes letters and digits.
        self._marks = (max(re.findall(r"[A-Za-z0-9]+", key), key=len, default=""), packed)

    def __repr__(self) -> str:
        return "Secret(***)"

    def hidden(self, text: str) -> str:
        if self._dressed is None or not any(mark in text for mark in self._marks):
            return text
        return self._dressed.sub("***", text)

    def hidden_in(self, body: bytes) -> bytes:
        """A body that repeats the key goes into tables without it."""
        if self._dressed is None or not any(mark.encode() in body for mark in self._marks):
            return body
        return self.hidden(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def safe(self, outcome: Told) -> Told:
        """A vendor's words may repeat the key."""
        return replace(outcome, reason=self.hidden(outcome.reason))


def _dresses(character: str) -> str:
    """A pattern for one character as it is, as an address, JSON or HTML writes it, and so in one another."""
    plain = re.escape(character)
    if character.isalnum():
        return plain
    code = ord(character)
    entity = "|".join(name.rstrip(";") for name, value in html5.items() if value == character and name.endswith(";"))
    return (
        rf"(?:\\*{plain}|\\+u(?i:{code:04x})|%(?:25)*(?i:{code:02x})"
        rf"|&(?:amp;)*(?:#0*{code}|#[xX]0*(?i:{code:x}){f'|{entity}' if entity else ''});)"
    )


class ResponsePolicy:
    """The meaning of answers of one service. Called with what was heard, the number of the attempt, and the cache key."""

    def __init__(self, spec: ServiceSpec, secret: Secret, backoff_seconds: float) -> None:
        self._name = spec.name
        self._spec, self._secret, self._backoff = spec, secret, backoff_seconds

    def __call__(self, heard: RawResponse, number: int, key: str | None) -> tuple[Result, CallResult]:
        status = heard.status
        if status is None or heard.cut:
            return self._failed(Failed(f"{self._name}: {heard.problem}"), heard, number, again=heard.broken)
        if status in REDIRECTS and heard.location is not None:
            onward = Result(Failed("redirected"), location=heard.location, as_get=status in (301, 302, 303))
            return onward, CallResult(CallOutcome.REDIRECTED)
        decoded = Undecodable(heard.problem) if heard.problem else decode(self._secret.hidden_in(heard.body))
        data = decoded.data if isinstance(decoded, Decoded) else None
        explained = self._spec.explain(status, data)
        if isinstance(explained, Unavailable):
            return self._refused(self._secret.safe(explained), status)
        if explained is None and isinstance(decoded, Decoded) and not is_retryable(status) and status // 100 != 3:
            return self._answered(Reply(status, decoded.data, decoded.text), key)
        if explained is None:
            reason = f"HTTP {status}" if isinstance(decoded, Decoded) else f"HTTP {status}, {decoded.reason}"
            explained = Failed(f"{self._name}: {reason}", transient=is_retryable(status) or status == 200)
        wanted = (
            self._spec.retry_after(data) if self._spec.retry_after and heard.retry_after is None else heard.retry_after
        )
        again = explained.transient and is_retryable(status)
        return self._failed(self._secret.safe(explained), replace(heard, retry_after=wanted), number, again=again)

    def _answered(self, reply: Reply, key: str | None) -> tuple[Result, CallResult]:
        empty = self._spec.empty(reply)
        usage = self._spec.usage(reply.data) if self._spec.usage else TokenUsage()
        days = self._spec.negative_cache_days if empty else self._spec.cache_days
        kept = None
        if key is not None and days > 0 and (empty or reply.status == 200):
            kept = CacheEntry(key, reply.status, empty, zlib.compress(reply.text.encode("utf-8")), days)
        ending = CallResult(
            CallOutcome.EMPTY if empty else CallOutcome.ANSWERED,
            input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cost_usd=usage.cost_usd, kept=kept,
        )  # fmt: skip
        return Result(reply), ending

    def _refused(self, refusal: Unavailable, status: int) -> tuple[Result, CallResult]:
        ending = CallResult(CallOutcome.REFUSED, reason=refusal.reason, healthy=status not in (401, 403))
        if refusal.temporary and self._spec.key is not None:
            log.warning("%s; it is not asked again before 00:00 UTC", refusal.reason)
            ending = replace(ending, healthy=None, exhausted=True)
        elif refusal.temporary:
            ending = replace(ending, healthy=False, shut=BAN_SECONDS)
        return Result(refusal), ending

    def _failed(self, failure: Failed, heard: RawResponse, number: int, *, again: bool) -> tuple[Result, CallResult]:
        status, wanted = heard.status, heard.retry_after if again else None
        vendor = (
            status is not None and 400 <= status < 500 and status not in (401, 403, *RETRYABLE) and not heard.broken
        )
        ending = CallResult(CallOutcome.FAILED, reason=failure.reason, healthy=vendor)
        if wanted is not None and wanted > MAX_PAUSE_SECONDS:
            shut = min(wanted, DAY_SECONDS)
            refusal = Unavailable(f"{self._name} asks to be left alone: {shut:,.0f} s (HTTP {status})", temporary=True)
            return Result(refusal), replace(ending, reason=refusal.reason, shut=shut)
        if wanted is None and status == 429:
            wanted = min(MAX_BACKOFF_SECONDS, self._backoff * 2 ** (number - 1))
        if wanted is not None:
            # The pause is everybody's: the next slot of the shared pace lies behind it, so nothing else is to be waited for.
            return Result(failure, again, pause=0.0), replace(ending, hold=wanted)
        return Result(failure, again), ending


def is_retryable(status: int) -> bool:
    return status >= 500 or status in RETRYABLE
