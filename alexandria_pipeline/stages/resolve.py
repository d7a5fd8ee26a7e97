"""Resolve: finds the ISBN of every book by the cascade, with the books of all months in flight together.

Different books are at different services at any moment, so the allowances of all services are used at once. A valid answer
is not requested again. Books that a passing failure of a service left open are searched for again when all others are done
(`again.py`). One writer stores results in batches, each batch behind the fence of its months.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from alexandria_pipeline.domain.errors import BooksWait, DatabaseUnavailable, OwnershipLost
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import BookOutcome, OpenBook, Resolution
from alexandria_pipeline.domain.resolution_stats import tally
from alexandria_pipeline.domain.service_answers import is_our_fault, our_fault
from alexandria_pipeline.providers.transport.types import call_context
from alexandria_pipeline.stages.again import Rounds
from alexandria_pipeline.stages.cascade import Answers, Cascade, listed_isbns, worth_asking
from alexandria_pipeline.stages.promotion import CLOSED, KNOWN_ELSEWHERE, SearchResult, store_results
from alexandria_pipeline.stages.runner import Progress, Report
from alexandria_pipeline.stages.watchdog import run_watched
from alexandria_pipeline.storage import figures
from alexandria_pipeline.storage import resolution as store
from alexandria_pipeline.storage.months import MonthHolder

WRITE_BATCH = 64

_Finished = tuple[list[OpenBook], Resolution]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Resolve:
    """works without an ISBN → resolved, not_found or deferred books, with every attempt stored.

    `books_in_flight`: works in the cascade at the same time. `allowances`: requests per second of each service, for reports
    that compare the time of a run with the minimum. `sleep`: waits for paused services.
    """

    cascade: Cascade
    language: str
    negative_life: timedelta
    books_in_flight: int
    allowances: Mapping[str, float] = field(default_factory=dict)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    name: str = "resolved_isbns"
    last: bool = True

    def __call__(self, months: Sequence[Month], holder: MonthHolder, report: Report) -> None:
        run_watched(_Run(self, months, holder, report).run())


@dataclass(slots=True)
class _MonthState:
    """What a month still waits for, and its counts so far."""

    works_left: int
    counts: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    """Deferred books by the reason on our side."""
    reported: bool = False


class _Run:
    """One call of the stage: sends works through the cascade, stores results, and reports months when they are finished."""

    def __init__(self, stage: Resolve, months: Sequence[Month], holder: MonthHolder, report: Report) -> None:
        self._stage, self._months, self._holder, self._report = stage, months, holder, report
        self._database = stage.cascade.database
        self._states: dict[Month, _MonthState] = {}
        self._finished: asyncio.Queue[_Finished] = asyncio.Queue()
        self._revisions = stage.cascade.revisions()
        self._progress = Progress(stage.name, "books", 0)
        self._totals: Counter[str] = Counter()

    async def run(self) -> None:
        works, answers = await asyncio.to_thread(self._open_works)
        for month in self._months:
            self._states[month] = _MonthState(sum(any(book.month == month for book in books) for books in works))
        for month, state in self._states.items():
            if state.works_left == 0:
                await self._end(month)
        self._progress = Progress(self._stage.name, "books", sum(len(books) for books in works))
        logger = asyncio.create_task(self._log_progress())
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._write(len(works)))
                tasks.create_task(self._search_all(works, answers))
        finally:
            logger.cancel()

    async def _log_progress(self) -> None:
        while True:
            await asyncio.sleep(self._progress.log_seconds)
            self._progress.log(found_by(self._totals))

    def _open_works(self) -> tuple[list[list[OpenBook]], Mapping[int, Answers]]:
        """Books grouped by work (the same book in two months is one search), without those for which no search helps."""
        with self._database.transaction() as tx:
            books = store.open_books(tx, self._months)
            answers = store.definite_answers(tx, [book.work_id for book in books], self._stage.negative_life)
        available = {
            resolver.declaration.name: self._revisions[resolver.declaration.name]
            for resolver in self._stage.cascade.resolvers
            if resolver.unavailable() is None
        }
        works: dict[int, list[OpenBook]] = defaultdict(list)
        for book in books:
            works[book.work_id].append(book)
        searched = [
            group for group in works.values() if worth_asking(group, answers.get(group[0].work_id, {}), available)
        ]
        return searched, answers

    async def _search_all(self, works: Sequence[list[OpenBook]], answers: Mapping[int, Answers]) -> None:
        """Searches for all works, and again for those that a passing failure left open."""
        rounds = Rounds(self._stage.cascade.resolvers, self._stage.sleep)
        left: list[_Finished] = []

        async def first(books: list[OpenBook]) -> None:
            await end(books, await self._search(books, answers.get(books[0].work_id, {})))

        async def second(open_: _Finished) -> None:
            books, before = open_
            if not rounds.worth_asking(before):
                await self._finished.put(open_)
                return
            known = {**answers.get(books[0].work_id, {}), **before.noes()}
            await end(books, (await self._search(books, known)).after(before))

        async def end(books: list[OpenBook], resolution: Resolution) -> None:
            rounds.note(resolution)
            if resolution.again and not rounds.last:
                left.append((books, resolution))
            else:
                await self._finished.put((books, resolution))

        await self._in_parallel(works, first)
        while left:
            open_, left = left, []
            await rounds.next([resolution for _, resolution in open_])
            await self._in_parallel(open_, second)

    async def _in_parallel(self, waiting: Sequence[T], search: Callable[[T], Awaitable[None]]) -> None:
        """Searches for one after another, `books_in_flight` at the same time."""
        those = iter(waiting)

        async def work() -> None:
            for each in those:
                await search(each)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(len(waiting), self._stage.books_in_flight)):
                tasks.create_task(work())

    async def _search(self, books: list[OpenBook], answers: Answers) -> Resolution:
        book = books[0]
        if book.closed:
            return Resolution(BookOutcome.NOT_FOUND, reason=CLOSED)
        if book.known is not None:
            return Resolution(BookOutcome.RESOLVED, reason=KNOWN_ELSEWHERE)
        query = replace(book.query(self._stage.language), isbns=listed_isbns(books))
        run_id, stage = self._holder.run_id, self._stage.name
        with call_context(run_id=run_id, month=book.month, stage=stage, work_id=book.work_id):
            return await self._stage.cascade.ask(query, self._revisions, answers, book.work_id)

    async def _write(self, works: int) -> None:
        """The only writer: stores the finished results, at most WRITE_BATCH per transaction."""
        while works:
            batch = [await self._finished.get()]
            while len(batch) < WRITE_BATCH and not self._finished.empty():
                batch.append(self._finished.get_nowait())
            works -= len(batch)
            await self._store_batch(batch)

    async def _store_batch(self, batch: Sequence[_Finished]) -> None:
        """Stores a batch. If that fails, stores each result alone, so that a bad book fails only its own months."""
        try:
            lost = await asyncio.to_thread(self._store, batch)
        except Exception as error:  # noqa: BLE001 - the months of this batch fail, the others go on
            if len(batch) > 1 and not isinstance(error, DatabaseUnavailable):
                for each in batch:
                    await self._store_batch([each])
                return
            for month in _months_of(batch):
                await self._end(month, error)
        else:
            await self._count(batch, lost)

    def _store(self, batch: Sequence[_Finished]) -> set[Month]:
        """Returns the months that this run no longer owns; their books are not stored."""
        with self._database.transaction() as tx:
            owned = self._holder.owned(tx, _months_of(batch))
            own = [([book for book in books if book.month in owned], resolution) for books, resolution in batch]
            results = [SearchResult(books, resolution) for books, resolution in own if books]
            store_results(tx, results, self._holder.run_id)
        return _months_of(batch) - owned

    async def _count(self, batch: Sequence[_Finished], lost: set[Month]) -> None:
        for month in lost:
            await self._end(month, OwnershipLost(f"another run took over {month}"))
        for books, resolution in batch:
            counts = tally(resolution.attempts)
            self._totals.update(counts)
            self._progress.advance(len(books))
            for month in {book.month for book in books}:
                state = self._states[month]
                state.works_left -= 1
                count = sum(book.month == month for book in books)
                state.counts[resolution.outcome.value] += count
                if resolution.outcome is BookOutcome.DEFERRED and is_our_fault(resolution.reason):
                    state.waiting[our_fault(resolution.reason)] += count
                state.counts.update(counts)
                if state.works_left == 0:
                    await self._end(month)

    async def _end(self, month: Month, error: Exception | None = None) -> None:
        state = self._states[month]
        if not state.reported:
            state.reported = True
            # In a thread: meanwhile the event loop serves the send slots of other requests.
            await asyncio.to_thread(self._report_month, month, error)

    def _report_month(self, month: Month, error: Exception | None) -> None:
        waiting = self._states[month].waiting
        if error is None and waiting:
            reason, _ = waiting.most_common(1)[0]
            count = waiting.total()
            error = BooksWait(f"{count} {'book waits' if count == 1 else 'books wait'}: {reason}")
        self._report(month, error or {**self._current_counts(month), **self._states[month].counts})

    def _current_counts(self, month: Month) -> dict[str, int]:
        """The figures of the month's books, from this run or an earlier one, and the calls of this run."""
        with self._database.transaction() as tx:
            figure = figures.of_months(tx, [month])[month]
            calls = store.call_counts(tx, month, self._holder.run_id, self._stage.name)
        counts = {"editions": figure.resolved, "books": figure.generated, "synthetic": figure.synthetic}
        return counts | {f"calls_{service}": count for service, count in calls.items()}


def found_by(counts: Counter[str]) -> str:
    """How often each service found a book: "isbndb found 12 of 20"."""
    services = sorted(name.removeprefix("asked_") for name in counts if name.startswith("asked_"))
    return ", ".join(f"{name} found {counts[f'found_{name}']} of {counts[f'asked_{name}']}" for name in services)


def _months_of(batch: Sequence[_Finished]) -> set[Month]:
    return {book.month for books, _ in batch for book in books}
