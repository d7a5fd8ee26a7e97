"""Imports the files of a dump: one process reads and unzips, one process per core parses and stores.

Memory is bounded by the blocks under way, one per process. A block that is stored already, with the same checksum, is not
parsed again: so an import resumes after a kill, whatever file name or stream the same lines come from.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from typing import Final
from uuid import UUID

from alexandria_pipeline.domain.errors import SourceError, StorageError
from alexandria_pipeline.operations.dump_import.author_names import write_names
from alexandria_pipeline.operations.dump_import.disk import after_failure, check_space
from alexandria_pipeline.operations.dump_import.options import EVERYTHING, ImportOptions
from alexandria_pipeline.operations.dump_import.reader import STANDARD_INPUT, Block, DumpFile
from alexandria_pipeline.operations.dump_import.worker import Done, Work, run, send_names
from alexandria_pipeline.operations.processes import available_cores
from alexandria_pipeline.storage.catalog_import import CatalogImport
from alexandria_pipeline.storage.database import Database

NAME: Final = "open-library"
"""The name of the catalogue that imports fill, in `catalog status` and `catalog drop`."""

_LEAST_LINES: Final = 100
_ORDER: Final = ("authors", "works", "editions")


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far a file is. `bytes_read` of `size` (None: unknown), as stored on disk; `lines` and `rejected` of all files."""

    file: str
    bytes_read: int
    size: int | None
    lines: int
    rejected: int


@dataclass(frozen=True, slots=True)
class ImportResult:
    """A finished import: rows (one per edition and ISBN), whether it resumed an earlier one, and its counts."""

    editions: int
    resumed: bool
    counts: dict[str, int] = field(default_factory=dict)


class _Changed(Exception):
    """The file is not the one whose blocks are stored."""


def import_dump(
    database: Database,
    files: Sequence[DumpFile],
    options: ImportOptions = EVERYTHING,
    on_progress: Callable[[ImportProgress], None] = lambda _: None,
    processes: int | None = None,
) -> ImportResult:
    """Replaces the imported catalogue by the content of the files; a failure changes nothing.

    Raises SourceError for a file that cannot be read to its end, StorageError when another import runs or the database refuses.
    """
    _check(files)
    team = processes or available_cores()
    staging = CatalogImport(database)
    signature = f"{options.signature} files={','.join(file.role for file in files)}"
    with staging.locked():
        resumed = staging.resume_or_start(signature)
        try:
            _store_all(database, staging, files, options, on_progress, team)
        except _Changed:
            if any(file.path == STANDARD_INPUT for file in files):
                staging.discard()
                raise SourceError(
                    "The input differs from the one of the unfinished import, which is now discarded: start again."
                ) from None
            resumed = False
            staging.start(signature)
            _store_all(database, staging, files, options, on_progress, team)
        except StorageError as error:
            raise after_failure(staging, error) from error
        counts = staging.counts()
        try:
            check_space(staging, staging.bytes_to_build())
            return ImportResult(staging.finish(NAME, [file.name for file in files], team), resumed, counts)
        except StorageError as error:
            raise after_failure(staging, error) from error


def _check(files: Sequence[DumpFile]) -> None:
    if not any(file.role == "editions" for file in files):
        raise SourceError("An import needs the file of editions: --editions FILE")
    if sum(file.path == STANDARD_INPUT for file in files) > 1:
        raise SourceError("Only one of the files can be standard input")


def _store_all(
    database: Database,
    staging: CatalogImport,
    files: Sequence[DumpFile],
    options: ImportOptions,
    on_progress: Callable[[ImportProgress], None],
    processes: int,
) -> None:
    total = ImportProgress("", 0, None, 0, 0)
    with _workers(database.conninfo, staging.import_id, options, processes) as team:
        for file in sorted(files, key=lambda each: _ORDER.index(each.role)):
            if file.role == "editions":
                team.learn_names(staging)
            size = file.size
            for done, position in team.stored(file, _new_blocks(staging, file)):
                total = ImportProgress(
                    file.name, position, size, total.lines + done.lines, total.rejected + done.rejected
                )
                _check_plausible(file, total)
                check_space(staging, 0)
                on_progress(total)
            on_progress(replace(total, file=file.name, bytes_read=size or 0, size=size))


def _check_plausible(file: DumpFile, total: ImportProgress) -> None:
    if total.lines >= _LEAST_LINES and total.rejected == total.lines:
        raise SourceError(
            f"{file.name} is no dump of Open Library: none of its first {total.lines:,} lines can be read (see: alexandria set-aside)"
        )


def _new_blocks(staging: CatalogImport, file: DumpFile) -> Iterator[Block]:
    stored = staging.blocks(file.role)
    for block in file.blocks():
        known = stored.get(block.number)
        if known is None:
            yield block
        elif known.checksum != block.checksum:
            raise _Changed


class _Team:
    """Worker processes and their pipes; each has at most one block."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._idle = list(pipes)
        self._busy: dict[Connection, int] = {}

    def stored(self, file: DumpFile, blocks: Iterator[Block]) -> Iterator[tuple[Done, int]]:
        """Stores the blocks; yields each answer with the position of its block in the file."""
        for block in blocks:
            if not self._idle:
                yield self._answer()
            pipe = self._idle.pop()
            pipe.send(Work(file.role, file.name, block))
            self._busy[pipe] = block.position
        while self._busy:
            yield self._answer()

    def learn_names(self, staging: CatalogImport) -> None:
        """Gives the names of the stored authors to all workers, which are idle. Without space for the file, the database adds them later."""
        with (
            contextlib.suppress(OSError),
            contextlib.closing(staging.author_names()) as rows,
            tempfile.TemporaryFile() as file,
        ):
            write_names(file, rows)
            for pipe in self._idle:
                send_names(pipe, file.fileno())

    def _answer(self) -> tuple[Done, int]:
        pipe = next(each for each in wait(list(self._busy)) if isinstance(each, Connection))
        try:
            done: Done = pipe.recv()
        except EOFError as error:
            raise StorageError(
                "A process of the import has ended unexpectedly: run the same command again to resume."
            ) from error
        if done.error:
            raise StorageError(
                f"The import stopped and the catalogue is unchanged: {done.error} The same command resumes it."
            )
        self._idle.append(pipe)
        return done, self._busy.pop(pipe)


@contextmanager
def _workers(address: str, import_id: UUID | None, options: ImportOptions, count: int) -> Iterator[_Team]:
    """Processes that end with the block. Spawned, not forked: a fork would keep the pipes of the others open."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=run, args=(theirs, address, import_id, options), daemon=True)
            process.start()
            theirs.close()
            pipes.append(ours)
            processes.append(process)
        yield _Team(pipes)
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join()
