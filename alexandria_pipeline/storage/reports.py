"""The rows of the report: calls, costs and results. `operations.report` makes tables of them."""

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
    """Rows read in one transaction. `spent`: one row per month and service. `worked`: one time span per month and stage.

    Times are in seconds, costs in US dollars.
    """

    months: Sequence[dict[str, Any]]
    books: Sequence[MonthFigures]
    spent: Sequence[dict[str, Any]]
    worked: Sequence[dict[str, Any]]
    yields: Sequence[dict[str, Any]]
    generators: Sequence[dict[str, Any]]
    models: Sequence[dict[str, Any]]


def read(tx: Connection) -> RawFigures:
    """Reads all rows of the report."""
    names = ("months", "spent", "worked", "yields", "generators", "models")
    rows = {name: tx.execute(_SQL[name]).fetchall() for name in names}
    return RawFigures(books=figures.of_all_months(tx), **rows)
