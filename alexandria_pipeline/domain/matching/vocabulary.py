"""The words that point to a publication made from a book: summaries, study guides, box sets, samplers, adaptations.

`vocabulary.tsv` is the only list. Each row has a label, a strength, a regular expression for normalised text, an example that it
matches, and a counter-example that it must not match. What a word counts is decided in `evidence`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Final

from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.title_comparison import BROKEN_OFF_AFTER
from alexandria_pipeline.domain.text.titles import DECORATION, TitleParts

STRONG: Final = "strong"  # names a derivative wherever it stands
WEAK: Final = "weak"  # also in the subtitles of ordinary books: "A Handbook for Living"
SERIES: Final = "series"  # names a series within brackets, and several volumes outside
PUBLISHER: Final = "publisher"  # a publisher of books about books

MAX_LENGTH: Final = 2_000
"""Characters of a text that are searched; no title is longer, and damaged records may be."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the vocabulary."""

    label: str
    strength: str
    pattern: str
    example: str
    counter_example: str


@dataclass(frozen=True, slots=True)
class KindWord:
    """A word of the vocabulary in a text: what it points to, and where it stands."""

    label: str
    strength: str
    start: int
    end: int


# Between titles in one volume, and in a catalogue also before the author: "Emma / Persuasion", "Emma / Jane Austen".
_BETWEEN_TITLES: Final = re.compile(r" [/|+] ")
_STRINGING: Final = re.compile(r"[/|+;]")
_BETWEEN_SEVERAL: Final = re.compile(r" ?; ")
_RESPONSIBILITY: Final = re.compile(
    r"(?:by|or|edited|translated|illustrated|introduced|selected|foreword|with|written) "
)
# What only looks like a kind: the place of a book in a series.
_NO_KIND: Final = re.compile(
    r"\bun ?abridged\b|\b(?:book|part|volume|vol|no) (?:\d+|one|two|three|four|five) (?:of|in) (?:the )?(?:[a-z0-9]+ ){1,4}?"
    r"(?:trilogy|tetralogy|quartet)\b"
)


@cache
def _table() -> tuple[Entry, ...]:
    table = (resources.files(__package__) / "vocabulary.tsv").read_text("utf-8")
    return tuple(Entry(*line.split("\t")) for line in table.splitlines()[1:])


_in_use: list[Entry] = []


def entries() -> Sequence[Entry]:
    """The rows of the vocabulary, in order."""
    return _in_use or _table()


def use(rows: Sequence[Entry]) -> None:
    """Replaces the vocabulary for this process, to measure what a row does (`benchmarks/ablate.py`)."""
    _in_use[:] = rows
    for cached in (_pattern, kind_words, kinds, maker_words):
        cached.cache_clear()


@cache
def _pattern(*, publishers: bool) -> re.Pattern[str]:
    rows = [(place, row) for place, row in enumerate(entries()) if (row.strength == PUBLISHER) is publishers]
    words = "|".join(f"(?P<k{place}>{row.pattern})" for place, row in rows)
    return re.compile(rf"\b(?:{words})\b")


@lru_cache(maxsize=8_192)
def kind_words(text: str) -> tuple[KindWord, ...]:
    """The words of the vocabulary in normalised text, in order."""
    found = _pattern(publishers=False).finditer(_NO_KIND.sub(lambda match: " " * len(match[0]), text[:MAX_LENGTH]))
    rows = entries()
    return tuple(
        KindWord(rows[int(match.lastgroup[1:])].label, rows[int(match.lastgroup[1:])].strength, *match.span())
        for match in found
        if match.lastgroup
    )


@lru_cache(maxsize=8_192)
def kinds(text: str) -> frozenset[str]:
    """The labels of the words of the vocabulary in normalised text."""
    return frozenset(word.label for word in kind_words(text))


def weak_word(segment: str) -> KindWord | None:
    """The first weak word of a segment."""
    return next((word for word in kind_words(segment) if word.strength == WEAK), None)


def has_topic(segment: str, other: TitleParts) -> bool:
    """Whether words of its own follow the weak word of a segment: "A Handbook for Living". `other`: the title beside it.

    "A Graphic History of the Year Civilization Collapsed" has none beside a title with that subtitle.
    """
    word = weak_word(segment)
    topic = segment[word.end :].split() if word is not None else []
    return len(topic) >= 2 and not set(topic) - BROKEN_OFF_AFTER <= set(other.full.split())


def kinds_beside(title: TitleParts, other: TitleParts) -> frozenset[str]:
    """The kinds that a title names, without a series in brackets and without what only describes the book itself."""
    in_brackets = " ".join(title.brackets)
    own = all(has_topic(each, other) for each in title.extras if weak_word(each) is not None) and title.extras
    return frozenset(
        word.label
        for word in kind_words(title.full)
        if not (word.strength == SERIES and title.full[word.start : word.end] in in_brackets)
        and not (word.strength == WEAK and own)
    )


def is_maker(publisher: str) -> bool:
    """Whether a normalised publisher or author is known for books about books."""
    return _pattern(publishers=True).search(publisher[:MAX_LENGTH]) is not None


@cache
def maker_words() -> frozenset[str]:
    """The words in the names of publishers of books about books."""
    rows = (row.pattern for row in entries() if row.strength == PUBLISHER)
    return frozenset(word for pattern in rows for word in re.findall("[a-z]+", pattern))


def lists_several_titles(title: str, authors: frozenset[str]) -> bool:
    """Whether a title as printed strings several titles together ("Emma / Persuasion"). `authors`: words of their names."""
    if not _STRINGING.search(title):
        return False
    title = " ".join(title.split())
    return any(
        sum(not _belongs_to_title(normalise(other), authors) for other in between.split(title)[1:]) >= least
        for between, least in ((_BETWEEN_TITLES, 1), (_BETWEEN_SEVERAL, 2))
    )


def _belongs_to_title(segment: str, authors: frozenset[str]) -> bool:
    """Nothing, decoration, a small number, or who wrote it."""
    words = segment.split()
    if len(words) < 3 and (not words or any(word.isdecimal() and len(word) < 4 for word in words)):
        return True
    return bool(authors.intersection(words) or DECORATION.fullmatch(segment) or _RESPONSIBILITY.match(segment))
