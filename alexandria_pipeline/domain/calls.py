"""What one call to a service is, before and after: the words that the transport and the shared tables exchange.

Values only. How a call is made is `providers.http`, how it is counted is `storage.ledger`; they do not know each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alexandria_pipeline.domain.month import Month
    from alexandria_pipeline.domain.service_answers import Unavailable

SLOT_MARGIN = 0.038
"""Seconds in which two requests may differ on the way from their slot to the service without ever making R + 1 in a second.

R slots take 1 + this many seconds, so 96.3 % of the allowance is used (docs/decisions/0004-pace.md has the measurements).
"""


@dataclass(frozen=True, slots=True)
class CallContext:
    """For whom a call is made; it goes into the ledger."""

    run_id: str | None = None
    month: Month | None = None
    stage: str | None = None
    operation: str = ""
    work_id: int | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a service allows all processes together: a pace, and calls a day (None: no limit), the buffer taken off."""

    requests_per_second: float
    daily_limit: int | None
    probe_seconds: float

    @property
    def spacing(self) -> float:
        """Seconds from one slot to the next."""
        return (1 + SLOT_MARGIN) / self.requests_per_second

    @property
    def slots_ahead(self) -> int:
        """Slots that one process may hold at a time: enough to reserve while it waits, few enough for a push-back to reach the rest."""
        return max(1, math.ceil(self.requests_per_second / 10))


@dataclass(frozen=True, slots=True)
class CallAttempt:
    """One HTTP request that is about to be made. `url` is for people: it holds no key. `number` counts the retries from 1."""

    service: str
    method: str
    url: str
    number: int
    context: CallContext


@dataclass(frozen=True, slots=True)
class Slot:
    """Leave to make one request, at `at` by the database's clock, `wait` seconds from when it was given.

    Counted in `day`. `delayed`: seconds by which late requests have moved the slots so far; what comes on top until `at`
    moves this one too. `probe`: the breaker is open, and this request finds out whether the service is back.
    """

    call_id: int
    service: str
    at: datetime
    wait: float
    day: date
    delayed: float
    probe: bool


@dataclass(frozen=True, slots=True)
class ProbeInProgress:
    """No leave yet: another request is finding out whether the service is back. `refusal`: for who does not wait for that."""

    refusal: Unavailable


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """A slot looked at again, shortly before it: moved to `at`, pushed back, or its way closed by the breaker?"""

    at: datetime
    wait: float
    delayed: float
    pushed_back: bool
    shut: bool


class CallOutcome(StrEnum):
    """How an attempt ended. A row that stays `sent` is of a process that died before it could say."""

    SENT = "sent"
    ANSWERED = "answered"
    EMPTY = "empty"  # a definite no
    REDIRECTED = "redirected"
    REFUSED = "refused"  # the service's error table explains it
    FAILED = "failed"  # no usable answer
    CANCELLED = "cancelled"  # sent, and not waited for


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """An answer for the cache, and for how long it is good."""

    key: str
    status: int
    negative: bool
    body: bytes
    days: float


@dataclass(frozen=True, slots=True)
class CallResult:
    """How an attempt ended, and what follows for everybody.

    `healthy`: the breaker's view (None: says nothing about the service). `hold`: seconds in which nobody asks, after a
    429. `shut`: seconds for which the breaker opens at once. `exhausted`: the service says its quota of the day is gone.
    """

    outcome: CallOutcome
    status: int | None = None
    reason: str | None = None
    latency: float = 0
    size: int | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    healthy: bool | None = True
    hold: float | None = None
    shut: float | None = None
    exhausted: bool = False
    kept: CacheEntry | None = None


@dataclass(frozen=True, slots=True)
class ServiceState:
    """Where a service stands for all processes. `shut`: in words for a person, why it cannot be asked now."""

    service: str
    breaker: str
    failures: int
    retry_at: datetime | None
    last_error: str | None
    used: int
    shut: str | None
