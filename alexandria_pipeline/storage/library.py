"""Reads works, editions, authors and months for the read API, page by page.

Each method runs in its own transaction and raises StorageError. Rows are dicts; their names are those of the API's models.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg.types.json import Jsonb

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.storage.database import Connection, Database, Row

_SQL = Queries("library")

TIMEOUT: Final = 5.0  # seconds for a statement: a reader must not hold up the pipeline
LARGEST_ID: Final = 2**63 - 1
MAX_WORDS: Final = 8  # of a search
MIN_BEGINNING: Final = 3  # letters; fewer begin too many words of a million works
_WORD = re.compile(r"\w+")
_MARKS = re.compile(r"[\u0300-\u036f]")  # as in the function without_accents of the database


@dataclass(frozen=True, slots=True)
class Identifier:
    """The number of an edition in another catalogue, such as ("openlibrary", "OL7M")."""

    scheme: str
    value: str


@dataclass(frozen=True, slots=True)
class WorkFilter:
    """Which works are wanted: at most one field is set; none: all works. `words` are of the title and the author."""

    words: str | None = None
    month: Month | None = None
    isbn13: Isbn13 | None = None
    identifier: Identifier | None = None
    author: str | None = None


@dataclass(frozen=True, slots=True)
class ChangePlace:
    """A place in the feed of changes: the database, the number of the transaction, and the change within it."""

    epoch: str
    xid: str
    change_id: int


class Library:
    """The finished books of one database, read only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def works(self, wanted: WorkFilter, after: int, limit: int) -> list[Row]:
        """Returns up to `limit` works with an id above `after`, by id, each with its `editions`."""
        name, values = _work_ids(wanted)
        if values.get("words") == "":
            return []
        with self._database.transaction(timeout=TIMEOUT) as tx:
            # Without a prepared statement: a plan for any words would not use the index for rare ones.
            found = tx.execute(_SQL[name], {**values, "after": after, "limit": limit}, prepare=False)
            return _works(tx, [row["work_id"] for row in found])

    def work(self, key: str) -> Row | None:
        """Returns the work of a key, current or retired, with `editions` and `other_keys`; None if there is none."""
        with self._database.transaction(timeout=TIMEOUT) as tx:
            found = tx.execute(_SQL["work_of_key"], {"key": key}).fetchone()
            if found is None:
                return None
            (work,) = _works(tx, [found["work_id"]])
            retired = tx.execute(_SQL["other_keys"], {"work_id": found["work_id"]})
            return work | {"other_keys": [row["work_key"] for row in retired]}

    def history(self, work_id: int) -> dict[str, Any]:
        """Returns how a work came to its facts: `provenance`, `attempts` (searches for its ISBN) and `changes`, newest first.

        Also its `authors` with their keys.
        """
        with self._database.transaction(timeout=TIMEOUT) as tx:
            found = tx.execute(_SQL["provenance"], {"work_id": work_id}).fetchone()
            return {
                "provenance": found["provenance"] if found else {},
                "authors": tx.execute(_SQL["authors_of_work"], {"work_id": work_id}).fetchall(),
                "attempts": tx.execute(_SQL["attempts"], {"work_id": work_id}).fetchall(),
                "changes": tx.execute(_SQL["log"], {"work_id": work_id}).fetchall(),
            }

    def editions(self, identifier: Identifier | None, after: str, limit: int) -> list[Row]:
        """Returns up to `limit` editions with an ISBN above `after`, by ISBN."""
        values: dict[str, Any] = {"after": after, "limit": limit}
        if identifier is None:
            return self._all("editions", values)
        return self._all("editions_of_identifier", values | _sought(identifier))

    def edition(self, isbn13: Isbn13) -> Row | None:
        """Returns the edition of an ISBN, or None."""
        return self._one("edition", {"isbn13": isbn13})

    def authors(self, words: str | None, after: str, limit: int) -> list[Row]:
        """Returns up to `limit` authors with a key above `after`, by key; `words` are of the name."""
        values = {"after": after, "limit": limit}
        if words is None:
            return self._all("authors", values)
        query = _tsquery(words)
        return self._all("authors_matching", values | {"words": query}) if query else []

    def author(self, key: str) -> Row | None:
        """Returns the author of a key, or None."""
        return self._one("author", {"key": key})

    def months(self, after: int, limit: int) -> list[Row]:
        """Returns up to `limit` months after year·100 + month, oldest first."""
        return self._all("months", {"after": after, "limit": limit})

    def month(self, month: Month) -> Row | None:
        """Returns a month with its `listed` books and the months `before` and `after` it, or None if it has no row."""
        with self._database.transaction(timeout=TIMEOUT) as tx:
            found = tx.execute(_SQL["months"], {"after": month.lock_key - 1, "limit": 1}).fetchone()
            if found is None or (found["year"], found["month"]) != (month.year, month.month):
                return None
            books = tx.execute(_SQL["books_of_month"], {"year": month.year, "month": month.month})
            near = tx.execute(_SQL["neighbours"], {"month": month.lock_key}).fetchone() or {}
            return found | {"listed": books.fetchall()} | {side: _month_of(near[side]) for side in ("before", "after")}

    def changes_end(self) -> ChangePlace:
        """Returns the place after every change that can be shown now."""
        with self._database.transaction(timeout=TIMEOUT) as tx:
            return _end(tx)

    def changes(self, after: ChangePlace | None, limit: int) -> tuple[list[Row], ChangePlace] | None:
        """Returns up to `limit` changes after a place (None: from the oldest one kept), and the place of the last one.

        None: the changes after this place are not known, because they were pruned or belong to another database.
        """
        with self._database.transaction(timeout=TIMEOUT) as tx:
            end = _end(tx)
            place = after or ChangePlace(end.epoch, "0", 0)
            values = {"xid": place.xid, "change_id": place.change_id, "limit": limit}
            lost = tx.execute(_SQL["changes_lost"], values).fetchone()
            if place.epoch != end.epoch or (after and lost and lost["lost"]):
                return None
            rows = tx.execute(_SQL["changes"], values).fetchall()
        return rows, ChangePlace(end.epoch, rows[-1]["xid"], rows[-1]["change_id"]) if rows else place

    def _all(self, name: str, values: Mapping[str, object]) -> list[Row]:
        with self._database.transaction(timeout=TIMEOUT) as tx:
            return tx.execute(_SQL[name], values, prepare=False).fetchall()

    def _one(self, name: str, values: Mapping[str, object]) -> Row | None:
        with self._database.transaction(timeout=TIMEOUT) as tx:
            return tx.execute(_SQL[name], values).fetchone()


def _work_ids(wanted: WorkFilter) -> tuple[str, dict[str, Any]]:
    """The query for the ids of a filter, and its values."""
    if wanted.words is not None:
        return "work_ids_matching", {"words": _tsquery(wanted.words)}
    if wanted.month is not None:
        return "work_ids_of_month", {"year": wanted.month.year, "month": wanted.month.month}
    if wanted.isbn13 is not None:
        return "work_ids_of_isbn", {"isbn13": wanted.isbn13}
    if wanted.identifier is not None:
        return "work_ids_of_identifier", _sought(wanted.identifier)
    if wanted.author is not None:
        return "work_ids_of_author", {"author": wanted.author}
    return "work_ids", {}


def _works(tx: Connection, work_ids: Sequence[int]) -> list[Row]:
    if not work_ids:
        return []
    works = tx.execute(_SQL["works"], {"work_ids": list(work_ids)}).fetchall()
    editions = tx.execute(_SQL["editions_of_works"], {"work_ids": list(work_ids)}).fetchall()
    return [work | {"editions": [e for e in editions if e["work_id"] == work["work_id"]]} for work in works]


def _month_of(number: int | None) -> Month | None:
    return Month(number // 100, number % 100) if number else None


def _end(tx: Connection) -> ChangePlace:
    row = tx.execute(_SQL["changes_end"]).fetchone()
    assert row is not None  # noqa: S101 - a statement without a table has one row
    return ChangePlace(row["epoch"], row["xid"], LARGEST_ID)


def _tsquery(words: str) -> str:
    """All words, a last one of `MIN_BEGINNING` letters or more as the beginning of a word, without accents; empty without any word."""
    found = _WORD.findall(_MARKS.sub("", unicodedata.normalize("NFD", words)))[:MAX_WORDS]
    beginning = ":*" if found and len(found[-1]) >= MIN_BEGINNING else ""
    return " & ".join(f"'{word}'" for word in found) + beginning


def _sought(identifier: Identifier) -> dict[str, Any]:
    facts = Jsonb({identifier.scheme: identifier.value})
    return {"identifier": facts, "scheme": identifier.scheme, "value": identifier.value}
