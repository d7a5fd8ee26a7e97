"""Works: where a listed book is kept for good, first without an ISBN."""

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
class UnkeptBook:
    """A generated book that is not yet a work."""

    book_id: int
    title: str
    author: str
    sources: tuple[str, ...]
    details: dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Work:
    """A kept work, as far as deciding whether a book is this work needs it."""

    work_id: int
    title: str
    author: str
    title_key: str


@dataclass(frozen=True, slots=True)
class NewWork:
    """A work to be: its key, how it is found, who listed it (first one first), and what each of them said of it."""

    work_key: str
    title: str
    author: str
    title_key: str
    author_key: str
    sources: tuple[str, ...]
    details: dict[str, dict[str, str]]


def books_without_work(tx: Connection, month: Month) -> list[UnkeptBook]:
    """Generated books of a month that are not yet works."""
    rows = tx.execute(_SQL["books_without_work"], {"year": month.year, "month": month.month})
    return [
        UnkeptBook(r["book_id"], r["title"], r["author"], tuple(dict.fromkeys(r["sources"])), r["details"])
        for r in rows
    ]


def works_like(tx: Connection, title_keys: Sequence[str]) -> list[Work]:
    """Works whose titles have one of these keys."""
    rows = tx.execute(_SQL["works_like"], {"title_keys": list(title_keys)})
    return [Work(r["work_id"], r["title"], r["author"], r["title_key"]) for r in rows]


def add_work(tx: Connection, work: NewWork) -> int:
    """The number of a new synthetic work, or of the one that has or had the same key."""
    for query in ("alias", "work_by_key"):
        row = tx.execute(_SQL[query], {"work_key": work.work_key}).fetchone()
        if row is not None:
            return int(row["work_id"])
    values = {
        "work_key": work.work_key, "title": work.title, "author": work.author, "title_key": work.title_key,
        "author_key": work.author_key, "primary_provider": f"{work.sources[0] if work.sources else 'unknown'}-backfill",
        "completeness": SYNTHETIC_COMPLETENESS, "metadata": Jsonb({"listed_by": list(work.sources), "said": work.details}),
    }  # fmt: skip
    row = (
        tx.execute(_SQL["add_work"], values).fetchone()
        or tx.execute(_SQL["work_by_key"], {"work_key": work.work_key}).fetchone()
    )
    if row is None:
        raise AssertionError("a work that conflicts with none was not stored")
    return int(row["work_id"])


def join_work(tx: Connection, book_id: int, work_id: int) -> None:
    """From here on the book cannot be lost."""
    tx.execute(_SQL["join_work"], {"book_id": book_id, "work_id": work_id})
