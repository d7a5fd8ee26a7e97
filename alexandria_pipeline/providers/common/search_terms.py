"""What to put into a service's search box for a title and an author, and how to put text safely into a path.

The words stay as the asker spells them (a service may or may not fold accents); which of them matter is known from
`domain.titles`. The syntax of a service's query language is its own file's business.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.titles import author_key, dissect

_WORD: Final = re.compile(r"[\w'’]+|&")
# A main title of one word says too little for a ranking of twenty: "Mistborn", "2001", "Dune".
_ENOUGH_WORDS: Final = 2


def title_words(title: str) -> str:
    """The main title without article, series and decoration; with its subtitle where it is a single word."""
    parts = dissect(title)
    wanted = parts.main.split()
    if len(wanted) < _ENOUGH_WORDS and parts.subtitle:
        wanted = parts.plain.split()
    return _as_spelt(title, wanted) or _plain(title)


def surname(author: str) -> str:
    """The first author's surname, the one part of a name that every catalogue has; "" when nobody is named."""
    key = author_key(author)
    return _as_spelt(author, key.split()) if key else ""


def path_segment(text: str) -> str:
    """One segment of a path: nothing in it ends the segment or the path. A lone dot would be a directory."""
    encoded = quote(text, safe="", errors="replace")
    return encoded.replace(".", "%2E") if set(text) <= {"."} else encoded


def _as_spelt(text: str, wanted: list[str]) -> str:
    """The words of `text` that are, in order, the normalised words wanted; these themselves if not all are there."""
    spelt: list[str] = []
    position = 0
    for word in _WORD.findall(text):
        folded = normalise(word).split()
        if folded and wanted[position : position + len(folded)] == folded:
            spelt.append("and" if word == "&" else word)
            position += len(folded)
    return " ".join(spelt if position == len(wanted) else wanted)


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text)) or " ".join(text.split())
