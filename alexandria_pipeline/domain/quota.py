"""The arithmetic of daily quotas: limits, buffers, who may start what, and where the day will end. `now` is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

BULK_CALLS = 100
"""The most calls that one `bulk` operation may make (BEHAVIOUR, "Quota")."""


class Operation(StrEnum):
    """What calls are made for; the rules differ."""

    CRON = "cron"  # nobody watches: starts only with twice its estimate left
    BULK = "bulk"  # at most 100 calls an operation
    BACKFILL = "backfill"
    NEW_RELEASES = "new_releases"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class QuotaLimits:
    """Calls a day that a service allows (None: no limit), and how many of them stay unused."""

    daily_limit: int | None
    safety_buffer: int = 0

    @property
    def safe(self) -> int | None:
        """What we allow ourselves."""
        return None if self.daily_limit is None else max(0, self.daily_limit - self.safety_buffer)


@dataclass(frozen=True, slots=True)
class QuotaStatus:
    """Today of one service; None where it has no limit. `exhausted`: the service itself said that its quota is gone."""

    service: str
    daily_limit: int | None
    safety_limit: int | None
    used: int
    remaining: int | None
    safety_remaining: int | None
    percentage_used: float
    reset_at: datetime
    can_make_calls: bool
    exhausted: str | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether an operation may start; `reason` is for a person."""

    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True, slots=True)
class Projection:
    """Where the day will end at the pace of the last hour, with what is planned on top."""

    calls_per_hour: float
    expected_by_reset: int
    exhausted_at: datetime | None
    room: int | None
    """Calls of the safe limit that are neither used nor expected."""


def next_reset(now: datetime) -> datetime:
    """The coming 00:00 UTC."""
    today = now.astimezone(UTC).date()
    return datetime.combine(today + timedelta(days=1), time(), tzinfo=UTC)


def quota_status(
    service: str, limits: QuotaLimits, used: int, now: datetime, exhausted: str | None = None
) -> QuotaStatus:
    """The figures of today."""
    limit, safe = limits.daily_limit, limits.safe
    safe_left = None if safe is None else max(0, safe - used)
    return QuotaStatus(
        service=service,
        daily_limit=limit,
        safety_limit=safe,
        used=used,
        remaining=None if limit is None else max(0, limit - used),
        safety_remaining=safe_left,
        percentage_used=round(100 * used / limit, 2) if limit else 0.0,
        reset_at=next_reset(now),
        can_make_calls=exhausted is None and safe_left != 0,
        exhausted=exhausted,
    )


def permission(status: QuotaStatus, operation: Operation, estimate: int) -> Permission:
    """Whether an operation of about `estimate` calls may start. It still needs a reservation for every call."""
    if operation is Operation.BULK and estimate > BULK_CALLS:
        return Permission(False, f"a bulk operation makes at most {BULK_CALLS} calls, not {estimate:,}")
    if status.exhausted is not None:
        return Permission(False, f"{status.service} says that its quota is gone until {status.reset_at:%H:%M} UTC")
    left = status.safety_remaining
    needed = max(1, estimate) * (2 if operation is Operation.CRON else 1)
    if left is not None and left < needed:
        return Permission(
            False, f"{operation} needs {needed:,} calls of {status.service}; {left:,} are left until 00:00 UTC"
        )
    return Permission(True)


def affordable(status: QuotaStatus, operation: Operation, most: int) -> int:
    """The largest estimate, at most `most`, that `permission` grants; 0 when not even one call may be made."""
    left = status.safety_remaining
    if operation is Operation.BULK:
        most = min(most, BULK_CALLS)
    if left is not None:
        most = min(most, left // (2 if operation is Operation.CRON else 1))
    return most if most > 0 and permission(status, operation, most) else 0


def project(status: QuotaStatus, now: datetime, calls_last_hour: int, planned: int = 0) -> Projection:
    """Where the day will end if the last hour goes on and `planned` calls come on top."""
    hours = (status.reset_at - now).total_seconds() / 3600
    expected = status.used + planned + round(calls_last_hour * hours)
    left = status.safety_remaining
    if left is None or status.safety_limit is None:
        return Projection(calls_last_hour, expected, None, None)
    at = None
    if expected > status.safety_limit:
        after = max(0, left - planned) / calls_last_hour if calls_last_hour else 0.0
        at = now + timedelta(hours=after)
    return Projection(calls_last_hour, expected, at, max(0, status.safety_limit - expected))


def drift_percent(counted: int, told: int) -> float:
    """How far our count is from the service's own, in per cent of the latter; above 0 when the service counts more."""
    return round(100 * (told - counted) / max(told, counted, 1), 2)
