"""Persist: every generated book gets a work, with or without an ISBN. From here on no book can be lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from alexandria_pipeline.domain.errors import AlexandriaError
from alexandria_pipeline.domain.matching.deduplication import same_book
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.text.titles import author_key, synthetic_key, title_key
from alexandria_pipeline.stages.runner import Report
from alexandria_pipeline.storage import figures
from alexandria_pipeline.storage import works as store
from alexandria_pipeline.storage.database import Connection, Database
from alexandria_pipeline.storage.months import MonthHolder
from alexandria_pipeline.storage.works import BookWithoutWork, NewWork, StoredWork


@dataclass(frozen=True, slots=True)
class Persist:
    """generated books without a work → works (synthetic, completeness 30), one transaction per month."""

    database: Database
    name: str = "persisted_works"
    last: bool = False

    def __call__(self, months: Sequence[Month], holder: MonthHolder, report: Report) -> None:
        for month in months:
            try:
                counts = self._month(month, holder)
            except AlexandriaError as error:
                report(month, error)
            else:
                report(month, counts)

    def _month(self, month: Month, holder: MonthHolder) -> dict[str, int]:
        with self.database.transaction() as tx:
            books = store.books_without_work(tx, month)
            added = 0
            if books:
                holder.fence(tx, [month])
                added = _link(tx, books)
            works = figures.of_months(tx, [month])[month].works
        return {"works": works, "books_kept": len(books), "works_added": added}


def _link(tx: Connection, books: Sequence[BookWithoutWork]) -> int:
    """Links each book to its work and adds missing works; returns the number of works added."""
    works: dict[str, list[StoredWork]] = defaultdict(list)
    keys = [synthetic_key(book.title, book.author) for book in books]
    for work in store.works_like(tx, [title_key(book.title) for book in books], keys):
        works[work.title_key].append(work)
    added = 0
    for book in books:
        similar = works[title_key(book.title)]
        work_id = next((w.work_id for w in similar if same_book(book.title, book.author, w.title, w.author)), None)
        if work_id is None:
            work_id, added = store.add_work(tx, _new_work(book)), added + 1
            similar.append(StoredWork(work_id, book.title, book.author, title_key(book.title)))
        store.join_work(tx, book.book_id, work_id)
    return added


def _new_work(book: BookWithoutWork) -> NewWork:
    key = synthetic_key(book.title, book.author)
    return NewWork(
        key, book.title, book.author, title_key(book.title), author_key(book.author), book.sources, book.details
    )
