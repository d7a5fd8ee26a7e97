"""The evidence for and against a candidate: one level for each of title, extra, company, author, year, language, kind, format.

Read from top to bottom: `gather` compares the query with the candidate and names the levels. What a level counts is in
`weights`, which candidate wins in `verdict`, how titles and names compare in `domain.text`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from alexandria_pipeline.domain.isbn import is_placeholder
from alexandria_pipeline.domain.matching.authorship import HELPERS, best_agreement, is_misspelt, is_person, persons_of
from alexandria_pipeline.domain.matching.edition_facts import format_of, group_language, language_of, words_of
from alexandria_pipeline.domain.matching.title_extras import broken, candidate_title, cut, unexplained
from alexandria_pipeline.domain.matching.vocabulary import (
    SERIES,
    WEAK,
    has_topic,
    is_maker,
    kind_words,
    kinds,
    lists_several_titles,
    weak_word,
)
from alexandria_pipeline.domain.records import BookQuery, Candidate, EditionFormat
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.numerals import canonical_words
from alexandria_pipeline.domain.text.person_names import NameAgreement, people
from alexandria_pipeline.domain.text.spelling import is_misspelling, joined
from alexandria_pipeline.domain.text.title_comparison import (
    TitleAgreement,
    compare_titles,
    is_descriptive,
    series_name,
    starts_descriptive,
)
from alexandria_pipeline.domain.text.titles import TitleParts, dissect


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of evidence: its name ("title"), its level ("same"), and the text of the candidate that shows it."""

    name: str
    level: str
    detail: str


# Levels of a title of which nothing is left when the record's title is cut.
_WHOLE: Final = frozenset({"same", "described", "misspelt", "nearly", "named_on_one_side"})
# Letters of a title, and its levels, beside which a name with one slip is the same name: "The Prize" by Mary Ford and by Mary Lord
# may be two books.
VOUCHING_LETTERS: Final = 6
_VOUCHING: Final = frozenset({"same", "described"})
_TITLE_LEVELS: Final = {
    TitleAgreement.SAME: "same",
    TitleAgreement.SERIES_IN_FRONT: "series_in_front",
    TitleAgreement.SERIES_PLACE: "series_place",
    TitleAgreement.SMALL_WORDS: "misspelt",
    TitleAgreement.NAME_IN_FRONT: "name_in_front",
    TitleAgreement.MISSPELT: "misspelt",
    TitleAgreement.NEARLY: "nearly",
    TitleAgreement.FIRST_VOLUME: "first_volume",
    TitleAgreement.OTHER_SUBTITLE: "other_subtitle",
    TitleAgreement.OTHER_VOLUME: "other_volume",
    TitleAgreement.DIFFERENT: "different",
}
_NAME_LEVELS: Final = {
    NameAgreement.FULL: "full",
    NameAgreement.NEAR: "alike",
    NameAgreement.INITIALS: "initials",
    NameAgreement.MISSPELT: "misspelt",
    NameAgreement.SURNAME: "surname",
}
_FORMAT_LEVELS: Final = {
    EditionFormat.AUDIO: "audio",
    EditionFormat.EBOOK: "ebook",
    EditionFormat.HARDCOVER: "print",
    EditionFormat.PAPERBACK: "print",
}
# In brackets and alone, another form than the book: "The Castle (Play)".
_OTHER_FORMS: Final = frozenset("play drama musical opera film movie dvd game script comic".split())
# Words of a subtitle that is no name: where the record has it, and where the record omits it.
LONG_SUBTITLE: Final = 4
LONG_SUBTITLE_LEFT_OUT: Final = 5

# Pages of what is made of a book, at most; and of a book that stands in a series.
THIN: Final = 128
THIN_IN_SERIES: Final = 60
EARLIEST_YEAR: Final = 1450
LATEST_YEAR: Final = 2100
# A catalogue year this far beyond the listing (or beyond 2000, for classics are always in print) is an error of typing.
YEARS_AHEAD: Final = 40


def has_another_title(query: BookQuery, candidate: Candidate) -> bool:
    """Whether the title alone excludes a candidate: most of an answer, and known without the rest of the evidence."""
    asked, offered = dissect(query.title), candidate_title(candidate)
    return compare_titles(asked, offered) is TitleAgreement.DIFFERENT and not _is_parallel(asked, offered)


def gather(query: BookQuery, candidate: Candidate) -> tuple[Finding, ...]:
    """The evidence about a candidate, one finding a name."""
    asked, offered = dissect(query.title), candidate_title(candidate)
    parallel = _is_parallel(asked, offered)
    title = Finding("title", "same", f"parallel title: {offered.parallel}") if parallel else _title(asked, offered)
    author = _author(query, candidate, asked, title)
    hopeless = "different" in {title.level, author.level}
    more = "" if hopeless else unexplained(query, candidate, asked, offered)
    if title.level in _WHOLE and (lost := broken(candidate.title, asked, offered)):
        title = Finding("title", lost, f"{title.detail}, and the record's title is cut")
    company = _company(query, candidate, longer=bool(more))
    placeholder = is_placeholder(candidate.isbn13)
    form = format_of(candidate)
    return (
        title,
        _extra(candidate, more, offered),
        company,
        author,
        year_finding(query, candidate),
        _language(query, candidate, title, company, parallel=parallel),
        Finding("kind", "book", "not examined: another title or author")
        if hopeless
        else _kind(query, candidate, asked, offered, company),
        Finding("format", format_level(form), form.value),
        *([Finding("isbn", "placeholder", f"{candidate.isbn13} is a filler")] if placeholder else []),
    )


def _is_parallel(asked: TitleParts, offered: TitleParts) -> bool:
    """Whether only the translation behind "=" is what was asked for."""
    return bool(offered.parallel) and joined(asked.main) == joined(offered.parallel) != joined(offered.main)


def _title(asked: TitleParts, offered: TitleParts) -> Finding:
    agreement = compare_titles(asked, offered)
    if agreement is TitleAgreement.FIRST_VOLUME and asked.part:
        agreement = TitleAgreement.OTHER_VOLUME  # the whole, or the series, for its first volume
    detail = f"{agreement}: {offered.full}" if offered.full else "no title"
    if agreement is TitleAgreement.SUBTITLE_ON_ONE_SIDE:
        return Finding("title", _one_subtitle(asked, offered), detail)
    if agreement is TitleAgreement.CUT:
        return Finding("title", cut(asked, offered), detail)
    if agreement is TitleAgreement.SERIES_IN_FRONT and max(asked.plain.count(" "), offered.plain.count(" ")) == 1:
        return Finding("title", "word_in_front", detail)  # "Chapterhouse: Dune" is not "Dune"
    return Finding("title", _TITLE_LEVELS[agreement], detail)


def _one_subtitle(asked: TitleParts, offered: TitleParts) -> str:
    """A subtitle on one side only: one that describes the book is left out freely, a name tells it from its sisters."""
    subtitle = asked.subtitle or offered.subtitle
    both = asked.subtitle and offered.subtitle
    number = asked.part or asked.place
    in_title = asked.main.rpartition(" ")[2].isdecimal() and asked.main == offered.main
    numbered = in_title or (number is not None and number == (offered.part or offered.place))
    series, main = series_name(offered.series), series_name(offered.main)
    # A record that names a series other than its title is a book of it, not the series; its title needs no subtitle.
    in_series = bool(series) and (
        series_name(subtitle).startswith(series) or (series not in main and main not in series)
    )
    long = LONG_SUBTITLE_LEFT_OUT if asked.subtitle else LONG_SUBTITLE
    descriptive = starts_descriptive(subtitle) if asked.subtitle else is_descriptive(subtitle)
    if both or numbered or in_series or descriptive or len(subtitle.split()) >= long:
        return "described"
    return "name_left_out" if asked.subtitle else "named_on_one_side"


def _extra(candidate: Candidate, more: str, offered: TitleParts) -> Finding:
    """A thin record that adds something to the title is more often a digest or a sample than the book."""
    thin = THIN_IN_SERIES if more in offered.brackets else THIN
    is_thin = candidate.pages is not None and 0 < candidate.pages <= thin
    return Finding("extra", ("thin" if is_thin else "unexplained") if more else "none", more or "nothing")


def _company(query: BookQuery, candidate: Candidate, *, longer: bool) -> Finding:
    """People whom the query does not name, before or beside the author; those who write about a book are named so.

    Corporate bodies, translators and names of one word do not count.
    """
    wanted = people(query.author)
    named = [one.name for one in candidate.contributors if one.role not in HELPERS and is_person(one.name)]
    strange = [best_agreement(wanted, list(people(name))) is NameAgreement.DIFFERENT for name in named]
    if not wanted or all(strange) or not any(strange) or any(" " not in name for name in named):
        return Finding("company", "none", "no other person")
    level = "before" if strange[0] else "beside"
    detail = ", ".join(name for name, is_strange in zip(named, strange, strict=True) if is_strange)
    return Finding("company", f"{level}_more" if longer else level, detail)


def _author(query: BookQuery, candidate: Candidate, asked: TitleParts, title: Finding) -> Finding:
    wanted = people(query.author)
    named = ", ".join(contributor.name for contributor in candidate.contributors)
    authors = list(persons_of(candidate, helpers=False))
    as_written = {normalise(one.name) for one in candidate.contributors if one.role not in HELPERS}
    if normalise(query.author) and normalise(query.author) in as_written:
        return Finding("author", "full", named)  # also holds for "Anonymous" and "Various Authors"
    if not wanted:
        generic = len(canonical_words(asked.main)) < 2
        return Finding(
            "author", "not_asked_generic" if generic else "not_asked", f"not in the query; {named or 'none'}"
        )
    if not authors and not any(persons_of(candidate, helpers=True)):
        return Finding("author", "missing", "no name in the record")
    agreement = best_agreement(wanted, authors)
    if agreement < NameAgreement.FULL and title.level in _VOUCHING and _vouches(asked) and is_misspelt(wanted, authors):
        return Finding("author", "misspelt", f"one slip in the name: {named}")
    if agreement is NameAgreement.DIFFERENT:
        helps = best_agreement(wanted, list(persons_of(candidate, helpers=True))) >= NameAgreement.INITIALS
        return Finding("author", "helper" if helps else "different", named)
    agrees = [best_agreement((one,), authors) is not NameAgreement.DIFFERENT for one in wanted]
    if len(wanted) == len(candidate.contributors) == 2 and not all(agrees):
        return Finding("author", "other_partner", named)
    return Finding(
        "author", _NAME_LEVELS[agreement] if agrees[0] else "not_first", f"{agreement.name.lower()}: {named}"
    )


def _vouches(asked: TitleParts) -> bool:
    """Whether the title is long enough that two people with nearly the same name did not both write a book of this title."""
    return len(joined(asked.main)) >= VOUCHING_LETTERS


def year_finding(query: BookQuery, candidate: Candidate) -> Finding:
    """The listing year is that of first notable publication; an edition may be a later printing, or an older book's."""
    years = [year for year in (candidate.published and candidate.published.year, candidate.first_published) if year]
    if not years:
        return Finding("year", "unknown", "no year")
    detail = ", ".join(map(str, years))
    latest = LATEST_YEAR if query.year is None else min(LATEST_YEAR, max(query.year, 2000) + YEARS_AHEAD)
    if not all(EARLIEST_YEAR <= year <= latest for year in years):
        return Finding("year", "implausible", detail)
    if query.year is None:
        return Finding("year", "unknown", f"{detail}, none in the query")
    offsets = [year - query.year for year in years]
    nearest = min(abs(offset) for offset in offsets)
    if nearest <= 2:
        return Finding("year", "same" if nearest <= 1 else "close", detail)
    if min(offsets) > 0:
        return Finding("year", "reprint", detail)
    return Finding("year", "before" if min(offsets) > -10 else "long_before", detail)


def format_level(form: EditionFormat) -> str:
    """The level of the evidence "format"."""
    return _FORMAT_LEVELS.get(form, "unknown")


def _language(query: BookQuery, candidate: Candidate, title: Finding, company: Finding, *, parallel: bool) -> Finding:
    """The language of the record or of its title; without one, an ISBN of another country with a second name is often a translation."""
    language, group = language_of(candidate), group_language(candidate.isbn13)
    if parallel:
        return Finding("language", "other", "the title asked for is a translation behind =")
    if language is None:
        abroad = group not in {None, query.language} and company.level != "none"
        return Finding("language", "translated" if abroad else "unknown", f"not in the record; ISBN of {group or '?'}")
    if language == query.language:
        return Finding("language", "asked", language)
    return Finding("language", "other" if title.level in {"same", "described"} else "other_and_loose", language)


def _kind(query: BookQuery, candidate: Candidate, asked: TitleParts, offered: TitleParts, company: Finding) -> Finding:
    """What the words of title, publisher and people say about the kind of publication."""
    text, asked_text = words_of(candidate), normalise(query.title)
    names = [one.name for one in candidate.contributors]
    by_maker = is_maker(normalise(" ".join([candidate.publisher or "", *names])))
    words = () if is_misspelling(asked_text, text) else kind_words(text)
    labels = kinds(asked_text) if words or by_maker else frozenset()
    several = lists_several_titles(query.title, frozenset())
    if several:
        labels |= {"box set"}  # "Emma / Persuasion" and "Emma and Persuasion (2 in 1)"
    others = [word for word in words if word.label not in labels]
    in_brackets = " ".join(offered.brackets)
    strong = {
        word.label
        for word in others
        if word.strength not in {WEAK, SERIES}
        or (word.strength == SERIES and text[word.start : word.end] not in in_brackets)
    }
    if by_maker and "summary" not in labels:
        strong.add("summary")
    authors = frozenset(normalise(" ".join([query.author, *names])).split())
    if lists_several_titles(candidate.title, authors):
        if not several:
            strong.add("several books")
    elif several and asked.subtitles and joined(offered.main) == joined(asked.subtitles[-1]):
        strong.add("one of several books")  # "Persuasion" for "Emma / Persuasion"
    if _OTHER_FORMS.intersection(offered.brackets) - set(asked.brackets):
        strong.add("adaptation")
    if _is_about(query, candidate, offered):
        strong.add("book about the author")
    if strong:
        return Finding("kind", "other", ", ".join(sorted(strong)))
    weak = {word.label for word in others if word.strength == WEAK}
    if weak:
        segments = _weak_in(offered, labels)
        own = not company.level.startswith("before") and all(
            _is_own(each, asked, offered, company) for each in segments
        )
        version = any(_is_version(each) for each in segments)
        level = "own_words" if own else "other" if version else "perhaps_other"
        return Finding("kind", level, ", ".join(sorted(weak)))
    return Finding("kind", "large_print" if "large print" in text or "large type" in text else "book", "no kind word")


def _weak_in(offered: TitleParts, labels: frozenset[str]) -> list[str]:
    """The segments behind the main title with weak words, or "" for a word in the main title."""
    found = [
        extra
        for extra in offered.extras
        if any(word.strength == WEAK and word.label not in labels for word in kind_words(extra))
    ]
    return found or [""]


def _is_own(segment: str, asked: TitleParts, offered: TitleParts, company: Finding) -> bool:
    """Whether a segment with a weak word describes the book itself: "A Handbook for Living", or volume 1, "A Graphic Novel".

    "The Graphic Novel" is a version of something, and "Notes on Emma" is about it.
    """
    word = weak_word(segment)
    if word is None or (joined(asked.main) in joined(segment) and len(asked.main) > 3):
        return False
    if len(segment[word.end :].split()) >= 2:
        return has_topic(segment, asked)
    number = asked.part or asked.place
    return (
        company.level == "none"
        and segment.startswith(("a ", "an "))
        and number is not None
        and number == (offered.part or offered.place)
    )


def _is_version(segment: str) -> bool:
    """Whether a segment names a version of another book and nothing more: "The Graphic Novel"."""
    word = weak_word(segment)
    return word is not None and not segment.startswith(("a ", "an ")) and len(segment[word.end :].split()) < 2


def _is_about(query: BookQuery, candidate: Candidate, offered: TitleParts) -> bool:
    """Whether another person comes first and the title names the author asked for: "Emma: The Life of Jane Austen"."""
    wanted, first = people(query.author), people(candidate.contributors[0].name) if candidate.contributors else ()
    if not wanted or not first or best_agreement(wanted, list(first)) is not NameAgreement.DIFFERENT:
        return False
    words = " ".join([offered.plain, *offered.brackets]).split()
    return wanted[0].core in words and wanted[0].core not in normalise(query.title).split()
