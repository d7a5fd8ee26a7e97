"""Runs a stage over the months that a run may have, and ends every month in a defined state.

A month that fails goes to `retry` and is excluded from the later stages of the run; other months go on. `Stage` is the
interface of the stages in this package.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from alexandria_pipeline.domain.errors import AlexandriaError, BooksWait, OwnershipLost
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.months import MonthHolder

log = logging.getLogger(__name__)

Counts = Mapping[str, int | float | str]
Report = Callable[[Month, Counts | Exception], None]
"""Called by a stage once per month, with the counts or the error."""

PROGRESS_SECONDS = 5.0
WAIT_SECONDS = 300.0  # until a month is due again whose books wait for our key or our database


class Stage(Protocol):
    """One step of a month. Works on all months and calls `report` once for each."""

    @property
    def name(self) -> str: ...

    @property
    def last(self) -> bool:
        """Whether a month is complete after this stage."""
        ...

    def __call__(self, months: Sequence[Month], holder: MonthHolder, report: Report) -> None: ...


@dataclass(slots=True)
class StageReport:
    """The result of a stage: counts of each finished month, the reason for each failed month, and the seconds it took."""

    done: dict[Month, Counts] = field(default_factory=dict)
    failed: dict[Month, str] = field(default_factory=dict)
    seconds: float = 0.0


class MonthRunner:
    """The months of one run through all its stages. Only `holder` owns them."""

    def __init__(self, holder: MonthHolder) -> None:
        self._holder = holder
        self._excluded: dict[Month, str] = {}
        self._last_stage = ""

    def run(self, stage: Stage, months: Sequence[Month]) -> StageReport:
        """Runs the stage over every month that this run can claim. Refused and failed months are reported, not raised."""
        started_at, result = datetime.now(UTC), StageReport()
        wanted = [month for month in months if month not in self._excluded]
        for month, owner in self._holder.claim(wanted).items():
            self._exclude(month, owner, stage, started_at, result)
        owned = [month for month in wanted if month not in self._excluded]
        progress = Progress(stage.name, "months", len(owned))

        def report(month: Month, outcome: Counts | Exception) -> None:
            if isinstance(outcome, Exception):
                self._fail(month, outcome, stage, started_at, result)
            else:
                self._finish(month, outcome, stage, started_at, result)
            progress.advance()

        self._last_stage = stage.name
        try:
            with self._holder.locks_watched():
                stage(owned, self._holder, report)
        except Exception as error:  # noqa: BLE001 - an error of the whole stage fails every month that it had not finished
            for month in owned:
                if month not in result.done and month not in result.failed:
                    self._fail(month, _cause(error), stage, started_at, result)
        result.seconds = progress.seconds
        log.info("%s: %d done, %d failed, in %.1f s", stage.name, len(result.done), len(result.failed), result.seconds)
        return result

    def close(self, error: str | None = None) -> None:
        """Ends the run: months that are not complete go to `retry`, with how far they came."""
        reason = error or f"the run ended after {self._last_stage or 'its start'}; the later stages have not run"
        self._holder.close(reason, failed=error is not None)

    def _finish(self, month: Month, counts: Counts, stage: Stage, started_at: datetime, result: StageReport) -> None:
        result.done[month] = counts
        if self._holder.begun(month):
            self._holder.record_stage(month, stage.name, started_at, counts, None)
        if stage.last and not self._holder.complete(month):
            self._holder.release(
                month, "some of its books are not listed or have no work; run all assets of the month", failed=False
            )

    def _fail(self, month: Month, error: Exception, stage: Stage, started_at: datetime, result: StageReport) -> None:
        if not isinstance(error, AlexandriaError):
            log.error("%s %s: unexpected %s", month, stage.name, type(error).__name__, exc_info=error)
        reason = str(error) if isinstance(error, AlexandriaError) else f"{type(error).__name__}: {error}"
        self._exclude(month, reason, stage, started_at, result)
        if isinstance(error, BooksWait):
            self._holder.release(month, reason, failed=False, delay_seconds=WAIT_SECONDS)
        elif not isinstance(error, OwnershipLost):
            self._holder.release(month, reason, failed=True)

    def _exclude(self, month: Month, reason: str, stage: Stage, started_at: datetime, result: StageReport) -> None:
        log.error("%s %s: %s", month, stage.name, reason)
        self._excluded[month] = result.failed[month] = reason
        self._holder.record_stage(month, stage.name, started_at, {}, reason)


def _cause(error: Exception) -> Exception:
    """The first error of several tasks that ended together."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


class Progress:
    """How far a stage is. `unit`: "months" or "books"; `log_seconds`: the least time between two log lines."""

    def __init__(self, stage: str, unit: str, total: int, log_seconds: float = PROGRESS_SECONDS) -> None:
        self._stage, self._unit, self._total, self.log_seconds = stage, unit, total, log_seconds
        self._done = 0
        self._started = self._logged = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def advance(self, count: int = 1) -> None:
        """Adds finished units; logs if the last line is old enough and work is left."""
        self._done += count
        if time.monotonic() - self._logged >= self.log_seconds and self._done < self._total:
            self.log()

    def log(self, details: str = "") -> None:
        """Logs done, total, rate and time left."""
        self._logged = time.monotonic()
        rate = self._done / self.seconds
        left = f", about {(self._total - self._done) / rate:.0f} s left" if rate else ""
        suffix = f"; {details}" if details else ""
        log.info(
            "%s: %d of %d %s, %.1f per second%s%s", self._stage, self._done, self._total, self._unit, rate, left, suffix
        )
