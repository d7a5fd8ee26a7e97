"""Synthetic works whose turn it is to be looked for again, and the months that gain when one is found.

Taking a work is writing down that it is being tried, in one statement that skips what others hold: two runs side by side
never have the same work. A run that is killed leaves at most a portion of works to wait for their next turn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import BookOutcome, KnownIsbn, OpenBook
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("enhancement")


@dataclass(frozen=True, slots=True)
class TakenWork:
    """A work that this run tries; `tried_before` is what to go back to when nobody could be asked."""

    work_id: int
    tried_before: datetime | None


def take(tx: Connection, most: int, pause: timedelta, but: Collection[int] = ()) -> list[TakenWork]:
    """At most so many synthetic works (`but` these) that were not tried within `pause`, oldest first, now this run's."""
    rows = tx.execute(_SQL["take"], {"most": most, "pause": pause, "but": list(but)}).fetchall()
    return [TakenWork(row["work_id"], row["tried_before"]) for row in rows]


def give_back(tx: Connection, work: TakenWork) -> None:
    """The work was not tried after all: it keeps its place in the queue."""
    tx.execute(_SQL["give_back"], {"work_id": work.work_id, "tried_before": work.tried_before})


def books_of_works(tx: Connection, work_ids: Sequence[int]) -> dict[int, list[OpenBook]]:
    """work → its books in all months; without the works that are no longer synthetic."""
    books: dict[int, list[OpenBook]] = defaultdict(list)
    for row in tx.execute(_SQL["books_of_works"], {"work_ids": list(work_ids)}):
        books[row["work_id"]].append(_open_book(row))
    return dict(books)


def one_writer(tx: Connection) -> None:
    """Waits until no other enhancement is storing; holds until `tx` ends."""
    tx.execute(_SQL["one_writer"])


def free_months(tx: Connection, months: Collection[Month]) -> set[Month]:
    """Those of the months that no run owns, and none will before `tx` ends."""
    return {Month(row["year"], row["month"]) for row in tx.execute(_SQL["free_months"], _keys(months))}


def recount(tx: Connection, months: Collection[Month]) -> None:
    """The figures of `backfill_log`, counted from the books."""
    tx.execute(_SQL["recount"], _keys(months))


def resolved_elsewhere(tx: Connection) -> dict[Month, list[tuple[int, KnownIsbn]]]:
    """month → (book, what its work answers) of books without an ISBN whose work has one."""
    found: dict[Month, list[tuple[int, KnownIsbn]]] = defaultdict(list)
    for row in tx.execute(_SQL["resolved_elsewhere"]):
        known = KnownIsbn(Isbn13(row["isbn13"]), row["confidence"], row["resolved_by"])
        found[Month(row["year"], row["month"])].append((row["book_id"], known))
    return dict(found)


def waiting(tx: Connection, pause: timedelta) -> tuple[int, int]:
    """Synthetic works, and those of them whose turn it is."""
    row = tx.execute(_SQL["waiting"], {"pause": pause}).fetchone() or {"synthetic": 0, "due": 0}
    return row["synthetic"], row["due"]


def _keys(months: Collection[Month]) -> dict[str, list[int]]:
    wanted = sorted(months)
    return {"years": [m.year for m in wanted], "months": [m.month for m in wanted]}


def _open_book(row: dict[str, Any]) -> OpenBook:
    return OpenBook(
        row["book_id"], row["work_id"], row["work_key"], Month(row["year"], row["month"]), row["title"], row["author"],
        BookOutcome(row["outcome"]), row["reason"], tuple(map(Isbn13, row["isbns"])),
    )  # fmt: skip
