"""The raw figures of the report: what was asked, what it cost, what it yielded. Shaping them is `stages.figures_report`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alexandria_pipeline.storage import figures
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.storage.database import Connection
    from alexandria_pipeline.storage.figures import MonthFigures

_SQL = Queries("reports")


@dataclass(frozen=True, slots=True)
class RawFigures:
    """One moment of the tables, as rows. `spent` has a row a month and service, `worked` a span of time a month and stage.

    Times are in seconds, money in US dollars.
    """

    months: Sequence[dict[str, Any]]
    books: Sequence[MonthFigures]
    spent: Sequence[dict[str, Any]]
    worked: Sequence[dict[str, Any]]
    yields: Sequence[dict[str, Any]]
    models: Sequence[dict[str, Any]]


def read(tx: Connection) -> RawFigures:
    """All figures of the report."""
    names = ("months", "spent", "worked", "yields", "models")
    rows = {name: tx.execute(_SQL[name]).fetchall() for name in names}
    return RawFigures(books=figures.of_all_months(tx), **rows)
