"""Reads works, editions, authors and months for the read API and the pages.

The database makes the JSON of works, editions and authors (the views work_item, edition_item, author_item): one statement
and one text for each, which the API passes on. Methods raise StorageError.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from psycopg.types.json import Jsonb

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from collections.abc import Mapping

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


@dataclass(frozen=True, slots=True)
class Item:
    """A work, an edition or an author: its `place` in lists, its key, and its JSON in the form of the read API."""

    place: Any
    key: str
    json: str

    @property
    def facts(self) -> dict[str, Any]:
        """The content of the JSON. Times are texts in ISO 8601."""
        facts: dict[str, Any] = orjson.loads(self.json)
        return facts


class Library:
    """The finished books of one database, read only."""

    def __init__(self, database: Database) -> None:
        self._database = database.reader(TIMEOUT)

    def works(self, wanted: WorkFilter, after: int, limit: int) -> list[Item]:
        """Returns up to `limit` works with an id above `after`, by id. Their place is the id."""
        name, values = _work_ids(wanted)
        if values.get("words") == "":
            return []
        # Without a prepared statement: a plan for any words would not use the index for rare ones.
        found = self._database.read(_SQL[name], {**values, "after": after, "limit": limit}, prepare=False)
        rows = self._database.read(_SQL["works"], {"work_ids": [row["work_id"] for row in found]}) if found else []
        return [Item(**row) for row in rows]

    def work(self, key: str) -> Item | None:
        """Returns the work of a key, current or retired, or None if there is none."""
        return self._item("work_of_key", {"key": key})

    def history(self, work_id: int) -> dict[str, Any]:
        """Returns how a work came to its facts: `attempts` (searches for its ISBN) and `changes`, newest first.

        Also its `authors` with their keys, and the sources of its fields (`provenance`) and of those of its editions, by ISBN
        (`edition_provenance`).
        """
        values = {"work_id": work_id}
        with self._database.transaction() as tx:
            found = tx.execute(_SQL["provenance"], values).fetchone()
            return {
                "provenance": found["provenance"] if found else {},
                "edition_provenance": found["of_editions"] if found else {},
                "authors": tx.execute(_SQL["authors_of_work"], values).fetchall(),
                "attempts": tx.execute(_SQL["attempts"], values).fetchall(),
                "changes": tx.execute(_SQL["log"], values).fetchall(),
            }

    def editions(self, identifier: Identifier | None, after: str, limit: int) -> list[Item]:
        """Returns up to `limit` editions with an ISBN above `after`, by ISBN."""
        values: dict[str, Any] = {"after": after, "limit": limit}
        if identifier is None:
            return self._items("editions", values)
        return self._items("editions_of_identifier", values | _sought(identifier))

    def edition(self, isbn13: Isbn13) -> Item | None:
        """Returns the edition of an ISBN, or None."""
        return self._item("edition", {"isbn13": isbn13})

    def cover(self, isbn13: Isbn13) -> Mapping[str, Any] | None:
        """Returns the stored cover of an edition or of its work (`url`, `source`, …), or None."""
        found = self._database.read(_SQL["cover"], {"isbn13": isbn13})
        return found[0]["cover"] if found else None

    def authors(self, words: str | None, after: str, limit: int) -> list[Item]:
        """Returns up to `limit` authors with a key above `after`, by key; `words` are of the name."""
        values = {"after": after, "limit": limit}
        if words is None:
            return self._items("authors", values)
        query = _tsquery(words)
        return self._items("authors_matching", values | {"words": query}) if query else []

    def author(self, key: str) -> Item | None:
        """Returns the author of a key, or None."""
        return self._item("author", {"key": key})

    def months(self, after: int, limit: int) -> list[Row]:
        """Returns up to `limit` months after year·100 + month, oldest first."""
        return self._database.read(_SQL["months"], {"after": after, "limit": limit})

    def month(self, month: Month) -> Row | None:
        """Returns a month with its `listed` books and the months `before` and `after` it, or None if it has no row."""
        with self._database.transaction() as tx:
            found = tx.execute(_SQL["months"], {"after": month.lock_key - 1, "limit": 1}).fetchone()
            if found is None or (found["year"], found["month"]) != (month.year, month.month):
                return None
            books = tx.execute(_SQL["books_of_month"], {"year": month.year, "month": month.month})
            near = tx.execute(_SQL["neighbours"], {"month": month.lock_key}).fetchone() or {}
            return found | {"listed": books.fetchall()} | {side: _month_of(near[side]) for side in ("before", "after")}

    def changes_end(self) -> ChangePlace:
        """Returns the place after every change that can be shown now."""
        with self._database.transaction() as tx:
            return _end(tx)

    def changes(self, after: ChangePlace | None, limit: int) -> tuple[list[Row], ChangePlace] | None:
        """Returns up to `limit` changes after a place (None: from the oldest one kept), and the place of the last one.

        None: the changes after this place are not known, because they were pruned or belong to another database.
        """
        with self._database.transaction() as tx:
            end = _end(tx)
            place = after or ChangePlace(end.epoch, "0", 0)
            values = {"xid": place.xid, "change_id": place.change_id, "limit": limit}
            lost = tx.execute(_SQL["changes_lost"], values).fetchone()
            if place.epoch != end.epoch or (after and lost and lost["lost"]):
                return None
            rows = tx.execute(_SQL["changes"], values).fetchall()
        return rows, ChangePlace(end.epoch, rows[-1]["xid"], rows[-1]["change_id"]) if rows else place

    def _items(self, name: str, values: Mapping[str, object]) -> list[Item]:
        # Lists without a prepared statement, as above.
        return [Item(**row) for row in self._database.read(_SQL[name], values, prepare=False)]

    def _item(self, name: str, values: Mapping[str, object]) -> Item | None:
        found = self._database.read(_SQL[name], values)
        return Item(**found[0]) if found else None


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
