"""The curated list: books of a month from a tab-separated file that people keep.

Here a list's columns get their meaning, month by month. How a tab-separated file is read is `domain.listfile`'s
business; which file it is, the settings'.
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
from alexandria_pipeline.domain.isbn import Isbn13, is_placeholder
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import (
    GenerationRequest,
    Listing,
    ParsedReply,
    RawReply,
    SkippedRow,
    TsvFile,
)
from alexandria_pipeline.domain.service_answers import Unavailable
from alexandria_pipeline.domain.tsv import clean_text, excerpt, listing_problem, read_table
from alexandria_pipeline.providers.base import Capability, Declaration, ProviderKind, ProviderKit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME: Final = "curated-list"

DECLARATION: Final = Declaration(
    name=NAME,
    title="Curated list",
    kind=ProviderKind.LOCAL,
    capabilities=frozenset({Capability.BOOK_GENERATION}),
    module=__name__,
)

SETTING = "ALEXANDRIA_CURATED_LIST"
REQUIRED_COLUMNS = ("month", "title", "author")
# The columns that make a listing: a month with the same values in them is the same month, whatever else the file has.
_READ_COLUMNS = ("title", "author", "isbn13")
_BETWEEN_ISBNS = re.compile(r"[,;|]")


class _Row(BaseModel):
    """One row of a stored reply: its line in the list, and its values by column as they stood there."""

    line: int
    values: dict[str, str]


_Rows = TypeAdapter(list[_Row])


def parse_rows(reply: RawReply, month: Month) -> ParsedReply:
    """The listings of a stored reply; rows that name no book are skipped with their line and reason."""
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
            listings.append(Listing(NAME, row.line, title, author, _isbns(row.values.get("isbn13", ""))))
    return ParsedReply(tuple(listings), tuple(skipped))


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The list as it was at one moment: rows by month, and what belongs to no month."""

    months: Mapping[Month, tuple[_Row, ...]]
    refused: tuple[SkippedRow, ...]


class CuratedList:
    """A generator whose answers are the rows of a list; every listed book counts, so `request.limit` does not apply."""

    declaration = DECLARATION

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._read_at: tuple[int, int] | None = None
        self._snapshot = _Snapshot({}, ())

    def unavailable(self) -> Unavailable | None:
        try:
            problem = None if self._path.is_file() else f"there is no file {self._path}"
        except OSError as error:
            problem = f"{self._path} cannot be looked at ({error.strerror})"
        return Unavailable(f"{problem}: set {SETTING} to a list of books") if problem else None

    def model(self, request: GenerationRequest) -> str:
        """The digest of the month's rows: an unchanged month is served again although other months of the list changed.

        Raises SourceError when the list cannot be read.
        """
        return _model(self._current().months.get(request.month, ()))

    async def generate(self, request: GenerationRequest) -> RawReply:
        rows = self._current().months.get(request.month, ())
        body = "[" + ",".join("\n" + row.model_dump_json() for row in rows) + "\n]"
        return RawReply(NAME, _model(rows), body, source=self._path.name)

    def parse(self, reply: RawReply, request: GenerationRequest) -> ParsedReply:
        return parse_rows(reply, request.month)

    def refused_rows(self) -> tuple[SkippedRow, ...]:
        """The lines that belong to no month: unreadable ones, and those whose month cannot be read; in file order."""
        return self._current().refused

    def _current(self) -> _Snapshot:
        """The list, read again only when the file's time or size has changed."""
        with self._lock:
            try:
                status = self._path.stat()
                read_at = (status.st_mtime_ns, status.st_size)
                if read_at != self._read_at:
                    self._snapshot = _snapshot(read_table(self._path.name, self._path.read_bytes(), REQUIRED_COLUMNS))
                    self._read_at = read_at
            except OSError as error:
                raise SourceError(
                    f"The curated list {self._path} cannot be read ({error.strerror}): set {SETTING} to a readable file"
                ) from error
            return self._snapshot


def _snapshot(table: TsvFile) -> _Snapshot:
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
            months.setdefault(month, []).append(_Row(line=line, values=values))
    refused.sort(key=lambda row: row.position)
    return _Snapshot({month: tuple(rows) for month, rows in months.items()}, tuple(refused))


def _model(rows: tuple[_Row, ...]) -> str:
    read = [[row.values.get(column, "") for column in _READ_COLUMNS] for row in rows]
    return f"sha256:{hashlib.sha256(json.dumps(read).encode()).hexdigest()[:16]}"


def _excerpt(values: Mapping[str, str]) -> str:
    return excerpt("\t".join(values.values()))


def _isbns(cell: str) -> tuple[Isbn13, ...]:
    """The valid ISBNs of a cell, each once; spaces stand between ISBNs or within one ("978 0 14 028333 4")."""
    found: dict[Isbn13, None] = {}
    for part in _BETWEEN_ISBNS.split(clean_text(cell)):
        try:
            candidates: list[Isbn13 | None] = [Isbn13.parse(part)]
        except InvalidValue:
            candidates = [Isbn13.find(piece) for piece in part.split()]
        found.update((isbn, None) for isbn in candidates if isbn and not is_placeholder(isbn))
    return tuple(found)


def build(kit: ProviderKit) -> CuratedList:
    """The provider of the list that is set."""
    return CuratedList(kit.curated_list)
