"""Runs a stage over the months that a run may have, and sees to it that every month ends somewhere.

A month that fails goes to `retry` and is left out of the run's later stages; its neighbours go on. `Stage` is what the
verbs of this package look like from here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from alexandria_pipeline.domain.errors import AlexandriaError, OwnershipLost
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.months import MonthHolder

log = logging.getLogger(__name__)

Counts = Mapping[str, int | float | str]
Done = Callable[[Month, Counts | Exception], None]

PROGRESS_SECONDS = 5.0


class Stage(Protocol):
    """A verb over months: works on all of them, calls `done` once for each, with counts or with what went wrong."""

    @property
    def name(self) -> str: ...

    @property
    def last(self) -> bool:
        """Whether a month is complete after it."""
        ...

    def __call__(self, months: Sequence[Month], holder: MonthHolder, done: Done) -> None: ...


@dataclass(slots=True)
class StageReport:
    """How a stage ended: counts of the months it finished, a sentence for each month it could not, and the time it took."""

    done: dict[Month, Counts] = field(default_factory=dict)
    failed: dict[Month, str] = field(default_factory=dict)
    seconds: float = 0.0


class MonthRunner:
    """The months of one run, through all its stages. `holder` owns them; nothing else does."""

    def __init__(self, holder: MonthHolder) -> None:
        self._holder = holder
        self._left_out: dict[Month, str] = {}
        self._last_stage = ""

    def run(self, stage: Stage, months: Sequence[Month]) -> StageReport:
        """Runs the stage over every month this run can have. Refused and failed months are in the report, never raised."""
        started_at, report = datetime.now(UTC), StageReport()
        wanted = [month for month in months if month not in self._left_out]
        for month, owner in self._holder.claim(wanted).items():
            self._leave_out(month, owner, stage, started_at, report)
        mine = [month for month in wanted if month not in self._left_out]
        progress = _Progress(stage.name, len(mine))

        def done(month: Month, result: Counts | Exception) -> None:
            if isinstance(result, Exception):
                self._fail(month, result, stage, started_at, report)
            else:
                self._finish(month, result, stage, started_at, report)
            progress.step(report)

        self._last_stage = stage.name
        try:
            with self._holder.kept_alive():
                stage(mine, self._holder, done)
        except Exception as error:  # noqa: BLE001 - what breaks a whole stage fails every month it had not finished
            for month in mine:
                if month not in report.done and month not in report.failed:
                    self._fail(month, _cause(error), stage, started_at, report)
        progress.end(report)
        return report

    def close(self, error: str | None = None) -> None:
        """Ends the run: what is not complete goes to `retry`, saying how far it came."""
        reason = (
            error or f"the run ended after {self._last_stage or 'its start'}; the stages after it are still to be run"
        )
        self._holder.close(reason, failed=error is not None)

    def _finish(self, month: Month, counts: Counts, stage: Stage, started_at: datetime, report: StageReport) -> None:
        report.done[month] = counts
        if self._holder.begun(month):
            self._holder.note_stage(month, stage.name, started_at, counts, None)
        if stage.last and not self._holder.complete(month):
            self._holder.give_back(
                month, "not all of its books have been listed and kept; run all assets of the month", failed=False
            )

    def _fail(self, month: Month, error: Exception, stage: Stage, started_at: datetime, report: StageReport) -> None:
        if not isinstance(error, AlexandriaError):
            log.error("%s %s: unexpected %s", month, stage.name, type(error).__name__, exc_info=error)
        reason = str(error) if isinstance(error, AlexandriaError) else f"{type(error).__name__}: {error}"
        self._leave_out(month, reason, stage, started_at, report)
        if not isinstance(error, OwnershipLost):
            self._holder.give_back(month, reason, failed=True)

    def _leave_out(self, month: Month, reason: str, stage: Stage, started_at: datetime, report: StageReport) -> None:
        log.error("%s %s: %s", month, stage.name, reason)
        self._left_out[month] = report.failed[month] = reason
        self._holder.note_stage(month, stage.name, started_at, {}, reason)


def _cause(error: Exception) -> Exception:
    """What went wrong first, of several tasks that ended together."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


class _Progress:
    """Says every few seconds how far a stage is."""

    def __init__(self, stage: str, total: int) -> None:
        self._stage, self._total = stage, total
        self._started = self._said = time.monotonic()

    def step(self, report: StageReport) -> None:
        now, done = time.monotonic(), len(report.done) + len(report.failed)
        if now - self._said >= PROGRESS_SECONDS and done < self._total:
            self._said = now
            left = (now - self._started) / done * (self._total - done)
            log.info("%s: %d of %d months, about %.0f s left", self._stage, done, self._total, left)

    def end(self, report: StageReport) -> None:
        report.seconds = time.monotonic() - self._started
        months = len(report.done), len(report.failed)
        log.info("%s: %d months done, %d not, in %.1f s", self._stage, *months, report.seconds)
