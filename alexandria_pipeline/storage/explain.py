"""Explanations: the attempts, calls and decisions about books, as rows."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("explain")

Rows = list[dict[str, Any]]


def books_of_month(tx: Connection, month: Month) -> Rows:
    """The books of a month with the keys of their works."""
    return tx.execute(_SQL["works_of_month"], {"year": month.year, "month": month.month}).fetchall()


def books_of_work(tx: Connection, work_key: str) -> Rows:
    """The books of a work, by its current or a retired key."""
    return tx.execute(_SQL["works_of_key"], {"work_key": work_key}).fetchall()


def attempts(tx: Connection, work_ids: Collection[int]) -> Rows:
    """Attempts, in order, by `work_id`."""
    return tx.execute(_SQL["attempts"], {"work_ids": list(work_ids)}).fetchall()


def calls(tx: Connection, work_ids: Collection[int]) -> Rows:
    """HTTP attempts, in order, by `work_id`; responses from the cache have none."""
    return tx.execute(_SQL["calls"], {"work_ids": list(work_ids)}).fetchall()


def decisions(tx: Connection, work_ids: Collection[int]) -> Rows:
    """Review decisions, in order, by `work_id`."""
    return tx.execute(_SQL["decisions"], {"work_ids": list(work_ids)}).fetchall()
