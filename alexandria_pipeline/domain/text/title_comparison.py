"""Whether two titles name one book: form, misspelling, cut, another volume, or another title altogether.

Compares titles only, symmetrically, and gives no points: `domain.matching.weights` has what an agreement is worth, and
`domain.matching.deduplication` uses it without points.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from itertools import zip_longest
from typing import Final

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from alexandria_pipeline.domain.text.normalise import DAMAGED
from alexandria_pipeline.domain.text.numerals import canonical_words, numbers_in
from alexandria_pipeline.domain.text.person_names import fits_damaged
from alexandria_pipeline.domain.text.spelling import is_misspelling, is_nearly, joined
from alexandria_pipeline.domain.text.titles import TitleParts

SUBTITLE_LIKENESS: Final = 80
# Letters of a title that is cut with dots from which on the rest is not needed.
CUT_SHORT_FROM: Final = 40
# Titles without a word in common are different ones below this ratio of letters.
UNLIKE_BELOW: Final = 50
# Letters from which on a title with its article may have one slip.
JOINED_ARTICLE_FROM: Final = 8
# No title ends so: it has been cut.
BROKEN_OFF_AFTER: Final = frozenset("the a an of and in to for with from at by or on who that".split())

_SERIES_WORDS: Final = frozenset(
    "series trilogy saga novel novels cycle books book quartet chronicles mysteries no".split()
)
_GENRES_BEHIND: Final = frozenset("stories poems poetry essays memoir biography autobiography".split())
# Letters of the large words at which small words do not matter, and how many words may stand in any order.
SMALL_WORDS_FROM: Final = 14
IN_ANY_ORDER_FROM: Final = 7

DESCRIPTIVE: Final = re.compile(
    r"^(?:an? |une? |eine? |una |uno |roman\b|how |why |what |from "
    r"|the (?:[a-z]+ ){0,3}(?:story|life|history|making|rise|fall|secret|adventures|autobiography|case|year)"
    r"|stories|essays|poems|tales|inside |my |notes |or |selected |collected |and other |life |lessons |on |one |in )"
    r"|\b(?:stories|essays|poems|history|memoir|biography|story|life|guide|journey|adventures?|novels?|years|tales?|mystery|thriller|world)\b"
)


# What a book is called that goes on where another one stopped, and never a subtitle that people leave out.
CONTINUATION: Final = re.compile(
    r"^(?:(?:the |a )?(?:next (?:chapter|generation)|sequel|prequel|origins?|beginnings?|aftermath|continuation|final chapter|conclusion)"
    r"|the (?:story|adventure|saga) continues|[a-z]+ years later|the (?:lost|early|final) years|book the [a-z]+"
    r"|the return|resurrection|redemption|re(?:born|loaded|united))"
)
# Subtitles that describe: "Growing Up in Siberia", "Coming of Age in Samoa"; "The Weetzie Bat Books" names the series.
_ACTIVITY: Final = re.compile(r"^[a-z]{3,}ing (?:up|of|with|in|to|from|for|through|on|at|your|my|our) [a-z]")
_NAMES_SERIES: Final = re.compile(r"^(?:the |an? )?(?:[a-z]+ ){1,4}(?:books|novels|stories|chronicles)$")
# A performance or a retelling is described like a book, and is another one as often as not.
_RETOLD: Final = re.compile(r"an? (?:[a-z]+ ){0,2}(?:play|drama|comedy|tragedy|musical|parody)\b")


class TitleAgreement(StrEnum):
    """How two titles stand to each other."""

    SAME = "same title"
    SUBTITLE_ON_ONE_SIDE = "same title, one without the subtitle"
    SERIES_IN_FRONT = "same title, one with the series in front"
    MISSPELT = "same title, misspelt"
    NEARLY = "a letter or two away: a misspelling, or another word"
    CUT = "one title is the beginning of the other"
    FIRST_VOLUME = "same title, one called the first volume"
    SERIES_PLACE = "one title is the other's series and place in it"
    NAME_IN_FRONT = "same title, one with a name in front"
    SMALL_WORDS = "same title but for small words or their order"
    OTHER_SUBTITLE = "same main title, another subtitle"
    OTHER_VOLUME = "another volume"
    DIFFERENT = "another title"


_SAME_TEXT: Final = frozenset({TitleAgreement.SAME, TitleAgreement.SUBTITLE_ON_ONE_SIDE, TitleAgreement.MISSPELT})


@lru_cache(maxsize=8_192)
def compare_titles(a: TitleParts, b: TitleParts) -> TitleAgreement:
    """How two titles stand to each other; symmetric."""
    if not a.full or not b.full or _have_nothing_in_common(a, b):
        return TitleAgreement.DIFFERENT
    if joined(a.full) == joined(b.full):
        return TitleAgreement.SAME
    if DAMAGED in a.full + b.full and fits_damaged(joined(a.full), joined(b.full)):
        return TitleAgreement.MISSPELT
    if cut := _cut_short(a, b) or _cut_short(b, a):
        return cut
    agreement = _compare_texts(a, b)
    if agreement in {TitleAgreement.DIFFERENT, TitleAgreement.OTHER_SUBTITLE, TitleAgreement.OTHER_VOLUME}:
        return agreement
    return _with_volumes(a, b, agreement)


def _have_nothing_in_common(a: TitleParts, b: TitleParts) -> bool:
    """No large word in common and few letters: most candidates, excluded cheaply."""
    if fuzz.ratio(a.plain, b.plain, score_cutoff=UNLIKE_BELOW) or DAMAGED in a.full + b.full:
        return False
    return set(_large_words(a.full)).isdisjoint(_large_words(b.full)) and joined(a.plain) != joined(b.plain)


def _cut_short(a: TitleParts, b: TitleParts) -> TitleAgreement | None:
    """A long title that is marked as cut, against the whole of it: all that is there has to agree."""
    if not a.cut_short or len(a.full) < CUT_SHORT_FROM or not b.full.startswith(a.full):
        return None
    return TitleAgreement.SAME


def is_descriptive(subtitle: str) -> bool:
    """Whether a subtitle describes its book ("A History of…") and is not the name of a volume ("House Harkonnen")."""
    return DESCRIPTIVE.search(subtitle) is not None and _RETOLD.match(subtitle) is None


def starts_descriptive(subtitle: str) -> bool:
    """Whether a subtitle describes its book from its first word on, as no name of a volume in a series does."""
    if subtitle.rpartition(" ")[2] in _GENRES_BEHIND or _ACTIVITY.match(subtitle) or _NAMES_SERIES.match(subtitle):
        return True
    return DESCRIPTIVE.match(subtitle) is not None and _RETOLD.match(subtitle) is None


def content_words(words: str) -> tuple[str, ...]:
    """Canonical words without articles anywhere: readers misremember those first."""
    kept = canonical_words(words)
    return tuple(word for word in kept if word not in {"the", "a", "an"}) or kept


def _compare_texts(a: TitleParts, b: TitleParts) -> TitleAgreement:
    if joined(a.plain) == joined(b.plain):
        return TitleAgreement.SAME
    if _only_small_words_differ(a.plain, b.plain):
        return TitleAgreement.SMALL_WORDS
    if joined(a.main) == joined(b.main):
        return _compare_subtitles(a.subtitle or _beside(a, b), b.subtitle or _beside(b, a))
    if (rearranged := _compare_arrangements(a, b)) is not None:
        return rearranged
    if is_misspelling(a.plain, b.plain) or _misspelt_article(a, b) or _misspelt_article(b, a):
        return TitleAgreement.MISSPELT
    if (_has_joined_article(a, b) or _has_joined_article(b, a)) and _compare_subtitles(
        a.subtitle, b.subtitle
    ) in _SAME_TEXT:
        return TitleAgreement.MISSPELT
    if is_misspelling(a.main, b.main):
        subtitles = _compare_subtitles(a.subtitle, b.subtitle)
        return TitleAgreement.MISSPELT if subtitles in _SAME_TEXT else TitleAgreement.DIFFERENT
    lengths = _compare_lengths(a, b)
    if lengths is not TitleAgreement.DIFFERENT:
        return lengths
    one_subtitle = not a.subtitle or not b.subtitle
    near = is_nearly(a.plain, b.plain) or (one_subtitle and is_nearly(a.main, b.main))
    return TitleAgreement.NEARLY if near else TitleAgreement.DIFFERENT


def _compare_arrangements(a: TitleParts, b: TitleParts) -> TitleAgreement | None:
    """The same words in other places: turned round a colon, with a series or its place, or without small words."""
    if a.subtitles and _turned_round(a, b):
        return TitleAgreement.SAME
    if _is_place_of(a, b) or _is_place_of(b, a):
        return TitleAgreement.SERIES_PLACE
    if _number_beside_volume(a, b) or _number_beside_volume(b, a):
        return TitleAgreement.SAME
    return _series_in_front(a, b) or _series_in_front(b, a) or _name_in_front(a, b) or _name_in_front(b, a)


def _name_in_front(a: TitleParts, b: TitleParts) -> TitleAgreement | None:
    """ "Tom Clancy Full Force and Effect" is "Full Force and Effect"."""
    name = a.main.removesuffix(f" {b.main}").split()
    long = len(b.main.split()) >= 3 and len(joined(b.main)) >= SMALL_WORDS_FROM - 2
    named = len(name) == 2 and a.main.endswith(f" {b.main}") and not BROKEN_OFF_AFTER.intersection(name)
    return TitleAgreement.NAME_IN_FRONT if long and named and not b.subtitles else None


def _beside(a: TitleParts, b: TitleParts) -> str:
    """A numbered subtitle is compared with the other's subtitle, and is no subtitle beside none."""
    return a.numbered_subtitle if b.subtitle and not b.numbered_subtitle else ""


def _turned_round(a: TitleParts, b: TitleParts) -> bool:
    """ "Dark Disciple: Star Wars" is "Star Wars: Dark Disciple"."""
    return (joined(a.main), joined(a.subtitle)) == (joined(b.subtitle), joined(b.main))


def _is_place_of(a: TitleParts, b: TitleParts) -> bool:
    """ "The Lying Game #2" is "Never Have I Ever (The Lying Game, #2)"."""
    last = (canonical_words(a.main) or ("",))[-1]
    number = a.place or a.part or (last if last.isdecimal() else None)
    if not number or number != b.place or not b.series or a.subtitles:
        return False
    return series_name(a.main) == series_name(b.series)


def series_name(series: str) -> str:
    """A series' name without the word for a series behind it and without numbers."""
    words = [word for word in canonical_words(series) if word not in _SERIES_WORDS and not word.isdecimal()]
    return "".join(words[1:] if len(words) > 1 and words[0] == "the" else words)


def _only_small_words_differ(a: str, b: str) -> bool:
    """Small words left out, or a long title's words in another order."""
    one, other = _large_words(a), _large_words(b)
    if len("".join(one)) < SMALL_WORDS_FROM:
        return False
    return "".join(one) == "".join(other) or (len(one) >= IN_ANY_ORDER_FROM and sorted(one) == sorted(other))


@lru_cache(maxsize=8_192)
def _large_words(words: str) -> tuple[str, ...]:
    return tuple(word for word in canonical_words(words) if word not in BROKEN_OFF_AFTER)


def _misspelt_article(a: TitleParts, b: TitleParts) -> bool:
    """ "Hte Waiter" is "The Waiter"."""
    first, _, rest = a.main.partition(" ")
    has_article = "the" in {b.full.partition(" ")[0], b.full.rpartition(" ")[2]} and first != "the"
    if not rest or not has_article or len(first) > 4 or OSA.distance(first, "the") > 1:
        return False
    return rest == b.main or is_misspelling(rest, b.main)


def _has_joined_article(a: TitleParts, b: TitleParts) -> bool:
    """ "TheLast Widow" and "Th eLast Widow" are "The Last Widow"."""
    if not b.full.startswith("the ") or a.full.startswith("the "):
        return False
    whole = f"the{b.main}".replace(" ", "")
    return len(whole) >= JOINED_ARTICLE_FROM and OSA.distance(a.main.replace(" ", ""), whole, score_cutoff=1) <= 1


def _compare_subtitles(a: str, b: str) -> TitleAgreement:
    if not a or not b:
        goes_on = CONTINUATION.fullmatch(a or b) is not None
        return TitleAgreement.OTHER_VOLUME if goes_on else TitleAgreement.SUBTITLE_ON_ONE_SIDE
    shorter, longer = sorted((joined(a), joined(b)), key=len)
    if shorter == longer:
        return TitleAgreement.SAME
    if numbers_in(a) != numbers_in(b):
        return TitleAgreement.OTHER_VOLUME
    if is_misspelling(a, b):
        return TitleAgreement.MISSPELT
    if len(shorter) >= 8 and shorter in longer:
        return TitleAgreement.SUBTITLE_ON_ONE_SIDE
    alike = is_descriptive(a) and is_descriptive(b) and fuzz.token_sort_ratio(a, b) >= SUBTITLE_LIKENESS
    return TitleAgreement.SUBTITLE_ON_ONE_SIDE if alike else TitleAgreement.OTHER_SUBTITLE


def _number_beside_volume(a: TitleParts, b: TitleParts) -> bool:
    """ "Persepolis 2" is "Persepolis, Vol. 2"."""
    *title, number = canonical_words(a.main) or ("",)
    return (
        bool(title) and number.isdecimal() and number in {b.part, b.place} and tuple(title) == canonical_words(b.main)
    )


def _series_in_front(a: TitleParts, b: TitleParts) -> TitleAgreement | None:
    """ "Phasma (Star Wars)" or "Phasma" is "Star Wars: Phasma"."""
    if not b.subtitles or len(joined(a.main)) < 3 or a.subtitles:
        return None
    if joined(a.main) not in {joined(b.subtitles[-1]), joined(b.subtitle)} and not _only_small_words_differ(
        a.main, b.subtitle
    ):
        return None
    named = a.series and joined(a.series) in {joined(b.main), joined(b.series)}
    return TitleAgreement.SAME if named else TitleAgreement.SERIES_IN_FRONT


def _compare_lengths(a: TitleParts, b: TitleParts) -> TitleAgreement:
    """One title is the other and more: a cut title, or another volume when what is more is a number."""
    shorter, longer = sorted((a, b), key=lambda parts: (len(parts.plain), parts.plain))
    few, many = content_words(shorter.main), content_words(longer.main)
    rest = many[len(few) :]
    if few == many[: len(few)] and 1 <= len(rest) <= 2 and rest[-1].isdecimal():
        return TitleAgreement.OTHER_VOLUME
    if _numbers_alone_differ(few, many):
        return TitleAgreement.OTHER_VOLUME
    start, whole = shorter.main, longer.plain
    breaks_off = start.rpartition(" ")[2] in BROKEN_OFF_AFTER and " " in start
    words = len(shorter.full.split())
    is_cut = whole.startswith(start) and not shorter.subtitles and (breaks_off or (words >= 3 and len(start) >= 10))
    rest_words = canonical_words(whole[len(start) :])
    if not is_cut or (rest_words and any(map(str.isdecimal, rest_words[-1]))):
        return TitleAgreement.DIFFERENT
    return TitleAgreement.CUT


def _numbers_alone_differ(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    pairs = [(one, other) for one, other in zip_longest(a, b, fillvalue="") if one != other]
    return len(a) == len(b) and all(one[:1].isdecimal() and other[:1].isdecimal() for one, other in pairs)


_BY_LETTERS: Final = frozenset({TitleAgreement.MISSPELT, TitleAgreement.NEARLY, TitleAgreement.CUT})


def _with_volumes(a: TitleParts, b: TitleParts, agreement: TitleAgreement) -> TitleAgreement:
    """What is left of an agreement of texts once the volumes have been looked at."""
    if agreement is TitleAgreement.SERIES_PLACE:
        return agreement
    if a.part and b.part:
        return agreement if a.part == b.part else TitleAgreement.OTHER_VOLUME
    if a.part or b.part:
        return _one_part(a, b, agreement) if a.part else _one_part(b, a, agreement)
    if a.place and b.place and a.place != b.place and agreement in _BY_LETTERS:
        return TitleAgreement.OTHER_VOLUME  # "Crash (Crash, #1)", "Crush (Crash, #3)"
    return TitleAgreement.OTHER_VOLUME if _places_differ(a, b) else agreement


def _one_part(volume: TitleParts, other: TitleParts, agreement: TitleAgreement) -> TitleAgreement:
    """Only one title is called a volume of something; the other may be numbered in its series."""
    if other.place and not _is_apart_from_series(other):
        return agreement if other.place == volume.part else TitleAgreement.OTHER_VOLUME
    named = volume.part_is_named and other.subtitle and agreement in {TitleAgreement.SAME, TitleAgreement.MISSPELT}
    if named or agreement is TitleAgreement.SERIES_IN_FRONT or _number_beside_volume(other, volume):
        return agreement
    is_first = volume.part == "1" and not volume.part_is_half and agreement is TitleAgreement.SAME
    return TitleAgreement.FIRST_VOLUME if is_first else TitleAgreement.OTHER_VOLUME


def _is_apart_from_series(parts: TitleParts) -> bool:
    """The title is more than the name of the series, so a number in the series does not distinguish it."""
    return bool(parts.series) and joined(parts.main) != joined(parts.series)


def _places_differ(a: TitleParts, b: TitleParts) -> bool:
    """Series are counted in more than one way (Narnia), so a number counts only where the title is the series' name."""
    if a.place and b.place:
        return a.place != b.place and not (_is_apart_from_series(a) or _is_apart_from_series(b))
    numbered, other = (a, b) if a.place else (b, a)
    if not numbered.place or numbered.place == "1" or not numbered.series or _number_beside_volume(other, numbered):
        return False
    return not _is_apart_from_series(numbered)
