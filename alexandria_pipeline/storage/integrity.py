"""Integrity of the library: how many rows break a rule, and some of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("integrity")


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows that break a rule, of how many, and at most ten of them."""

    broken: int
    of: int
    sample: tuple[str, ...] = ()


def count(tx: Connection, rule: str) -> Counted:
    """The rows that break a rule; the rules are the names of the queries in `integrity.sql`."""
    row = tx.execute(_SQL[rule]).fetchone()
    if row is None:
        raise AssertionError(f"{rule} counts nothing")
    return Counted(row["broken"], row["of"], tuple(row["sample"] or ()))


def runs_with_paid_calls(tx: Connection) -> int:
    """The number of runs that bought facts of editions."""
    row = tx.execute(_SQL["runs_with_paid_calls"]).fetchone()
    return int(row["runs"]) if row else 0


def some_works(tx: Connection, limit: int) -> list[int]:
    """Ids of enriched works, drawn at random."""
    return [row["work_id"] for row in tx.execute(_SQL["some_works"], {"limit": limit})]
