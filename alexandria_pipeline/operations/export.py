"""Exports works and their editions as CSV, JSON lines or JSON-LD, with a `datapackage.json` that describes the columns.

The same data give the same bytes: rows are ordered by work key, columns have a fixed order, and no file names the time of
the export. A file is written beside its place and moved there when it is complete.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline.domain import schema_org
from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.storage import export as store

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from alexandria_pipeline.domain.month import Month
    from alexandria_pipeline.storage.database import Database

COLUMNS: Final[Mapping[str, tuple[str, str]]] = {
    "work_key": ("string", "Stable key of the work."),
    "title": ("string", "Title of the work as it was listed."),
    "author": ("string", "Author of the work as it was listed."),
    "isbn13": ("string", "ISBN-13 of the edition, thirteen digits; empty for a synthetic work."),
    "confidence": ("integer", "Confidence of the ISBN, 0 to 100."),
    "resolved_by": ("string", "Service or person that the ISBN comes from."),
    "synthetic": ("boolean", "Whether the work has no ISBN."),
    "first_month": ("string", "First month of the range that lists the work, YYYY-MM."),
    "last_month": ("string", "Last month of the range that lists the work, YYYY-MM."),
    "edition_title": ("string", "Title of the edition."),
    "subtitle": ("string", "Subtitle of the edition."),
    "authors": ("string", "Contributors of the edition with their roles: name (role); name (role)."),
    "publisher": ("string", "Publisher of the edition."),
    "published": ("string", "Date of the edition: YYYY, YYYY-MM or YYYY-MM-DD."),
    "language": ("string", "ISO 639-1 code of the language of the edition."),
    "format": ("string", "Format of the edition, such as hardcover."),
    "pages": ("integer", "Number of pages."),
    "edition_source": ("string", "Service that the facts of the edition come from."),
}
"""The columns of an export: type of Table Schema, and description."""


class ExportFormat(StrEnum):
    """The formats of an export."""

    CSV = "csv"
    JSONL = "jsonl"
    JSONLD = "jsonld"


@dataclass(frozen=True, slots=True)
class ExportResult:
    """The files of an export and its number of works."""

    works: int
    files: tuple[Path, ...]


def export(
    database: Database, form: ExportFormat, first: Month, last: Month, output: Path, *,
    since: datetime | None = None, progress: Callable[[int], None] = lambda _: None,
) -> ExportResult:  # fmt: skip
    """Writes the works listed from `first` to `last` into the folder `output`, and calls `progress` with the number so far.

    `since` leaves out works that have not changed since. Raises InvalidValue when the folder cannot be written, StorageError.
    """
    rows = _counted(map(_plain, store.works(database, first, last, since)), progress)
    file = output / f"works.{form.value}"
    count = [0]
    try:
        output.mkdir(parents=True, exist_ok=True)
        _write(file, _lines(form, rows, count))
        package = output / "datapackage.json"
        _write(package, [json.dumps(_package(form, first, last), ensure_ascii=False, indent=2) + "\n"])
    except OSError as error:
        raise InvalidValue(f"{output} cannot be written: {error.strerror}") from error
    return ExportResult(count[0], (file, package))


def _counted(rows: Iterable[dict[str, Any]], progress: Callable[[int], None]) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(rows, 1):
        yield row
        progress(number)


def _write(file: Path, parts: Iterable[str]) -> None:
    unfinished = file.with_suffix(f"{file.suffix}.part")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as target:
            for part in parts:
                target.write(part)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def _lines(form: ExportFormat, rows: Iterable[dict[str, Any]], count: list[int]) -> Iterator[str]:
    if form is ExportFormat.CSV:
        yield _csv_line(list(COLUMNS))
    for row in rows:
        count[0] += 1
        if form is ExportFormat.CSV:
            yield _csv_line([_cell(row[name]) for name in COLUMNS])
        else:
            record = _book(row) if form is ExportFormat.JSONLD else {name: row[name] for name in COLUMNS}
            yield json.dumps(record, ensure_ascii=False) + "\n"


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its contributors as text."""
    names = [f"{each['name']} ({each.get('role') or 'author'})" for each in row["authors"] or () if each.get("name")]
    return {**row, "contributors": row["authors"] or [], "authors": "; ".join(names) or None}


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()


def _cell(value: object) -> str:
    """Text for CSV. A spreadsheet must not take a text from outside for a formula."""
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} and not isinstance(value, int) else text


def _book(row: Mapping[str, Any]) -> dict[str, Any]:
    """A work and its edition as schema.org Book."""
    edition = {**row, "title": row["edition_title"], "authors": row["contributors"]}
    work = {"key": row["work_key"], "title": row["title"], "author": row["author"]}
    return schema_org.document(schema_org.work(work, [edition] if row["isbn13"] else []))


def _package(form: ExportFormat, first: Month, last: Month) -> dict[str, Any]:
    """The Data Package descriptor (https://specs.frictionlessdata.io/data-package/)."""
    resource: dict[str, Any] = {"name": "works", "path": f"works.{form.value}", "encoding": "utf-8"}
    if form is ExportFormat.JSONLD:
        resource |= {"mediatype": "application/ld+json", "description": "One schema.org Book a line."}
    else:
        fields = [{"name": name, "type": kind, "description": text} for name, (kind, text) in COLUMNS.items()]
        resource |= {
            "profile": "tabular-data-resource", "format": form.value,
            "schema": {"fields": fields, "primaryKey": "work_key", "missingValues": [""]},
        }  # fmt: skip
    return {
        "name": "alexandria-works",
        "title": f"Works of {first} to {last}",
        "resources": [resource],
    }
