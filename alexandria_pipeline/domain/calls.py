"""The values that the transport and the storage exchange about one call to a service.

Values only. `providers.transport` makes calls and `storage.ledger` counts them; neither imports the other.
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
"""Seconds by which the travel times of two requests may differ without the service seeing R + 1 requests in a second.

R slots take 1 + this many seconds, so 96.3 % of the rate limit is used (docs/decisions/0004-pace.md has measurements).
"""


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a call is made for; the ledger stores it."""

    run_id: str | None = None
    month: Month | None = None
    stage: str | None = None
    purpose: str = ""
    work_id: int | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """What all processes together may use of a service: a rate limit, and calls per day (None: no limit).

    `safe_limit` is the daily limit minus the safety buffer. `probe_seconds`: time after which another probe may start.
    `day_ends`: the end of the quota day, for messages. `shared_with`: services that keep `shared_rate` together with this one.
    """

    requests_per_second: float
    safe_limit: int | None
    probe_seconds: float
    day_ends: str = "00:00 UTC"
    shared_with: tuple[str, ...] = ()
    shared_rate: float = math.inf

    @property
    def spacing(self) -> float:
        """Seconds between two send slots."""
        return (1 + SLOT_MARGIN) / self.requests_per_second

    @property
    def shared_spacing(self) -> float:
        """Seconds between a slot of this service and one of the services that it shares an allowance with."""
        return (1 + SLOT_MARGIN) / self.shared_rate

    @property
    def slots_ahead(self) -> int:
        """Slots that one process may hold at a time: enough to reserve while it waits, few enough to renew after a pause."""
        return max(1, math.ceil(self.requests_per_second / 10))


@dataclass(frozen=True, slots=True)
class CallAttempt:
    """One HTTP request that is about to be made. `url` contains no key. `number` counts the attempts from 1."""

    service: str
    method: str
    url: str
    number: int
    context: CallContext


@dataclass(frozen=True, slots=True)
class Slot:
    """A reserved send time `at`, by the clock of the database, `wait` seconds after the reservation.

    The call counts for the quota of `day`. `delayed`: seconds by which late requests had moved the slots at that time;
    what is added before `at` moves this slot, too. `probe`: the circuit breaker is open, and this call tests the service.
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
    """No slot yet: another call is testing the service. `refusal` is the answer for a caller that does not wait."""

    refusal: Unavailable


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """A slot as it is shortly before its time: moved to `at`, cancelled by a pause, or by an open circuit breaker.

    `retry_at`: when the breaker lets a call pass again.
    """

    at: datetime
    wait: float
    delayed: float
    cancelled: bool
    breaker_open: bool
    retry_at: datetime | None = None


class CallOutcome(StrEnum):
    """How an attempt ended. A row that stays `sent` belongs to a process that died during the call."""

    SENT = "sent"
    ANSWERED = "answered"
    EMPTY = "empty"  # a definite no
    REDIRECTED = "redirected"
    REFUSED = "refused"  # the service's error table explains it
    FAILED = "failed"  # no usable response
    CANCELLED = "cancelled"  # sent, but the caller stopped waiting


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A response to be stored, and the days for which it is valid. `body` is compressed."""

    key: str
    status: int
    negative: bool
    body: bytes
    days: float


@dataclass(frozen=True, slots=True)
class CallResult:
    """How an attempt ended, and what follows for all processes.

    `healthy` is for the circuit breaker (None: no statement about the service). `pause_seconds`: no calls for this time,
    after a 429. `open_breaker_seconds`: the breaker opens at once for this time. `exhausted`: the service reports that
    its daily quota is used up. `cost_usd`: None if the price of the model is unknown.
    """

    outcome: CallOutcome
    status: int | None = None
    reason: str | None = None
    latency_seconds: float = 0
    size: int | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    healthy: bool | None = True
    pause_seconds: float | None = None
    open_breaker_seconds: float | None = None
    exhausted: bool = False
    cache_entry: CacheEntry | None = None


@dataclass(frozen=True, slots=True)
class ServiceState:
    """The state of a service that all processes share. `unavailable_reason`: why it cannot be called now, for people."""

    service: str
    breaker: str
    failures: int
    retry_at: datetime | None
    last_error: str | None
    used: int
    unavailable_reason: str | None
