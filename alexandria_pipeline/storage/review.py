"""Decisions of persons about works and their ISBNs: kept for ever, and read by every run. Deciding is `stages.review`."""

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
    """A work that a person speaks about."""

    work_id: int
    work_key: str
    title: str
    author: str
    isbn13: Isbn13 | None


@dataclass(frozen=True, slots=True)
class ReviewDecision:
    """What a person said: of one ISBN, or (`isbn13` None) of the work as a whole."""

    decision: Literal["accepted", "rejected"]
    isbn13: Isbn13 | None
    by: str
    why: str = ""


def work_of(tx: Connection, work_key: str) -> ReviewedWork | None:
    """The work of a key, also of a retired one; locked until the transaction ends."""
    row = tx.execute(_SQL["work"], {"work_key": work_key}).fetchone()
    if row is None:
        return None
    isbn13 = Isbn13(row["isbn13"]) if row["isbn13"] else None
    return ReviewedWork(row["work_id"], row["work_key"], row["title"], row["author"], isbn13)


def months_of(tx: Connection, work_id: int) -> list[Month]:
    """The months whose lists hold the work."""
    return [_month(row) for row in tx.execute(_SQL["months"], {"work_id": work_id})]


def hold(tx: Connection, months: Collection[Month]) -> list[Month]:
    """Keeps runs off these months until the transaction ends; returns those that a run has already."""
    return [_month(row) for row in tx.execute(_SQL["hold"], _keys(months))]


def decide(tx: Connection, work_id: int, said: ReviewDecision) -> None:
    """Keeps a decision."""
    values = {"isbn13": said.isbn13, "decision": said.decision, "decided_by": said.by, "why": said.why}
    tx.execute(_SQL["decide"], {"work_id": work_id, **values})


def rejected_isbns(tx: Connection, work_id: int) -> frozenset[str]:
    """The ISBNs that no run may give to this work."""
    return frozenset(row["isbn13"] for row in tx.execute(_SQL["rejected_isbns"], {"work_id": work_id}))


def near_misses(tx: Connection, low: int, ambiguous: str) -> list[dict[str, Any]]:
    """Refused candidates with at least `low` points, or refused as `ambiguous`, of works without an ISBN; nearest first."""
    return tx.execute(_SQL["near_misses"], {"low": low, "ambiguous": ambiguous}).fetchall()


def offered(tx: Connection, work_id: int, isbn13: Isbn13) -> Candidate | None:
    """The edition of this ISBN as a service last described it for this work."""
    row = tx.execute(_SQL["candidates"], {"work_id": work_id, "isbn13": isbn13}).fetchone()
    if row is None:
        return None
    facts = row["candidate"]
    second = facts.get("runner_up", {})
    if facts.get("isbn13") != isbn13 and second.get("isbn13") == isbn13:
        facts = second
    return edition_of(row["provider"], facts) if facts else None


def settle_books(tx: Connection, work_id: int, outcome: BookOutcome, known: KnownIsbn | None, reason: str) -> None:
    """All books of the work stand here now; `known` with `RESOLVED` only."""
    values = {"isbn13": known.isbn13, "provider": known.provider, "confidence": known.confidence} if known else {
        "isbn13": None, "provider": None, "confidence": None}  # fmt: skip
    tx.execute(_SQL["settle_books"], {"work_id": work_id, "outcome": outcome.value, "reason": reason, **values})


def demote(tx: Connection, work_id: int, isbn13: Isbn13) -> None:
    """The work is synthetic again and the ISBN nobody's; its books must have been settled before."""
    tx.execute(_SQL["demote"], {"work_id": work_id, "isbn13": isbn13})
    tx.execute(_SQL["delete_edition"], {"work_id": work_id, "isbn13": isbn13})


def refigure(tx: Connection, months: Collection[Month]) -> None:
    """Counts the figures of these months anew in `backfill_log`."""
    tx.execute(_SQL["refigure"], _keys(months))


def _keys(months: Collection[Month]) -> dict[str, list[int]]:
    return {"years": [m.year for m in months], "months": [m.month for m in months]}


def _month(row: dict[str, Any]) -> Month:
    return Month(row["year"], row["month"])
