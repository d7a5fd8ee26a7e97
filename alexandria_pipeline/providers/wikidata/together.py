"""One query for the questions about titles or names that wait at the same time, and the rows of each.

A row names the text that it was found by (`asked`). If that is missing, or the result may be cut, or the query fails, the
questions are asked in halves, at last alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from alexandria_pipeline.domain.service_answers import Answer, NotFound, Unavailable
from alexandria_pipeline.providers.wikidata.models import SparqlRow

Rows = Answer[tuple[SparqlRow, ...]]
Q = TypeVar("Q")


async def rows_of_each(
    questions: Sequence[Q],
    ask: Callable[[Sequence[Q]], Awaitable[Rows]],
    texts: Callable[[Q], Sequence[str]],
    limit: int,
) -> list[Rows]:
    """The rows of each question. `texts`: what it is found by; a result of `limit` rows may be cut."""
    rows = await ask(questions)
    if len(questions) == 1:
        return [rows]
    if isinstance(rows, NotFound | Unavailable):
        return [rows for _ in questions]
    if isinstance(rows, tuple) and len(rows) < limit and all(row.literal("asked") for row in rows):
        return [_found_by(rows, texts(question)) for question in questions]
    half = len(questions) // 2
    return [
        *await rows_of_each(questions[:half], ask, texts, limit),
        *await rows_of_each(questions[half:], ask, texts, limit),
    ]


def _found_by(rows: Sequence[SparqlRow], texts: Sequence[str]) -> Rows:
    return tuple(row for row in rows if row.literal("asked") in texts) or NotFound()
