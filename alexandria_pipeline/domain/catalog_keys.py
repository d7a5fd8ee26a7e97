"""The keys by which the local catalogue finds editions: hashes of the title, its ends and the author's surname.

The keys only select candidates; `domain.matching` judges them. A collision of hashes therefore costs time and nothing else.
`domain.text` has the keys that decide whether two titles are the same; these here are simpler, because an import computes
them for every edition (4 µs instead of 20 µs).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.person_names import author_key
from alexandria_pipeline.domain.text.titles import AFTER_LETTER_A, ARTICLES

BLOCK_LETTERS: Final = 4
# Where the main title ends: a subtitle, a bracket or a statement of responsibility follows.
_MAIN_END: Final = re.compile(r"(?<=\w)\s*(?:[:;(\[=]|\s[/–—-]\s|--)")
_DECORATION: Final = re.compile(r" (?:a|an) (?:novel|memoir|thriller|novella)$")


@dataclass(frozen=True, slots=True)
class TitleKeys:
    """Hashes (signed, 32 bits) of a main title, its first four letters and its last four letters."""

    title: int
    head: int
    tail: int


def title_keys(title: str) -> TitleKeys:
    """The keys of a title. Article, subtitle, brackets, case, accents and punctuation do not matter."""
    end = _MAIN_END.search(title)
    words = normalise.__wrapped__(title[: end.start()] if end else title)
    first, _, rest = words.partition(" ")
    if first in ARTICLES and rest and not (first == "a" and rest.partition(" ")[0] in AFTER_LETTER_A):
        words = rest
    letters = _DECORATION.sub("", words).replace(" ", "")
    head, tail = letters[:BLOCK_LETTERS], letters[-BLOCK_LETTERS:]
    return TitleKeys(_hash(letters), _short_hash(f"^{head}"), _short_hash(f"{tail}$"))


@lru_cache(maxsize=65_536)
def author_hash(author: str) -> int:
    """The hash of the first author's surname; 0 when no author is named."""
    surname = author_key(author)
    return _hash(surname) if surname else 0


def block(author: int, part: int) -> int:
    """The key of a block: the editions with this author hash and this head or tail of the title."""
    return author ^ part


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=4).digest(), "big", signed=True)


_short_hash = lru_cache(maxsize=65_536)(_hash)
