"""The JSON of the endpoints, both ways: every body and every answer as a model. Names and meaning: docs/behaviour.md, "Monitoring".

The OpenAPI document is made of these models, so it cannot say anything else than the endpoints do.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _whole(value: object) -> object:
    """JSON knows no integers apart from its numbers: 4.0 is 4 (JSON Schema, 6.1.1). True is not 1, and "4" is not 4."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Status = Literal["pending", "processing", "completed", "retry", "failed"]
MonthKey = Annotated[str, Field(pattern="^[0-9]{4}-(0[1-9]|1[0-2])$", examples=["2020-06"])]
Count = Annotated[int, Field(ge=0)]
Percent = Annotated[float, Field(ge=0, le=100, description="Per cent, two decimals.")]
Year = Annotated[int, Field(ge=1, le=9999), BeforeValidator(_whole)]
BatchSize = Annotated[int, Field(ge=1, le=50), BeforeValidator(_whole)]


class _Body(BaseModel):
    """Asked of us: no conversions (true is not 1, "5" is not 5), nothing unknown."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class _Answer(BaseModel):
    """Said by us."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class YearRange(_Body):
    """Both years included, in either order; months before 2000 and months that have not ended are left out."""

    start: Year
    end: Year


class ScheduleBackfill(_Body):
    """Which months are to be started next."""

    batch_size: BatchSize = Field(10, description="The most months.")
    dry_run: bool = Field(False, description="Only say which months these would be.")
    force_retry: bool = Field(False, description="Also failed months, and retries whose time has not come.")
    year_range: YearRange | None = Field(None, description="Absent: all years.")


class SeedBackfillQueue(_Body):
    """Which years are to have their months in the queue: both included, in either order."""

    year_start: Year
    year_end: Year


class Scheduled(_Answer):
    """The months that are (in a dry run: would be) due now, the most recent first."""

    dry_run: bool
    count: Count
    months: list[MonthKey]


class Seeded(_Answer):
    """The months that had no row and are pending now, and how many had one and stay as they are."""

    inserted: Count
    existing: Count
    months: list[MonthKey]


class QuotaAnswer(_Answer):
    """Today's quota of ISBNdb, in calls; null where no limit is set."""

    daily_limit: Count | None
    safety_limit: Count | None = Field(description="The daily limit less the buffer that stays unused.")
    used: Count
    remaining: Count | None
    safety_remaining: Count | None
    percentage_used: float = Field(ge=0, description="Of the daily limit, two decimals.")
    reset_at: datetime = Field(description="The coming 00:00 UTC.")
    can_make_calls: bool


class ByStatus(_Answer):
    """How many months stand where."""

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
    """A month that something happened to."""

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
    """Where the backfill stands."""

    total_months: Count = Field(description="Months that have a row.")
    by_status: ByStatus
    progress: Progress
    recent_activity: list[Activity] = Field(max_length=20, description="The latest first.")


class Health(_Answer):
    """Whether the database answers."""

    status: Literal["ok", "unavailable"]


class Problem(_Answer):
    """Why there is no answer; `problems` names everything that is wrong with a body, with its place."""

    error: str
    problems: list[str] = []
