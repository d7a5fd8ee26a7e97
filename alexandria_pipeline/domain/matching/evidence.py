"""What speaks for and against a candidate: named evidence, each with its points.

The one table of weights is here, with the words that betray a summary or a box set. What the points add up to, and which
candidate wins, is decided in `domain.matching`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alexandria_pipeline.domain.isbn import is_placeholder
from alexandria_pipeline.domain.matching.authorship import HELPERS, best_agreement, persons_of
from alexandria_pipeline.domain.matching.derivatives import SUMMARY_MAKERS, kinds, lists_several_titles
from alexandria_pipeline.domain.matching.edition_facts import format_of, language_of, words_of
from alexandria_pipeline.domain.matching.title_extras import broken, candidate_title, cut, unexplained
from alexandria_pipeline.domain.records import BookQuery, Candidate, EditionFormat, EvidenceLine
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.numerals import canonical_words
from alexandria_pipeline.domain.text.person_names import NameAgreement, people
from alexandria_pipeline.domain.text.spelling import is_misspelling
from alexandria_pipeline.domain.text.title_comparison import TitleAgreement, compare_titles, is_descriptive, series_name
from alexandria_pipeline.domain.text.titles import TitleParts, dissect


class RefusalReason(StrEnum):
    """Why no candidate was accepted; that of the nearest one."""

    NO_CANDIDATES = "no_candidates"
    OTHER_TITLE = "other_title"
    OTHER_VOLUME = "other_volume"
    OTHER_AUTHOR = "other_author"
    NOT_THE_AUTHOR = "not_the_author"  # named, but as translator, illustrator or narrator
    OTHER_KIND = "other_kind"  # summary, box set, sampler …
    IMPLAUSIBLE_YEAR = "implausible_year"
    OTHER_LANGUAGE = "other_language"
    PLACEHOLDER_ISBN = "placeholder_isbn"
    AMBIGUOUS = "ambiguous"
    TOO_WEAK = "too_weak"


VETO: Final = -100

# Points of each piece of evidence. A right title (50) by the right author (40) in the right year (10) is certain; 65 is
# enough (docs/behaviour.md, "Resolution"), so a title that agrees only loosely needs author and year to stand by it.
WEIGHTS: Final[dict[str, dict[str, int]]] = {
    "title": {
        "same": 50, "series_place": 30, "described": 47, "first_volume": 20, "misspelt": 40, "nearly": 20, "series_in_front": 24, "named_on_one_side": 20,
        "name_left_out": 5,
        "cut": 14, "cut_record": 14, "cut_long": 34, "broken_off": 26, "in_company": 26, "by_another": 14,
        "other_subtitle": 5, "other_volume": VETO, "different": VETO,
    },
    "extra": {"none": 0, "shared": 0, "unexplained": -1, "thin": -40},
    "author": {
        "full": 40, "near": 37, "initials": 36, "misspelt": 30, "surname": 26, "not_first": 34, "not_asked": 12,
        "not_asked_generic": 2, "missing": 0, "helper": VETO, "different": VETO,
    },
    "year": {"same": 10, "close": 4, "reprint": 0, "unknown": 3, "before": -5, "long_before": -8, "implausible": VETO},
    "language": {"asked": 0, "unknown": 0, "other": -25},
    "format": {"print": 0, "unknown": 0, "ebook": -2, "audio": -16},
    "kind": {"book": 0, "large_print": -2, "other": VETO},
    "isbn": {"placeholder": VETO},
}  # fmt: skip

# Agreements of whole titles, of which nothing is left when the record's title is cut; and how no title ends.
_WHOLE: Final = frozenset({"same", "described", "misspelt", "nearly", "named_on_one_side"})
_TITLE_KEYS: Final = {
    TitleAgreement.SAME: "same",
    TitleAgreement.SERIES_IN_FRONT: "series_in_front",
    TitleAgreement.MISSPELT: "misspelt",
    TitleAgreement.NEARLY: "nearly",
    TitleAgreement.FIRST_VOLUME: "first_volume",
    TitleAgreement.SERIES_PLACE: "series_place",
    TitleAgreement.SMALL_WORDS: "misspelt",
    TitleAgreement.OTHER_SUBTITLE: "other_subtitle",
    TitleAgreement.OTHER_VOLUME: "other_volume",
    TitleAgreement.DIFFERENT: "different",
}
_AUTHOR_KEYS: Final = {
    NameAgreement.FULL: "full",
    NameAgreement.NEAR: "near",
    NameAgreement.INITIALS: "initials",
    NameAgreement.MISSPELT: "misspelt",
    NameAgreement.SURNAME: "surname",
    NameAgreement.DIFFERENT: "different",
}
_VETO_REASONS: Final = {
    ("title", "different"): RefusalReason.OTHER_TITLE,
    ("title", "other_volume"): RefusalReason.OTHER_VOLUME,
    ("author", "different"): RefusalReason.OTHER_AUTHOR,
    ("author", "helper"): RefusalReason.NOT_THE_AUTHOR,
    ("year", "implausible"): RefusalReason.IMPLAUSIBLE_YEAR,
    ("kind", "other"): RefusalReason.OTHER_KIND,
    ("isbn", "placeholder"): RefusalReason.PLACEHOLDER_ISBN,
}
# The nearer to acceptance, the later: the reason of a page is that of the candidate that came furthest.
SEVERITY: Final = (
    RefusalReason.OTHER_TITLE, RefusalReason.OTHER_AUTHOR, RefusalReason.NOT_THE_AUTHOR, RefusalReason.OTHER_VOLUME,
    RefusalReason.OTHER_KIND, RefusalReason.IMPLAUSIBLE_YEAR, RefusalReason.PLACEHOLDER_ISBN, RefusalReason.OTHER_LANGUAGE,
    RefusalReason.TOO_WEAK, RefusalReason.AMBIGUOUS,
)  # fmt: skip

# In brackets and alone, another form than the book: "The Castle (Play)".
_OTHER_FORMS: Final = frozenset("play drama musical opera film movie dvd game script comic".split())
LONG_SUBTITLE: Final = 5
"""Words of a subtitle that is no name, whatever it says."""

_LARGE_PRINT: Final = re.compile(r"\blarge (?:print|type)\b")
# Pages of what is made of a book, at most.
THIN: Final = 128
EARLIEST_YEAR: Final = 1450
LATEST_YEAR: Final = 2100
# A catalogue year this far beyond the listing (or beyond 2000, for classics are always in print) is a slip of the keyboard.
YEARS_AHEAD: Final = 40


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of evidence under its key in `WEIGHTS`."""

    name: str
    key: str
    detail: str

    @property
    def points(self) -> int:
        return WEIGHTS[self.name][self.key]

    @property
    def veto(self) -> RefusalReason | None:
        return _VETO_REASONS.get((self.name, self.key))

    def line(self) -> EvidenceLine:
        return EvidenceLine(self.name, self.detail, self.points)


def gather(query: BookQuery, candidate: Candidate) -> tuple[Finding, ...]:
    """Everything that speaks for or against a candidate, in the order of `WEIGHTS`."""
    asked, offered = dissect(query.title), candidate_title(candidate)
    title = _title(asked, offered)
    more = unexplained(query, candidate, asked, offered)
    longer = bool(offered.subtitle) and not asked.subtitle
    if title.key in _WHOLE and (lost := broken(candidate.title, asked, offered)):
        title = Finding("title", lost, f"{title.detail}, and the record's title is cut")
    elif title.key in _WHOLE and (more or longer) and (company := _company(query, candidate)):
        title = Finding("title", company, f"{title.detail}, with more to it and somebody else's name")
    extra = _extra(candidate, more)
    year = _year(query, candidate)
    author = _author(query, candidate, asked)
    placeholder = is_placeholder(candidate.isbn13)
    isbn = [Finding("isbn", "placeholder", f"{candidate.isbn13} is a filler")] if placeholder else []
    return (title, extra, author, year, _language(query, candidate), _format(candidate), _kind(query, candidate), *isbn)


def _extra(candidate: Candidate, more: str) -> Finding:
    """A thin record that adds something to the title is more often a digest or a sample than the book."""
    thin = candidate.pages is not None and 0 < candidate.pages <= THIN
    return Finding("extra", ("thin" if thin else "unexplained") if more else "none", more or "nothing")


def _title(asked: TitleParts, offered: TitleParts) -> Finding:
    agreement = compare_titles(asked, offered)
    if agreement is TitleAgreement.FIRST_VOLUME and asked.part:
        agreement = TitleAgreement.OTHER_VOLUME  # the whole, or the series, for its first volume
    detail = f"{agreement}: {offered.full}" if offered.full else "no title"
    if agreement is TitleAgreement.SUBTITLE_ON_ONE_SIDE:
        return Finding("title", _one_subtitle(asked, offered), detail)
    if agreement is TitleAgreement.CUT:
        return Finding("title", cut(asked, offered), detail)
    return Finding("title", _TITLE_KEYS[agreement], detail)


def _one_subtitle(asked: TitleParts, offered: TitleParts) -> str:
    """A subtitle on one side only: one that describes the book is left out freely, a name tells it from its sisters."""
    subtitle = asked.subtitle or offered.subtitle
    both = asked.subtitle and offered.subtitle
    numbered = (asked.part or asked.place) is not None and (asked.part or asked.place) == (
        offered.part or offered.place
    )
    in_series = bool(offered.series) and series_name(subtitle).startswith(series_name(offered.series))
    if both or numbered or in_series or is_descriptive(subtitle) or len(subtitle.split()) >= LONG_SUBTITLE:
        return "described"
    return "name_left_out" if asked.subtitle else "named_on_one_side"


def _company(query: BookQuery, candidate: Candidate) -> str | None:
    """Whether somebody whom nobody asked for is named before or beside the author, as those are who write about a book."""
    wanted = people(query.author)
    named = [people(one.name) for one in candidate.contributors if one.role not in HELPERS]
    strange = [bool(one) and best_agreement(wanted, list(one)) is NameAgreement.DIFFERENT for one in named]
    if not wanted or all(strange) or not any(strange) or any(" " not in one.name for one in candidate.contributors):
        return None
    return "by_another" if strange[0] else "in_company"


def _author(query: BookQuery, candidate: Candidate, asked: TitleParts) -> Finding:
    wanted = people(query.author)
    named = ", ".join(contributor.name for contributor in candidate.contributors)
    authors = list(persons_of(candidate, helpers=False))
    if normalise(query.author) and normalise(query.author) in {
        normalise(one.name) for one in candidate.contributors if one.role not in HELPERS
    }:
        return Finding("author", "full", named)  # as written, which also holds for "Anonymous" and "Various Authors"
    if not wanted:
        generic = len(canonical_words(asked.main)) < 2
        return Finding(
            "author", "not_asked_generic" if generic else "not_asked", f"nobody asked for; {named or 'nobody named'}"
        )
    if not authors and not any(persons_of(candidate, helpers=True)):
        # Never enough: a real title with a wrong author would be taken for the authorless record of it.
        return Finding("author", "missing", "nobody named")
    agreement = best_agreement(wanted, authors)
    if agreement is NameAgreement.DIFFERENT:
        helps = best_agreement(wanted, list(persons_of(candidate, helpers=True))) >= NameAgreement.INITIALS
        return Finding("author", "helper" if helps else "different", named)
    first = best_agreement(wanted[:1], authors) is not NameAgreement.DIFFERENT
    key = _AUTHOR_KEYS[agreement]
    weaker = not first and WEIGHTS["author"][key] > WEIGHTS["author"]["not_first"]
    return Finding("author", "not_first" if weaker else key, f"{agreement.name.lower()}: {named}")


def _year(query: BookQuery, candidate: Candidate) -> Finding:
    """The listing year is that of first notable publication; an edition may be a later printing, or an older book's."""
    years = [year for year in (candidate.published and candidate.published.year, candidate.first_published) if year]
    if not years:
        return Finding("year", "unknown", "no year")
    detail = ", ".join(map(str, years))
    latest = LATEST_YEAR if query.year is None else min(LATEST_YEAR, max(query.year, 2000) + YEARS_AHEAD)
    if not all(EARLIEST_YEAR <= year <= latest for year in years):
        return Finding("year", "implausible", detail)
    if query.year is None:
        return Finding("year", "unknown", f"{detail}, none asked for")
    offsets = [year - query.year for year in years]
    nearest = min(offsets, key=abs)
    if abs(nearest) <= 1:
        return Finding("year", "same", detail)
    if abs(nearest) == 2:
        return Finding("year", "close", detail)
    if min(offsets) > 0:
        return Finding("year", "reprint", detail)
    return Finding("year", "before" if min(offsets) > -10 else "long_before", detail)


def _language(query: BookQuery, candidate: Candidate) -> Finding:
    language = language_of(candidate)
    if language is None:
        return Finding("language", "unknown", "not told")
    return Finding("language", "asked" if language == query.language else "other", language)


def _format(candidate: Candidate) -> Finding:
    kind = format_of(candidate)
    key = {
        EditionFormat.AUDIO: "audio", EditionFormat.EBOOK: "ebook", EditionFormat.HARDCOVER: "print", EditionFormat.PAPERBACK: "print",
    }.get(kind, "unknown")  # fmt: skip
    return Finding("format", key, kind.value)


def _kind(query: BookQuery, candidate: Candidate) -> Finding:
    asked, offered = normalise(query.title), words_of(candidate)
    others = frozenset() if is_misspelling(asked, offered) else kinds(offered) - kinds(asked)
    names = [one.name for one in candidate.contributors]
    makers = normalise(" ".join([candidate.publisher or "", *names]))
    if "summary" not in kinds(asked) and SUMMARY_MAKERS.search(makers):
        others |= {"summary"}
    if lists_several_titles(
        candidate.title, frozenset(normalise(" ".join([query.author, *names])).split())
    ) and not lists_several_titles(query.title, frozenset()):
        others |= {"several books"}
    if _OTHER_FORMS.intersection(candidate_title(candidate).brackets) - set(dissect(query.title).brackets):
        others |= {"adaptation"}
    if _is_about(query, candidate):
        others |= {"book about the author"}
    if others:
        return Finding("kind", "other", ", ".join(sorted(others)))
    kind = "large_print" if _LARGE_PRINT.search(offered) else "book"
    return Finding("kind", kind, kind.replace("_", " "))


def _is_about(query: BookQuery, candidate: Candidate) -> bool:
    """Whether somebody else comes first and the title names the author asked for: "Emma: The Life of Jane Austen"."""
    wanted, first = people(query.author), people(candidate.contributors[0].name) if candidate.contributors else ()
    if not wanted or not first or best_agreement(wanted, list(first)) is not NameAgreement.DIFFERENT:
        return False
    title = candidate_title(candidate)
    said = " ".join([title.plain, *title.brackets]).split()
    return wanted[0].core in said and wanted[0].core not in normalise(query.title).split()
