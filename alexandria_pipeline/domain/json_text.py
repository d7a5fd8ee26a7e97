"""Decodes JSON so that other threads run meanwhile.

The decoder of the standard library is written in C and stops all threads while it works: about 100 ms for 200,000 values. A text with
many values is read by its twin in Python, which takes five times as long and can be interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from json.decoder import WHITESPACE  # type: ignore[attr-defined] # its pattern of white space
from json.scanner import py_make_scanner  # type: ignore[attr-defined] # used by the standard library without its C part
from typing import Any, Final

MAX_VALUES_AT_ONCE: Final = 20_000  # the decoder in C takes about 10 ms for them


class InterruptibleDecoder(json.JSONDecoder):
    """A decoder in Python. Strings are still read in C."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.scan_once = py_make_scanner(self)


def load(text: str, **options: Any) -> Any:
    """As `json.loads`, with the same options and errors."""
    return _decoder(text)(**options).decode(text)


def load_each(text: str) -> Iterator[Any]:
    """The values of a JSON list, one after the other, so that only one is in memory. Raises ValueError for other texts."""
    decoder = _decoder(text)()
    at, last = _after("[", text, 0), ""
    while not (text[at : at + 1] == "]" and last != ","):
        value, at = decoder.raw_decode(text, at)
        yield value
        at = _without_space(text, at)
        last = text[at : at + 1]
        if last != "]":
            at = _after(",", text, at)
    if _after("]", text, at) < len(text):
        raise json.JSONDecodeError("Extra data", text, at)


def _after(sign: str, text: str, at: int) -> int:
    """The place of the next value after a sign."""
    at = _without_space(text, at)
    if text[at : at + 1] != sign:
        raise json.JSONDecodeError("not a JSON list", text, at)
    return _without_space(text, at + 1)


def _without_space(text: str, at: int) -> int:
    space = WHITESPACE.match(text, at)
    return space.end() if space else at


def _decoder(text: str) -> type[json.JSONDecoder]:
    many = text.count(",") + text.count("[") + text.count("{") > MAX_VALUES_AT_ONCE
    return InterruptibleDecoder if many else json.JSONDecoder
