"""Looks up many books in the local catalogue: the same keys and the same judge as the resolver, in batches.

A batch is one statement for all questions; those without a sure answer go into a second statement, by similarity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.verdict import Verdict, judge
from alexandria_pipeline.domain.records import BookQuery, CatalogEntry
from alexandria_pipeline.providers.local_catalog import candidate
from alexandria_pipeline.storage.catalog import Catalog

BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class CatalogAnswer:
    """The answer to a question: `isbn13` is None when the judge is not sure; `work` is the key of the edition's work."""

    isbn13: Isbn13 | None
    confidence: int
    work: str | None


def look_up(catalog: Catalog, questions: Iterable[BookQuery], batch: int = BATCH) -> Iterator[CatalogAnswer]:
    """One answer per question, in their order, as soon as each batch is judged. Loaded files are asked one by one."""
    waiting = iter(questions)
    while chunk := list(islice(waiting, batch)):
        yield from look_up_batch(catalog, chunk)


def look_up_batch(catalog: Catalog, questions: Sequence[BookQuery]) -> list[CatalogAnswer]:
    """The answers to the questions of one batch."""
    asked = [(each.title, each.author) for each in questions]
    verdicts = [_verdict(query, found) for query, found in zip(questions, catalog.same_title(asked), strict=True)]
    unsure = [place for place, verdict in enumerate(verdicts) if not verdict.sure]
    if unsure:
        for place, found in zip(unsure, catalog.similar_title([asked[place] for place in unsure]), strict=True):
            second = _verdict(questions[place], found)
            if second.accepted or not verdicts[place].accepted:
                verdicts[place] = second
    return [_answer(verdict) for verdict in verdicts]


def _verdict(query: BookQuery, found: Sequence[CatalogEntry]) -> Verdict:
    return judge(query, [candidate(entry, rank) for rank, entry in enumerate(found)])


def _answer(verdict: Verdict) -> CatalogAnswer:
    if not verdict.accepted or verdict.candidate is None:
        return CatalogAnswer(None, verdict.confidence, None)
    works = [value for scheme, value in verdict.candidate.identifiers if scheme == "openlibrary_work"]
    return CatalogAnswer(verdict.candidate.isbn13, verdict.confidence, works[0] if works else None)
