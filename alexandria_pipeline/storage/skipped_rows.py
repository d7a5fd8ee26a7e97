"""Rows of lists, catalogues and replies that were skipped, and listed ISBNs that could not be used: table `set_aside`."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alexandria_pipeline.domain.month import Month
    from alexandria_pipeline.domain.records import SkippedRow
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("skipped_rows")


def add(tx: Connection, rows: Iterable[SkippedRow]) -> list[SkippedRow]:
    """Stores skipped rows, once each; returns the new ones."""
    return [row for row in rows if tx.execute(_SQL["add"], _values(row)).rowcount]


def _values(row: SkippedRow) -> dict[str, Any]:
    digest = sha256(f"{row.reason}\n{row.excerpt}".encode(errors="replace")).hexdigest()[:16]
    return {
        "source": row.source,
        "digest": digest,
        "position": row.position,
        "reason": row.reason,
        "excerpt": row.excerpt,
        "year": row.month.year if row.month else None,
        "month": row.month.month if row.month else None,
        "part": row.part,
    }


def all_rows(tx: Connection) -> list[dict[str, Any]]:
    """All skipped rows (`part` "row") and rows whose ISBN could not be used ("isbn"), for people."""
    return tx.execute(_SQL["all"]).fetchall()


def count(tx: Connection, month: Month) -> tuple[int, int]:
    """The number of skipped rows of a month, and of rows whose ISBN could not be used."""
    row = tx.execute(_SQL["count"], {"year": month.year, "month": month.month}).fetchone()
    return (row["rows"], row["isbns"]) if row else (0, 0)


def of_month(tx: Connection, month: Month, limit: int) -> list[dict[str, Any]]:
    """At most `limit` skipped rows of a month: `source`, `position`, `reason`, `excerpt`, `part`."""
    return tx.execute(_SQL["of_month"], {"year": month.year, "month": month.month, "limit": limit}).fetchall()
