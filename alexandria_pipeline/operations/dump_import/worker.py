"""A process of an import: receives blocks through a pipe, parses them, stores them, and answers each with its lines.

It ends when the pipe closes, so it does not outlive the importer, even one that was killed.
"""

from __future__ import annotations

import contextlib
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from uuid import UUID

from alexandria_pipeline.domain.errors import AlexandriaError
from alexandria_pipeline.operations.dump_import.lines import parse_block
from alexandria_pipeline.operations.dump_import.options import ImportOptions
from alexandria_pipeline.operations.dump_import.reader import Block
from alexandria_pipeline.storage.catalog_import import CatalogImport, StoredBlock
from alexandria_pipeline.storage.database import Database


@dataclass(frozen=True, slots=True)
class Work:
    """A block of the file `name`."""

    role: str
    name: str
    block: Block


@dataclass(frozen=True, slots=True)
class Done:
    """A stored block: its lines and rejected lines. `error`: why it could not be stored."""

    lines: int
    rejected: int
    error: str = ""


def run(pipe: Connection, address: str, import_id: UUID | None, options: ImportOptions) -> None:
    """The life of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the importer ends on it and closes the pipe
    with Database(address, pool_size=1, application="alexandria import") as database:
        staging = CatalogImport(database, import_id)
        with contextlib.suppress(EOFError, BrokenPipeError):
            while True:
                pipe.send(_store(staging, pipe.recv(), options))


def _store(staging: CatalogImport, work: Work, options: ImportOptions) -> Done:
    block = work.block
    try:
        parsed = parse_block(work.name, block.data, block.first_line, options)
        stored = StoredBlock(block.checksum, block.lines)
        staging.store(work.role, block.number, stored, parsed.rows, parsed.rejected, parsed.counts)
    except AlexandriaError as error:
        return Done(0, 0, str(error))
    return Done(block.lines, parsed.counts["rejected"])
