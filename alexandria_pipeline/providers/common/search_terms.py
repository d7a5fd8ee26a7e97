"""Search terms: the words of a title and an author that are sent to a service, and safe path segments.

Words keep the spelling of the query, because some services do not fold accents. `domain.text.titles` decides which words
matter. The query syntax of a service belongs in that service's package.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.titles import author_key, dissect

_WORD: Final = re.compile(r"[\w'’]+|&")
# A main title of one word ("Mistborn", "2001", "Dune") matches too many books, so its subtitle is sent as well.
_MIN_WORDS: Final = 2


def title_words(title: str) -> str:
    """The main title without article, series and edition notes; with the subtitle if the main title is a single word."""
    parts = dissect(title)
    wanted = parts.main.split()
    if len(wanted) < _MIN_WORDS and parts.subtitle:
        wanted = parts.plain.split()
    return _as_spelt(title, wanted) or _all_words(title)


def surname(author: str) -> str:
    """The surname of the first author, which every catalogue has; "" if the author is unknown."""
    key = author_key(author)
    return _as_spelt(author, key.split()) if key else ""


def path_segment(text: str) -> str:
    """The text as one segment of a URL path. No character ends the segment, and "." and ".." are encoded."""
    encoded = quote(text, safe="", errors="replace")
    return encoded.replace(".", "%2E") if set(text) <= {"."} else encoded


def _as_spelt(text: str, wanted: list[str]) -> str:
    """The words of `text` that match the normalised words `wanted` in order; `wanted` itself if one is missing."""
    spelt: list[str] = []
    position = 0
    for word in _WORD.findall(text):
        folded = normalise(word).split()
        if folded and wanted[position : position + len(folded)] == folded:
            spelt.append("and" if word == "&" else word)
            position += len(folded)
    return " ".join(spelt if position == len(wanted) else wanted)


def _all_words(text: str) -> str:
    return " ".join(_WORD.findall(text)) or " ".join(text.split())
