"""Reads the questions of `alexandria catalog lookup`: JSON lines from a file or standard input, in batches.

A batch ends where the input pauses, so that a program can ask, wait for the answers, and ask again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import orjson

from alexandria_pipeline.domain.errors import InvalidValue, SourceError

if TYPE_CHECKING:
    from alexandria_pipeline.domain.records import BookQuery

_CHUNK: Final = 32_768
"""Bytes that are read at once: about 400 questions."""


def question_batches(file: str, language: str) -> Iterator[list[BookQuery]]:
    """The questions of each part of the file that is there at once. Raises InvalidValue for a line that is none."""
    number = 1
    for lines in _parts(file):
        batch = [_question(file, place, line, language) for place, line in enumerate(lines, number) if line.strip()]
        number += len(lines)
        if batch:
            yield batch


def _parts(file: str) -> Iterator[list[bytes]]:
    """The whole lines of each part that one read returns."""
    try:
        with open(sys.stdin.fileno() if file == "-" else file, "rb", buffering=0, closefd=file != "-") as source:
            rest = b""
            while data := os.read(source.fileno(), _CHUNK):
                *lines, rest = (rest + data).split(b"\n")
                yield lines
            if rest:
                yield [rest]
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror}") from error


def _question(file: str, number: int, line: bytes, language: str) -> BookQuery:
    from alexandria_pipeline.domain.records import BookQuery  # noqa: PLC0415 - only needed here

    asked = _read(line)
    title, author, year = asked.get("title"), asked.get("author") or "", asked.get("year")
    if not isinstance(title, str) or not isinstance(author, str) or not (year is None or type(year) is int):
        raise InvalidValue(
            f'{file}, line {number}: a question is {{"title": …, "author": …, "year"?: …}}; title and author are texts, the year is a number'
        )
    return BookQuery(title, author, year, language)


def _read(line: bytes) -> dict[str, Any]:
    try:
        asked = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return asked if isinstance(asked, dict) else {}
