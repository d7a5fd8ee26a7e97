"""What the wording of a record's title adds to the title asked for, and what it lacks.

A reader leaves subtitles out, and a shop adds the name of a series: both are the book. So are a study guide and the first
fifty pages, to a reader of words. What is added and not known to be harmless is therefore kept separate, for
`domain.matching` to look for an edition that does without.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final

from alexandria_pipeline.domain.records import BookQuery, Candidate
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.numerals import number_value
from alexandria_pipeline.domain.text.person_names import people
from alexandria_pipeline.domain.text.spelling import is_misspelling
from alexandria_pipeline.domain.text.title_comparison import BROKEN_OFF_AFTER
from alexandria_pipeline.domain.text.titles import DECORATION, GENRES, TitleParts, dissect

# How no title ends.
_NO_END: Final = (",", ":", ";", "(", "[", "/", " -")
# Words that state only the genre of the work, or only the form of the edition.
_HARMLESS: Final = re.compile(
    rf"^(?:(?:an? )?(?:[a-z]+ ){{0,2}}(?:{GENRES})(?: of suspense| series)?|stories|poems|(?:mass market )?paperback|hardcover|hardback"
    r"|large print(?: edition)?|unabridged(?: edition)?|kindle(?: edition)?|e ?book|audio ?(?:book|cd)?|cd|(?:un)?illustrated"
    r"|(?:[a-z]+|\d+th) anniversary edition|(?:first|second|third|revised|special|deluxe|collectors|international|us|uk|paperback"
    r"|hardcover|reissue|updated|expanded|new) edition|reissue|reprint|signed(?: copy)?|movie tie in(?: edition)?)"
)
# Decoration into which any word fits, and so a word of what is made of books: "Promotional Edition", "Graphic Classics".
_OPEN: Final = re.compile(r"^(?:[a-z0-9]+ )+(?:edition|classics?|story|stories|tale|novels?)")
_SERIES: Final = re.compile(r"^(?:[a-z]+ ){1,4}(?:chronicles|mystery|mysteries|saga|trilogy|cycle|adventures?)")
# A subtitle this long is the book's own: what is made of books is labelled in a word or two.
_LONG: Final = 5
_DIGITS: Final = re.compile(r"\d+")
_NEUTRAL: Final = frozenset("by the and a an of press books publishing series".split())


@lru_cache(maxsize=8_192)
def candidate_title(candidate: Candidate) -> TitleParts:
    """The candidate's title taken apart, without the names of its people.

    Series and volume that the service gives separately count if the title has none.
    """
    parts = dissect(candidate.title, candidate.subtitle or "")
    if parts.subtitles or " by " in parts.main:
        parts = without_names(parts, _names(candidate))
    if parts.part or parts.place or not (candidate.volume or candidate.series):
        return parts
    digits = _DIGITS.search(candidate.volume or "")
    number = digits[0].lstrip("0") or "0" if digits else number_value(normalise(candidate.volume or ""))
    if number is None and candidate.series is None:
        return parts
    series = parts.series or normalise(candidate.series or "")
    return replace(parts, series=series, place=number)


def _names(candidate: Candidate) -> frozenset[str]:
    return frozenset(" ".join(person.words) for one in candidate.contributors for person in people(one.name))


def without_names(parts: TitleParts, names: frozenset[str]) -> TitleParts:
    """ "Beauty by Faith Baldwin", "Beauty / Faith Baldwin" and "Faith Baldwin: Beauty" are "Beauty"."""
    main = next((cut for name in names if (cut := parts.main.removesuffix(f" by {name}")) != parts.main), parts.main)
    subtitles = tuple(each for each in parts.subtitles if each.removeprefix("by ") not in names)
    if main in names and subtitles:
        main, *rest = subtitles
        subtitles = tuple(rest)
    return (
        parts if (main, subtitles) == (parts.main, parts.subtitles) else replace(parts, main=main, subtitles=subtitles)
    )


def unexplained(query: BookQuery, candidate: Candidate, asked: TitleParts, offered: TitleParts) -> str:
    """What a record adds to the title that is neither genre, form, series, imprint nor a name; "" if there is nothing."""
    if not offered.extras:
        return ""
    names = [one.name for one in candidate.contributors]
    known = normalise(" ".join([query.author, candidate.publisher or "", candidate.series or "", *names])).split()
    return " ".join(extra for extra in offered.extras if not _is_explained(extra, asked, frozenset(known) - _NEUTRAL))


def _is_explained(extra: str, asked: TitleParts, known: frozenset[str]) -> bool:
    known_words = extra in asked.full or any(is_misspelling(extra, other) for other in asked.extras)
    form = _HARMLESS.fullmatch(extra) or (DECORATION.fullmatch(extra) and not _OPEN.fullmatch(extra))
    named = _SERIES.fullmatch(extra) or extra.count(" ") >= _LONG - 1 or extra.split(maxsplit=1)[0] in known
    return bool(known_words or form or named)


def broken(title: str, asked: TitleParts, offered: TitleParts) -> str | None:
    """How a record has lost the end of its title: it stops at a comma ("The Expats," was "The Expats, Vol. 18") or in a word.

    What is lost may have been the number of a volume, "Box Set" or, after an article, "Graphic Novel".
    """
    last = offered.plain.rpartition(" ")[2]
    if last in BROKEN_OFF_AFTER and last != asked.plain.rpartition(" ")[2]:
        return "cut_record"
    if title.rstrip().endswith(_NO_END):
        return "broken_off"
    lost = asked.full.removeprefix(offered.full) if asked.full.startswith(offered.full) else ""
    return "broken_off" if len(lost) > 1 and not lost.startswith(" ") and " " not in lost else None


def cut(asked: TitleParts, offered: TitleParts) -> str:
    """People cut long titles, and so do damaged records; but a record that stops early is more often another book.

    One word more is another book, too, or something made of the first ("The Deep Rising", "The Deep Songbook").
    """
    if len(asked.plain) < len(offered.plain):
        more = offered.plain[len(asked.main) :].split()
        long = len(asked.full.split()) >= 4 and len(asked.main) >= 20
        return "cut_long" if long and len(more) > 1 and more[0] != "and" else "cut"
    kept = len(offered.plain) / len(asked.plain)
    return "cut_record" if len(offered.main.split()) >= 5 and kept >= 0.7 else "different"
