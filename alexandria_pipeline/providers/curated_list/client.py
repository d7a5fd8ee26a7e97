"""The curated list: a generator whose books come from a file that people maintain, or export from where they keep books.

This module gives the columns of the file their meaning. `domain.reading_list` reads the file, and a setting names it.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from alexandria_pipeline.domain.errors import InvalidValue, SourceError
from alexandria_pipeline.domain.isbn import Isbn13, is_placeholder, resembles
from alexandria_pipeline.domain.matching.deduplication import same_book
from alexandria_pipeline.domain.month import FIRST_YEAR, Month
from alexandria_pipeline.domain.reading_list import read_list
from alexandria_pipeline.domain.records import (
    GenerationRequest,
    Listing,
    ParsedReply,
    RawReply,
    SkippedRow,
    TsvFile,
)
from alexandria_pipeline.domain.service_answers import Unavailable
from alexandria_pipeline.domain.tsv import clean_text, excerpt, listing_problem
from alexandria_pipeline.providers.curated_list.declaration import DECLARATION, NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from alexandria_pipeline.providers.base import ProviderKit

SETTING: Final = "ALEXANDRIA_CURATED_LIST"
# The columns of a listing. A change in other columns does not change the model of a month (see `CuratedList.model`).
_USED_COLUMNS: Final = ("title", "author", "isbn13")
_BETWEEN_ISBNS: Final = re.compile(r"[,;|]")


class _Row(BaseModel):
    """One row of a stored reply: its line in the file, and its unchanged values by column.

    `shared`: its ISBNs that the file has for other books, too.
    """

    line: int
    values: dict[str, str]
    shared: list[str] = []


_Rows = TypeAdapter(list[_Row])


def parse_rows(reply: RawReply, month: Month) -> ParsedReply:
    """The listings of a stored reply. Rows without a usable title or author are skipped, with line and reason.

    So is a wrong ISBN; the book of its row is kept.
    """
    try:
        rows = _Rows.validate_json(reply.body)
    except ValidationError as error:
        raise SourceError(f"The stored reply of {NAME} for {month} is not a list of rows: generate it again") from error
    listings: list[Listing] = []
    skipped: list[SkippedRow] = []
    for row in rows:
        title, author = clean_text(row.values.get("title", "")), clean_text(row.values.get("author", ""))
        if problem := listing_problem(title, author):
            skipped.append(SkippedRow(reply.source, row.line, problem, _excerpt(row.values), month))
        else:
            isbns, problems = _isbns(row.values.get("isbn13", ""), row.shared)
            listings.append(Listing(NAME, row.line, title, author, isbns))
            shown = _excerpt(row.values)
            skipped += [SkippedRow(reply.source, row.line, each, shown, month, "isbn") for each in problems]
    return ParsedReply(tuple(listings), tuple(skipped))


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The content of the file at one time: its rows by month, and the rows that belong to no month."""

    months: Mapping[Month, tuple[_Row, ...]]
    refused: tuple[SkippedRow, ...]


class CuratedList:
    """The generator. It returns all rows of a month; `request.limit` does not apply."""

    declaration = DECLARATION

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._read_at: tuple[int, int] | None = None
        self._snapshot = _Snapshot({}, ())

    def unavailable(self) -> Unavailable | None:
        try:
            what = f"{self._path} is a folder" if self._path.is_dir() else f"there is no file {self._path}"
            problem = None if self._path.is_file() else what
        except OSError as error:
            problem = f"{self._path} cannot be read ({error.strerror})"
        return Unavailable(f"{problem}: set {SETTING} to a list of books") if problem else None

    def model(self, request: GenerationRequest) -> str:
        """The digest of the month's rows. A stored reply stays valid while its own month does not change.

        Raises SourceError if the file cannot be read.
        """
        return _model(self._current().months.get(request.month, ()))

    async def generate(self, request: GenerationRequest) -> RawReply:
        rows = self._current().months.get(request.month, ())
        body = "[" + ",".join("\n" + row.model_dump_json() for row in rows) + "\n]"
        return RawReply(NAME, _model(rows), body, source=self._path.name)

    def parse(self, reply: RawReply, request: GenerationRequest) -> ParsedReply:
        return parse_rows(reply, request.month)

    def refused_rows(self) -> tuple[SkippedRow, ...]:
        """The rows that belong to no month, in file order: unreadable rows, and rows with an unreadable month."""
        return self._current().refused

    def _current(self) -> _Snapshot:
        """The content of the file. It is read again only if its modification time or size has changed."""
        with self._lock:
            try:
                status = self._path.stat()
                read_at = (status.st_mtime_ns, status.st_size)
                if read_at != self._read_at:
                    self._snapshot = _snapshot(read_list(self._path.name, self._path.read_bytes()))
                    self._read_at = read_at
            except OSError as error:
                raise SourceError(
                    f"The curated list {self._path} cannot be read ({error.strerror}): set {SETTING} to a readable file"
                ) from error
            return self._snapshot


def _snapshot(table: TsvFile) -> _Snapshot:
    """The rows of a file by month."""
    months: dict[Month, list[_Row]] = {}
    refused = list(table.skipped)
    for line, values in table.rows:
        try:
            month = Month.parse(clean_text(values["month"]))
        except InvalidValue:
            written = excerpt(values["month"])[:40]
            reason = f"{written!r} is not a month: write it as YYYY-MM" if written else "the month is missing"
            refused.append(SkippedRow(table.name, line, reason, _excerpt(values)))
        else:
            if month.is_in_backfill:
                months.setdefault(month, []).append(_Row(line=line, values=values))
            else:
                reason = (
                    f"{month} is before {FIRST_YEAR}-01, the first month of the backfill: give the row a later month"
                )
                refused.append(SkippedRow(table.name, line, reason, _excerpt(values)))
    _mark_shared([row for rows in months.values() for row in rows])
    refused.sort(key=lambda row: row.position)
    return _Snapshot({month: tuple(rows) for month, rows in months.items()}, tuple(refused))


def _mark_shared(rows: Sequence[_Row]) -> None:
    """Marks the ISBNs that rows of different books have: a column that was filled down, or sorted alone."""
    books: dict[Isbn13, list[tuple[str, str]]] = {}
    for row in rows:
        for isbn in _isbns(row.values.get("isbn13", ""), ())[0]:
            books.setdefault(isbn, []).append((row.values.get("title", ""), row.values.get("author", "")))
    shared = {isbn for isbn, named in books.items() if not all(same_book(*named[0], *each) for each in named[1:])}
    for row in rows:
        row.shared = [isbn for isbn in _isbns(row.values.get("isbn13", ""), ())[0] if isbn in shared]


def _model(rows: tuple[_Row, ...]) -> str:
    used = [[row.values.get(column, "") for column in _USED_COLUMNS] for row in rows]
    return f"sha256:{hashlib.sha256(json.dumps(used).encode()).hexdigest()[:16]}"


def _excerpt(values: Mapping[str, str]) -> str:
    return excerpt("\t".join(values.values()))


def _isbns(cell: str, shared: Sequence[str]) -> tuple[tuple[Isbn13, ...], list[str]]:
    """The valid ISBNs of a cell, each once, and what is wrong with the others.

    Spaces may be between ISBNs or within one ("978 0 14 028333 4"). `shared`: ISBNs that stand beside other books, too.
    """
    found: dict[Isbn13, None] = {}
    problems: list[str] = []
    for part in _BETWEEN_ISBNS.split(clean_text(cell)):
        try:
            candidates: list[Isbn13 | None] = [Isbn13.parse(part)]
        except InvalidValue as error:
            candidates = [Isbn13.find(piece) for piece in part.split()]
            if not any(candidates) and resembles(part):
                problems.append(str(error))
        for isbn in candidates:
            if isbn and is_placeholder(isbn):
                problems.append(f"{isbn} is a placeholder or an example, and no book has it")
            elif isbn and isbn in shared:
                problems.append(f"{isbn} stands beside other books of this list, too")
            elif isbn:
                found[isbn] = None
    return tuple(found), list(dict.fromkeys(problems))


def build(kit: ProviderKit) -> CuratedList:
    """The provider of the configured file."""
    return CuratedList(kit.curated_list)
