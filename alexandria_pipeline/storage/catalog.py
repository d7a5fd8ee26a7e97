"""The local catalogue: editions loaded from files, found by title, author or ISBN."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import CatalogEntry, PartialDate
from alexandria_pipeline.domain.text.titles import author_key, title_key
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection, Database

_SQL = Queries("catalog")

LOAD_TIMEOUT = 3600.0  # seconds


@dataclass(frozen=True, slots=True)
class CatalogLoad:
    """A loaded file: `editions` usable rows, of which `added` were new, and skipped rows."""

    name: str
    editions: int
    skipped: int
    added: int


class Catalog:
    """The table `catalog_edition`, for the local-catalog provider."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def revision(self) -> str:
        """A version that changes with every loaded file."""
        row = self._database.fetch_one(_SQL["revision"])
        return str(row["revision"]) if row else "0"

    def empty(self) -> bool:
        """Whether no file was ever loaded."""
        return self.revision() == "0"

    def search(self, title: str, author: str, isbns: Sequence[Isbn13]) -> list[CatalogEntry]:
        """Editions that may be the book, most similar first; at most about 70."""
        values = {
            "title_key": title_key(title),
            "author_key": author_key(author),
            "isbns": [str(isbn) for isbn in isbns],
        }
        rows = self._database.fetch_all(_SQL["search"], values)
        return list({row["isbn13"]: _entry(row) for row in reversed(rows)}.values())[::-1]

    def edition(self, isbn13: Isbn13) -> CatalogEntry | None:
        """The edition of an ISBN; None if it is unknown."""
        row = self._database.fetch_one(_SQL["edition"], {"isbn13": isbn13})
        return _entry(row) if row else None

    def load(self, name: str, digest: str, entries: Iterable[CatalogEntry], skipped: int) -> CatalogLoad | None:
        """Adds editions in one transaction; None if a file with this content was loaded before."""
        usable = list({entry.isbn13: entry for entry in entries}.values())
        with self._database.transaction(timeout=LOAD_TIMEOUT) as tx:
            tx.execute(_SQL["lock"])
            values = {"name": name, "digest": digest, "editions": len(usable), "set_aside": skipped}
            row = tx.execute(_SQL["add_load"], values).fetchone()
            if row is None:
                return None
            tx.execute(_SQL["staging"])
            _copy(tx, usable, row["load_id"])
            added = tx.execute(_SQL["merge_staging"]).rowcount
        return CatalogLoad(name, len(usable), skipped, added)


def _copy(tx: Connection, entries: Iterable[CatalogEntry], load_id: int) -> None:
    with tx.cursor().copy(_SQL["copy_staging"]) as copy:
        for e in entries:
            copy.write_row((
                str(e.isbn13), e.title, e.author, str(e.published) if e.published else None, e.language, e.publisher,
                e.source, e.source_id, title_key(e.title), author_key(e.author), load_id,
            ))  # fmt: skip


def _entry(row: dict[str, str]) -> CatalogEntry:
    published = PartialDate(*map(int, row["published"].split("-"))) if row["published"] else None
    return CatalogEntry(
        Isbn13(row["isbn13"]),
        row["title"],
        row["author"],
        published,
        row["language"],
        row["publisher"],
        row["source"],
        row["source_id"],
    )
