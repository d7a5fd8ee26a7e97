"""Writes an export: the file of works in one format, and its descriptor."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.operations.export import text
from alexandria_pipeline.operations.export.descriptor import descriptor
from alexandria_pipeline.operations.export.marc import MarcWriter
from alexandria_pipeline.operations.export.parquet import ParquetWriter
from alexandria_pipeline.operations.export.terms import passed_on
from alexandria_pipeline.storage import export as store

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from alexandria_pipeline.domain.month import Month
    from alexandria_pipeline.operations.export.columns import Row
    from alexandria_pipeline.storage.database import Database


class ExportFormat(StrEnum):
    """The formats of an export."""

    CSV = "csv"
    JSONL = "jsonl"
    JSONLD = "jsonld"
    PARQUET = "parquet"
    OPENLIBRARY = "openlibrary"
    MARC = "marc"


class Writer(Protocol):
    """Writes rows of one format into a file."""

    def add(self, row: Row) -> bool:
        """Writes a row; False if the format has no place for it."""

    def close(self) -> None:
        """Completes the file."""


WRITERS: Final[Mapping[ExportFormat, tuple[str, Callable[[Path], Writer]]]] = {
    ExportFormat.CSV: ("works.csv", text.csv_writer),
    ExportFormat.JSONL: ("works.jsonl", text.json_lines_writer),
    ExportFormat.JSONLD: ("works.jsonld", text.json_ld_writer),
    ExportFormat.PARQUET: ("works.parquet", ParquetWriter),
    ExportFormat.OPENLIBRARY: ("works.openlibrary.jsonl", text.open_library_writer),
    ExportFormat.MARC: ("works.mrc", MarcWriter),
}
"""Name of the file and writer of each format."""


@dataclass(slots=True)
class ExportResult:
    """The files of an export. `works`: records written; `left_out`: works without a place in the format; `withheld`: works with
    facts that may not be passed on.
    """

    files: tuple[Path, ...] = ()
    works: int = 0
    left_out: int = 0
    withheld: int = 0


def export(
    database: Database,
    form: ExportFormat,
    first: Month,
    last: Month,
    output: Path,
    *,
    since: datetime | None = None,
    own_use: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> ExportResult:
    """Writes the works listed from `first` to `last` into the folder `output`, and calls `progress` with the number so far.

    `since` leaves out works that have not changed since. `own_use` keeps facts that may not be passed on. Each file is written
    beside its place and moved there when it is complete. Raises InvalidValue when the folder cannot be written or an extra is
    missing, StorageError.
    """
    name, opened = WRITERS[form]
    result = ExportResult()
    described = descriptor(form.value, name, first, last, own_use=own_use)
    try:
        output.mkdir(parents=True, exist_ok=True)
        with _replacing(output / name) as file:
            writer = opened(file)
            try:
                for number, row in enumerate(store.works(database, first, last, since), 1):
                    _add(writer, passed_on(row, own_use=own_use), result)
                    progress(number)
            finally:
                writer.close()
        with _replacing(output / "datapackage.json") as file:
            file.write_text(json.dumps(described, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidValue(f"{output} cannot be written: {error.strerror}") from error
    result.files = (output / name, output / "datapackage.json")
    return result


def _add(writer: Writer, row: Row, result: ExportResult) -> None:
    result.withheld += bool(row["withheld"])
    if writer.add(row):
        result.works += 1
    else:
        result.left_out += 1


@contextmanager
def _replacing(file: Path) -> Iterator[Path]:
    """Yields a path beside the file, which takes its place at the end."""
    unfinished = file.with_name(f"{file.name}.part")
    try:
        yield unfinished
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
