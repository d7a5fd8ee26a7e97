"""Promotion: stores the result of a search, and gives a found edition to its work. Used by the stages that search for ISBNs."""

from __future__ import annotations

from collections.abc import Sequence

from alexandria_pipeline.domain.matching.deduplication import same_book
from alexandria_pipeline.domain.matching.verdict import THRESHOLDS
from alexandria_pipeline.domain.records import BookOutcome, BookQuery, KnownIsbn, OpenBook, Resolution
from alexandria_pipeline.storage import resolution as store
from alexandria_pipeline.storage.database import Connection

ISBN_TAKEN = "isbn-of-another-work"


def is_same_work(query: BookQuery, confidence: int, owner: store.IsbnOwner) -> bool:
    """Whether a book and the work that has its ISBN are the same: by their names, or because both fit the ISBN very well."""
    if same_book(query.title, query.author, owner.title, owner.author):
        return True
    return min(confidence, owner.confidence or 0) >= THRESHOLDS["high"]


def store_resolution(
    tx: Connection,
    books: Sequence[OpenBook],
    resolution: Resolution,
    run_id: str,
    decided: Sequence[OpenBook] | None = None,
) -> None:
    """Stores the attempts for a work, promotes it if an edition was found, and sets the outcome of its `books` (at least one).

    `decided`: the books whose outcome is set, if not all.
    """
    book = books[0]
    store.add_attempts(tx, book, resolution.attempts, run_id)
    outcome, reason, known = resolution.outcome, resolution.reason, book.known
    if resolution.candidate is not None:
        known, reason = _promote(tx, book, resolution)
        outcome = BookOutcome.RESOLVED if known else BookOutcome.NOT_FOUND
    elif known is None:
        store.mark_tried(tx, book.work_id)
    for each in books if decided is None else decided:
        store.decide(tx, each.book_id, outcome, known, reason)


def _promote(tx: Connection, book: OpenBook, resolution: Resolution) -> tuple[KnownIsbn | None, str]:
    """Gives the work its edition, or merges it into the work that has it. None and a reason if that is another book."""
    candidate, confidence = resolution.candidate, resolution.confidence
    if candidate is None or confidence is None:
        raise AssertionError("a resolved book has a candidate and a confidence")
    store.add_edition(tx, book.work_id, candidate)
    owner = store.edition_owner(tx, candidate.isbn13)
    if owner is not None and owner.work_id != book.work_id:
        if not is_same_work(book.query(""), confidence, owner):
            return None, f"{candidate.provider}: {ISBN_TAKEN}"
        if store.known_isbn(tx, book.work_id) is None:
            store.merge_works(tx, book.work_id, owner.work_id)
    else:
        store.promote(tx, book.work_id, candidate, confidence)
    return KnownIsbn(candidate.isbn13, confidence, candidate.provider), ""
