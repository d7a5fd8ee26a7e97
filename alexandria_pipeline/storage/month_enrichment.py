"""What the served rows of months were last computed from, and what the stage reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("month_enrichment")

LEVELS: Mapping[str, int] = {"enriched_editions": 1, "enriched_works": 2, "enriched_authors": 3}


class Inputs(NamedTuple):
    """Digests of what a month has: the books, claims and locks, and the rows that the stage writes."""

    given: str
    written: str


def inputs(tx: Connection, months: Sequence[Month], stage: str) -> dict[Month, Inputs]:
    """The digests of the months that have resolved books."""
    rows = tx.execute(_SQL["inputs"], {**_months(months), "level": LEVELS[stage]})
    return {Month(row["year"], row["month"]): Inputs(row["given"], row["written"]) for row in rows}


def known(tx: Connection, months: Sequence[Month], stage: str) -> dict[Month, tuple[str, dict[str, Any]]]:
    """What each month was last computed from, and the report."""
    rows = tx.execute(_SQL["known"], {**_months(months), "stage": stage})
    return {Month(row["year"], row["month"]): (row["inputs"], row["report"]) for row in rows}


def keep(tx: Connection, stage: str, computed: Mapping[Month, tuple[str, Mapping[str, Any]]]) -> None:
    """Stores what months were computed from, and the reports."""
    values = {
        **_months(list(computed)),
        "stage": stage,
        "inputs": [digest for digest, _ in computed.values()],
        "reports": [orjson.dumps(report, default=str).decode() for _, report in computed.values()],
    }
    tx.execute(_SQL["keep"], values)


def names_of_authors(tx: Connection, months: Sequence[Month]) -> list[tuple[str, str, Month]]:
    """Key, name and first month of the authors that the works of months are linked with."""
    rows = tx.execute(_SQL["names_of_authors"], _months(months))
    return [(row["author_key"], row["name"], Month(row["year"], row["month"])) for row in rows]


def _months(months: Sequence[Month]) -> dict[str, list[int]]:
    return {"years": [month.year for month in months], "months": [month.month for month in months]}
