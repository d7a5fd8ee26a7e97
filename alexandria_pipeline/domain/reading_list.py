"""Reads the book lists that people have: CSV of spreadsheets, exports of Goodreads and StoryGraph, JSON. Bytes in, rows out.

The columns may be in any order under their usual names. The rows have the columns month, title, author and isbn13, as in our
own tab-separated lists, which `tsv.py` reads. `dates_in_lists.py` reads the months. What cannot be read is skipped by line.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline.domain.dates_in_lists import DateOrder, date_order, month_of
from alexandria_pipeline.domain.errors import ListFormatError
from alexandria_pipeline.domain.records import SkippedRow, TsvFile
from alexandria_pipeline.domain.tsv import excerpt, read_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

OWN_COLUMNS: Final = ("month", "title", "author")
# A quoted field may hold line breaks (reviews in exports). A quote that stays open longer is an error of its own line.
MAX_RECORD_LINES: Final = 60

_TITLES: Final = ("title", "book title", "titel", "buchtitel", "titre", "título", "titulo", "titolo")
_AUTHORS: Final = (
    "author",
    "authors",
    "author(s)",
    "book author",
    "author name",
    "primary author",
    "autor",
    "autoren",
    "autor/in",
    "verfasser",
    "auteur",
    "autore",
    "autores",
)
_ISBNS: Final = ("isbn13", "isbn 13", "isbn", "isbn/uid", "isbn uid", "isbn10", "isbn 10", "ean")
# The first of these columns that has a value gives the month: a publication date, then when the reader read or added it.
_DATES: Final = (
    "month",
    "monat",
    "mois",
    "publication month",
    "publication date",
    "date published",
    "date of publication",
    "published",
    "release date",
    "erscheinungsdatum",
    "date",
    "datum",
    "date read",
    "last date read",
    "dates read",
    "read date",
    "gelesen am",
    "read",
    "date added",
    "added",
)
_DELIMITERS: Final = (",", ";", "\t")
_LINE: Final = re.compile(r"\r\n|\n|\r")
_Row = dict[str, str]


def read_list(name: str, data: bytes) -> TsvFile:
    """The rows of a list in any of the known forms. `name` is the name of the file in messages.

    Line numbers start at 1; in JSON they are the positions of the entries. Raises ListFormatError if the whole file is
    unusable.
    """
    if _is_own_form(data):
        return read_table(name, data, OWN_COLUMNS)
    text = _decoded(data)
    found = _json_rows(name, text) if text.lstrip()[:1] in {"[", "{"} else _csv_rows(name, text)
    if found is None:
        return read_table(name, data, OWN_COLUMNS)  # its message names the columns of our own form
    rows, skipped = found
    order = date_order((value for _, row in rows for value in _dates(row)), day_first=";" in text.partition("\n")[0])
    own = tuple((line, _own_row(row, order)) for line, row in rows)
    return TsvFile(name, hashlib.sha256(data).hexdigest(), own, tuple(skipped))


def _is_own_form(data: bytes) -> bool:
    """Whether the first line has our own columns, separated by tabs, or there is nothing to read."""
    header = next((line for line in data.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()), b"")
    columns = {field.strip().strip(b'"').lower().decode("latin-1") for field in header.split(b"\t")}
    return not header or columns >= set(OWN_COLUMNS)


def _decoded(data: bytes) -> str:
    """The text: UTF-8 or UTF-16 by its byte order mark, UTF-8, or Windows-1252, which spreadsheets still write."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _csv_rows(name: str, text: str) -> tuple[list[tuple[int, _Row]], list[SkippedRow]] | None:
    """The rows under the header's names, and skipped lines; None if no delimiter gives a header with a title."""
    lines = _LINE.split(text)
    start = next((at for at, line in enumerate(lines) if line.strip()), 0)
    delimiter = next((each for each in _DELIMITERS if _is_header(_fields(lines[start], each))), None)
    if delimiter is None:
        return None
    columns = [_column(field) for field in _fields(lines[start], delimiter)]
    _require(name, columns)
    rows: list[tuple[int, _Row]] = []
    skipped: list[SkippedRow] = []
    for number, record in _records(lines, start + 1):
        if record is None:
            skipped.append(SkippedRow(name, number, "a quotation mark is not closed", excerpt(lines[number - 1])))
            continue
        fields = _fields(record, delimiter)
        if not any(field.strip() for field in fields):
            continue
        if [field for field in fields[len(columns) :] if field.strip()]:
            reason = f"{len(fields)} columns where the header has {len(columns)}: a {delimiter!r} within a field?"
            skipped.append(SkippedRow(name, number, reason, excerpt(record)))
            continue
        rows.append((number, dict(zip(columns, fields, strict=False))))
    return rows, skipped


def _records(lines: Sequence[str], start: int) -> Iterator[tuple[int, str | None]]:
    """The records with the number of their first line; None for a line whose quotation mark is not closed."""
    at = start
    while at < len(lines):
        record, end = lines[at], at + 1
        while record.count('"') % 2 and end < min(len(lines), at + MAX_RECORD_LINES):
            record, end = f"{record}\n{lines[end]}", end + 1
        closed = record.count('"') % 2 == 0
        yield at + 1, record if closed else None
        at = end if closed else at + 1


def _fields(record: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter), [])
    except csv.Error:
        return record.split(delimiter)


def _is_header(fields: Sequence[str]) -> bool:
    return any(_column(field) in _TITLES for field in fields)


def _column(field: str) -> str:
    """A header's name in the form of the tables above."""
    return " ".join(re.sub(r"[_\s-]+", " ", field.strip().strip('"').lower()).split())


def _require(name: str, columns: Sequence[str]) -> None:
    """Raises ListFormatError if a needed column is missing."""
    needed = (("author", _AUTHORS), ("date (month, date read, publication date, …)", _DATES))
    missing = [what for what, names in needed if not set(names) & set(columns)]
    if missing:
        shown = excerpt(", ".join(column or "(no name)" for column in columns))
        raise ListFormatError(
            f"{name} has no column {' and no column '.join(missing)}; the columns found are: {shown}. Rename a column, or add one"
        )


def _json_rows(name: str, text: str) -> tuple[list[tuple[int, _Row]], list[SkippedRow]]:
    """The objects of a JSON list, or of the list in {"books": […]}."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ListFormatError(f"{name} begins like JSON, but is not: {excerpt(str(error))}") from error
    if isinstance(value, dict):
        value = next((member for member in value.values() if isinstance(member, list)), None)
    if not isinstance(value, list):
        raise ListFormatError(f"{name} is JSON without a list of books")
    rows: list[tuple[int, _Row]] = []
    skipped: list[SkippedRow] = []
    for position, entry in enumerate(value, start=1):
        if isinstance(entry, dict):
            rows.append((position, {_column(str(key)): _json_text(member) for key, member in entry.items()}))
        else:
            reason = "the entry is not an object with a title and an author"
            skipped.append(SkippedRow(name, position, reason, excerpt(json.dumps(entry, ensure_ascii=False))))
    return rows, skipped


def _json_text(value: Any) -> str:
    """A member as text: a string, a number, or the names of a list of people."""
    if isinstance(value, list):
        return " and ".join(text for each in value if (text := _json_text(each)))
    if isinstance(value, dict):
        return _json_text(value.get("name"))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def _own_row(row: Mapping[str, str], order: DateOrder) -> _Row:
    """The row in the columns of our own lists. A date that cannot be read stays, so that the refusal shows it."""
    dates = list(_dates(row))
    month = next((month for value in dates if (month := month_of(value, order))), None)
    isbns = ",".join(_bare(row.get(column, "")) for column in _ISBNS if row.get(column, "").strip())
    return {
        "month": str(month) if month else next(iter(dates), ""),
        "title": _first(row, _TITLES),
        "author": _people(_first(row, _AUTHORS)),
        "isbn13": isbns,
    }


def _dates(row: Mapping[str, str]) -> Iterator[str]:
    return (row[column].strip() for column in _DATES if row.get(column, "").strip())


def _first(row: Mapping[str, str], columns: Sequence[str]) -> str:
    return next((row[column].strip() for column in columns if row.get(column, "").strip()), "")


def _bare(cell: str) -> str:
    """An ISBN without the formula around it: Goodreads writes ="0525657606", so that spreadsheets keep the zeros."""
    return cell.strip().removeprefix("=").strip('"').strip()


def _people(cell: str) -> str:
    """Several authors as one text. StoryGraph separates them by commas; "Last, First" has a part without a space."""
    parts = [part.strip() for part in cell.split(",") if part.strip()]
    return " and ".join(parts) if len(parts) > 1 and all(" " in part for part in parts) else cell
