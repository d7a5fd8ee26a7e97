"""Reads files of editions for `alexandria catalog load`: tab-separated, CSV, JSON lines and MARC 21, by their ending.

Every format gives the same rows: the line (of MARC: the record) and texts by column name.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import PurePath
from typing import Any, Final

from alexandria_pipeline.domain.errors import ListFormatError
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import SkippedRow, TsvFile
from alexandria_pipeline.domain.tsv import excerpt, read_table

REQUIRED_COLUMNS: Final = ("title", "author", "isbn13")
SEPARATOR: Final = "; "
"""Between the items of a list in one column, such as subjects."""

Rows = Iterator[tuple[int, dict[str, str] | str]]


def read_editions(name: str, data: bytes) -> TsvFile:
    """The rows of a file. Raises ListFormatError when the file as a whole cannot be read."""
    reader = _READERS.get(PurePath(name).suffix.lower())
    if reader is None:
        return read_table(name, data, REQUIRED_COLUMNS)
    rows: list[tuple[int, dict[str, str]]] = []
    skipped: list[SkippedRow] = []
    for line, row in reader(name, data):
        if isinstance(row, str):
            skipped.append(SkippedRow(name, line, row, ""))
        else:
            rows.append((line, row))
    return TsvFile(name, sha256(data).hexdigest(), tuple(rows), tuple(skipped))


def _csv(name: str, data: bytes) -> Rows:
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), restval="")
        columns = [column.strip().lower() for column in reader.fieldnames or ()]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ListFormatError(f"{name} cannot be read as CSV in UTF-8: {error}") from error
    if missing := [column for column in REQUIRED_COLUMNS if column not in columns]:
        raise ListFormatError(
            f"{name} has no column {', '.join(missing)}; its first line names: {excerpt(', '.join(columns))}"
        )
    reader.fieldnames = columns
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, f"the line cannot be read: {error}"
            continue
        yield reader.line_num, {column: value.strip() for column, value in row.items() if isinstance(value, str)}


def _json_lines(_name: str, data: bytes) -> Rows:
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, f"the JSON cannot be read: {excerpt(str(error))}"
            continue
        yield number, _texts(record) if isinstance(record, dict) else "the JSON is no object"


def _texts(record: Mapping[str, Any]) -> dict[str, str]:
    given = {name.lower(): value for name, value in record.items() if value is not None}
    texts = {
        name: SEPARATOR.join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in given.items()
    }
    return {"title": "", "author": "", "isbn13": ""} | texts


def _marc(name: str, data: bytes) -> Rows:
    try:
        from pymarc import MARCReader  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise ListFormatError(f"{name}: MARC needs the extra marc: pip install 'alexandria-pipeline[marc]'") from error
    reader = MARCReader(data, to_unicode=True, permissive=True)
    for number, record in enumerate(reader, 1):
        if record is None:
            yield number, f"the record cannot be read: {excerpt(str(reader.current_exception))}"
            continue
        values = {column: _subfields(record, tag, codes) for column, (tag, codes) in _MARC_FIELDS.items()}
        isbns = [
            found
            for field in record.get_fields("020")
            for value in field.get_subfields("a")
            if (found := Isbn13.find(value))
        ]
        publication = record.get("264") or record.get("260")
        fixed = record.get("008").data if record.get("008") else ""
        yield (
            number,
            values
            | {
                "isbn13": isbns[0] if isbns else "",
                "publisher": " ".join(publication.get_subfields("b")).strip(" ,:;/") if publication else "",
                "date": year if (year := fixed[7:11]).isdigit() else "",
                "language": fixed[35:38],
                "subjects": SEPARATOR.join(
                    dict.fromkeys(" ".join(field.get_subfields("a")).strip(" .") for field in record.get_fields("650"))
                ),
                "source": "marc",
                "source_id": record.get("001").data.strip() if record.get("001") else "",
            },
        )


# MARC 21 bibliographic: https://www.loc.gov/marc/bibliographic/
_MARC_FIELDS: Final = {
    "title": ("245", "a"),
    "subtitle": ("245", "b"),
    "author": ("100", "a"),
    "series": ("490", "a"),
    "pages": ("300", "a"),
}


def _subfields(record: Any, tag: str, codes: str) -> str:
    field = record.get(tag)
    return " ".join(field.get_subfields(*codes)).strip(" ,:;/.=") if field else ""


_READERS: Final = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json_lines,
    ".mrc": _marc,
    ".marc": _marc,
}
