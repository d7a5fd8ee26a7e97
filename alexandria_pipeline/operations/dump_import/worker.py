"""A process of an import: receives blocks through a pipe, parses them, stores them, and answers each with its lines.

It ends when the pipe closes, so it does not outlive the importer, even one that was killed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
from dataclasses import dataclass
from multiprocessing.connection import Connection
from uuid import UUID

from alexandria_pipeline.domain.errors import AlexandriaError
from alexandria_pipeline.operations.dump_import.author_names import AuthorNames
from alexandria_pipeline.operations.dump_import.fields import copy_text
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
class NamesFollow:
    """The descriptor of the file of author names is the next thing in the pipe."""


@dataclass(frozen=True, slots=True)
class Done:
    """A stored block: its lines and rejected lines. `error`: why it could not be stored."""

    lines: int
    rejected: int
    error: str = ""


def send_names(pipe: Connection, descriptor: int) -> None:
    """Gives a worker the file of author names."""
    pipe.send(NamesFollow())
    with socket.socket(fileno=os.dup(pipe.fileno())) as sender:
        socket.send_fds(sender, [b"."], [descriptor])


def _received_names(pipe: Connection) -> AuthorNames:
    with socket.socket(fileno=os.dup(pipe.fileno())) as receiver:
        descriptor = socket.recv_fds(receiver, 1, 1)[1][0]
    try:
        return AuthorNames(descriptor)
    finally:
        os.close(descriptor)


def run(pipe: Connection, address: str, import_id: UUID | None, options: ImportOptions) -> None:
    """The life of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the importer ends on it and closes the pipe
    gc.disable()  # rows and records have no cycles
    names = AuthorNames()
    with Database(address, pool_size=1, application="alexandria import") as database:
        staging = CatalogImport(database, import_id)
        with contextlib.suppress(EOFError, BrokenPipeError):
            while True:
                received = pipe.recv()
                if isinstance(received, NamesFollow):
                    names = _received_names(pipe)
                else:
                    pipe.send(_store(staging, received, options, names))


def _store(staging: CatalogImport, work: Work, options: ImportOptions, names: AuthorNames) -> Done:
    block = work.block
    try:
        parsed = parse_block(work.name, block.data, block.first_line, options, names)
        stored = StoredBlock(block.checksum, block.lines)
        rows = {table: copy_text(lines) for table, lines in parsed.rows.items() if lines}
        staging.store(work.role, block.number, stored, rows, parsed.rejected, parsed.counts)
    except AlexandriaError as error:
        return Done(0, 0, str(error))
    return Done(block.lines, parsed.counts["rejected"])
