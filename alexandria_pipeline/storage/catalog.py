"""The local catalogue: editions loaded from files, found by title, author or ISBN."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import CatalogEntry, CatalogWork, EditionFormat
from alexandria_pipeline.domain.text.titles import author_key, title_key
from alexandria_pipeline.storage.catalog_lookup import block_values
from alexandria_pipeline.storage.catalog_rows import dump_entry, dump_work, iso_date, lines, record_number
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
    """The tables of loaded files (`catalog_edition`) and of the imported dump (`catalog_dump_*`).

    `place` names the database of a catalogue that has its own. Revisions carry it, because answers are kept by revision, and those of
    another database's catalogue must not count as answers of this one.
    """

    def __init__(self, database: Database, place: str = "") -> None:
        self._database = database
        self._place = place

    def revision(self) -> str:
        """A version that changes with every loaded file, and differs between databases."""
        return f"{self._load()} {self._place}".strip()

    def empty(self) -> bool:
        """Whether no file was ever loaded."""
        return self._load() == "0"

    def _load(self) -> str:
        row = self._database.fetch_one(_SQL["revision"])
        return str(row["revision"]) if row else "0"

    def editions(self) -> int:
        """The number of editions in all loads."""
        row = self._database.fetch_one(_SQL["revision"])
        return int(row["editions"]) if row else 0

    def search(self, title: str, author: str, isbns: Sequence[Isbn13]) -> list[CatalogEntry]:
        """Editions that may be the book, of loaded files and of the dump, most similar first; at most about 110."""
        question = [(title, author)]
        found = [*self._search_files(title, author, isbns), *self.editions_by_isbn(isbns).values()]
        found += self.same_title(question)[0] + self.similar_title(question)[0]
        return list({(entry.isbn13, entry.source_id): entry for entry in reversed(found)}.values())[::-1]

    def same_title(self, questions: Sequence[tuple[str, str]]) -> list[list[CatalogEntry]]:
        """For each (title, author), editions of the dump with this title and surname: one statement for all questions."""
        return self._of_dump("same_title", questions)

    def similar_title(self, questions: Sequence[tuple[str, str]]) -> list[list[CatalogEntry]]:
        """For each (title, author), the 12 most similar editions of its blocks in the dump: one statement for all questions."""
        return self._of_dump("similar_title", questions)

    def _of_dump(self, query: str, questions: Sequence[tuple[str, str]]) -> list[list[CatalogEntry]]:
        values = block_values(questions)
        found: list[list[CatalogEntry]] = [[] for _ in questions]
        for row in self._database.fetch_all(_SQL[query], values):
            found[row["place"]].append(dump_entry(row))
        return found

    def editions_by_isbn(self, isbns: Sequence[Isbn13]) -> dict[Isbn13, CatalogEntry]:
        """The editions with these ISBNs: of the dump, else of loaded files.

        Of several records of the dump with one ISBN, the oldest record.
        """
        if not isbns:
            return {}
        rows = self._database.fetch_all(_SQL["dump_editions"], {"isbns": [int(isbn) for isbn in isbns]})
        loaded = self._database.fetch_all(_SQL["loaded_editions"], {"isbns": list(isbns)})
        return {Isbn13(row["isbn13"]): _entry(row) for row in loaded} | {
            entry.isbn13: entry for entry in map(dump_entry, reversed(rows))
        }

    def editions_of_work(self, work: str) -> list[CatalogEntry]:
        """All editions of a work ("OL7W") in the dump."""
        return [
            dump_entry(row)
            for row in self._database.fetch_all(_SQL["editions_of_work"], {"work_id": record_number(work)})
        ]

    def works(self, works: Sequence[str]) -> dict[str, CatalogWork]:
        """Works of the dump by key ("OL7W"); unknown ones are missing."""
        rows = self._database.fetch_all(_SQL["works"], {"work_ids": [record_number(work) for work in works]})
        return {work.key: work for work in map(dump_work, rows)}

    def sources(self) -> list[dict[str, Any]]:
        """Every load: `name`, `kind`, `editions`, `rejected`, `loaded_at`, `details`."""
        return self._database.fetch_all(_SQL["sources"])

    def sizes(self) -> dict[str, int]:
        """Bytes on disk of the loaded files (`file`) and of the imported dump (`dump`), with indexes."""
        return self._database.fetch_one(_SQL["sizes"]) or {}

    def drop(self, name: str) -> bool:
        """Removes the editions of the loads with this name; False when there is none."""
        with self._database.transaction(timeout=LOAD_TIMEOUT) as tx:
            tx.execute(_SQL["lock"])
            tx.execute(_SQL["drop_file"], {"name": name})
            kinds = {row["kind"] for row in tx.execute(_SQL["mark_dropped"], {"name": name}).fetchall()}
            if "dump" in kinds:
                tx.execute(_SQL["drop_dump"])
        return bool(kinds)

    def _search_files(self, title: str, author: str, isbns: Sequence[Isbn13]) -> list[CatalogEntry]:
        values = {
            "title_key": title_key(title),
            "author_key": author_key(author),
            "isbns": [str(isbn) for isbn in isbns],
        }
        rows = self._database.fetch_all(_SQL["search"], values)
        return list({row["isbn13"]: _entry(row) for row in reversed(rows)}.values())[::-1]

    def edition(self, isbn13: Isbn13) -> CatalogEntry | None:
        """The edition of an ISBN, of a loaded file or else of the dump; None if it is unknown."""
        row = self._database.fetch_one(_SQL["edition"], {"isbn13": isbn13})
        return _entry(row) if row else self.editions_by_isbn([isbn13]).get(isbn13)

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
            copy.write_row(
                (
                    str(e.isbn13),
                    e.title,
                    e.author,
                    str(e.published) if e.published else None,
                    e.language,
                    e.publisher,
                    e.source,
                    e.source_id,
                    e.subtitle,
                    e.format.value,
                    e.pages,
                    "\n".join(e.series) or None,
                    "\n".join(e.subjects) or None,
                    e.cover or None,
                    e.work or None,
                    e.first_year,
                    title_key(e.title),
                    author_key(e.author),
                    load_id,
                )
            )


def _entry(row: dict[str, Any]) -> CatalogEntry:
    return CatalogEntry(
        Isbn13(row["isbn13"]),
        row["title"],
        row["author"],
        iso_date(row["published"]),
        row["language"],
        row["publisher"],
        row["source"],
        row["source_id"],
        subtitle=row["subtitle"],
        format=EditionFormat(row["format"] or EditionFormat.UNKNOWN),
        pages=row["pages"],
        series=lines(row["series"]),
        subjects=lines(row["subjects"]),
        work=row["work"] or "",
        first_year=row["first_year"],
        cover=row["covers"] or "",
    )
