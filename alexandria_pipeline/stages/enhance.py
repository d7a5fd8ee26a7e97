"""Looks again for the ISBNs of synthetic works: those not tried for a week, oldest first, as far as quotas allow.

What is found promotes the work in place, and its books and the figures of their months follow in the same transaction.
A month that a run owns is left alone, and so are its works: the run asks for them itself.
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
from alexandria_pipeline.domain.quota import CallPurpose, affordable_calls
from alexandria_pipeline.domain.records import BookOutcome, OpenBook, Resolution
from alexandria_pipeline.providers.transport.types import call_context
from alexandria_pipeline.stages.cascade import Answers, Cascade, store_resolution
from alexandria_pipeline.storage import enhancement as store
from alexandria_pipeline.storage import resolution as resolutions
from alexandria_pipeline.storage.database import Connection
from alexandria_pipeline.storage.enhancement import TakenWork
from alexandria_pipeline.storage.quota import QuotaManager

log = logging.getLogger(__name__)

PAUSE = timedelta(days=7)
MAX_WORKS = 500
BATCH = 50

# How the trying of one work ended, besides the outcomes of books.
BUSY = "left_to_a_run"  # a run took one of its months meanwhile
ELSEWHERE = "resolved_elsewhere"  # another run found it meanwhile
UNANSWERED = "nobody_answered"  # it keeps its place in the queue
FAILED = "failed"


@dataclass(slots=True)
class EnhancementReport:
    """What came of it: works by how their trying ended, books settled without a call, and why it ended early, if it did."""

    counts: Counter[str] = field(default_factory=Counter)
    settled: int = 0
    stopped: str = ""
    synthetic: int = 0
    due: int = 0

    @property
    def tried(self) -> int:
        return self.counts.total()


@dataclass(frozen=True, slots=True)
class Enhance:
    """synthetic works → promoted works, and the books of theirs."""

    cascade: Cascade
    quota: QuotaManager
    language: str
    negative_life: timedelta
    most: int = MAX_WORKS
    name: str = "enhanced_synthetic_works"

    def __call__(self, run_id: str) -> EnhancementReport:
        """One turn. Raises StorageError; a work that cannot be stored is counted as failed and tried in a week."""
        report = EnhancementReport(settled=self._settle())
        asyncio.run(_Turn(self, run_id, report).run())
        with self.cascade.database.transaction() as tx:
            report.synthetic, report.due = store.waiting(tx, PAUSE)
        log.info("%s: %s of %d works tried; %s", self.name, dict(report.counts), report.tried, report.stopped or "done")
        return report

    def room(self, most: int) -> tuple[int, str]:
        """How many works may be tried, by the quotas of all services of the cascade, and why not more.

        A work is one call of each service; that `cron` needs twice its estimate covers repeated attempts.
        """
        reason = ""
        for resolver in self.cascade.resolvers:
            service, closed = resolver.declaration.name, resolver.unavailable()
            if closed is not None and not closed.temporary:
                continue
            fits = affordable_calls(self.quota.status(service), CallPurpose.CRON, most)
            if fits < most:
                reason = self.quota.allows(service, CallPurpose.CRON, fits + 1).reason
                most = fits
        return most, reason

    def _settle(self) -> int:
        """Books whose work has been resolved through another month get its ISBN, without a call."""
        with self.cascade.database.transaction() as tx:
            found = store.resolved_elsewhere(tx)
        settled = 0
        for month, books in found.items():
            with self.cascade.database.transaction() as tx:
                store.one_writer(tx)
                if month not in store.free_months(tx, [month]):
                    continue
                for book_id, known in books:
                    resolutions.decide(tx, book_id, BookOutcome.RESOLVED, known, "known from another month or list")
                store.recount(tx, [month])
                settled += len(books)
        return settled


class _Turn:
    """One call of the stage."""

    def __init__(self, stage: Enhance, run_id: str, report: EnhancementReport) -> None:
        self._stage, self._run_id, self._report = stage, run_id, report
        self._database = stage.cascade.database
        self._revisions = stage.cascade.revisions()
        self._writing = asyncio.Lock()
        self._given_back: set[int] = set()
        self._error: Exception | None = None

    async def run(self) -> None:
        left, limited = await asyncio.to_thread(self._stage.room, self._stage.most)
        while left > 0:
            portion, reason = await asyncio.to_thread(self._stage.room, min(left, BATCH))
            if portion == 0:
                self._report.stopped = reason
                return
            taken = await asyncio.to_thread(self._take, portion)
            if not taken:
                return
            left -= len(taken)
            if not await self._portion(taken):
                return
        self._report.stopped = limited

    async def _portion(self, taken: Sequence[TakenWork]) -> bool:
        """Tries the works; False when going on is of no use. Raises what went wrong, when it went wrong for all of them."""
        books, answers = await asyncio.to_thread(self._known, taken)
        ended = Counter(
            await asyncio.gather(
                *(self._one(work, books.get(work.work_id, []), answers.get(work.work_id, {})) for work in taken)
            )
        )
        self._report.counts += ended
        if ended[FAILED] == len(taken) and self._error is not None:
            raise self._error
        if ended[UNANSWERED] == len(taken):
            self._report.stopped = "no service could answer; the works keep their place"
            return False
        return True

    def _take(self, most: int) -> list[TakenWork]:
        with self._database.transaction() as tx:
            return store.take(tx, most, PAUSE, self._given_back)

    def _known(self, taken: Sequence[TakenWork]) -> tuple[dict[int, list[OpenBook]], Mapping[int, Answers]]:
        ids = [work.work_id for work in taken]
        with self._database.transaction() as tx:
            return store.books_of_works(tx, ids), resolutions.definite_answers(tx, ids, self._stage.negative_life)

    async def _one(self, work: TakenWork, books: Sequence[OpenBook], answers: Answers) -> str:
        if not books:
            return ELSEWHERE
        try:
            resolution = await self._ask(books, answers)
            if _unanswered(resolution):
                await asyncio.to_thread(self._give_back, work)
                return UNANSWERED
            async with self._writing:
                return await asyncio.to_thread(self._store, work, resolution)
        except Exception as error:  # noqa: BLE001 - a bad work does not stop the others
            log.error("%s: work %d: %s", self._stage.name, work.work_id, error)  # noqa: TRY400 - the sentence is enough
            self._error = error
            if isinstance(error, DatabaseUnavailable):
                with suppress(StorageError):
                    await asyncio.to_thread(self._give_back, work)
            return FAILED

    async def _ask(self, books: Sequence[OpenBook], answers: Answers) -> Resolution:
        isbns = tuple(dict.fromkeys(isbn for book in books for isbn in book.isbns))
        query = replace(books[0].query(self._stage.language), isbns=isbns)
        with call_context(
            run_id=self._run_id,
            month=books[0].month,
            stage=self._stage.name,
            purpose=CallPurpose.CRON.value,
            work_id=books[0].work_id,
        ):
            return await self._stage.cascade.ask(query, self._revisions, answers, books[0].work_id)

    def _store(self, work: TakenWork, resolution: Resolution) -> str:
        """Everything that follows from a resolution, or nothing of it."""
        with self._database.transaction() as tx:
            store.one_writer(tx)
            books = store.books_of_works(tx, [work.work_id]).get(work.work_id, [])
            if not books:
                return ELSEWHERE
            months = {book.month for book in books}
            if store.free_months(tx, months) != months:
                self._return(tx, work)
                return BUSY
            # A book that is known to no service stays "not found" when one of them cannot answer today.
            decided = [] if resolution.outcome is BookOutcome.DEFERRED else books
            store_resolution(tx, books, resolution, self._run_id, decided)
            store.recount(tx, months)
        return resolution.outcome.value

    def _give_back(self, work: TakenWork) -> None:
        with self._database.transaction() as tx:
            self._return(tx, work)

    def _return(self, tx: Connection, work: TakenWork) -> None:
        self._given_back.add(work.work_id)  # this turn does not take it again
        store.give_back(tx, work)


def _unanswered(resolution: Resolution) -> bool:
    """Whether nobody could be asked: quotas gone, breakers open, or no service at hand."""
    asked = any(attempt.outcome != "unavailable" for attempt in resolution.attempts)
    return resolution.outcome is BookOutcome.DEFERRED and not asked
