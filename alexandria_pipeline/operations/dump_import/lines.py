"""Lines of a dump: each line becomes rows for the staging tables, a rejected line, or a count of what was left out.

A line is `type TAB key TAB revision TAB last_modified TAB JSON` (https://openlibrary.org/developers/dumps). Rows are text of
PostgreSQL's COPY before its escapes (`fields.copy_text`), with the empty string for null. Nothing here reads files or knows the database.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from alexandria_pipeline.domain.catalog_keys import author_hash
from alexandria_pipeline.domain.records import SkippedRow
from alexandria_pipeline.domain.tsv import excerpt
from alexandria_pipeline.operations.dump_import import fields
from alexandria_pipeline.operations.dump_import.author_names import AuthorNames
from alexandria_pipeline.operations.dump_import.editions import edition_rows
from alexandria_pipeline.operations.dump_import.options import ImportOptions
from alexandria_pipeline.operations.dump_import.records import author_digits, edition_record, work_record

_COLUMNS: Final = 5
_KEYS: Final = {b"/books/OL": (b"M", "M"), b"/works/OL": (b"W", "W"), b"/authors/": (b"A", "A")}
_MAX_NUMBER: Final = 2**31 - 1
# The columns before the JSON of nearly all lines.
_USUAL_EDITION: Final = re.compile(rb"(/type/edition)\t/books/OL([1-9][0-9]{0,8})M\t([0-9]{1,9})\t[^\t]*\t")
_USUAL_WORK: Final = re.compile(rb"(/type/work)\t/works/OL([1-9][0-9]{0,8})W\t([0-9]{1,9})\t[^\t]*\t")
_NO_NAMES: Final = AuthorNames()
_EDITION: Final = b"/type/edition"
_NO_OBJECT: Final = "the JSON is no object"


@dataclass(slots=True)
class ParsedBlock:
    """The rows of a block of lines by staging table, its rejected lines, and counts for the report."""

    rows: dict[str, list[str]] = field(
        default_factory=lambda: {"new": [], "edition": [], "work": [], "author": [], "redirect": []}
    )
    rejected: list[SkippedRow] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class RejectedLine(ValueError):
    """A line that cannot be used; the message states the reason."""


def parse_block(
    file: str, data: bytes, first_line: int, options: ImportOptions, names: AuthorNames = _NO_NAMES
) -> ParsedBlock:
    """The rows of the lines in `data`; `first_line` is the number of its first line in `file`, `names` the authors that are known."""
    block = ParsedBlock()
    total = 0
    for number, line in enumerate(data.splitlines() if b"\r" in data else data.split(b"\n"), first_line):
        if not line:
            continue
        total += 1
        try:
            if usual := _USUAL_EDITION.match(line) or _USUAL_WORK.match(line):
                kind, digits, revision = usual.groups()
                _TYPED[kind](digits.decode(), revision.decode(), line[usual.end() :], options, names, block)
            else:
                _parse_line(line, options, names, block)
        except (RejectedLine, orjson.JSONDecodeError) as error:
            reason = str(error) if isinstance(error, RejectedLine) else f"the JSON cannot be read: {error.msg}"
            block.counts["rejected"] += 1
            block.rejected.append(SkippedRow(file, number, reason, excerpt(line[:400].decode("utf-8", "replace"))))
    block.counts["lines"] = total
    return block


def _parse_line(line: bytes, options: ImportOptions, names: AuthorNames, block: ParsedBlock) -> None:
    parts = line.split(b"\t", _COLUMNS - 1)
    if len(parts) != _COLUMNS:
        raise RejectedLine(
            f"{len(parts)} columns where a dump has {_COLUMNS}: type, key, revision, last_modified, JSON"
        )
    kind, key, revision, _, body = parts
    if kind not in _TYPED and kind not in _READERS:
        block.counts["of other types"] += 1
        return
    number, letter = _number(key)
    if not revision.isdigit() or len(revision) > 9:
        raise RejectedLine(f"the revision {revision[:20].decode('utf-8', 'replace')!r} is no number")
    expected = _LETTERS.get(kind)
    if expected is not None and expected != letter:
        raise RejectedLine(f"the key {key.decode('utf-8', 'replace')} does not belong to {kind.decode()}")
    if kind in _TYPED:
        _TYPED[kind](str(number), revision.decode(), body, options, names, block)
        return
    record = orjson.loads(body)
    if type(record) is not dict:
        raise RejectedLine(_NO_OBJECT)
    _READERS[kind](number, letter, revision.decode(), record, block)


def _number(key: bytes) -> tuple[int, str]:
    """The number and the letter of a key such as /books/OL7M. Raises RejectedLine for any other form."""
    last, letter = _KEYS.get(key[:9], (b"", ""))
    digits = key[key.find(b"OL") + 2 : -1]
    if not letter or key[-1:] != last or not digits.isdigit() or not 0 < (number := int(digits[:12])) <= _MAX_NUMBER:
        raise RejectedLine(f"the key {key[:60].decode('utf-8', 'replace')!r} is none of a book, work or author")
    return number, letter


def _edition(
    number: str, revision: str, body: bytes, options: ImportOptions, names: AuthorNames, block: ParsedBlock
) -> None:
    record = edition_record(body)
    if record is None:
        raise RejectedLine(_NO_OBJECT)
    result = edition_rows(number, revision, record, options, names)
    if result is None:
        raise RejectedLine("the edition has no title")
    if isinstance(result, str):
        block.counts[result] += 1
        return
    block.counts["editions"] += 1
    block.rows[result.table] += result.rows


def _work(number: str, revision: str, body: bytes, _: ImportOptions, _names: AuthorNames, block: ParsedBlock) -> None:
    record = work_record(body)
    if record is None:
        raise RejectedLine(_NO_OBJECT)
    title = fields.text(record.title)
    if not title:
        raise RejectedLine("the work has no title")
    block.counts["works"] += 1
    year = fields.date_number(record.first_publish_date)[:-4] if record.first_publish_date else ""
    subjects = fields.joined(record.subjects, fields.MAX_SUBJECTS) if record.subjects else ""
    authors = fields.array(author_digits(record.authors)) if record.authors else ""
    block.rows["work"].append(f"{number}\t{revision}\t{title}\t{authors}\t{year}\t{subjects}")


def _author(number: int, _: str, revision: str, record: dict[str, Any], block: ParsedBlock) -> None:
    name = fields.text(record.get("name")) or fields.text(record.get("personal_name"))
    if not name:
        raise RejectedLine("the author has no name")
    block.counts["authors"] += 1
    block.rows["author"].append(f"{number}\t{revision}\t{name}\t{author_hash(name)}")


def _redirect(number: int, letter: str, revision: str, record: dict[str, Any], block: ParsedBlock) -> None:
    location = record.get("location")
    target, target_letter = _number(location.encode() if isinstance(location, str) else b"")
    if target_letter != letter:
        raise RejectedLine(f"the redirect leads from a record of one type to {location}")
    block.counts["redirects"] += 1
    block.rows["redirect"].append(f"{letter}\t{number}\t{target}\t{revision}")


def _delete(number: int, letter: str, revision: str, _: dict[str, Any], block: ParsedBlock) -> None:
    block.counts["deletions"] += 1
    block.rows["redirect"].append(f"{letter}\t{number}\t\t{revision}")


_TYPED: Final = {_EDITION: _edition, b"/type/work": _work}
_READERS: Final = {b"/type/author": _author, b"/type/redirect": _redirect, b"/type/delete": _delete}
_LETTERS: Final = {_EDITION: "M", b"/type/work": "W", b"/type/author": "A"}
