"""Keeps every generated book as a work, with or without an ISBN. From here on no book can be lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from alexandria_pipeline.domain.errors import AlexandriaError
from alexandria_pipeline.domain.matching.deduplication import same_book
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.text.titles import author_key, synthetic_key, title_key
from alexandria_pipeline.stages.runner import Done
from alexandria_pipeline.storage import figures
from alexandria_pipeline.storage import works as store
from alexandria_pipeline.storage.database import Connection, Database
from alexandria_pipeline.storage.months import MonthHolder
from alexandria_pipeline.storage.works import NewWork, UnkeptBook, Work


@dataclass(frozen=True, slots=True)
class Persist:
    """generated books without a work → works (`synthetic`, completeness 30), one transaction a month."""

    database: Database
    name: str = "persisted_works"
    last: bool = False

    def __call__(self, months: Sequence[Month], holder: MonthHolder, done: Done) -> None:
        for month in months:
            try:
                counts = self._month(month, holder)
            except AlexandriaError as error:
                done(month, error)
            else:
                done(month, counts)

    def _month(self, month: Month, holder: MonthHolder) -> dict[str, int]:
        with self.database.transaction() as tx:
            books = store.books_without_work(tx, month)
            added = 0
            if books:
                holder.fence(tx, [month])
                added = _keep(tx, books)
            works = figures.of_months(tx, [month])[month].works
        return {"works": works, "books_kept": len(books), "works_added": added}


def _keep(tx: Connection, books: Sequence[UnkeptBook]) -> int:
    """Joins each book to its work, adding those that are new; returns how many were."""
    works: dict[str, list[Work]] = defaultdict(list)
    for work in store.works_like(tx, [title_key(book.title) for book in books]):
        works[work.title_key].append(work)
    added = 0
    for book in books:
        known = works[title_key(book.title)]
        work_id = next((w.work_id for w in known if same_book(book.title, book.author, w.title, w.author)), None)
        if work_id is None:
            work_id, added = store.add_work(tx, _new_work(book)), added + 1
            known.append(Work(work_id, book.title, book.author, title_key(book.title)))
        store.join_work(tx, book.book_id, work_id)
    return added


def _new_work(book: UnkeptBook) -> NewWork:
    key = synthetic_key(book.title, book.author)
    return NewWork(
        key, book.title, book.author, title_key(book.title), author_key(book.author), book.sources, book.details
    )
