"""Enhance: searches again for the ISBNs of synthetic works that were not tried for a week, oldest first, within the quotas.

A found edition promotes the work in place; its books and the figures of their months change in the same transaction. Works
of a month that a run owns are skipped: that run searches for them itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from alexandria_pipeline.domain.errors import DatabaseUnavailable, StorageError
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.quota import CallPurpose, affordable_calls
from alexandria_pipeline.domain.records import BookOutcome, OpenBook, Resolution
from alexandria_pipeline.providers.transport.types import call_context
from alexandria_pipeline.stages.cascade import Answers, Cascade, listed_isbns
from alexandria_pipeline.stages.promotion import KNOWN_ELSEWHERE, SearchResult, store_results
from alexandria_pipeline.stages.watchdog import run_watched
from alexandria_pipeline.storage import enhancement as store
from alexandria_pipeline.storage import figures
from alexandria_pipeline.storage import resolution as resolutions
from alexandria_pipeline.storage.database import Connection
from alexandria_pipeline.storage.enhancement import TakenWork
from alexandria_pipeline.storage.quota import QuotaManager

log = logging.getLogger(__name__)

PAUSE = timedelta(days=7)
MAX_WORKS = 500
BATCH = 50

# The results of one work besides the outcomes of books.
MONTH_CLAIMED = "month_claimed"  # a run has claimed one of its months meanwhile
RESOLVED_ELSEWHERE = "resolved_elsewhere"  # another run has resolved it meanwhile
NOT_ASKED = "not_asked"  # no service could be called; it keeps its place in the queue
FAILED = "failed"


@dataclass(slots=True)
class EnhancementReport:
    """The result: works by outcome, books resolved without a call, and why the search stopped early (or "").

    `synthetic` works are left, of which `due` may be tried now. `months`: those with a book that got an ISBN.
    """

    counts: Counter[str] = field(default_factory=Counter)
    settled: int = 0
    stopped: str = ""
    synthetic: int = 0
    due: int = 0
    months: set[Month] = field(default_factory=set)

    @property
    def tried(self) -> int:
        return self.counts.total()


@dataclass(frozen=True, slots=True)
class Enhance:
    """synthetic works → promoted works and resolved books."""

    cascade: Cascade
    quota: QuotaManager
    language: str
    negative_life: timedelta
    limit: int = MAX_WORKS
    name: str = "enhanced_synthetic_works"

    def __call__(self, run_id: str) -> EnhancementReport:
        """Searches once for all due works. Raises StorageError; a work that cannot be stored counts as failed."""
        report = EnhancementReport()
        self._settle(report)
        run_watched(_Run(self, run_id, report).run())
        with self.cascade.database.transaction() as tx:
            report.synthetic, report.due = store.synthetic_counts(tx, PAUSE)
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(report.counts.items())) or "none due"
        log.info("%s: %d works tried (%s); %s", self.name, report.tried, outcomes, report.stopped or "finished")
        return report

    def affordable(self, limit: int) -> tuple[int, str]:
        """How many works the quotas of the cascade allow, at most `limit`, and why not more.

        A work is one call of each service; `cron` needs twice its estimate, which covers retries.
        """
        reason = ""
        for resolver in self.cascade.resolvers:
            service, unavailable = resolver.declaration.name, resolver.unavailable()
            if unavailable is not None and not unavailable.temporary:
                continue
            allowed = affordable_calls(self.quota.status(service), CallPurpose.CRON, limit)
            if allowed < limit:
                reason = self.quota.allows(service, CallPurpose.CRON, allowed + 1).reason
                limit = allowed
        return limit, reason

    def _settle(self, report: EnhancementReport) -> None:
        """Gives books the ISBN of their work that was resolved through another month. No call."""
        with self.cascade.database.transaction() as tx:
            months = store.months_resolved_elsewhere(tx)
        for month in months:
            with self.cascade.database.transaction() as tx:
                store.one_writer(tx)
                if month in store.free_months(tx, [month]):
                    report.settled += store.settle_month(tx, month, KNOWN_ELSEWHERE)
                    figures.recount(tx, [month])
                    report.months.add(month)


class _Run:
    """One call of the stage."""

    def __init__(self, stage: Enhance, run_id: str, report: EnhancementReport) -> None:
        self._stage, self._run_id, self._report = stage, run_id, report
        self._database = stage.cascade.database
        self._revisions = stage.cascade.revisions()
        self._writing = asyncio.Lock()
        self._returned: set[int] = set()
        self._error: Exception | None = None

    async def run(self) -> None:
        left, limited = await asyncio.to_thread(self._stage.affordable, self._stage.limit)
        while left > 0:
            batch, reason = await asyncio.to_thread(self._stage.affordable, min(left, BATCH))
            if batch == 0:
                self._report.stopped = reason
                return
            taken = await asyncio.to_thread(self._take, batch)
            if not taken:
                return
            left -= len(taken)
            if not await self._batch(taken):
                return
        self._report.stopped = limited

    async def _batch(self, taken: Sequence[TakenWork]) -> bool:
        """Searches for the works; False if continuing is useless. Raises the error if every work failed."""
        books, answers = await asyncio.to_thread(self._read, taken)
        results = Counter(
            await asyncio.gather(
                *(self._search_one(work, books.get(work.work_id, []), answers.get(work.work_id, {})) for work in taken)
            )
        )
        self._report.counts += results
        if results[FAILED] == len(taken) and self._error is not None:
            raise self._error
        if results[NOT_ASKED] == len(taken):
            self._report.stopped = "no service could be called; the works keep their place in the queue"
            return False
        return True

    def _take(self, limit: int) -> list[TakenWork]:
        with self._database.transaction() as tx:
            return store.take_works(tx, limit, PAUSE, self._returned)

    def _read(self, taken: Sequence[TakenWork]) -> tuple[dict[int, list[OpenBook]], Mapping[int, Answers]]:
        ids = [work.work_id for work in taken]
        with self._database.transaction() as tx:
            return store.books_of_works(tx, ids), resolutions.definite_answers(tx, ids, self._stage.negative_life)

    async def _search_one(self, work: TakenWork, books: Sequence[OpenBook], answers: Answers) -> str:
        if not books:
            return RESOLVED_ELSEWHERE
        try:
            resolution = await self._ask(books, answers)
            if _not_asked(resolution):
                await asyncio.to_thread(self._return_work, work)
                return NOT_ASKED
            async with self._writing:
                return await asyncio.to_thread(self._store, work, resolution)
        except Exception as error:  # noqa: BLE001 - a bad work does not stop the others
            log.error("%s: work %d: %s", self._stage.name, work.work_id, error)  # noqa: TRY400 - the message is enough
            self._error = error
            if isinstance(error, DatabaseUnavailable):
                with suppress(StorageError):
                    await asyncio.to_thread(self._return_work, work)
            return FAILED

    async def _ask(self, books: Sequence[OpenBook], answers: Answers) -> Resolution:
        query = replace(books[0].query(self._stage.language), isbns=listed_isbns(books))
        with call_context(
            run_id=self._run_id,
            month=books[0].month,
            stage=self._stage.name,
            purpose=CallPurpose.CRON.value,
            work_id=books[0].work_id,
        ):
            return await self._stage.cascade.ask(query, self._revisions, answers, books[0].work_id)

    def _store(self, work: TakenWork, resolution: Resolution) -> str:
        """Stores everything that follows from a resolution, in one transaction."""
        with self._database.transaction() as tx:
            store.one_writer(tx)
            books = store.books_of_works(tx, [work.work_id]).get(work.work_id, [])
            if not books:
                return RESOLVED_ELSEWHERE
            months = {book.month for book in books}
            if store.free_months(tx, months) != months:
                self._return_in(tx, work)
                return MONTH_CLAIMED
            # Read again, behind the locks: the work may have been resolved, closed, merged or listed in another month.
            resolutions.lock_works(tx, [books[0].work_key], [])
            books = store.books_of_works(tx, [work.work_id]).get(work.work_id, [])
            if not {book.month for book in books} <= months:
                self._return_in(tx, work)
                return MONTH_CLAIMED
            if not books:
                return RESOLVED_ELSEWHERE
            # A book that no service knows stays "not found" when one of them cannot answer today.
            decided = [] if resolution.outcome is BookOutcome.DEFERRED else books
            store_results(tx, [SearchResult(books, resolution, decided)], self._run_id)
            figures.recount(tx, months)
        if resolution.outcome is BookOutcome.RESOLVED:
            self._report.months |= months
        return resolution.outcome.value

    def _return_work(self, work: TakenWork) -> None:
        with self._database.transaction() as tx:
            self._return_in(tx, work)

    def _return_in(self, tx: Connection, work: TakenWork) -> None:
        self._returned.add(work.work_id)  # this run does not take it again
        store.return_work(tx, work)


def _not_asked(resolution: Resolution) -> bool:
    """Whether no service could be called: quotas used up, breakers open, or none available."""
    asked = any(attempt.outcome != "unavailable" for attempt in resolution.attempts)
    return resolution.outcome is BookOutcome.DEFERRED and not asked
