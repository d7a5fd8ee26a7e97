"""The same verdict as `judge` in a tenth of the time, for the most frequent case: title and author are those of the question.

Only plain titles and names qualify: no signs, numbers or words that any rule of `evidence` looks at. All that is left to weigh is
the year and the language. A test compares every answer with that of `judge`.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final, NamedTuple

from alexandria_pipeline.domain.isbn import is_placeholder
from alexandria_pipeline.domain.matching.edition_facts import is_publisher_of_recordings
from alexandria_pipeline.domain.matching.evidence import format_level, year_finding
from alexandria_pipeline.domain.matching.vocabulary import is_maker, maker_words
from alexandria_pipeline.domain.matching.weights import PRIOR, THRESHOLDS, probability, weights
from alexandria_pipeline.domain.records import BookQuery, Candidate, ContributorRole, EditionFormat
from alexandria_pipeline.domain.text.normalise import normalise

_PLAIN_TITLE: Final = re.compile(r"(?:A )?[A-Za-z]{2,}(?: (?:[A-Za-z]{2,}|a))*", re.ASCII)
_PLAIN_NAME: Final = re.compile(r"[A-Z][a-z]+(?: [A-Z]\.)*(?: [A-Z][a-z]+)+", re.ASCII)
# Words that tell the language or the form of an edition, or that a name follows.
_TELLING: Final = frozenset(
    "by large edition edicion edizione edicao editie ausgabe espanol francais deutsch portugues audio audiobook audiobooks unabridged "
    "playaway tape cd disc books".split()
)
_SAME: Final = (
    PRIOR,
    ("title", "same"),
    ("extra", "none"),
    ("company", "none"),
    ("author", "full"),
    ("kind", "book"),
)


class QuickVerdict(NamedTuple):
    """The verdict of `judge` about one accepted candidate."""

    confidence: int
    settled: bool


def quick_verdict(query: BookQuery, candidate: Candidate) -> QuickVerdict | None:
    """The verdict of `judge` about this one candidate, if title and author are the same and it is accepted; else None."""
    title, form, language = candidate.title, candidate.format, candidate.language
    if candidate.subtitle or len(candidate.contributors) != 1:
        return None
    author = candidate.contributors[0]
    if author.name != query.author or author.role is not ContributorRole.AUTHOR or author.aliases:
        return None
    wanted = title.lower()
    if wanted != query.title.lower() or not _PLAIN_TITLE.fullmatch(title) or not _TELLING.isdisjoint(wanted.split()):
        return None
    if not _is_plain_name(author.name) or is_placeholder(candidate.isbn13):
        return None
    is_maker_of_books, records = _publisher(candidate.publisher or "")
    if is_maker_of_books or (records and form in {EditionFormat.UNKNOWN, EditionFormat.OTHER}):
        return None
    level = "unknown" if language is None else "asked" if language == query.language else "other"
    return _verdict(year_finding(query, candidate).level, level, form)


@cache
def _verdict(year: str, language: str, form: EditionFormat) -> QuickVerdict | None:
    table = weights()
    levels = (*_SAME, ("year", year), ("language", language), ("format", format_level(form)))
    confidence = int(100 * probability(sum(table.get(each, 0) for each in levels)))
    settled = confidence >= THRESHOLDS["high"] and language != "other" and form is not EditionFormat.AUDIO
    return QuickVerdict(confidence, settled) if confidence >= THRESHOLDS["accept"] else None


@lru_cache(maxsize=16_384)
def _is_plain_name(name: str) -> bool:
    """Whether a name has no sign, and no word of a publisher of books about books, not even the end of one."""
    words = name.lower().replace(".", "").split()
    return bool(_PLAIN_NAME.fullmatch(name)) and maker_words().isdisjoint(words) and not is_maker(" ".join(words))


@lru_cache(maxsize=16_384)
def _publisher(name: str) -> tuple[bool, bool]:
    """Whether it makes books about books, and whether it makes recordings."""
    return is_maker(normalise(name)), is_publisher_of_recordings(name)
