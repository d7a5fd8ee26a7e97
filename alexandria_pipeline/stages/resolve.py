"""Finds the ISBN of every kept book, down the cascade of services, all books of all months in flight together.

Books stand at different services at any moment, so every service's allowance is used at once. What a service has
answered is never asked again while the answer is to be believed; a service that could not answer leaves the book
deferred, never "not found". Writing is done by one writer, in batches, each batch behind the fence of its months.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from alexandria_pipeline.domain.errors import DatabaseUnavailable, OwnershipLost
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import BookOutcome, OpenBook, Resolution
from alexandria_pipeline.domain.resolution_stats import tally
from alexandria_pipeline.providers.transport.types import call_context
from alexandria_pipeline.stages.cascade import Answers, Cascade, store_resolution, worth_asking
from alexandria_pipeline.stages.runner import Done
from alexandria_pipeline.storage import figures
from alexandria_pipeline.storage import resolution as store
from alexandria_pipeline.storage.months import MonthHolder

BATCH = 64
PROGRESS_SECONDS = 5.0
CLOSED = "rejected in review; nobody is asked for it"

_Finished = tuple[list[OpenBook], Resolution]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Resolve(Cascade):
    """works without an ISBN → resolved, not_found or deferred books, with every attempt kept.

    `allowances`: requests a second of each service, for those who hold the time that a run took against what was possible.
    """

    language: str
    negative_life: timedelta
    books_in_flight: int
    allowances: Mapping[str, float] = field(default_factory=dict)
    name: str = "resolved_isbns"
    last: bool = True

    def __call__(self, months: Sequence[Month], holder: MonthHolder, done: Done) -> None:
        asyncio.run(_Run(self, months, holder, done).run())


@dataclass(slots=True)
class _MonthLeft:
    """What a month still waits for."""

    works: int
    counts: Counter[str] = field(default_factory=Counter)
    over: bool = False


class _Run:
    """One call of the stage: hands works to the cascade, collects resolutions, reports months as they are finished."""

    def __init__(self, stage: Resolve, months: Sequence[Month], holder: MonthHolder, done: Done) -> None:
        self._stage, self._months, self._holder, self._done = stage, months, holder, done
        self._left: dict[Month, _MonthLeft] = {}
        self._finished: asyncio.Queue[_Finished] = asyncio.Queue()
        self._revisions = stage.revisions()
        self._progress = _Progress(stage.name, 0)

    async def run(self) -> None:
        works, answers = await asyncio.to_thread(self._open_works)
        for month in self._months:
            self._left[month] = _MonthLeft(sum(any(book.month == month for book in books) for books in works))
        for month, left in self._left.items():
            if left.works == 0:
                await self._end(month)
        self._progress = _Progress(self._stage.name, sum(len(books) for books in works))
        speaker = asyncio.create_task(self._progress.speak())
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._write(len(works)))
                waiting = iter(works)
                for _ in range(min(len(works), self._stage.books_in_flight)):
                    tasks.create_task(self._take(waiting, answers))
        finally:
            speaker.cancel()

    def _open_works(self) -> tuple[list[list[OpenBook]], Mapping[int, Answers]]:
        """Books grouped by work (the same book in two months is one question), less those that nobody new can answer."""
        with self._stage.database.transaction() as tx:
            books = store.open_books(tx, self._months)
            answers = store.definite_answers(tx, [book.work_id for book in books], self._stage.negative_life)
        revisions = {
            r.declaration.name: self._revisions[r.declaration.name]
            for r in self._stage.resolvers
            if r.unavailable() is None
        }
        works: dict[int, list[OpenBook]] = defaultdict(list)
        for book in books:
            works[book.work_id].append(book)
        return [
            group for group in works.values() if worth_asking(group, answers.get(group[0].work_id, {}), revisions)
        ], answers

    async def _take(self, waiting: Iterator[list[OpenBook]], answers: Mapping[int, Answers]) -> None:
        """One place in flight: takes book after book until none is waiting."""
        for books in waiting:
            await self._finished.put((books, await self._resolve(books, answers.get(books[0].work_id, {}))))

    async def _resolve(self, books: list[OpenBook], answers: Answers) -> Resolution:
        book = books[0]
        if book.closed:
            return Resolution(BookOutcome.NOT_FOUND, reason=CLOSED)
        if book.known is not None:
            return Resolution(BookOutcome.RESOLVED, reason="known from another month or list")
        isbns = tuple(dict.fromkeys(isbn for each in books for isbn in each.isbns))
        query = replace(book.query(self._stage.language), isbns=isbns)
        run_id, stage = self._holder.run_id, self._stage.name
        with call_context(run_id=run_id, month=book.month, stage=stage, work_id=book.work_id):
            return await self._stage.ask(query, self._revisions, answers, book.work_id)

    async def _write(self, works: int) -> None:
        """The one writer: as many resolutions as are ready, at most BATCH, in one transaction."""
        while works:
            batch = [await self._finished.get()]
            while len(batch) < BATCH and not self._finished.empty():
                batch.append(self._finished.get_nowait())
            works -= len(batch)
            await self._store_all(batch)

    async def _store_all(self, batch: Sequence[_Finished]) -> None:
        """Stores a batch; if it is refused, each of its books alone, so that one bad book fails its own months only."""
        try:
            lost = await asyncio.to_thread(self._store, batch)
        except Exception as error:  # noqa: BLE001 - the months of this batch fail, the others go on
            if len(batch) > 1 and not isinstance(error, DatabaseUnavailable):
                for each in batch:
                    await self._store_all([each])
                return
            for month in _months_of(batch):
                await self._end(month, error)
        else:
            await self._note(batch, lost)

    def _store(self, batch: Sequence[_Finished]) -> set[Month]:
        with self._stage.database.transaction() as tx:
            owned = self._holder.owned(tx, _months_of(batch))
            for books, resolution in batch:
                mine = [book for book in books if book.month in owned]
                if mine:
                    store_resolution(tx, mine, resolution, self._holder.run_id)
        return _months_of(batch) - owned

    async def _note(self, batch: Sequence[_Finished], lost: set[Month]) -> None:
        for month in lost:
            await self._end(month, OwnershipLost(f"another run took over {month}"))
        for books, resolution in batch:
            counts = tally(resolution.attempts)
            self._progress.step(len(books), counts)
            for month in {book.month for book in books}:
                left = self._left[month]
                left.works -= 1
                left.counts[resolution.outcome.value] += sum(book.month == month for book in books)
                left.counts.update(counts)
                if left.works == 0:
                    await self._end(month)

    async def _end(self, month: Month, error: Exception | None = None) -> None:
        left = self._left[month]
        if not left.over:
            left.over = True
            # In a thread: the loop keeps the slots of everybody else meanwhile.
            await asyncio.to_thread(self._report, month, error)

    def _report(self, month: Month, error: Exception | None) -> None:
        self._done(month, error or {**self._standing(month), **self._left[month].counts})

    def _standing(self, month: Month) -> dict[str, int]:
        """What the month's books have come to, whether in this run or before; and the calls of this run."""
        with self._stage.database.transaction() as tx:
            figure = figures.of_months(tx, [month])[month]
            calls = store.calls(tx, month, self._holder.run_id, self._stage.name)
        standing = {"editions": figure.resolved, "books": figure.generated, "synthetic": figure.synthetic}
        return standing | {f"calls_{service}": count for service, count in calls.items()}


class _Progress:
    """Says every few seconds how far the books are, until it is cancelled."""

    def __init__(self, stage: str, total: int) -> None:
        self._stage, self._total, self._started = stage, total, time.monotonic()
        self._done = 0
        self._counts: Counter[str] = Counter()

    def step(self, books: int, counts: Counter[str]) -> None:
        self._done += books
        self._counts.update(counts)

    async def speak(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            log.info("%s: %s", self._stage, self._standing())

    def _standing(self) -> str:
        rate = self._done / (time.monotonic() - self._started)
        left = f", about {(self._total - self._done) / rate:.0f} s left" if rate else ""
        services = sorted(name.removeprefix("asked_") for name in self._counts if name.startswith("asked_"))
        answers = [f"{name} {self._counts[f'found_{name}']} of {self._counts[f'asked_{name}']}" for name in services]
        found = f"; found by {', '.join(answers)}" if answers else ""
        return f"{self._done} of {self._total} books, {rate:.1f} a second{left}{found}"


def _months_of(batch: Sequence[_Finished]) -> set[Month]:
    return {book.month for books, _ in batch for book in books}
