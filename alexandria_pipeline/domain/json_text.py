"""Decodes JSON so that other threads run meanwhile.

The decoder of the standard library is written in C and stops all threads while it works: about 100 ms for 200,000 values. A text with
many values is read by its twin in Python, which takes five times as long and can be interrupted.
"""

from __future__ import annotations

import json
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
    many = text.count(",") + text.count("[") + text.count("{") > MAX_VALUES_AT_ONCE
    return (InterruptibleDecoder if many else json.JSONDecoder)(**options).decode(text)
