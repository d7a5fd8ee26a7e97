"""Reads tab-separated files that people write: bytes in, rows and skipped lines out. Also checks titles and authors.

One physical line is always one row. Quotes never join lines, so a bad line does not affect other lines. The meaning of the
columns and the source of the bytes belong to the caller.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.errors import ListFormatError
from alexandria_pipeline.domain.records import SkippedRow, TsvFile

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_EXCERPT_LENGTH = 120
MAX_TITLE_LENGTH = 500
MAX_AUTHOR_LENGTH = 300
_TAB = "\t"

_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
# A complete field in quotes, with doubled quotes inside. It may contain tabs; the next field starts after it.
_QUOTED = re.compile(r'"((?:[^"]|"")*+)"(?=\t|\Z)')
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
# Only entities that end in ";". Without this rule, "R&notes" would become "R¬es".
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# An ampersand that was escaped several times. One step decodes it; repeated passes would need quadratic time.
_AMPERSANDS = re.compile(r"&(?:(?:amp|#0*38|#[xX]0*26);)+")
# Soft hyphen, direction marks and overrides, zero-width space, invisible operators, byte order mark, annotation marks.
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
# Joiners shape Arabic and Indic scripts and emoji. After a Latin, Greek or Cyrillic letter or a space they have no effect.
_STRAY_JOINERS = re.compile("(?<![\u0590-\u1dff\u2190-\U0010ffff])[\u200c\u200d]+")


def read_table(name: str, data: bytes, required: Sequence[str]) -> TsvFile:
    """The rows of a file with a header line. `name` is the name of the file in messages.

    Line numbers start at 1, as in an editor. Columns have the names of the header in lower case, including extra columns. A
    column that is missing at the end of a line is "". Raises ListFormatError if the whole file is unusable.
    """
    if data.startswith(_UTF16_BOMS):
        raise ListFormatError(f"{name} is saved as UTF-16: save it as UTF-8 (tab-separated text) and try again")
    lines = _physical_lines(data.removeprefix(_UTF8_BOM))
    header_at = next((at for at, line in enumerate(lines) if line.strip()), None)
    if header_at is None:
        raise ListFormatError(f"{name} is empty: its first line must name the columns {', '.join(required)}")
    columns = _columns(name, lines[header_at], required)
    needed = max((columns.index(column) for column in required), default=-1) + 1
    rows: list[tuple[int, dict[str, str]]] = []
    skipped: list[SkippedRow] = []
    for number, line in enumerate(lines[header_at + 1 :], start=header_at + 2):
        row = _row(line, columns, needed)
        if isinstance(row, str):
            skipped.append(SkippedRow(name, number, row, excerpt(line.decode("utf-8", "replace"))))
        elif row is not None:
            rows.append((number, row))
    return TsvFile(name, hashlib.sha256(data).hexdigest(), tuple(rows), tuple(skipped))


def listing_problem(title: str, author: str) -> str | None:
    """The reason why this cleaned title and author cannot be a listing; None if they can. An unknown author is ""."""
    if not title:
        return "the title is missing"
    if len(title) > MAX_TITLE_LENGTH:
        return f"the title has {len(title):,} characters; the maximum is {MAX_TITLE_LENGTH}"
    if len(author) > MAX_AUTHOR_LENGTH:
        return f"the author has {len(author):,} characters; the maximum is {MAX_AUTHOR_LENGTH}"
    if not any(map(str.isalnum, title)):
        return "the title has no letter or digit"
    return None


def clean_text(value: str) -> str:
    """The text with entities ("&#324;") decoded, in NFC, with single spaces and without invisible characters.

    Letters, accents, emoji and the direction of right-to-left text do not change. The function is idempotent.
    """
    while (cleaned := _clean_once(value)) != value:
        value = cleaned
    return value


def excerpt(text: str) -> str:
    """The start of a line for messages: no control characters, at most `MAX_EXCERPT_LENGTH` characters."""
    shown = text[: MAX_EXCERPT_LENGTH * 2].strip().replace("\t", " | ")
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in shown)
    return shown if len(shown) <= MAX_EXCERPT_LENGTH else shown[: MAX_EXCERPT_LENGTH - 1] + "…"


def _physical_lines(data: bytes) -> list[bytes]:
    # A carriage return ends a line only before a line feed, or in a file without line feeds (classic Mac OS).
    lines = data.split(b"\n" if b"\n" in data else b"\r")
    return [line.rstrip(b"\r") for line in lines]


def _columns(name: str, header: bytes, required: Sequence[str]) -> list[str]:
    if b"\0" in header:
        raise ListFormatError(f"{name} is not plain text (perhaps UTF-16): save it as UTF-8 (tab-separated text)")
    try:
        text = header.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ListFormatError(f"The first line of {name} is not UTF-8: save the list as UTF-8") from error
    columns = [_unquoted(field).strip().lower() for field in text.split("\t")]
    while columns and not columns[-1]:
        columns.pop()
    missing = [column for column in required if column not in columns]
    if missing:
        raise ListFormatError(
            f"{name} has no column {' and no column '.join(missing)}; the columns found are: "
            f"{excerpt(', '.join(columns))}. Name the columns in the first line, with a tab between them"
        )
    if repeated := [column for column, times in Counter(columns).items() if times > 1]:
        shown = excerpt(", ".join(column or "(no name)" for column in repeated))
        raise ListFormatError(f"{name} has several columns with the same name: {shown}. Rename or remove all but one")
    return columns


def _row(line: bytes, columns: Sequence[str], needed: int) -> dict[str, str] | str | None:
    """The values by column, the reason why the line is skipped, or None for a blank line."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        where = _place(columns, line.count(b"\t", 0, error.start), error.start + 1)
        return f"byte 0x{line[error.start]:02X} {where}, is not UTF-8: save the list as UTF-8"
    if control := _CONTROL.search(text):
        what = "NUL" if control[0] == "\0" else f"control character U+{ord(control[0]):04X}"
        return f"{what} {_place(columns, text.count(_TAB, 0, control.start()), control.start() + 1)}: remove it"
    if not text.strip():
        return None
    fields = _fields(text, len(columns))
    if len(fields) > len(columns):
        return f"{len(fields)} columns where the header has {len(columns)}: a tab within a field?"
    if len(fields) < needed:
        return f"{len(fields)} columns where the header has {len(columns)}: is a tab missing?"
    fields += [""] * (len(columns) - len(fields))
    return dict(zip(columns, fields, strict=True))


def _place(columns: Sequence[str], column: int, position: int) -> str:
    name = columns[column] if column < len(columns) else f"number {column + 1}"
    return f"at position {position}, in column {name}"


def _fields(text: str, expected: int) -> list[str]:
    """The stripped fields. If quotes are ambiguous, the reading with the number of columns of the header is used.

    `"Title<tab>Author"` is one quoted field with a tab, or two fields with one stray quote each.
    """
    quoted = _trimmed(_split_quoted(text), expected)
    if len(quoted) == expected:
        return quoted
    literal = _trimmed([_unquoted(field) for field in text.split("\t")], expected)
    return literal if len(literal) == expected else quoted


def _split_quoted(text: str) -> list[str]:
    fields, at = [], 0
    while True:
        match = _QUOTED.match(text, at)
        end = match.end() if match else text.find("\t", at)
        end = len(text) if end < 0 else end
        fields.append(match[1].replace('""', '"') if match else _unquoted(text[at:end]))
        if end >= len(text):
            return fields
        at = end + 1


def _unquoted(field: str) -> str:
    match = _QUOTED.fullmatch(field.strip())
    return match[1].replace('""', '"') if match else field


def _trimmed(fields: list[str], expected: int) -> list[str]:
    """The fields without the empty columns that spreadsheets add at the end."""
    fields = [field.strip() for field in fields]
    while len(fields) > expected and not fields[-1]:
        fields.pop()
    return fields


def _clean_once(value: str) -> str:
    value = _ENTITY.sub(lambda match: html.unescape(match[0]), _AMPERSANDS.sub("&", value))
    value = "".join(" " if unicodedata.category(char) in {"Cc", "Cs"} else char for char in value)
    value = _STRAY_JOINERS.sub("", _INVISIBLE.sub("", value))
    return " ".join(unicodedata.normalize("NFC", value).split())
