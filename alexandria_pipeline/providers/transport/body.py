"""From the bytes of an answer to JSON that the rest can rely on, or a plain reason why not. Pure; no network, no clock.

JSON here is UTF-8 (RFC 8259), one object or array, finite numbers, no key twice. Text is free of what neither PostgreSQL
nor UTF-8 can hold (NUL, lone surrogates).
"""

from __future__ import annotations

import json
import math
import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

MAX_BODY_BYTES = 8 * 1024 * 1024
ENCODINGS = "gzip"

_NOT_FOR_TEXT = re.compile(r"\\u(?:0000|d[89a-f])", re.IGNORECASE)
_MARKUP = re.compile(r"\s*<(?:!doctype|html|\?xml|head|body)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A JSON object or array, and the text that it was read from."""

    data: dict[str, Any] | list[Any]
    text: str


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Why a body is no JSON, in words for a person."""

    reason: str


class Body:
    """Collects a body as it arrives, unpacked, and stops at 8 MiB. Own gunzip: httpx neither limits it nor sees a cut stream."""

    def __init__(self, encoding: str) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._gunzip = zlib.decompressobj(wbits=47) if encoding in ("gzip", "x-gzip", "deflate") else None
        self.problem: str | None = None
        if self._gunzip is None and encoding not in ("", "identity"):
            self.problem = "the answer is packed in a way that was not asked for"

    def add(self, chunk: bytes) -> bool:
        """Whether to go on."""
        if self._gunzip is not None:
            try:
                chunk = self._gunzip.decompress(chunk, MAX_BODY_BYTES + 1 - self._size)
            except zlib.error:
                self.problem = "the compressed answer is damaged"
                return False
        self._size += len(chunk)
        self._parts.append(chunk)
        if self._size > MAX_BODY_BYTES:
            self.problem = f"the answer is larger than {MAX_BODY_BYTES >> 20} MiB"
        return self.problem is None

    def end(self) -> bytes:
        """All of it; `problem` says whether it is complete."""
        if self.problem is None and self._gunzip is not None and self._size and not self._gunzip.eof:
            self.problem = "the compressed answer is cut off"
        return b"".join(self._parts)


def decode(body: bytes) -> Decoded | Undecodable:
    """The JSON of a complete body. Never raises."""
    if not body.strip():
        return Undecodable("the answer is empty where JSON is due")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Undecodable("the answer is not UTF-8")
    try:
        data = json.loads(text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_each_key_once)
        if _NOT_FOR_TEXT.search(text):
            data = _clean(data)
    except RecursionError:
        return Undecodable("the answer is nested too deeply")
    except _Unwanted as error:
        return Undecodable(f"the answer is JSON with {error}")
    except ValueError:
        return Undecodable(_no_json(text))
    if not isinstance(data, dict | list):
        return Undecodable("the answer is neither an object nor an array")
    return Decoded(data, text)


class _Unwanted(ValueError):
    """JSON that no two readers would understand alike."""


def _no_constant(name: str) -> float:
    raise _Unwanted(f"the number {name}")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _Unwanted("a number beyond all bounds")
    return number


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Unwanted("a key that comes twice")
    return found


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


def _no_json(text: str) -> str:
    if _MARKUP.match(text):
        return "the answer is HTML where JSON is due"
    if "\0" in text[:100]:
        return "the answer is in another character set than UTF-8"
    if text.lstrip()[:1] in ("{", "["):
        return "the answer is JSON that is cut off or damaged"
    return "the answer is not JSON"


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header: a number, or an HTTP date seen from `now`; None when it cannot be read.

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
