"""Review decisions: stored for ever and read by every run. `operations.review` makes them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import BookOutcome, Candidate, KnownIsbn
from alexandria_pipeline.storage.queries import Queries
from alexandria_pipeline.storage.resolution import edition_of

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("review")


@dataclass(frozen=True, slots=True)
class ReviewedWork:
    """The work of a review decision."""

    work_id: int
    work_key: str
    title: str
    author: str
    isbn13: Isbn13 | None


@dataclass(frozen=True, slots=True)
class ReviewDecision:
    """A decision about one ISBN, or about the whole work (`isbn13` None)."""

    decision: Literal["accepted", "rejected"]
    isbn13: Isbn13 | None
    by: str
    why: str = ""


def find_work(tx: Connection, work_key: str) -> ReviewedWork | None:
    """The work of a key, current or retired."""
    row = tx.execute(_SQL["work"], {"work_key": work_key}).fetchone()
    if row is None:
        return None
    isbn13 = Isbn13(row["isbn13"]) if row["isbn13"] else None
    return ReviewedWork(row["work_id"], row["work_key"], row["title"], row["author"], isbn13)


def months_of(tx: Connection, work_id: int) -> list[Month]:
    """The months whose lists contain the work."""
    return [_month(row) for row in tx.execute(_SQL["months"], {"work_id": work_id})]


def lock_months(tx: Connection, months: Collection[Month]) -> list[Month]:
    """Locks these months against runs until the transaction ends; returns those that a run owns already."""
    return [_month(row) for row in tx.execute(_SQL["lock_months"], _keys(months))]


def add_decision(tx: Connection, work_id: int, decision: ReviewDecision) -> None:
    """Stores a decision."""
    values = {
        "isbn13": decision.isbn13,
        "decision": decision.decision,
        "decided_by": decision.by,
        "why": decision.why,
    }
    tx.execute(_SQL["decide"], {"work_id": work_id, **values})


@dataclass(frozen=True, slots=True)
class StandingDecision:
    """A decision that has not been withdrawn. `newest`: no later one stands for its work."""

    review_id: int
    work_key: str
    isbn13: Isbn13 | None
    decision: Literal["accepted", "rejected"]
    by: str
    newest: bool
    restorable: bool


def standing_decision(tx: Connection, review_id: int) -> StandingDecision | None:
    """The decision of this number, unless it has been withdrawn. `restorable`: the books before it are known and no others came since."""
    row = tx.execute(_SQL["decision"], {"review_id": review_id}).fetchone()
    if row is None:
        return None
    isbn13 = Isbn13(row["isbn13"]) if row["isbn13"] else None
    named = (row["review_id"], row["work_key"], isbn13, row["decision"], row["decided_by"])
    return StandingDecision(*named, newest=row["newest"], restorable=row["restorable"])


def withdraw(tx: Connection, review_id: int) -> None:
    """Stores that a decision is withdrawn by the person who made it."""
    tx.execute(_SQL["withdraw"], {"review_id": review_id})


def restore_books(tx: Connection, review_id: int) -> None:
    """Gives the books of a decision the outcomes that they had before it."""
    tx.execute(_SQL["restore_books"], {"review_id": review_id})


def took_the_isbn(tx: Connection, review_id: int) -> bool:
    """Whether books had the ISBN when this decision rejected it."""
    row = tx.execute(_SQL["took_the_isbn"], {"review_id": review_id}).fetchone()
    return row is not None


def last_decisions(tx: Connection, by: str, most: int) -> list[dict[str, Any]]:
    """The newest decisions of a person that stand, newest first."""
    return tx.execute(_SQL["last_decisions"], {"decided_by": by, "most": most}).fetchall()


def newest(tx: Connection, work_id: int) -> dict[str, Any] | None:
    """The newest row about a work: review_id, decided_by, decision and isbn13."""
    return tx.execute(_SQL["newest"], {"work_id": work_id}).fetchone()


def rejected_isbns(tx: Connection, work_id: int) -> frozenset[str]:
    """The ISBNs that no run may give to this work."""
    return frozenset(row["isbn13"] for row in tx.execute(_SQL["rejected_isbns"], {"work_id": work_id}))


def near_misses(tx: Connection, low: int, ambiguous: str) -> list[dict[str, Any]]:
    """Rejected candidates with a confidence of at least `low`, or rejected as `ambiguous`, of synthetic works; best first."""
    return tx.execute(_SQL["near_misses"], {"low": low, "ambiguous": ambiguous}).fetchall()


def offered_edition(tx: Connection, work_id: int, isbn13: Isbn13) -> Candidate | None:
    """The edition of this ISBN as a service last offered it for this work."""
    row = tx.execute(_SQL["candidates"], {"work_id": work_id, "isbn13": isbn13}).fetchone()
    if row is None:
        return None
    facts = row["candidate"]
    runner_up = facts.get("runner_up", {})
    if facts.get("isbn13") != isbn13 and runner_up.get("isbn13") == isbn13:
        facts = runner_up
    return edition_of(row["provider"], facts) if facts else None


def settle_books(tx: Connection, work_id: int, outcome: BookOutcome, known: KnownIsbn | None, reason: str) -> None:
    """Sets the outcome of all books of a work; `known` with `RESOLVED` only."""
    values = (
        {"isbn13": known.isbn13, "provider": known.provider, "confidence": known.confidence}
        if known
        else {"isbn13": None, "provider": None, "confidence": None}
    )
    tx.execute(_SQL["settle_books"], {"work_id": work_id, "outcome": outcome.value, "reason": reason, **values})


def demote(tx: Connection, work_id: int, isbn13: Isbn13) -> None:
    """Makes the work synthetic again and frees the ISBN. Its books must have been settled before."""
    tx.execute(_SQL["demote"], {"work_id": work_id, "isbn13": isbn13})
    tx.execute(_SQL["delete_edition"], {"work_id": work_id, "isbn13": isbn13})


def _keys(months: Collection[Month]) -> dict[str, list[int]]:
    return {"years": [m.year for m in months], "months": [m.month for m in months]}


def _month(row: dict[str, Any]) -> Month:
    return Month(row["year"], row["month"])
