"""Resolution: the ISBNs of books, the attempts to find them, and the promotion of works."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from psycopg import Rollback
from psycopg.types.json import Jsonb

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import (
    BookOutcome,
    Candidate,
    Contributor,
    ContributorRole,
    EditionFormat,
    KnownIsbn,
    OpenBook,
    PartialDate,
    ResolutionAttempt,
    SkippedRow,
)
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("resolution")


def open_books(tx: Connection, months: Sequence[Month]) -> list[OpenBook]:
    """The books of these months that have a work and no ISBN, in the order of listing."""
    rows = tx.execute(_SQL["open_books"], {"years": [m.year for m in months], "months": [m.month for m in months]})
    return [_open_book(row) for row in rows]


def _open_book(row: dict[str, Any]) -> OpenBook:
    known = None if row["synthetic"] else KnownIsbn(Isbn13(row["isbn13"]), row["confidence"], row["resolved_by"])
    return OpenBook(
        row["book_id"],
        row["work_id"],
        row["work_key"],
        Month(row["year"], row["month"]),
        row["title"],
        row["author"],
        BookOutcome(row["outcome"]),
        row["reason"],
        tuple(map(Isbn13, row["isbns"])),
        known,
        row["closed"],
    )


def definite_answers(tx: Connection, work_ids: Sequence[int], life: timedelta) -> dict[int, dict[str, tuple[str, str]]]:
    """work id → service → (revision, reason) of every definite no that is younger than `life`."""
    answers: dict[int, dict[str, tuple[str, str]]] = defaultdict(dict)
    for row in tx.execute(_SQL["definite_answers"], {"work_ids": list(work_ids), "negative_life": life}):
        if row["outcome"] in ("not_found", "rejected"):
            answers[row["work_id"]][row["provider"]] = (row["provider_revision"], row["reason"])
    return answers


def add_attempts(
    tx: Connection, book: OpenBook, work_id: int, attempts: Sequence[ResolutionAttempt], run_id: str
) -> None:
    """Adds one row per attempt. `work_id`: the work of the book now."""
    rows = [
        {
            "work_id": work_id,
            "book_id": book.book_id,
            "run_id": run_id,
            "provider": a.provider,
            "provider_revision": a.provider_revision,
            "outcome": a.outcome,
            "isbn13": a.isbn13,
            "confidence": a.confidence,
            "reason": a.reason,
            "evidence": Jsonb([[e.name, e.detail, e.points] for e in a.evidence]),
            "candidate": Jsonb(_offered(a)),
        }
        for a in attempts
    ]
    if rows:
        tx.cursor().executemany(_SQL["add_attempt"], rows)


def _offered(attempt: ResolutionAttempt) -> dict[str, Any]:
    """The facts of the nearest candidate and of the runner-up, if there is one."""
    if attempt.candidate is None:
        return {}
    runner_up = {"runner_up": facts_of(attempt.runner_up)} if attempt.runner_up else {}
    return {**facts_of(attempt.candidate), **runner_up}


def facts_of(candidate: Candidate) -> dict[str, Any]:
    """The facts of an edition as stored in JSON; missing ones are omitted."""
    facts = {
        "isbn13": candidate.isbn13,
        "title": candidate.title,
        "subtitle": candidate.subtitle,
        "authors": [{"name": c.name, "role": c.role.value} for c in candidate.contributors],
        "published": str(candidate.published) if candidate.published else None,
        "language": candidate.language,
        "publisher": candidate.publisher,
        "format": candidate.format.value,
        "pages": candidate.pages,
        "identifiers": dict(candidate.identifiers),
        "first_published": candidate.first_published,
    }
    return {name: value for name, value in facts.items() if value}


def edition_of(provider: str, facts: Mapping[str, Any]) -> Candidate:
    """The candidate of stored facts; the inverse of `facts_of`."""
    named = [each if isinstance(each, dict) else {"name": each} for each in facts.get("authors", ())]
    return Candidate(
        provider,
        Isbn13(facts["isbn13"]),
        facts["title"],
        tuple(Contributor(each["name"], ContributorRole(each.get("role", "unknown"))) for each in named),
        facts.get("subtitle"),
        PartialDate(*map(int, facts["published"].split("-"))) if facts.get("published") else None,
        facts.get("first_published"),
        facts.get("language"),
        facts.get("publisher"),
        EditionFormat(facts.get("format", "unknown")),
        facts.get("pages"),
        identifiers=tuple(facts.get("identifiers", {}).items()),
    )


def decide(tx: Connection, book_id: int, outcome: BookOutcome, known: KnownIsbn | None, reason: str) -> None:
    """Sets the outcome of a book; `known` with `RESOLVED` only."""
    values = (
        {"isbn13": known.isbn13, "provider": known.provider, "confidence": known.confidence}
        if known
        else {"isbn13": None, "provider": None, "confidence": None}
    )
    tx.execute(_SQL["decide"], {"book_id": book_id, "outcome": outcome.value, "reason": reason, **values})


def mark_tried(tx: Connection, work_id: int) -> None:
    """Records that the search for a work had no result."""
    tx.execute(_SQL["tried"], {"work_id": work_id})


@dataclass(frozen=True, slots=True)
class IsbnOwner:
    """The work that has an ISBN."""

    work_id: int
    title: str
    author: str
    confidence: int | None


def edition_owner(tx: Connection, isbn13: Isbn13) -> IsbnOwner | None:
    """The work that has this ISBN; its edition is locked until the transaction ends."""
    row = tx.execute(_SQL["edition_owner"], {"isbn13": isbn13}).fetchone()
    return IsbnOwner(row["work_id"], row["title"], row["author"], row["confidence"]) if row else None


def other_listings(tx: Connection, isbn13: Isbn13, work_id: int | None) -> list[tuple[str, str]]:
    """Title and author of the listings that state this ISBN for other works."""
    values = {"isbns": [isbn13], "work_id": work_id}
    return [(row["title"], row["author"]) for row in tx.execute(_SQL["other_listings"], values)]


def listings_with_isbns(tx: Connection, work_id: int) -> list[SkippedRow]:
    """Where lists state the ISBNs of a work: source, line and month, with title and author; the reason is empty."""
    return [
        SkippedRow(
            row["source"],
            row["position"],
            "",
            f"{row['title']}\t{row['author']}\t{', '.join(row['isbns'])}",
            Month(row["year"], row["month"]),
            "isbn",
        )
        for row in tx.execute(_SQL["listings_with_isbns"], {"work_id": work_id})
    ]


@dataclass(frozen=True, slots=True)
class LockedWork:
    """A work as it is now. No other transaction changes it before this one ends. `closed`: a person has rejected it."""

    work_id: int
    title: str
    author: str
    known: KnownIsbn | None
    closed: bool


class LockedWorks:
    """Works that are locked, by id, and by the current and retired keys that lead to them."""

    def __init__(self, works: Mapping[int, LockedWork], ids: Mapping[str, int]) -> None:
        self._works, self._ids = works, ids

    def by_key(self, work_key: str) -> LockedWork | None:
        """The work of a key; None if it does not exist any more."""
        return self._works.get(self._ids.get(work_key, 0))

    def by_id(self, work_id: int) -> LockedWork | None:
        """The work of an id; None if it was not locked."""
        return self._works.get(work_id)


def lock_works(tx: Connection, work_keys: Collection[str], isbns: Collection[Isbn13]) -> LockedWorks:
    """Locks the works of these keys and the owners of these ISBNs, in the order of their ids.

    Every transaction that changes works locks the months first, then the works with this function, so that none waits for
    another in a circle. A key that was retired leads to the work that stays.
    """
    wanted = {"work_keys": sorted(work_keys), "isbns": sorted(isbns)}
    while True:
        with tx.transaction() as locks:
            ids = [row["work_id"] for row in tx.execute(_SQL["works_to_lock"], wanted)]
            rows = tx.execute(_SQL["lock_works"], {"work_ids": ids}).fetchall()
            again = [row["work_id"] for row in tx.execute(_SQL["works_to_lock"], wanted)]
            if again == [row["work_id"] for row in rows]:
                break
            # A work was merged, or an ISBN got its work, while this transaction waited: gives the locks back, which keeps
            # their order.
            raise Rollback(locks)
    closed = {row["work_id"] for row in tx.execute(_SQL["closed_works"], {"work_ids": ids})}
    keys = {row["work_key"]: row["work_id"] for row in tx.execute(_SQL["works_of_keys"], {"work_ids": ids})}
    return LockedWorks({row["work_id"]: _locked(row, row["work_id"] in closed) for row in rows}, keys)


def _locked(row: dict[str, Any], closed: bool) -> LockedWork:
    known = None if row["synthetic"] else KnownIsbn(Isbn13(row["isbn13"]), row["confidence"], row["resolved_by"])
    return LockedWork(row["work_id"], row["title"], row["author"], known, closed)


def add_edition(tx: Connection, work_id: int, edition: Candidate) -> None:
    """Adds the edition to the work. An ISBN that exists stays with its work: see `edition_owner`."""
    tx.execute(_SQL["add_edition"], _edition(work_id, edition))


def promote(tx: Connection, work_id: int, edition: Candidate, confidence: int) -> bool:
    """Promotes the synthetic work in place. False if it was resolved before."""
    values = {"work_id": work_id, "isbn13": edition.isbn13, "confidence": confidence, "provider": edition.provider}
    return tx.execute(_SQL["promote"], values).fetchone() is not None


def accept_isbn(tx: Connection, work_id: int, known: KnownIsbn) -> None:
    """Sets the ISBN of a work by a review decision; the edition must belong to the work."""
    values = {"isbn13": known.isbn13, "confidence": known.confidence, "provider": known.provider}
    tx.execute(_SQL["accept"], {"work_id": work_id, **values})


def _edition(work_id: int, edition: Candidate) -> dict[str, Any]:
    named = ("title", "subtitle", "publisher", "published", "language", "pages")
    given = [field for field in named if getattr(edition, field) is not None] + (
        ["authors"] if edition.contributors else []
    )
    return {
        "isbn13": edition.isbn13,
        "work_id": work_id,
        "title": edition.title,
        "subtitle": edition.subtitle,
        "authors": Jsonb([{"name": c.name, "role": c.role.value} for c in edition.contributors]),
        "publisher": edition.publisher,
        "published": str(edition.published) if edition.published else None,
        "language": edition.language,
        "format": edition.format.value,
        "pages": edition.pages,
        "identifiers": Jsonb(dict(edition.identifiers)),
        "provider": edition.provider,
        "provenance": Jsonb(dict.fromkeys(given, edition.provider)),
    }


def merge_works(tx: Connection, work_id: int, into: int) -> None:
    """Merges a work into another: everything of the first moves to the second; its key becomes an alias."""
    tx.execute(_SQL["retire_work"], {"work_id": work_id, "into": into})
    tx.execute(_SQL["delete_work"], {"work_id": work_id})


def call_counts(tx: Connection, month: Month, run_id: str, stage: str) -> dict[str, int]:
    """service → HTTP attempts of this stage of this run for the month."""
    values = {"year": month.year, "month": month.month, "run_id": run_id, "stage": stage}
    return {row["service"]: row["calls"] for row in tx.execute(_SQL["calls"], values)}


def confidences(tx: Connection, months: Sequence[Month]) -> dict[Month, list[int]]:
    """The confidence (0 to 100) of each resolved book, by month."""
    found: dict[Month, list[int]] = {month: [] for month in months}
    for row in tx.execute(
        _SQL["confidences"], {"years": [m.year for m in months], "months": [m.month for m in months]}
    ):
        found[Month(row["year"], row["month"])] += [row["confidence"]] * row["books"]
    return found
