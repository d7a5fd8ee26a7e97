"""The staging tables of an import, and the build and swap of the catalogue's tables.

An import copies blocks of rows, each in one transaction with its mark, so that it resumes after a kill: whole editions into the new
table, beside the old one, the others into a staging table. `finish` completes the new tables and renames them in one transaction:
readers see the old catalogue or the new one. Which rows, and from where, is decided in `operations.dump_import`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from alexandria_pipeline.domain.errors import StorageError
from alexandria_pipeline.domain.records import SkippedRow
from alexandria_pipeline.storage import skipped_rows
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from uuid import UUID

    from alexandria_pipeline.storage.database import Connection, Database

_SQL = Queries("catalog_import")
LOST = "The staging tables of the import are gone."
_MOST_BUILDERS = 4  # each has a connection of the pool, and memory for its joins
_LOG_BYTES = 2**30  # max_wal_size of PostgreSQL


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A stored block of a file: the checksum of its text and its number of lines."""

    checksum: int
    lines: int


class CatalogImport:
    """The unfinished import of a database; at most one."""

    def __init__(self, database: Database, import_id: UUID | None = None) -> None:
        self._database = database
        self.import_id = import_id
        self._folder: Path | None = None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Excludes other imports until the block ends or this process dies. Raises StorageError when another one runs."""
        with self._database.session() as session:
            with self._database.translated():
                row = session.execute(_SQL["lock"]).fetchone()
            if row is None or not row["free"]:
                raise StorageError("Another import of the catalogue is running: wait until it ends, then try again.")
            yield

    def resume_or_start(self, options: str) -> bool:
        """Whether an unfinished import with the same options goes on; otherwise makes empty staging tables."""
        found = self._database.fetch_one(_SQL["state_exists"])
        if found and found["found"]:
            state = self._database.fetch_one(_SQL["state"])
            if state is not None and state["options"] == options:
                self.import_id = state["import_id"]
                return True
        self.start(options)
        return False

    def start(self, options: str) -> None:
        """Makes empty staging tables for a new import."""
        with self._database.transaction() as tx:
            tx.execute(_SQL["drop_staging"])
            tx.execute(_SQL["create_staging"])
            row = tx.execute(_SQL["start"], {"options": options}).fetchone()
        self.import_id = row["import_id"] if row else None

    def lost(self) -> bool:
        """Whether a crash of the server has emptied the staging tables."""
        found = self._database.fetch_one(_SQL["state_exists"])
        return bool(found and found["found"]) and self._database.fetch_one(_SQL["state"]) is None

    def free_bytes(self) -> int | None:
        """The free space on the disk of the database; None when the server is on another machine or does not tell its folder."""
        if self._folder is None:
            row = self._database.fetch_one(_SQL["folder"])
            self._folder = Path(row["folder"]) if row and row["folder"] else Path()
        try:
            found = os.statvfs(self._folder) if self._folder != Path() else None
        except OSError:
            return None
        return found.f_bavail * found.f_frsize if found else None

    def bytes_to_build(self) -> int:
        """An upper bound of the disk that `finish` needs: tables, indexes, and their write-ahead log until it is recycled."""
        row = self._database.fetch_one(_SQL["staged_bytes"])
        tables = int(row["bytes"]) if row else 0
        return tables + min(tables, _LOG_BYTES)

    def discard(self) -> None:
        """Removes the staging tables and gives their space back."""
        self._database.execute(_SQL["drop_staging"])

    def blocks(self, role: str) -> Mapping[int, StoredBlock]:
        """The stored blocks of a file, by number."""
        rows = self._database.fetch_all(_SQL["blocks"], {"role": role})
        return {row["number"]: StoredBlock(row["checksum"], row["lines"]) for row in rows}

    def store(
        self,
        role: str,
        number: int,
        block: StoredBlock,
        rows: Mapping[str, str],
        rejected: Iterable[SkippedRow],
        counts: Mapping[str, int],
    ) -> None:
        """Stores the rows of a block by table, as text of COPY, its rejected lines and its mark, in one transaction.

        Raises StorageError when a crash of the server has emptied the staging tables.
        """
        with self._database.transaction(timeout=0) as tx:
            tx.execute(_SQL["store_settings"])
            for table, text in rows.items():
                with tx.cursor().copy(_SQL[f"copy_{table}"]) as copy:
                    copy.write(text)
            skipped_rows.add(tx, rejected)
            values: dict[str, object] = {
                "role": role,
                "number": number,
                "checksum": block.checksum,
                "lines": block.lines,
            }
            values |= {"counts": Jsonb(dict(counts)), "import_id": self.import_id}
            if tx.execute(_SQL["add_block"], values).rowcount != 1:
                raise StorageError(LOST)

    def author_names(self) -> Generator[bytes, None, None]:
        """Number, hash of the surname and name of the stored authors, as lines of COPY. Holds a transaction until it is closed."""
        with self._database.transaction(timeout=0) as tx:
            self._check_still_there(tx)
            tx.execute(_SQL["build_settings"])
            tx.execute(_SQL["drop_old_authors"])
            tx.execute(_SQL["follow_redirects"])
            with tx.cursor().copy(_SQL["author_names"]) as copy:
                yield from map(bytes, copy)

    def counts(self) -> dict[str, int]:
        """The counts of all stored blocks."""
        return {row["key"]: row["total"] for row in self._database.fetch_all(_SQL["counts"])}

    def finish(self, name: str, files: Sequence[str], builders: int = 1) -> int:
        """Builds the new tables with some connections at once, then puts them in place of the old ones in one transaction.

        Can be repeated when it was cut off. Returns the number of rows (one per edition and ISBN).
        """
        counts, builders = self.counts(), min(builders, _MOST_BUILDERS)
        load = {
            "name": name,
            "rejected": counts.get("rejected", 0),
            "details": Jsonb({"counts": counts, "files": list(files)}),
        }
        self._run_together(
            builders, lambda: self._run("drop_old_authors", "follow_redirects"), lambda: self._run("drop_old_works")
        )
        if pages := self._staged_pages():
            self._run("know_authors")
            share = pages // builders + 1
            shares = [{"first": place * share, "end": (place + 1) * share} for place in range(builders)]
            self._run_together(builders, *(partial(self._run, "complete_editions", values=each) for each in shares))
        self._run("drop_old_editions")
        self._run_together(
            builders, lambda: self._run("index_editions"), lambda: self._run("build_works", "index_works_and_blocks")
        )
        with self._database.transaction(timeout=0) as tx:
            self._check_still_there(tx)
            row = tx.execute(_SQL["count_new"]).fetchone()
            editions = int(row["editions"]) if row else 0
            tx.execute(_SQL["swap"])
            tx.execute(_SQL["add_load"], {**load, "editions": editions})
            tx.execute(_SQL["drop_staging"])
        return editions

    def _staged_pages(self) -> int:
        row = self._database.fetch_one(_SQL["pages"])
        return int(row["pages"]) if row else 0

    def _check_still_there(self, tx: Connection) -> None:
        if tx.execute(_SQL["still_there"], {"import_id": self.import_id}).fetchone() is None:
            raise StorageError(LOST)

    def _run_together(self, builders: int, *jobs: Callable[[], None]) -> None:
        """Runs the jobs, `builders` at a time; raises the first error when all have ended."""
        with ThreadPoolExecutor(builders) as threads:
            for job in [threads.submit(job) for job in jobs]:
                job.result()

    def _run(self, *steps: str, values: Mapping[str, object] | None = None) -> None:
        """Runs steps of the build in one transaction."""
        with self._database.transaction(timeout=0) as tx:
            self._check_still_there(tx)
            tx.execute(_SQL["build_settings"])
            for step in steps:
                tx.execute(_SQL[step], values)
