"""Review: a person accepts or rejects an ISBN that matching could not decide, or that is wrong.

A decision is a row that no run overwrites. It takes effect at once, for the work, its books and the figures of their
months, in one transaction that locks these months. A month that a run owns is not changed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from alexandria_pipeline.domain.errors import InvalidValue, MonthOwned
from alexandria_pipeline.domain.explanations import explained
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.verdict import THRESHOLDS, RefusalReason
from alexandria_pipeline.domain.merging.claims import Judged
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import BookOutcome, Candidate, Contributor, KnownIsbn
from alexandria_pipeline.operations import library
from alexandria_pipeline.storage import figures, joining
from alexandria_pipeline.storage import months as month_log
from alexandria_pipeline.storage import resolution as editions
from alexandria_pipeline.storage import review as store
from alexandria_pipeline.storage.database import Connection, Database
from alexandria_pipeline.storage.review import ReviewDecision, ReviewedWork

REVIEW = "review"
CERTAIN = 100
MAX_UNDO = 10  # decisions of a person

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Review:
    """Review decisions on one database. All methods raise StorageError when the database fails."""

    database: Database

    def near_misses(self) -> list[dict[str, Any]]:
        """Returns works without an ISBN, each with a candidate that was nearly accepted, nearest first; JSON-ready."""
        with self.database.transaction() as tx:
            rows = store.near_misses(tx, THRESHOLDS["low"], RefusalReason.AMBIGUOUS.value)
        return [_near_miss(row) for row in rows]

    def refused_merges(self) -> list[dict[str, Any]]:
        """Returns pairs of works, then of authors, that may be one and that a person has to decide on: keys, titles, rule and guard."""
        with self.database.transaction() as tx:
            return [{"kind": kind, **pair} for kind in ("work", "author") for pair in joining.doubts(tx, kind)]

    def pair(self, kind: Judged, left: str, right: str) -> dict[str, Any]:
        """Returns both rows of a pair and what they would be as one, as `library.preview` does. Raises InvalidValue."""
        return library.preview(self.database, kind, left, right)

    def judge(
        self, kind: Judged, left: str, right: str, verdict: Literal["same", "different"], by: str, seen: int
    ) -> object:
        """Joins a pair or keeps it apart, as `library.judge` does. Raises InvalidValue."""
        return library.judge(self.database, kind, left, right, verdict, by, seen)

    def judgements(self, by: str) -> list[dict[str, Any]]:
        """Returns the newest judgements of this person about pairs, newest first."""
        return library.judgements(self.database, by)

    def undo_judgement(self, judgement_id: int, by: str) -> object:
        """Withdraws a judgement of this person about a pair, as `library.undo` does. Raises InvalidValue."""
        return library.undo(self.database, judgement_id, by)

    def conflicts(self, limit: int | None = None) -> list[dict[str, Any]]:
        """Returns the fields about which sources contradict each other, oldest first: kind, key, title, field, values and time."""
        with self.database.transaction() as tx:
            return joining.conflicts(tx, limit)

    def accept(self, work_key: str, isbn13: Isbn13, by: str, why: str = "", seen: int | None = None) -> ReviewedWork:
        """Gives the work this ISBN: promotes the work and resolves its books. No run changes it later.

        `seen`: the newest decision about the work that the person has seen (0: none). Raises InvalidValue when the work does not
        exist or has another ISBN, when the ISBN belongs to another work, or when there is a decision after `seen`; MonthOwned
        while a run owns a month of the work.
        """
        with self.database.transaction() as tx:
            work, months = _locked(tx, work_key, [isbn13], by)
            _refuse_unseen(tx, work, seen)
            if work.isbn13 not in (None, isbn13):
                raise InvalidValue(f"{work.work_key} already has the ISBN {work.isbn13}; reject that one first")
            edition = store.offered_edition(tx, work.work_id, isbn13) or _edition_of_review(work, isbn13)
            editions.add_edition(tx, work.work_id, edition)
            _reject_isbn_of_another_work(tx, work, isbn13)
            store.add_decision(tx, work.work_id, ReviewDecision("accepted", isbn13, by, why))
            editions.accept_isbn(tx, work.work_id, KnownIsbn(isbn13, CERTAIN, REVIEW))
            known = KnownIsbn(isbn13, CERTAIN, REVIEW)
            store.settle_books(tx, work.work_id, BookOutcome.RESOLVED, known, _reason("accepted", by, why))
            figures.recount(tx, months)
        log.info("%s accepted %s for %s", by, isbn13, work.work_key)
        return work

    def reject(
        self, work_key: str, isbn13: Isbn13 | None, by: str, why: str = "", seen: int | None = None
    ) -> ReviewedWork:
        """Bars the work from this ISBN for good. Without an ISBN, no service is asked for the work again.

        A work that has the rejected ISBN becomes synthetic again, and a later run searches for another ISBN. `seen` and
        MonthOwned: as in `accept`. Raises InvalidValue when the work does not exist, or when it has an ISBN and none is named.
        """
        with self.database.transaction() as tx:
            work, months = _locked(tx, work_key, [isbn13] if isbn13 else [], by)
            _refuse_unseen(tx, work, seen)
            if isbn13 is None and work.isbn13 is not None:
                raise InvalidValue(f"{work.work_key} has the ISBN {work.isbn13}; name it to reject it")
            store.add_decision(tx, work.work_id, ReviewDecision("rejected", isbn13, by, why))
            if isbn13 is None:
                store.settle_books(tx, work.work_id, BookOutcome.NOT_FOUND, None, _reason("rejected", by, why))
            elif isbn13 == work.isbn13:
                reason = f"{_reason(f'{isbn13} rejected', by, why)}; a later run searches for another"
                store.settle_books(tx, work.work_id, BookOutcome.DEFERRED, None, reason)
                store.demote(tx, work.work_id, isbn13)
            figures.recount(tx, months)
        log.info("%s rejected %s for %s", by, isbn13 or "every ISBN", work.work_key)
        return work

    def last(self, by: str, most: int = MAX_UNDO) -> list[dict[str, Any]]:
        """Returns the newest decisions of this person that have not been withdrawn, newest first."""
        with self.database.transaction() as tx:
            return store.last_decisions(tx, by, most)

    def undo(self, review_id: int, by: str) -> ReviewedWork:
        """Withdraws a decision of this person: the work and its books are as before.

        Raises InvalidValue when the decision is not one of the person's last ten, when the work has changed since, or when the
        decision took an ISBN from a work, because a run may search for another since; MonthOwned as `accept` does.
        """
        with self.database.transaction() as tx:
            decision = store.standing_decision(tx, review_id)
            if decision is None or review_id not in {
                row["review_id"] for row in store.last_decisions(tx, by, MAX_UNDO)
            }:
                raise InvalidValue(f"only the last {MAX_UNDO} decisions of {by} can be undone by {by}")
            work, months = _locked(tx, decision.work_key, [decision.isbn13] if decision.isbn13 else [], by)
            if not decision.newest:
                raise InvalidValue(f"a later decision about {work.title} stands; undo that one first")
            if decision.decision == "accepted" and decision.isbn13:
                if work.isbn13 != decision.isbn13 or not decision.restorable:
                    raise InvalidValue(f"{work.title} has changed since; reject the ISBN instead")
                store.restore_books(tx, review_id)
                store.demote(tx, work.work_id, decision.isbn13)
            elif decision.isbn13 is None:
                if work.isbn13 is not None or not decision.restorable:
                    raise InvalidValue(f"{work.title} has changed since; accept an ISBN instead")
                store.restore_books(tx, review_id)
            elif store.took_the_isbn(tx, review_id):
                raise InvalidValue(f"{work.title} lost its ISBN by this decision; accept {decision.isbn13} instead")
            store.withdraw(tx, review_id)
            figures.recount(tx, months)
        log.info("%s withdrew the decision %d about %s", by, review_id, work.work_key)
        return work


def _refuse_unseen(tx: Connection, work: ReviewedWork, seen: int | None) -> None:
    """Raises InvalidValue if there is a decision about the work that the person has not seen."""
    newest = store.newest(tx, work.work_id)
    if seen is None or newest is None or newest["review_id"] <= seen:
        return
    raise InvalidValue(
        f"{newest['decided_by']} has decided about {work.title} in the meantime:"
        f" {newest['isbn13'] or 'the work'} {newest['decision']}"
    )


def _locked(tx: Connection, work_key: str, isbns: Sequence[Isbn13], by: str) -> tuple[ReviewedWork, Sequence[Month]]:
    """Returns the work and its months, and locks these months, then the work and the owners of these ISBNs."""
    if not by.strip():
        raise InvalidValue("a decision needs the name of the person who makes it")
    work = store.find_work(tx, work_key)
    if work is None:
        raise InvalidValue(f"there is no work {work_key!r}; `alexandria books MONTH --json` shows the keys of a month")
    months = store.months_of(tx, work.work_id)
    taken = store.lock_months(tx, months)
    if taken:
        raise MonthOwned("; ".join(month_log.owners(tx, taken).values()))
    # Read again, behind the locks: the work may have been merged into another, or listed in another month.
    editions.lock_works(tx, [work_key], isbns)
    current = store.find_work(tx, work_key)
    if current is None or not set(store.months_of(tx, current.work_id)) <= set(months):
        raise MonthOwned(f"{work.work_key} is being changed by another process at this moment; try again in a minute")
    return current, months


def _reject_isbn_of_another_work(tx: Connection, work: ReviewedWork, isbn13: Isbn13) -> None:
    owner = editions.edition_owner(tx, isbn13)
    if owner is not None and owner.work_id != work.work_id:
        raise InvalidValue(
            f"{isbn13} belongs to another work, {owner.title!r} by {owner.author!r};"
            " if that is wrong, reject it there first"
        )


def _edition_of_review(work: ReviewedWork, isbn13: Isbn13) -> Candidate:
    """Builds an edition for an ISBN that no service offered; only its work is known."""
    return Candidate(REVIEW, isbn13, work.title, (Contributor(work.author),) if work.author else ())


def _reason(decision: str, by: str, why: str) -> str:
    return f"{decision} by {by} in review" + (f": {why}" if why else "")


def _near_miss(row: dict[str, Any]) -> dict[str, Any]:
    plain = {
        name: row[name]
        for name in ("work_key", "title", "author", "months", "isbn13", "provider", "confidence", "reason")
    }
    return {
        **plain,
        "words": explained("rejected", row["reason"], row["provider"]),
        "candidate": row["candidate"],
        "evidence": [dict(zip(("name", "detail", "points"), line, strict=True)) for line in row["evidence"]],
        "attempted_at": row["attempted_at"].isoformat(timespec="seconds"),
        "seen": row["seen"],
    }
