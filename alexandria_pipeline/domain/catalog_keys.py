"""The keys by which the local catalogue finds editions: hashes of the title, its ends and the author's surname.

The keys only select candidates; `domain.matching` judges them. A collision of hashes therefore costs time and nothing else.
`domain.text` has the keys that decide whether two titles are the same; these here are simpler, because an import computes
them for every edition (4 µs instead of 20 µs).
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from alexandria_pipeline.domain.text.normalise import PLAIN_LETTERS, normalise
from alexandria_pipeline.domain.text.person_names import (
    HONORIFICS,
    PARTICLES,
    RANKS,
    SUFFIXES,
    UNKNOWN_AUTHOR,
    author_key,
)
from alexandria_pipeline.domain.text.titles import AFTER_LETTER_A, ARTICLES

BLOCK_LETTERS: Final = 4
"""The letters at the beginning and at the end of a title that make its blocks."""

SHORT_TITLE, SHORT_BLOCK = 8, 2
"""Titles of at most eight letters have blocks of two: a slip in the middle of "Sicilian" changes the first four and the last four."""

_LONGER: Final = 5
# Where the main title ends: a subtitle, a bracket or a statement of responsibility follows.
_MAIN_END: Final = re.compile(r"(?<=\w)\s*(?:[:;(\[=]|\s[/–—-]\s|--)")
_MAIN_MAY_END: Final = re.compile(r"[:;(\[=/–—-]")
# Signs that may end a main title, or stand for a word. Titles in ASCII without them need no regular expressions.
_SPECIAL: Final = b":;([=/-&+#"
_USUAL: Final = bytes(code for code in range(128) if code not in _SPECIAL)
_VANISHING: Final = bytes(code for code in _USUAL if PLAIN_LETTERS[code] is None)
_FOLDED: Final = bytes(ord(PLAIN_LETTERS.get(code) or " ") if code in _USUAL else 32 for code in range(256))
_ARTICLES: Final = frozenset(word.encode() for word in ARTICLES)
_AFTER_LETTER_A: Final = frozenset(word.encode() for word in AFTER_LETTER_A)
_DECORATING: Final = frozenset({"a", "an"})
_DECORATIONS: Final = frozenset({"novel", "memoir", "thriller", "novella"})
_DECORATION_CODES: Final = frozenset(word.encode() for word in _DECORATIONS)
_PLAIN_NAME: Final = re.compile(r"(?:[A-Z][a-z]*\.? )+[A-Z][a-z]{2,}")
_NOT_PLAIN: Final = PARTICLES.union(
    SUFFIXES,
    HONORIFICS,
    RANKS,
    (word for name in UNKNOWN_AUTHOR for word in name.split()),
    ("and", "with", "und", "authors"),
)


class TitleKeys(NamedTuple):
    """Hashes (signed, 32 bits) of a main title, its first letters and its last letters."""

    title: int
    head: int
    tail: int


def title_keys(title: str) -> TitleKeys:
    """The keys of a title. Article, subtitle, brackets, case, accents and punctuation do not matter."""
    if (code := _usual_letters(title)) is not None:
        size = SHORT_BLOCK if len(code) <= SHORT_TITLE else BLOCK_LETTERS
        return TitleKeys(_hash(code), _head_hash(code[:size]), _tail_hash(code[-size:]))
    letters = _letters(title)
    return _keys(letters, SHORT_BLOCK if len(letters) <= SHORT_TITLE else BLOCK_LETTERS)


def asked_keys(title: str) -> tuple[TitleKeys, TitleKeys]:
    """The keys under which the title may be stored that was meant; twice the same for a long title.

    With a slip, a title has a letter more, or also those of a misspelt article.

    Short ones are also looked for by the long blocks of catalogues that were imported before there were short ones.
    """
    letters = _letters(title)
    long = _keys(letters, BLOCK_LETTERS)
    return (_keys(letters, SHORT_BLOCK) if len(letters) <= SHORT_TITLE + _LONGER else long), long


def _usual_letters(title: str) -> bytes | None:
    """`_letters` of a title in ASCII without special signs, in a third of the time; None for other titles."""
    if not title.isascii() or (code := title.encode()).translate(None, _USUAL):
        return None
    words = code.translate(_FOLDED, _VANISHING).split()
    if len(words) > 1:
        if words[0] in _ARTICLES and not (words[0] == b"a" and words[1] in _AFTER_LETTER_A):
            del words[0]
        if words[-1] in _DECORATION_CODES and len(words) > 2 and words[-2].decode() in _DECORATING:
            del words[-2:]
    return b"".join(words)


def _letters(title: str) -> str:
    """The letters of the main title without its article, and without "a novel" behind it."""
    if _MAIN_MAY_END.search(title) and (end := _MAIN_END.search(title)):
        title = title[: end.start()]
    words = _words(title)
    if len(words) > 1 and words[0] in ARTICLES and not (words[0] == "a" and words[1] in AFTER_LETTER_A):
        del words[0]
    if len(words) > 2 and words[-1] in _DECORATIONS and words[-2] in _DECORATING:
        del words[-2:]
    return "".join(words)


def _keys(letters: str, of_block: int) -> TitleKeys:
    head, tail = letters[:of_block].encode("utf-8", "replace"), letters[-of_block:].encode("utf-8", "replace")
    return TitleKeys(_hash(letters.encode("utf-8", "replace")), _head_hash(head), _tail_hash(tail))


def _words(text: str) -> list[str]:
    """The normalised words. Most titles need only the folding of ASCII, which takes a fifth of the time."""
    if text.isascii() and "&" not in text and "+" not in text and "#" not in text:
        return text.translate(PLAIN_LETTERS).split()
    return normalise.__wrapped__(text).split()


@lru_cache(maxsize=65_536)
def author_hash(author: str) -> int:
    """The hash of the first author's surname; 0 when no author is named."""
    surname = _plain_surname(author) or author_key(author)
    return _hash(surname.encode("utf-8", "replace")) if surname else 0


def _plain_surname(author: str) -> str:
    """The last word of a name such as "Ursula K. Lee", as `author_key` gives it in ten times the time; "" for other forms."""
    if not _PLAIN_NAME.fullmatch(author):
        return ""
    words = author.lower().split()
    return words[-1] if _NOT_PLAIN.isdisjoint(words) else ""


def block(author: int, part: int) -> int:
    """The key of a block: the editions with this author hash and this head or tail of the title."""
    return author ^ part


def _hash(text: bytes) -> int:
    return int.from_bytes(blake2b(text, digest_size=4).digest(), "big", signed=True)


@lru_cache(maxsize=65_536)
def _head_hash(letters: bytes) -> int:
    return _hash(b"^" + letters)


@lru_cache(maxsize=65_536)
def _tail_hash(letters: bytes) -> int:
    return _hash(letters + b"$")
