"""Finds new dumps in a folder, as Open Library names them (`ol_dump_editions_2024-05-31.txt.gz`), and imports them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.operations.dump_import.importer import ImportResult, import_dump
from alexandria_pipeline.operations.dump_import.reader import DumpFile
from alexandria_pipeline.storage.catalog import Catalog
from alexandria_pipeline.storage.database import Database

_NAME: Final = re.compile(r"ol_dump_(editions|works|authors)_(\d{4}-\d{2}-\d{2})\.txt(?:\.gz)?")


def newest_dump(folder: Path) -> list[DumpFile]:
    """The files of the newest dump of editions, and the works and authors of that date; [] if there is none.

    Raises SourceError when the folder cannot be read.
    """
    try:
        names = [match for path in sorted(folder.iterdir()) if (match := _NAME.fullmatch(path.name))]
    except OSError as error:
        raise SourceError(
            f"The folder of dumps {folder} (ALEXANDRIA_DUMPS) cannot be read: {error.strerror}"
        ) from error
    date = max((match[2] for match in names if match[1] == "editions"), default=None)
    files = {match[1]: DumpFile(match[1], str(folder / match[0])) for match in names if match[2] == date}
    return [files[role] for role in ("authors", "works", "editions") if role in files]


def import_new(database: Database, folder: Path) -> ImportResult | None:
    """Imports the newest dump of the folder; None if there is none or it is the one in the catalogue."""
    files = newest_dump(folder)
    imported = [row["details"].get("files") for row in Catalog(database).sources() if row["kind"] == "dump"]
    if not files or [file.name for file in files] in imported:
        return None
    return import_dump(database, files)
