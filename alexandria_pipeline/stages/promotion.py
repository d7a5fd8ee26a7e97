"""Promotion: stores the result of a search, and gives a found edition to its work. Used by the stages that search for ISBNs.

Everything that a search was based on may have changed while services were called: a person may have decided, another run may
have resolved the work, or the work may have been merged into another. So the works are locked and checked again here, in the
transaction that stores. Order of locks: months first, then works by id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.deduplication import same_book
from alexandria_pipeline.domain.matching.listed_isbns import LIST
from alexandria_pipeline.domain.matching.verdict import THRESHOLDS
from alexandria_pipeline.domain.records import BookOutcome, BookQuery, Candidate, KnownIsbn, OpenBook, Resolution
from alexandria_pipeline.storage import resolution as store
from alexandria_pipeline.storage import review, skipped_rows
from alexandria_pipeline.storage.database import Connection
from alexandria_pipeline.storage.resolution import LockedWork, LockedWorks

ISBN_TAKEN = "isbn-of-another-work"
ISBN_REJECTED = "rejected-in-review"
CLOSED = "rejected in review; no service is asked"
KNOWN_ELSEWHERE = "known from another month or list"
DEMOTED = "its ISBN was rejected in review meanwhile; a later run looks for another"


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The result of the search for one work. `decided`: the books whose outcome is set, if not all of `books`."""

    books: Sequence[OpenBook]
    resolution: Resolution
    decided: Sequence[OpenBook] | None = None


def is_same_work(query: BookQuery, confidence: int, owner: store.IsbnOwner | LockedWork) -> bool:
    """Whether a book and the work that has its ISBN are the same: by their names, or because both fit the ISBN very well."""
    if same_book(query.title, query.author, owner.title, owner.author):
        return True
    sure = (owner.known.confidence if owner.known else None) if isinstance(owner, LockedWork) else owner.confidence
    return min(confidence, sure or 0) >= THRESHOLDS["high"]


def store_results(tx: Connection, results: Sequence[SearchResult], run_id: str) -> None:
    """Stores the attempts, promotes works whose edition was found, and sets the outcomes of books.

    `tx` holds the months of the books.
    """
    keys = {result.books[0].work_key for result in results}
    locked = store.lock_works(tx, keys, {r.resolution.candidate.isbn13 for r in results if r.resolution.candidate})
    # In the order of ISBNs, so that two transactions that add the same ones do not wait for each other in a circle.
    for result in sorted(results, key=_isbn):
        work = locked.by_key(result.books[0].work_key)
        if work is not None:
            # An earlier result of this batch may have changed it.
            _store(tx, result, store.lock_works(tx, [result.books[0].work_key], _isbns(result)), run_id)


def _isbn(result: SearchResult) -> str:
    return "".join(_isbns(result))


def _isbns(result: SearchResult) -> list[Isbn13]:
    return [result.resolution.candidate.isbn13] if result.resolution.candidate else []


def _store(tx: Connection, result: SearchResult, locked: LockedWorks, run_id: str) -> None:
    book = result.books[0]
    work = locked.by_key(book.work_key)
    if work is None:
        return
    store.add_attempts(tx, book, work.work_id, result.resolution.attempts, run_id)
    _note_unused_isbns(tx, work.work_id, result.resolution)
    outcome, known, reason = _decision(tx, work, result, locked)
    if known is None:
        store.mark_tried(tx, work.work_id)
    for each in result.books if result.decided is None else result.decided:
        store.decide(tx, each.book_id, outcome, known, reason)


def _note_unused_isbns(tx: Connection, work_id: int, resolution: Resolution) -> None:
    """Notes the lines of lists whose ISBN was checked and is not taken."""
    for attempt in resolution.attempts:
        if attempt.provider == LIST and attempt.outcome == "rejected":
            listed = store.listings_with_isbns(tx, work_id)
            skipped_rows.add(tx, [replace(row, reason=f"ISBN not used: {attempt.reason}") for row in listed])


def _decision(
    tx: Connection, work: LockedWork, result: SearchResult, locked: LockedWorks
) -> tuple[BookOutcome, KnownIsbn | None, str]:
    """What follows from the result for the books of a work, as the work is now."""
    resolution = result.resolution
    if work.known is not None:
        return BookOutcome.RESOLVED, work.known, resolution.reason or KNOWN_ELSEWHERE
    if work.closed:
        return BookOutcome.NOT_FOUND, None, CLOSED
    if resolution.candidate is not None and resolution.confidence is not None:
        return _promote(tx, work, result.books[0], resolution.candidate, resolution.confidence, locked)
    if resolution.outcome is BookOutcome.RESOLVED:
        return BookOutcome.DEFERRED, None, DEMOTED
    return resolution.outcome, None, resolution.reason


def _promote(
    tx: Connection, work: LockedWork, book: OpenBook, edition: Candidate, confidence: int, locked: LockedWorks
) -> tuple[BookOutcome, KnownIsbn | None, str]:
    """Gives the work its edition, or merges it into the work that has it; not if that is another book."""
    rejected = review.rejected_isbns(tx, work.work_id)
    if edition.isbn13 in rejected:
        return BookOutcome.DEFERRED, None, f"{edition.provider}: {ISBN_REJECTED}"
    store.add_edition(tx, work.work_id, edition)
    found = KnownIsbn(edition.isbn13, confidence, edition.provider)
    owner_id = store.edition_owner(tx, edition.isbn13)
    if owner_id is None or owner_id.work_id == work.work_id:
        store.promote(tx, work.work_id, edition, confidence)
        return BookOutcome.RESOLVED, found, ""
    # Another transaction may have added the edition while this one waited: its work is not locked yet.
    owner = locked.by_id(owner_id.work_id) or store.lock_works(tx, [book.work_key], [edition.isbn13]).by_id(
        owner_id.work_id
    )
    if owner is None or not is_same_work(book.query(""), confidence, owner):
        return BookOutcome.NOT_FOUND, None, f"{edition.provider}: {ISBN_TAKEN}"
    if owner.closed or (owner.known is not None and owner.known.isbn13 in rejected):
        return BookOutcome.NOT_FOUND, None, f"{edition.provider}: {ISBN_TAKEN}"
    store.merge_works(tx, work.work_id, owner.work_id)
    if owner.known is None:
        store.promote(tx, owner.work_id, edition, confidence)
    return BookOutcome.RESOLVED, owner.known or found, ""
