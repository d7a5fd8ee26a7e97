"""Looks up many books in the local catalogue: the same keys and the same judge as the resolver, in batches.

A batch is one statement for all questions; those that are not answered go into a second statement, by similarity. Large files
are answered by several processes.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Final

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.identical import quick_verdict
from alexandria_pipeline.domain.matching.verdict import Verdict, judge
from alexandria_pipeline.domain.records import BookQuery, Candidate
from alexandria_pipeline.storage.catalog_lookup import CatalogReader, Offer, catalog_reader
from alexandria_pipeline.storage.database import Database

_WORK: Final = "openlibrary_work"


@dataclass(frozen=True, slots=True)
class CatalogAnswer:
    """The answer to a question: `isbn13` is None when the judge is not sure; `work` is the key of the edition's work."""

    isbn13: Isbn13 | None
    confidence: int
    work: str | None


def answers(
    database: Database, batches: Iterable[Sequence[BookQuery]], processes: int = 1
) -> Iterator[list[CatalogAnswer]]:
    """The answers of each batch, in their order. With one process, a batch is answered before the next one is read."""
    if processes > 1:
        yield from _from_processes(database, batches, processes)
        return
    with catalog_reader(database) as reader:
        for batch in batches:
            yield look_up(reader, batch)


def look_up(reader: CatalogReader, questions: Sequence[BookQuery]) -> list[CatalogAnswer]:
    """The answers to the questions of one batch, in their order."""
    found = zip(questions, reader.same_title(questions), strict=True)
    given = [_of_same_title(query, offers) for query, offers in found]
    open_places = [place for place, answer in enumerate(given) if answer.isbn13 is None]
    if open_places:
        asked = [questions[place] for place in open_places]
        for place, query, offers in zip(open_places, asked, reader.similar_title(asked), strict=True):
            if offers:
                given[place] = _answer(judge(query, [each.candidate() for each in offers]))
    return given


def _from_processes(
    database: Database, batches: Iterable[Sequence[BookQuery]], processes: int
) -> Iterator[list[CatalogAnswer]]:
    """At most two batches a process are under way."""
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, context, _connect, (database.conninfo,)) as team:
        under_way: list[Future[list[CatalogAnswer]]] = []
        for batch in batches:
            under_way.append(team.submit(_look_up, batch))
            if len(under_way) > 2 * processes:
                yield under_way.pop(0).result()
        for each in under_way:
            yield each.result()


_reader: CatalogReader


def _connect(address: str) -> None:
    """Prepares a process of `answers`; its connection ends with it. Rows and caches are no garbage, and looking for it takes a fifth of the time."""
    global _reader  # noqa: PLW0603 - the state of a worker process
    gc.set_threshold(100_000)
    database = Database(address, pool_size=1, application="alexandria lookup")
    _reader = CatalogReader(database, database.session())


def _look_up(batch: Sequence[BookQuery]) -> list[CatalogAnswer]:
    return look_up(_reader, batch)


def _of_same_title(query: BookQuery, offers: Sequence[Offer]) -> CatalogAnswer:
    """The answer from editions in the order of preference: the first one settles it, unless another person's book is among them.

    Popular works have dozens of editions, and to judge all of them takes as many times as long.
    """
    if not offers:
        return CatalogAnswer(None, 0, None)
    first = offers[0].candidate()
    if len(offers) == 1 or len({each.first_person for each in offers}) == 1:
        quick = quick_verdict(query, first)
        if quick is not None and (quick.settled or len(offers) == 1):
            return CatalogAnswer(first.isbn13, quick.confidence, _work(first))
        verdict = judge(query, [first])
        if verdict.settled or len(offers) == 1:
            return _answer(verdict)
    return _answer(judge(query, [first, *(each.candidate() for each in offers[1:])]))


def _answer(verdict: Verdict) -> CatalogAnswer:
    if not verdict.accepted or verdict.candidate is None:
        return CatalogAnswer(None, verdict.confidence, None)
    return CatalogAnswer(verdict.candidate.isbn13, verdict.confidence, _work(verdict.candidate))


def _work(candidate: Candidate) -> str | None:
    return next((value for scheme, value in candidate.identifiers if scheme == _WORK), None)
