"""One book down the cascade of services, and the storing of what came of it: shared by the stages that look for ISBNs.

A service whose definite no is still believed is not asked again; a service that could not answer leaves the book
deferred, never "not found". Which books are looked for, and when, is the stages' business.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from alexandria_pipeline.domain.errors import StorageError
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.deduplication import same_book
from alexandria_pipeline.domain.matching.verdict import THRESHOLDS, judge
from alexandria_pipeline.domain.records import (
    BookOutcome,
    BookQuery,
    Candidate,
    KnownIsbn,
    OpenBook,
    Resolution,
    ResolutionAttempt,
)
from alexandria_pipeline.domain.service_answers import Failed, Found, NotFound, Rejected, StepOutcome, Unavailable
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.spelling import is_misspelling
from alexandria_pipeline.providers.base import IsbnResolver
from alexandria_pipeline.storage import resolution as store
from alexandria_pipeline.storage import review
from alexandria_pipeline.storage.database import Connection, Database

ISBN_TAKEN = "isbn-of-another-work"
ISBN_REJECTED = "rejected-in-review"

Answers = Mapping[str, tuple[str, str]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cascade:
    """The services that are asked for an ISBN, in order."""

    database: Database
    resolvers: Sequence[IsbnResolver]

    def revisions(self) -> Mapping[str, str]:
        """The revision of every service's answers, now."""
        return {resolver.declaration.name: resolver.revision() for resolver in self.resolvers}

    async def ask(
        self, query: BookQuery, revisions: Mapping[str, str], answers: Answers | None = None, work_id: int | None = None
    ) -> Resolution:
        """One book down the cascade. `answers`: services whose definite no is still believed, by revision and reason.

        A right book in the wrong dress (a foreign edition, a recording) is kept in hand while the services that are
        left are asked for a better edition, and so is a title that only resembles: that one waits for services that could
        not answer, too. What one service told of an ISBN is known when the next one offers it.
        """
        told: dict[Isbn13, Candidate] = {}
        attempts: list[ResolutionAttempt] = []
        notes: list[tuple[str, StepOutcome]] = []
        in_hand: Found | None = None
        for resolver in self.resolvers:
            name, revision = resolver.declaration.name, revisions[resolver.declaration.name]
            believed = (answers or {}).get(name)
            if believed is not None and believed[0] == revision:
                notes.append((name, Rejected(believed[1]) if believed[1] else NotFound()))
                continue
            outcome = await self._step(resolver, query, in_hand, work_id, told)
            notes.append((name, outcome))
            if not (isinstance(outcome, Unavailable) and not outcome.temporary):
                attempts.append(_attempt(name, revision, outcome))
            if isinstance(outcome, Found):
                in_hand = _better(in_hand, outcome)
                if in_hand.verdict.settled:
                    break
        if in_hand is None or (not in_hand.verdict.sure and _waiting(notes)):
            return _unresolved(tuple(attempts), notes)
        return _resolved(in_hand, tuple(attempts))

    async def _step(
        self,
        resolver: IsbnResolver,
        query: BookQuery,
        in_hand: Found | None,
        work_id: int | None,
        told: dict[Isbn13, Candidate],
    ) -> StepOutcome:
        unavailable = resolver.unavailable()
        if unavailable is not None:
            return unavailable
        try:
            answer = await resolver.resolve(_as_found(query, in_hand))
        except StorageError:  # our own database is away: that says nothing about the service
            raise
        except Exception as error:  # a client with a fault costs its own answer, not the run
            log.exception("%s: unexpected %s", resolver.declaration.name, type(error).__name__)
            return Failed(f"unexpected {type(error).__name__}")
        if isinstance(answer, NotFound | Unavailable | Failed):
            return answer
        offered = [candidate.completed(told.get(candidate.isbn13)) for candidate in answer]
        told.update((candidate.isbn13, candidate) for candidate in offered)
        # In a thread: weighing a page takes milliseconds, in which other requests would miss their slots.
        return await asyncio.to_thread(self._weighed, query, offered, work_id)

    def _weighed(self, query: BookQuery, answer: Sequence[Candidate], work_id: int | None) -> Found | Rejected:
        outcome = _judged(query, answer)
        if isinstance(outcome, Found) and work_id is not None:
            return self._checked(outcome, query, answer, work_id)
        return outcome

    def _checked(self, found: Found, query: BookQuery, answer: Sequence[Candidate], work_id: int) -> Found | Rejected:
        """What the tables say to it: no ISBN that a person has refused for this work, and none of another work."""
        with self.database.transaction() as tx:
            refused = review.rejected_isbns(tx, work_id)
            outcome: Found | Rejected = found
            if found.candidate.isbn13 in refused:
                left = [candidate for candidate in answer if candidate.isbn13 not in refused]
                outcome = _judged(query, left) if left else Rejected(ISBN_REJECTED, found.candidate, found.verdict)
            if isinstance(outcome, Rejected):
                return outcome
            owner = store.edition_owner(tx, outcome.candidate.isbn13)
        if owner is None or owner.work_id == work_id or _same_work(query, outcome.verdict.confidence, owner):
            return outcome
        return Rejected(ISBN_TAKEN, outcome.candidate, outcome.verdict)


def _as_found(query: BookQuery, in_hand: Found | None) -> BookQuery:
    """The question as the edition in hand spells its title, where the listing has a slip that hides it from other services."""
    if in_hand is None or not is_misspelling(normalise(query.title), normalise(in_hand.candidate.title)):
        return query
    return replace(query, title=in_hand.candidate.title)


def _judged(query: BookQuery, answer: Sequence[Candidate]) -> Found | Rejected:
    verdict = judge(query, answer)
    if not verdict.accepted or verdict.candidate is None:
        return Rejected(verdict.reason.value if verdict.reason else "refused", verdict.candidate, verdict)
    return Found(verdict.candidate, verdict)


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


def _resolved(found: Found, attempts: tuple[ResolutionAttempt, ...]) -> Resolution:
    verdict = found.verdict
    return Resolution(BookOutcome.RESOLVED, attempts, found.candidate, verdict.confidence, verdict.evidence)


def _attempt(provider: str, revision: str, outcome: StepOutcome) -> ResolutionAttempt:
    match outcome:
        case Found(candidate, verdict):
            return ResolutionAttempt(
                provider, revision, "found", candidate.isbn13, verdict.confidence, "", verdict.evidence, candidate
            )
        case Rejected(reason, nearest, verdict):
            isbn13, confidence = nearest.isbn13 if nearest else None, verdict.confidence if verdict else None
            evidence, second = (verdict.evidence, verdict.runner_up) if verdict else ((), None)
            return ResolutionAttempt(
                provider, revision, "rejected", isbn13, confidence, reason, evidence, nearest, second
            )
        case NotFound():
            return ResolutionAttempt(provider, revision, "not_found")
        case Unavailable(reason):
            return ResolutionAttempt(provider, revision, "unavailable", reason=reason)
        case Failed(reason):
            return ResolutionAttempt(provider, revision, "failed", reason=reason)


def _waiting(notes: Sequence[tuple[str, StepOutcome]]) -> list[str]:
    """The services that could not answer and may do so later, with their reasons."""
    return [
        f"{name}: {o.reason}"
        for name, o in notes
        if isinstance(o, Failed) or (isinstance(o, Unavailable) and o.temporary)
    ]


def _unresolved(attempts: tuple[ResolutionAttempt, ...], notes: Sequence[tuple[str, StepOutcome]]) -> Resolution:
    """A definite no needs a definite no of every service that counts; anything else leaves the book for later."""
    refused = [f"{name}: {o.reason}" for name, o in notes if isinstance(o, Rejected)]
    silent = [f"{name}: {o.reason}" for name, o in notes if isinstance(o, Unavailable) and not o.temporary]
    if waiting := _waiting(notes):
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


def worth_asking(books: Sequence[OpenBook], answers: Answers, revisions: Mapping[str, str]) -> bool:
    """Whether anything could change: an undecided book, a work resolved elsewhere, or a service with no believed no.

    Of a work that a person has closed, only books that were never decided: they learn that it is closed.
    """
    if books[0].closed:
        return any(book.outcome is BookOutcome.PENDING for book in books)
    if books[0].known is not None or any(book.outcome is BookOutcome.PENDING for book in books):
        return True
    return any(name not in answers or answers[name][0] != revision for name, revision in revisions.items())


def store_resolution(
    tx: Connection,
    books: Sequence[OpenBook],
    resolution: Resolution,
    run_id: str,
    decided: Sequence[OpenBook] | None = None,
) -> None:
    """Keeps the attempts of a work, promotes it in place when it was found, and decides its `books` (at least one).

    `decided`: those of the books that are decided, if not all.
    """
    book = books[0]
    store.add_attempts(tx, book, resolution.attempts, run_id)
    outcome, reason, known = resolution.outcome, resolution.reason, book.known
    if resolution.candidate is not None:
        known, reason = _promote(tx, book, resolution)
        outcome = BookOutcome.RESOLVED if known else BookOutcome.NOT_FOUND
    elif known is None:
        store.tried(tx, book.work_id)
    for each in books if decided is None else decided:
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
