"""Lets a person settle what matching left open: near misses, and ISBNs that prove to be wrong.

A decision is a row that no run overwrites. It takes effect at once, for the work, its books and the figures of their months, in
one transaction that holds those months: a month that a run owns is not touched.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alexandria_pipeline.domain.errors import InvalidValue, MonthOwned
from alexandria_pipeline.domain.explanations import explained
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.verdict import THRESHOLDS, RefusalReason
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import BookOutcome, Candidate, Contributor, KnownIsbn
from alexandria_pipeline.storage import figures
from alexandria_pipeline.storage import months as month_log
from alexandria_pipeline.storage import resolution as editions
from alexandria_pipeline.storage import review as store
from alexandria_pipeline.storage.database import Connection, Database
from alexandria_pipeline.storage.review import ReviewDecision, ReviewedWork

REVIEW = "review"
CERTAIN = 100

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Review:
    """The decisions of persons. All methods raise StorageError when the database says no."""

    database: Database

    def near_misses(self) -> list[dict[str, Any]]:
        """Works without an ISBN, each with a candidate that nearly was accepted, nearest first; JSON-ready."""
        with self.database.transaction() as tx:
            rows = store.near_misses(tx, THRESHOLDS["low"], RefusalReason.AMBIGUOUS.value)
        return [_near_miss(row) for row in rows]

    def accept(self, work_key: str, isbn13: Isbn13, by: str, why: str = "") -> ReviewedWork:
        """The ISBN is that of the work: the work is promoted, its books are resolved, and no run changes that.

        Raises InvalidValue when there is no such work, when it has another ISBN, or when the ISBN is another work's;
        MonthOwned while a run works on a month of the work.
        """
        with self.database.transaction() as tx:
            work, months = _held(tx, work_key, by)
            if work.isbn13 not in (None, isbn13):
                raise InvalidValue(f"{work.work_key} has the ISBN {work.isbn13} already; reject that one first")
            edition = store.offered_edition(tx, work.work_id, isbn13) or _unheard_of(work, isbn13)
            editions.add_edition(tx, work.work_id, edition)
            _refuse_a_second_work(tx, work, isbn13)
            store.add_decision(tx, work.work_id, ReviewDecision("accepted", isbn13, by, why))
            editions.accept_isbn(tx, work.work_id, KnownIsbn(isbn13, CERTAIN, REVIEW))
            known = KnownIsbn(isbn13, CERTAIN, REVIEW)
            store.settle_books(tx, work.work_id, BookOutcome.RESOLVED, known, _said("accepted", by, why))
            figures.recount(tx, months)
        log.info("%s accepted %s for %s", by, isbn13, work.work_key)
        return work

    def reject(self, work_key: str, isbn13: Isbn13 | None, by: str, why: str = "") -> ReviewedWork:
        """The ISBN is not that of the work, and no run gives it to it; without an ISBN: the work is not asked for again.

        A work that has the rejected ISBN is synthetic again, and a later run looks for a better one. Raises InvalidValue
        when there is no such work, or when a work that has an ISBN is rejected without naming it; MonthOwned as `accept`.
        """
        with self.database.transaction() as tx:
            work, months = _held(tx, work_key, by)
            if isbn13 is None and work.isbn13 is not None:
                raise InvalidValue(f"{work.work_key} has the ISBN {work.isbn13}; name it to reject it")
            store.add_decision(tx, work.work_id, ReviewDecision("rejected", isbn13, by, why))
            if isbn13 is None:
                store.settle_books(tx, work.work_id, BookOutcome.NOT_FOUND, None, _said("rejected", by, why))
            elif isbn13 == work.isbn13:
                reason = f"{_said(f'{isbn13} rejected', by, why)}; a later run looks for another"
                store.settle_books(tx, work.work_id, BookOutcome.DEFERRED, None, reason)
                store.demote(tx, work.work_id, isbn13)
            figures.recount(tx, months)
        log.info("%s rejected %s for %s", by, isbn13 or "every ISBN", work.work_key)
        return work


def _held(tx: Connection, work_key: str, by: str) -> tuple[ReviewedWork, Sequence[Month]]:
    """The work and its months, which no run can have until the transaction ends."""
    if not by.strip():
        raise InvalidValue("a decision needs the name of the person who makes it")
    work = store.find_work(tx, work_key)
    if work is None:
        raise InvalidValue(f"there is no work {work_key!r}; `alexandria books MONTH --json` shows the keys of a month")
    months = store.months_of(tx, work.work_id)
    taken = store.lock_months(tx, months)
    if taken:
        raise MonthOwned("; ".join(month_log.owners(tx, taken).values()))
    return work, months


def _refuse_a_second_work(tx: Connection, work: ReviewedWork, isbn13: Isbn13) -> None:
    owner = editions.edition_owner(tx, isbn13)
    if owner is not None and owner.work_id != work.work_id:
        raise InvalidValue(
            f"{isbn13} belongs to another work, {owner.title!r} by {owner.author!r};"
            " if that is wrong, reject it there first"
        )


def _unheard_of(work: ReviewedWork, isbn13: Isbn13) -> Candidate:
    """An ISBN that no service offered: all that is known of the edition is whose it is."""
    return Candidate(REVIEW, isbn13, work.title, (Contributor(work.author),) if work.author else ())


def _said(decision: str, by: str, why: str) -> str:
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
    }
