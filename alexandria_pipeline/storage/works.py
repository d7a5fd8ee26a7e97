"""Works: the permanent rows of listed books, first without an ISBN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("works")

SYNTHETIC_COMPLETENESS = 30


@dataclass(frozen=True, slots=True)
class BookWithoutWork:
    """A generated book that has no work yet."""

    book_id: int
    title: str
    author: str
    sources: tuple[str, ...]
    details: dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class StoredWork:
    """A work, with what the comparison with a book needs."""

    work_id: int
    title: str
    author: str
    title_key: str


@dataclass(frozen=True, slots=True)
class NewWork:
    """A work to be added. `sources`: the generators that listed it, the first one first. `details`: what each of them added."""

    work_key: str
    title: str
    author: str
    title_key: str
    author_key: str
    sources: tuple[str, ...]
    details: dict[str, dict[str, str]]


def books_without_work(tx: Connection, month: Month) -> list[BookWithoutWork]:
    """The generated books of a month that have no work."""
    rows = tx.execute(_SQL["books_without_work"], {"year": month.year, "month": month.month})
    return [
        BookWithoutWork(r["book_id"], r["title"], r["author"], tuple(dict.fromkeys(r["sources"])), r["details"])
        for r in rows
    ]


def works_like(tx: Connection, title_keys: Sequence[str], work_keys: Sequence[str]) -> list[StoredWork]:
    """The works with one of these title keys or keys; none of them is merged into another before `tx` ends."""
    rows = tx.execute(_SQL["works_like"], {"title_keys": list(title_keys), "work_keys": list(work_keys)})
    return [StoredWork(r["work_id"], r["title"], r["author"], r["title_key"]) for r in rows]


def add_work(tx: Connection, work: NewWork) -> int:
    """The id of a new synthetic work, or of the work that has or had the same key."""
    for query in ("alias", "work_by_key"):
        row = tx.execute(_SQL[query], {"work_key": work.work_key}).fetchone()
        if row is not None:
            return int(row["work_id"])
    values = {
        "work_key": work.work_key,
        "title": work.title,
        "author": work.author,
        "title_key": work.title_key,
        "author_key": work.author_key,
        "primary_provider": f"{work.sources[0] if work.sources else 'unknown'}-backfill",
        "completeness": SYNTHETIC_COMPLETENESS,
        "metadata": Jsonb({"listed_by": list(work.sources), "said": work.details}),
    }
    added = tx.execute(_SQL["add_work"], values).fetchone()
    # The key may have been retired while this transaction waited for the one that merged its work.
    retired = tx.execute(_SQL["alias"], {"work_key": work.work_key}).fetchone()
    if added is not None and retired is not None:
        tx.execute(_SQL["drop_new_work"], added)
    row = retired or added or tx.execute(_SQL["work_by_key"], {"work_key": work.work_key}).fetchone()
    if row is None:
        raise AssertionError("a work that conflicts with none was not stored")
    return int(row["work_id"])


def join_work(tx: Connection, book_id: int, work_id: int) -> None:
    """Links a book to its work. From here on the book cannot be lost."""
    tx.execute(_SQL["join_work"], {"book_id": book_id, "work_id": work_id})
