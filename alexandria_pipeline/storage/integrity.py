"""Integrity of the library: how many rows break a rule, and some of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import BookQuery, Candidate, Contributor, ContributorRole
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection, Row

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


@dataclass(frozen=True, slots=True)
class StatedOfListed:
    """A work whose ISBN only a list states, and the record of a service that has this ISBN."""

    work_key: str
    query: BookQuery
    record: Candidate


def stated_of_listed(tx: Connection) -> tuple[int, list[StatedOfListed]]:
    """The number of works whose ISBN only a list states, and the records that services have of these ISBNs."""
    row = tx.execute(_SQL["listed"]).fetchone() or {"works": 0}
    return row["works"], [_stated(each) for each in tx.execute(_SQL["stated_of_listed"])]


def _stated(row: Row) -> StatedOfListed:
    people = tuple(
        Contributor(each["name"], ContributorRole(each.get("role", "unknown"))) for each in row["stated_authors"]
    )
    isbn = Isbn13(row["isbn13"])
    record = Candidate(row["provider"], isbn, row["stated_title"], people)
    return StatedOfListed(row["work_key"], BookQuery(row["title"], row["author"], isbns=(isbn,)), record)


def some_works(tx: Connection, limit: int) -> list[int]:
    """Ids of enriched works, drawn at random."""
    return [row["work_id"] for row in tx.execute(_SQL["some_works"], {"limit": limit})]
