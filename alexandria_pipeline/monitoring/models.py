"""The models of request and response bodies. Names and meaning: docs/behaviour.md, "Monitoring".

The OpenAPI document is made of these models, so it cannot say anything else than the endpoints do.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _whole(value: object) -> object:
    """Accepts 4.0 as 4 (JSON Schema, 6.1.1); rejects booleans and text."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Status = Literal["pending", "processing", "completed", "retry", "failed"]
MonthKey = Annotated[str, Field(pattern="^[0-9]{4}-(0[1-9]|1[0-2])$", examples=["2020-06"])]
Count = Annotated[int, Field(ge=0)]
Percent = Annotated[float, Field(ge=0, le=100, description="Percent, two decimals.")]
Year = Annotated[int, Field(ge=1, le=9999), BeforeValidator(_whole)]
BatchSize = Annotated[int, Field(ge=1, le=50), BeforeValidator(_whole)]


class _Body(BaseModel):
    """A request body: no conversions (true is not 1, "5" is not 5), no unknown fields."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class _Answer(BaseModel):
    """A response body."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class YearRange(_Body):
    """A range of years, both included, in either order; months before 2000 and unfinished months are ignored."""

    start: Year
    end: Year


class ScheduleBackfill(_Body):
    """A request that makes months due."""

    batch_size: BatchSize = Field(10, description="Maximum number of months.")
    dry_run: bool = Field(False, description="Only return the months; change nothing.")
    force_retry: bool = Field(False, description="Include failed months, and retries that are not due yet.")
    year_range: YearRange | None = Field(None, description="Default: all years.")


class SeedBackfillQueue(_Body):
    """A request that adds the months of years to the queue; both years included, in either order."""

    year_start: Year
    year_end: Year


class Scheduled(_Answer):
    """The months that are due now (dry run: would be), the most recent first."""

    dry_run: bool
    count: Count
    months: list[MonthKey]


class Seeded(_Answer):
    """The months added to the queue as pending, and the number of months that were in it already."""

    inserted: Count
    existing: Count
    months: list[MonthKey]


class QuotaAnswer(_Answer):
    """Today's quota of ISBNdb, in calls; null where no limit is set."""

    daily_limit: Count | None
    safety_limit: Count | None = Field(description="The daily limit minus the safety buffer.")
    used: Count
    remaining: Count | None
    safety_remaining: Count | None
    percentage_used: float = Field(ge=0, description="Percent of the daily limit, two decimals.")
    reset_at: datetime = Field(description="The next 00:00 UTC, when the quota day of ISBNdb ends.")
    can_make_calls: bool


class ByStatus(_Answer):
    """The number of months by status."""

    pending: Count
    processing: Count
    completed: Count
    retry: Count
    failed: Count


class Progress(_Answer):
    """Sums over all months."""

    total_books_generated: Count
    total_isbns_resolved: Count
    overall_resolution_rate: Percent
    total_isbns_queued: Count


class Activity(_Answer):
    """A month that was started."""

    year: int
    month: int = Field(ge=1, le=12)
    status: Status
    books_generated: Count
    isbns_resolved: Count
    resolution_rate: Percent
    retry_count: int = Field(ge=0, le=5)
    error_message: str | None
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime


class BackfillStats(_Answer):
    """The status of the backfill."""

    total_months: Count = Field(description="Months that have a row.")
    by_status: ByStatus
    progress: Progress
    recent_activity: list[Activity] = Field(max_length=20, description="Latest change first.")


class Reopened(_Answer):
    """A service that is open again."""

    service: str
    ended: list[str] = Field(description="What had kept it closed, in sentences; empty if it was not closed.")


class Health(_Answer):
    """The health of the app: whether the database answers."""

    status: Literal["ok", "unavailable"]


class Problem(_Answer):
    """An error; `problems` lists every fault of a request body with its place."""

    error: str
    problems: list[str] = []
