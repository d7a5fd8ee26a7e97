"""Candidates for many questions to the local catalogue: one statement for a batch, one connection for all batches.

`storage.catalog` answers single questions with all that is known of an edition; here are only the columns that the judge reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg.rows import tuple_row

from alexandria_pipeline.domain.catalog_keys import asked_keys, author_hash, block, title_keys
from alexandria_pipeline.domain.records import BookQuery, Candidate
from alexandria_pipeline.domain.text.titles import author_key, title_key
from alexandria_pipeline.storage.catalog_rows import dump_candidate, file_candidate
from alexandria_pipeline.storage.queries import Queries, Query

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection, Database

_SQL = Queries("catalog")


class Offer(NamedTuple):
    """A row that may answer a question. `people`: the column of contributors, or the author of a loaded file."""

    read: Callable[[Sequence[Any], int], Candidate]
    row: Sequence[Any]
    rank: int
    people: str | None

    def candidate(self) -> Candidate:
        """The edition as the judge reads it."""
        return self.read(self.row, self.rank)

    @property
    def first_person(self) -> str:
        """Name and role of the person who is named first."""
        return "\t".join((self.people or "").partition("\n")[0].split("\t")[:2])


Found = list[list[Offer]]
"""What is offered for each question, in the order of the questions."""


class CatalogReader:
    """Asks the catalogue over one connection. `kinds`: what it holds, of "dump" and "file"."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self._database = database
        self._connection = connection
        connection.execute(_SQL["lookup_settings"])
        self.kinds = frozenset(row["kind"] for row in connection.execute(_SQL["sources"]).fetchall())

    def same_title(self, questions: Sequence[BookQuery]) -> Found:
        """Editions of the dump with this title and surname, and editions of loaded files with this or a similar title."""
        found: Found = [[] for _ in questions]
        if "dump" in self.kinds:
            keys, authors = _keys(questions)
            values = {
                "places": list(range(len(questions))),
                "titles": [each.title for each in keys],
                "authors": authors,
                "languages": [each.language for each in questions],
                "years": [each.year for each in questions],
            }
            for row in self._rows(_SQL["lookup_same"], values):
                found[row[0]].append(Offer(dump_candidate, row, len(found[row[0]]), row[6]))
        if "file" in self.kinds:
            values = {
                "places": list(range(len(questions))),
                "keys": [title_key(each.title) for each in questions],
                "names": [author_key(each.author) for each in questions],
            }
            for row in self._rows(_SQL["lookup_files"], values):
                found[row[0]].append(Offer(file_candidate, row, len(found[row[0]]), row[7]))
        return found

    def similar_title(self, questions: Sequence[BookQuery]) -> Found:
        """The six most similar editions of the dump in the blocks of each question."""
        found: Found = [[] for _ in questions]
        if "dump" not in self.kinds:
            return found
        values = block_values([(each.title, each.author) for each in questions]) | {
            "languages": [each.language for each in questions]
        }
        for row in self._rows(_SQL["lookup_similar"], values):
            found[row[0]].append(Offer(dump_candidate, row, len(found[row[0]]), row[6]))
        return found

    def _rows(self, query: Query, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        with self._database.translated(), self._connection.cursor(row_factory=tuple_row) as cursor:
            return cursor.execute(query, values, prepare=True).fetchall()


@contextmanager
def catalog_reader(database: Database) -> Iterator[CatalogReader]:
    """Yields a reader with a connection of its own."""
    with database.session() as connection, database.translated():
        yield CatalogReader(database, connection)


def block_values(questions: Sequence[tuple[str, str]]) -> dict[str, list[Any]]:
    """The parameters of the queries by blocks, for questions of title and author."""
    values: dict[str, list[Any]] = {
        name: []
        for name in (
            "places",
            "titles",
            "authors",
            "heads",
            "tails",
            "other_heads",
            "other_tails",
            "texts",
            "names",
        )
    }
    for place, (title, name) in enumerate(questions):
        keys, other = asked_keys(title)
        author = author_hash(name)
        row = (
            place,
            keys.title,
            author,
            block(author, keys.head),
            block(author, keys.tail),
            block(author, other.head),
            block(author, other.tail),
            title,
            name,
        )
        for column, value in zip(values.values(), row, strict=True):
            column.append(value)
    return values


def _keys(questions: Sequence[BookQuery]) -> tuple[list[Any], list[int]]:
    return [title_keys(each.title) for each in questions], [author_hash(each.author) for each in questions]
