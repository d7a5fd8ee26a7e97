"""Decodes the body of a response to JSON, or gives the reason why it cannot. Pure: no network, no clock.

Accepted JSON is UTF-8 (RFC 8259), one object or array, with finite numbers and unique keys. Characters that PostgreSQL or
UTF-8 cannot store (NUL, lone surrogates) are removed. Longer strings and lists than any service sends are cut, so that no
parser meets them; the text of the response stays whole.
"""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from alexandria_pipeline.domain.json_text import load

MAX_BODY_BYTES = 8 * 1024 * 1024
# What no service sends. Reading as much takes about a second and keeps the other threads waiting for less than 50 ms at a time.
MAX_VALUES = 100_000  # values, and objects and lists; 2,000 rows of Wikidata with most of the variables have 80,000
MAX_ESCAPES = 400_000
MAX_PARTS = 50_000
MAX_STRING_LENGTH = 20_000  # the longest descriptions have about 10,000 characters
MAX_LIST_LENGTH = 10_000  # a list is cut; an object with more members is refused
ENCODINGS = "gzip"

_SEARCHED_AT_ONCE = 500_000  # characters; a search stops all threads

_UNSTORABLE = re.compile(r"\\u(?:0000|d[89a-f])", re.IGNORECASE)
_MARKUP = re.compile(r"\s*<(?:!doctype|html|\?xml|head|body)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A JSON object or array, and its text."""

    data: dict[str, Any] | list[Any]
    text: str


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Why a body is not JSON, for people."""

    reason: str


class Body:
    """Collects and decompresses a body, and stops at 8 MiB. httpx can neither limit the size nor detect a truncated stream."""

    def __init__(self, encoding: str) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._gunzip = zlib.decompressobj(wbits=47) if encoding in ("gzip", "x-gzip", "deflate") else None
        self.problem: str | None = None
        if self._gunzip is None and encoding not in ("", "identity"):
            self.problem = "the response has an encoding that was not requested"

    def add(self, chunk: bytes) -> bool:
        """Adds a chunk; False when no more is wanted."""
        if self._gunzip is not None:
            try:
                chunk = self._gunzip.decompress(chunk, MAX_BODY_BYTES + 1 - self._size)
            except zlib.error:
                self.problem = "the compressed response is damaged"
                return False
        self._size += len(chunk)
        self._parts.append(chunk)
        if self._size > MAX_BODY_BYTES:
            self.problem = f"the response is larger than {MAX_BODY_BYTES >> 20} MiB"
        elif len(self._parts) > MAX_PARTS:
            self.problem = f"the response has more than {MAX_PARTS:,} parts"
        # What follows the end of the compressed body is not read: it could go on for ever.
        return self.problem is None and not (self._gunzip is not None and self._gunzip.eof)

    def end(self) -> bytes:
        """The whole body; `problem` is set if it is incomplete."""
        if self.problem is None and self._gunzip is not None and self._size and not self._gunzip.eof:
            self.problem = "the compressed response is truncated"
        return b"".join(self._parts)


def decompressed(data: bytes, limit: int) -> bytes | None:
    """The content of zlib data of at most `limit` bytes; None if there is more, or if it is damaged."""
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(data, limit + 1)
    except zlib.error:
        return None
    return content if len(content) <= limit and inflate.eof else None


def decode(body: bytes) -> Decoded | Undecodable:
    """The JSON of a complete body. Never raises."""
    if not body.strip():
        return Undecodable("the response is empty instead of JSON")
    if body.count(b",") > MAX_VALUES or _has_many_lists(body):
        return Undecodable(f"the response has more than {MAX_VALUES:,} values")
    if body.count(b"\\") > MAX_ESCAPES:
        return Undecodable(f"the response has more than {MAX_ESCAPES:,} escaped characters")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Undecodable("the response is not UTF-8")
    try:
        data = load(text, parse_constant=_reject_constant, parse_float=_finite, object_pairs_hook=_unique_keys)
        if _has_unstorable(text):
            data = _clean(data)
        data = _bounded(data)
    except RecursionError:
        return Undecodable("the response is nested too deeply")
    except _Ambiguous as error:
        return Undecodable(f"the response is JSON with {error}")
    except ValueError:
        return Undecodable(_why_not_json(text))
    if not isinstance(data, dict | list):
        return Undecodable("the response is neither an object nor an array")
    return Decoded(data, text)


def _has_many_lists(body: bytes) -> bool:
    """Whether there are more objects and lists than `MAX_VALUES`. Brackets in texts do not count."""
    if body.count(b"[") + body.count(b"{") <= MAX_VALUES:
        return False
    unescaped = body.replace(rb"\\", b"").replace(rb"\"", b"")
    if unescaped.count(b'"') > 4 * MAX_VALUES:  # a value has at most a name and a text
        return True
    outside = unescaped.split(b'"')[::2]
    return sum(part.count(b"[") + part.count(b"{") for part in outside) > MAX_VALUES


class _Ambiguous(ValueError):
    """JSON that different readers understand differently, or that no service sends."""


def _reject_constant(name: str) -> float:
    raise _Ambiguous(f"the number {name}")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _Ambiguous("a number that is too large")
    return number


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_LIST_LENGTH:
        raise _Ambiguous(f"an object of more than {MAX_LIST_LENGTH:,} members")
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Ambiguous("a duplicate key")
    return {name: _bounded(value) for name, value in found.items()}


def _bounded(value: Any) -> Any:
    """The value with a string or list that is too long cut. Objects inside it are bounded already."""
    if isinstance(value, str):
        return value[:MAX_STRING_LENGTH]
    if isinstance(value, list):
        return [each if isinstance(each, dict) else _bounded(each) for each in value[:MAX_LIST_LENGTH]]
    return value


def _has_unstorable(text: str) -> bool:
    length = len("\\u0000")
    starts = range(0, len(text), _SEARCHED_AT_ONCE)
    return any(_UNSTORABLE.search(text, start, start + _SEARCHED_AT_ONCE + length) for start in starts)


def _clean(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "").encode("utf-8", "replace").decode()
        case list():
            return [_clean(each) for each in value]
        case dict():
            return {_clean(key): _clean(each) for key, each in value.items()}
        case _:
            return value


def _why_not_json(text: str) -> str:
    if _MARKUP.match(text):
        return "the response is HTML instead of JSON"
    if "\0" in text[:100]:
        return "the response is in another character set than UTF-8"
    if text.lstrip()[:1] in ("{", "["):
        return "the response is truncated or damaged JSON"
    return "the response is not JSON"


def retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds of a Retry-After header, which is a number or an HTTP date; None if it cannot be read.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    if value is None:
        return None
    try:
        seconds = float(value) if value.strip().replace(".", "", 1).isdigit() else _until(value, now)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, seconds)


def _until(value: str, now: datetime) -> float:
    moment = parsedate_to_datetime(value)
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
