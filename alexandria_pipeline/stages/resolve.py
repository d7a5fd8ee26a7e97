"""Finds the ISBN of every kept book, down the cascade of services, all books of all months in flight together.

Books stand at different services at any moment, so every service's allowance is used at once. What a service has
answered is never asked again while the answer is to be believed; a service that could not answer leaves the book
deferred, never "not found". Writing is done by one writer, in batches, each batch behind the fence of its months.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from alexandria_pipeline.domain.deduplication import same_book
from alexandria_pipeline.domain.errors import DatabaseUnavailable, OwnershipLost
from alexandria_pipeline.domain.matching import THRESHOLDS, judge
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.outcomes import BookOutcome, Failed, Found, NotFound, Rejected, StepOutcome, Unavailable
from alexandria_pipeline.domain.records import Attempt, BookQuery, KnownIsbn, OpenBook, Resolution
from alexandria_pipeline.providers.base import IsbnResolver
from alexandria_pipeline.providers.http import call_context
from alexandria_pipeline.stages.own import Done
from alexandria_pipeline.storage import figures
from alexandria_pipeline.storage import resolution as store
from alexandria_pipeline.storage.database import Connection, Database
from alexandria_pipeline.storage.months import MonthHolder

BATCH = 64
ISBN_TAKEN = "isbn-of-another-work"

Answers = Mapping[str, tuple[str, str]]
_Finished = tuple[list[OpenBook], Resolution]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Resolve:
    """works without an ISBN → resolved, not_found or deferred books, with every attempt kept."""

    database: Database
    resolvers: Sequence[IsbnResolver]
    language: str
    negative_life: timedelta
    books_in_flight: int
    name: str = "resolved_isbns"
    last: bool = True

    def __call__(self, months: Sequence[Month], holder: MonthHolder, done: Done) -> None:
        asyncio.run(_Run(self, months, holder, done).run())

    def revisions(self) -> Mapping[str, str]:
        """The revision of every service's answers, now."""
        return {resolver.info.name: resolver.revision() for resolver in self.resolvers}

    async def ask(
        self, query: BookQuery, revisions: Mapping[str, str], answers: Answers | None = None, work_id: int | None = None
    ) -> Resolution:
        """One book down the cascade. `answers`: services whose definite no is still believed, by revision and reason.

        A right book in the wrong dress (a foreign edition, a recording) is kept in hand while the services that are
        left are asked for a better edition.
        """
        attempts: list[Attempt] = []
        notes: list[tuple[str, StepOutcome]] = []
        in_hand: Found | None = None
        for resolver in self.resolvers:
            name, revision = resolver.info.name, revisions[resolver.info.name]
            believed = (answers or {}).get(name)
            if believed is not None and believed[0] == revision:
                notes.append((name, Rejected(believed[1]) if believed[1] else NotFound()))
                continue
            outcome = await self._step(resolver, query, work_id)
            notes.append((name, outcome))
            if not (isinstance(outcome, Unavailable) and not outcome.temporary):
                attempts.append(_attempt(name, revision, outcome))
            if isinstance(outcome, Found):
                in_hand = _better(in_hand, outcome)
                if in_hand.verdict.settled:
                    break
        return _resolved(in_hand, tuple(attempts)) if in_hand else _unresolved(tuple(attempts), notes)

    async def _step(self, resolver: IsbnResolver, query: BookQuery, work_id: int | None) -> StepOutcome:
        unavailable = resolver.unavailable()
        if unavailable is not None:
            return unavailable
        try:
            answer = await resolver.resolve(query)
        except Exception as error:  # a client with a fault costs its own answer, not the run
            log.exception("%s: unexpected %s", resolver.info.name, type(error).__name__)
            return Failed(f"unexpected {type(error).__name__}")
        if isinstance(answer, NotFound | Unavailable | Failed):
            return answer
        verdict = judge(query, answer)
        if not verdict.accepted or verdict.candidate is None:
            return Rejected(verdict.reason.value if verdict.reason else "refused", verdict.candidate, verdict)
        found = Found(verdict.candidate, verdict)
        if work_id is not None and await asyncio.to_thread(self._taken, found, query, work_id):
            return Rejected(ISBN_TAKEN, found.candidate, verdict)
        return found

    def _taken(self, found: Found, query: BookQuery, work_id: int) -> bool:
        with self.database.transaction() as tx:
            owner = store.edition_owner(tx, found.candidate.isbn13)
        return owner is not None and owner.work_id != work_id and not _same_work(query, found.verdict.confidence, owner)


def _same_work(query: BookQuery, confidence: int, owner: store.Owner) -> bool:
    """Whether a book and the work that already has its ISBN are one: by their names, or because both fit it very well."""
    if same_book(query.title, query.author, owner.title, owner.author):
        return True
    return min(confidence, owner.confidence or 0) >= THRESHOLDS["high"]


def _better(in_hand: Found | None, found: Found) -> Found:
    """The first settled edition; among the others, the one that fits best."""
    if in_hand is None or found.verdict.settled or found.verdict.confidence > in_hand.verdict.confidence:
        return found
    return in_hand


def _resolved(found: Found, attempts: tuple[Attempt, ...]) -> Resolution:
    verdict = found.verdict
    return Resolution(BookOutcome.RESOLVED, attempts, found.candidate, verdict.confidence, verdict.evidence)


def _attempt(provider: str, revision: str, outcome: StepOutcome) -> Attempt:
    match outcome:
        case Found(candidate, verdict):
            return Attempt(
                provider, revision, "found", candidate.isbn13, verdict.confidence, "", verdict.evidence, candidate
            )
        case Rejected(reason, nearest, verdict):
            isbn13, confidence = nearest.isbn13 if nearest else None, verdict.confidence if verdict else None
            return Attempt(
                provider, revision, "rejected", isbn13, confidence, reason, verdict.evidence if verdict else (), nearest
            )
        case NotFound():
            return Attempt(provider, revision, "not_found")
        case Unavailable(reason):
            return Attempt(provider, revision, "unavailable", reason=reason)
        case Failed(reason):
            return Attempt(provider, revision, "failed", reason=reason)


def _unresolved(attempts: tuple[Attempt, ...], notes: Sequence[tuple[str, StepOutcome]]) -> Resolution:
    """A definite no needs a definite no of every service that counts; anything else leaves the book for later."""
    waiting = [
        f"{name}: {o.reason}"
        for name, o in notes
        if isinstance(o, Failed) or (isinstance(o, Unavailable) and o.temporary)
    ]
    refused = [f"{name}: {o.reason}" for name, o in notes if isinstance(o, Rejected)]
    silent = [f"{name}: {o.reason}" for name, o in notes if isinstance(o, Unavailable) and not o.temporary]
    if waiting:
        return Resolution(BookOutcome.DEFERRED, attempts, reason="; ".join(waiting))
    if len(silent) == len(notes):
        return Resolution(
            BookOutcome.DEFERRED,
            attempts,
            reason="no service is available: " + ("; ".join(silent) or "none is configured"),
        )
    unknown = [name for name, o in notes if isinstance(o, NotFound)]
    reason = "; ".join([*refused, *([f"unknown to {', '.join(unknown)}"] if unknown else [])])
    return Resolution(BookOutcome.NOT_FOUND, attempts, reason=reason)


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
        self._turn = asyncio.Semaphore(stage.books_in_flight)
        self._revisions = stage.revisions()

    async def run(self) -> None:
        works, answers = await asyncio.to_thread(self._open_works)
        for month in self._months:
            self._left[month] = _MonthLeft(sum(any(book.month == month for book in books) for books in works))
        for month, left in self._left.items():
            if left.works == 0:
                self._end(month)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write(len(works)))
            for books in works:
                tasks.create_task(self._resolve(books, answers.get(books[0].work_id, {})))

    def _open_works(self) -> tuple[list[list[OpenBook]], Mapping[int, Answers]]:
        """Books grouped by work (the same book in two months is one question), less those that nobody new can answer."""
        with self._stage.database.transaction() as tx:
            books = store.open_books(tx, self._months)
            answers = store.definite_answers(tx, [book.work_id for book in books], self._stage.negative_life)
        revisions = {
            r.info.name: self._revisions[r.info.name] for r in self._stage.resolvers if r.unavailable() is None
        }
        works: dict[int, list[OpenBook]] = defaultdict(list)
        for book in books:
            works[book.work_id].append(book)
        return [
            group for group in works.values() if _worth_asking(group, answers.get(group[0].work_id, {}), revisions)
        ], answers

    async def _resolve(self, books: list[OpenBook], answers: Answers) -> None:
        async with self._turn:
            book = books[0]
            if book.known is not None:
                resolution = Resolution(BookOutcome.RESOLVED, reason="known from another month or list")
            else:
                query = book.query(self._stage.language)
                isbns = tuple(dict.fromkeys(isbn for each in books for isbn in each.isbns))
                with call_context(run_id=self._holder.run_id, month=book.month, stage=self._stage.name):
                    resolution = await self._stage.ask(
                        replace(query, isbns=isbns), self._revisions, answers, book.work_id
                    )
        await self._finished.put((books, resolution))

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
                self._end(month, error)
        else:
            self._note(batch, lost)

    def _store(self, batch: Sequence[_Finished]) -> set[Month]:
        with self._stage.database.transaction() as tx:
            owned = self._holder.owned(tx, _months_of(batch))
            for books, resolution in batch:
                mine = [book for book in books if book.month in owned]
                if mine:
                    _store_resolution(tx, mine, resolution, self._holder.run_id)
        return _months_of(batch) - owned

    def _note(self, batch: Sequence[_Finished], lost: set[Month]) -> None:
        for month in lost:
            self._end(month, OwnershipLost(f"another run took over {month}"))
        for books, resolution in batch:
            for month in {book.month for book in books}:
                left = self._left[month]
                left.works -= 1
                left.counts[resolution.outcome.value] += sum(book.month == month for book in books)
                left.counts.update(f"asked_{attempt.provider}" for attempt in resolution.attempts)
                if left.works == 0:
                    self._end(month)

    def _end(self, month: Month, error: Exception | None = None) -> None:
        left = self._left[month]
        if left.over:
            return
        left.over = True
        self._done(month, error or {**self._standing(month), **left.counts})

    def _standing(self, month: Month) -> dict[str, int]:
        """What the month's books have come to, whether in this run or before."""
        with self._stage.database.transaction() as tx:
            figure = figures.of_months(tx, [month])[month]
        return {"editions": figure.resolved, "books": figure.generated, "synthetic": figure.synthetic}


def _worth_asking(books: Sequence[OpenBook], answers: Answers, revisions: Mapping[str, str]) -> bool:
    """Whether anything could change: an undecided book, a work resolved elsewhere, or a service with no believed no."""
    if books[0].known is not None or any(book.outcome is BookOutcome.PENDING for book in books):
        return True
    return any(name not in answers or answers[name][0] != revision for name, revision in revisions.items())


def _months_of(batch: Sequence[_Finished]) -> set[Month]:
    return {book.month for books, _ in batch for book in books}


def _store_resolution(tx: Connection, books: Sequence[OpenBook], resolution: Resolution, run_id: str) -> None:
    book = books[0]
    store.add_attempts(tx, book, resolution.attempts, run_id)
    outcome, reason, known = resolution.outcome, resolution.reason, book.known
    if resolution.candidate is not None:
        known, reason = _promote(tx, book, resolution)
        outcome = BookOutcome.RESOLVED if known else BookOutcome.NOT_FOUND
    elif known is None:
        store.tried(tx, book.work_id)
    for each in books:
        store.decide(tx, each.book_id, outcome, known, reason)


def _promote(tx: Connection, book: OpenBook, resolution: Resolution) -> tuple[KnownIsbn | None, str]:
    """Gives the work its edition, or joins it to the work that has it; None when that is another book after all."""
    candidate, confidence = resolution.candidate, resolution.confidence
    if candidate is None or confidence is None:
        raise AssertionError("a resolved book has a candidate and a confidence")
    store.add_edition(tx, book.work_id, candidate)
    owner = store.edition_owner(tx, candidate.isbn13)
    if owner is not None and owner.work_id != book.work_id:
        if not _same_work(book.query(""), confidence, owner):
            return None, f"{candidate.provider}: {ISBN_TAKEN}"
        if store.known_isbn(tx, book.work_id) is None:
            store.merge_works(tx, book.work_id, owner.work_id)
    else:
        store.promote(tx, book.work_id, candidate, confidence)
    return KnownIsbn(candidate.isbn13, confidence, candidate.provider), ""
