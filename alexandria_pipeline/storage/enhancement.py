"""Enhancement: synthetic works that are due for another search, and the months that change when one is found.

A run takes works by marking them as tried, in one statement that skips locked rows: two runs never take the same work. A
killed run leaves at most one batch of works waiting for their next turn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import BookOutcome, OpenBook
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("enhancement")


@dataclass(frozen=True, slots=True)
class TakenWork:
    """A work that this run tries; `tried_before` is restored when no service could be called."""

    work_id: int
    tried_before: datetime | None


def take_works(tx: Connection, limit: int, pause: timedelta, except_ids: Collection[int] = ()) -> list[TakenWork]:
    """Takes at most `limit` synthetic works that were not tried within `pause`, oldest first."""
    rows = tx.execute(_SQL["take"], {"limit": limit, "pause": pause, "except_ids": list(except_ids)}).fetchall()
    return [TakenWork(row["work_id"], row["tried_before"]) for row in rows]


def return_work(tx: Connection, work: TakenWork) -> None:
    """Restores the place of a work in the queue: it was not tried after all."""
    tx.execute(_SQL["return_work"], {"work_id": work.work_id, "tried_before": work.tried_before})


def books_of_works(tx: Connection, work_ids: Sequence[int]) -> dict[int, list[OpenBook]]:
    """work id → its books in all months, for works that are still synthetic."""
    books: dict[int, list[OpenBook]] = defaultdict(list)
    for row in tx.execute(_SQL["books_of_works"], {"work_ids": list(work_ids)}):
        books[row["work_id"]].append(_open_book(row))
    return dict(books)


def one_writer(tx: Connection) -> None:
    """Waits until no other enhancement is storing, and keeps others out until `tx` ends."""
    tx.execute(_SQL["one_writer"])


def free_months(tx: Connection, months: Collection[Month]) -> set[Month]:
    """The months that no run owns, and that none can claim before `tx` ends."""
    return {Month(row["year"], row["month"]) for row in tx.execute(_SQL["free_months"], _keys(months))}


def months_resolved_elsewhere(tx: Connection) -> list[Month]:
    """The months with books without an ISBN whose work has one through another month."""
    return [Month(row["year"], row["month"]) for row in tx.execute(_SQL["months_resolved_elsewhere"])]


def settle_month(tx: Connection, month: Month, reason: str) -> int:
    """Gives the books of a month the ISBNs that their works have; returns how many. `tx` holds the month."""
    at = {"year": month.year, "month": month.month}
    ids = [row["work_id"] for row in tx.execute(_SQL["lock_resolved"], at)]
    return tx.execute(_SQL["settle_month"], {**at, "work_ids": ids, "reason": reason}).rowcount


def synthetic_counts(tx: Connection, pause: timedelta) -> tuple[int, int]:
    """The number of synthetic works, and of those that are due."""
    row = tx.execute(_SQL["waiting"], {"pause": pause}).fetchone() or {"synthetic": 0, "due": 0}
    return row["synthetic"], row["due"]


def _keys(months: Collection[Month]) -> dict[str, list[int]]:
    wanted = sorted(months)
    return {"years": [m.year for m in wanted], "months": [m.month for m in wanted]}


def _open_book(row: dict[str, Any]) -> OpenBook:
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
    )
