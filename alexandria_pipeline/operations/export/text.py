"""Formats of text: CSV, JSON lines, JSON-LD and the import format of Open Library, one record a line."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline.domain import schema_org
from alexandria_pipeline.operations.export.columns import COLUMNS, Row, flat
from alexandria_pipeline.providers.common.languages import marc_code

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FORMATS: Final = {"hardcover": "Hardcover", "paperback": "Paperback", "ebook": "E-book", "audiobook": "Audiobook"}
_IDENTIFIERS: Final = {"oclc": "oclc_numbers", "lccn": "lccn"}
"""Identifiers that have a field of their own in the import format."""


class TextWriter:
    """Writes one record a line; `encode` returns None for a row that has no place in the format."""

    def __init__(self, file: Path, encode: Callable[[Row], str | None], header: str = "") -> None:
        self._encode = encode
        self._target = file.open("w", encoding="utf-8", newline="")
        self._target.write(header)

    def add(self, row: Row) -> bool:
        """Writes a row; False if the format has no place for it."""
        line = self._encode(row)
        if line is not None:
            self._target.write(line)
        return line is not None

    def close(self) -> None:
        """Closes the file."""
        self._target.close()


def csv_writer(file: Path) -> TextWriter:
    """CSV (RFC 4180) with a header."""
    return TextWriter(
        file, lambda row: _csv_line([_cell(value) for value in flat(row).values()]), _csv_line(list(COLUMNS))
    )


def json_lines_writer(file: Path) -> TextWriter:
    """One JSON object a line, with the columns in their order."""
    return TextWriter(file, lambda row: _json_line(flat(row)))


def json_ld_writer(file: Path) -> TextWriter:
    """One schema.org Book a line."""
    return TextWriter(file, lambda row: _json_line(book(row)))


def open_library_writer(file: Path) -> TextWriter:
    """One import record of Open Library a line."""

    def encode(row: Row) -> str | None:
        record = import_record(row)
        return None if record is None else _json_line(record)

    return TextWriter(file, encode)


def book(row: Row) -> dict[str, Any]:
    """A work and its edition as a document of schema.org."""
    edition = {**row, "title": row["edition_title"] or row["title"]}
    ratings = [{"average": row["rating_average"], "count": row["rating_count"]}] if row["rating_count"] else []
    shared = {name: row[name] for name in ("title", "author", "description", "subjects", "cover_url")}
    work = {"key": row["work_key"], "ratings": ratings, **shared}
    return schema_org.document(schema_org.work(work, [edition] if row["isbn13"] else []))


def import_record(row: Row) -> dict[str, Any] | None:
    """An edition in Open Library's import format; None without an ISBN, author, publisher or date, which the format wants.

    Source: import.schema.json of openlibrary-client (https://github.com/internetarchive/openlibrary-client).
    """
    authors = [each for each in row["authors"] if (each.get("role") or "author") == "author"]
    if not (row["isbn13"] and authors and row["publisher"] and row["published"]):
        return None
    code = marc_code(row["language"])
    identifiers = row["identifiers"]
    record: dict[str, Any] = {
        "title": row["edition_title"] or row["title"],
        "subtitle": row["subtitle"],
        "source_records": [f"alexandria:{row['isbn13']}"],
        "authors": [{"name": each["name"]} for each in authors],
        "contributor": [
            {"name": each["name"], "role": each["role"].capitalize()} for each in row["authors"] if each not in authors
        ],
        "publishers": [row["publisher"]],
        "publish_date": row["published"],
        "number_of_pages": row["pages"],
        "languages": [code] if code else None,
        "isbn_13": [row["isbn13"]],
        "physical_format": _FORMATS.get(row["format"] or ""),
        "description": row["description"],
        "subjects": row["subjects"],
        "series": [row["series"]] if row["series"] else None,
        "cover": row["cover_url"],
    }
    record |= {name: identifiers[scheme] for scheme, name in _IDENTIFIERS.items() if scheme in identifiers}
    return {name: value for name, value in record.items() if value}


def _json_line(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()


def _cell(value: object) -> str:
    """Text for CSV. A spreadsheet must not take a text from outside for a formula."""
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    dangerous = text[:1] in {"=", "+", "-", "@", "\t", "\r"} and not isinstance(value, int | float)
    return f"'{text}" if dangerous else text
