"""Daily quotas: limits, safety buffers, permission to start work, and the projected usage. Pure; `now` is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

BULK_CALLS = 100
"""The calls that one piece of `bulk` work may make (docs/behaviour.md, "Quota")."""


class CallPurpose(StrEnum):
    """What calls are made for; the rules differ by purpose. The ledger stores it in the column `operation`."""

    CRON = "cron"  # unattended: starts only if twice its estimate is left
    BULK = "bulk"  # at most BULK_CALLS calls
    BACKFILL = "backfill"
    NEW_RELEASES = "new_releases"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class QuotaLimits:
    """The calls per day that a service publishes (None: no limit), and how many of them stay unused.

    `zone`: the time zone in which the quota day of the service ends.
    """

    daily_limit: int | None
    safety_buffer: int = 0
    zone: str = "UTC"

    @property
    def safe_limit(self) -> int | None:
        """The calls per day that we may use; None without a limit."""
        return None if self.daily_limit is None else max(0, self.daily_limit - self.safety_buffer)


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """The plan of a key, as the service states it: its host, requests per second, and calls per day.

    `daily_limit` is that of the key, if it is smaller. `left`: calls left today, if the service reports them.
    """

    service: str
    name: str
    host: str | None
    requests_per_second: float
    daily_limit: int
    left: int | None = None


@dataclass(frozen=True, slots=True)
class QuotaStatus:
    """The figures of one service today; None where it has no limit.

    `exhausted`: the service's own message that its quota is used up. `percentage_used` is of the daily limit.
    """

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
    """Whether work may start; `reason` is a sentence for people."""

    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True, slots=True)
class UsageProjection:
    """The usage at the end of the day, if the last hour continues and the planned calls are added."""

    calls_per_hour: float
    expected_by_reset: int
    exhausted_at: datetime | None
    spare: int | None
    """Calls of the safe limit that are neither used nor expected; None without a limit."""


def next_reset(now: datetime, zone: str = "UTC") -> datetime:
    """The next midnight in a time zone, as UTC."""
    there = ZoneInfo(zone)
    today = now.astimezone(there).date()
    return datetime.combine(today + timedelta(days=1), time(), tzinfo=there).astimezone(UTC)


def end_of_day(zone: str) -> str:
    """The end of a quota day, for messages: "00:00 UTC" or "midnight in Los Angeles"."""
    return "00:00 UTC" if zone == "UTC" else f"midnight in {zone.rpartition('/')[2].replace('_', ' ')}"


def quota_status(
    service: str, limits: QuotaLimits, used: int, now: datetime, exhausted: str | None = None
) -> QuotaStatus:
    """The figures of today from the calls already used."""
    limit, safe = limits.daily_limit, limits.safe_limit
    safe_left = None if safe is None else max(0, safe - used)
    return QuotaStatus(
        service=service,
        daily_limit=limit,
        safety_limit=safe,
        used=used,
        remaining=None if limit is None else max(0, limit - used),
        safety_remaining=safe_left,
        percentage_used=round(100 * used / limit, 2) if limit else 0.0,
        reset_at=next_reset(now, limits.zone),
        can_make_calls=exhausted is None and safe_left != 0,
        exhausted=exhausted,
    )


def permission(status: QuotaStatus, purpose: CallPurpose, estimate: int) -> Permission:
    """Whether work of about `estimate` calls may start. Every call still needs its own reservation."""
    if purpose is CallPurpose.BULK and estimate > BULK_CALLS:
        return Permission(False, f"bulk work may make at most {BULK_CALLS} calls, not {estimate:,}")
    if status.exhausted is not None:
        return Permission(
            False, f"{status.service} reports that its quota is used up until {status.reset_at:%H:%M} UTC"
        )
    left = status.safety_remaining
    needed = max(1, estimate) * (2 if purpose is CallPurpose.CRON else 1)
    if left is not None and left < needed:
        return Permission(
            False,
            f"{purpose} needs {needed:,} calls of {status.service}; {left:,} are left until {status.reset_at:%H:%M} UTC",
        )
    return Permission(True)


def affordable_calls(status: QuotaStatus, purpose: CallPurpose, limit: int) -> int:
    """The largest estimate, at most `limit`, for which `permission` is granted; 0 if no call may be made."""
    left = status.safety_remaining
    if purpose is CallPurpose.BULK:
        limit = min(limit, BULK_CALLS)
    if left is not None:
        limit = min(limit, left // (2 if purpose is CallPurpose.CRON else 1))
    return limit if limit > 0 and permission(status, purpose, limit) else 0


def project_usage(status: QuotaStatus, now: datetime, calls_last_hour: int, planned: int = 0) -> UsageProjection:
    """The usage at the end of the day, if the last hour continues and `planned` calls are added."""
    hours = (status.reset_at - now).total_seconds() / 3600
    expected = status.used + planned + round(calls_last_hour * hours)
    left = status.safety_remaining
    if left is None or status.safety_limit is None:
        return UsageProjection(calls_last_hour, expected, None, None)
    at = None
    if expected > status.safety_limit:
        after = max(0, left - planned) / calls_last_hour if calls_last_hour else 0.0
        at = now + timedelta(hours=after)
    return UsageProjection(calls_last_hour, expected, at, max(0, status.safety_limit - expected))


def drift_percent(counted: int, reported: int) -> float:
    """The difference between the service's count and ours in percent of the larger; above 0 if the service counts more."""
    return round(100 * (reported - counted) / max(reported, counted, 1), 2)
