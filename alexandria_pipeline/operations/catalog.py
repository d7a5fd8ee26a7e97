"""Fills the local catalogue from files of editions; `catalog_files` reads their formats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from alexandria_pipeline.domain.errors import InvalidValue, SourceError
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import CatalogEntry, PartialDate, SkippedRow, TsvFile
from alexandria_pipeline.domain.tsv import clean_text, excerpt, listing_problem
from alexandria_pipeline.operations.catalog_files import SEPARATOR, read_editions
from alexandria_pipeline.providers.common.edition_formats import edition_format
from alexandria_pipeline.providers.common.languages import language
from alexandria_pipeline.storage import skipped_rows
from alexandria_pipeline.storage.catalog import Catalog, CatalogLoad
from alexandria_pipeline.storage.database import Database

_DATE = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?)?")
_NUMBER = re.compile(r"\d{1,5}")
_ADDRESS = re.compile(r"https?://[!-~]{1,500}")


def load_catalog(database: Database, name: str, data: bytes) -> CatalogLoad | None:
    """Adds the editions of a file. Columns: title, author, isbn13; optional: date, language, publisher, source, source_id,
    subtitle, format, pages, series, subjects (separated by semicolons), work, first_year, cover (address of a picture).

    Bad rows are skipped with their line and reason. Returns None when a file with the same content was loaded before.
    Raises ListFormatError when the file as a whole is unusable.
    """
    table = read_editions(name, data)
    skipped = list(table.skipped)
    entries = list(_entries(table, skipped))
    loaded = Catalog(database).load(name, table.digest, entries, len(skipped))
    with database.transaction() as tx:
        skipped_rows.add(tx, skipped)
    return loaded


def read_file(path: Path) -> bytes:
    """Returns the bytes of a file. Raises SourceError with the reason when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error


def _entries(table: TsvFile, skipped: list[SkippedRow]) -> Iterator[CatalogEntry]:
    for line, row in table.rows:
        try:
            yield _entry(row)
        except InvalidValue as error:
            skipped.append(SkippedRow(table.name, line, str(error), excerpt("\t".join(row.values()))))


def _entry(row: dict[str, str]) -> CatalogEntry:
    title, author = clean_text(row["title"]), clean_text(row["author"])
    problem = listing_problem(title, author)
    if problem:
        raise InvalidValue(problem)
    return CatalogEntry(
        isbn13=Isbn13.parse(row["isbn13"]),
        title=title,
        author=author,
        published=_date(row.get("date", "")),
        language=language(row.get("language", "")),
        publisher=clean_text(row.get("publisher", "")) or None,
        source=row.get("source", ""),
        source_id=row.get("source_id", ""),
        subtitle=clean_text(row.get("subtitle", "")) or None,
        format=edition_format(row.get("format", "")),
        pages=_number(row.get("pages", "")),
        series=_items(row.get("series", "")),
        subjects=_items(row.get("subjects", "")),
        work=row.get("work", ""),
        first_year=_number(row.get("first_year", "")),
        cover=row.get("cover", "") if _ADDRESS.fullmatch(row.get("cover", "")) else "",
    )


def _date(text: str) -> PartialDate | None:
    """Parses YYYY, YYYY-MM or YYYY-MM-DD. Any other text is an unknown date; the edition is kept."""
    match = _DATE.fullmatch(text)
    return PartialDate(*(int(part) for part in match.groups() if part)) if match else None


def _number(text: str) -> int | None:
    """The first number in a text such as "xii, 345 p."; None if there is none."""
    match = _NUMBER.search(text)
    return int(match[0]) if match else None


def _items(text: str) -> tuple[str, ...]:
    return tuple(item for part in text.split(SEPARATOR) if (item := clean_text(part)))
