"""Whether two titles name one book: dress, misspelling, cut, another volume, or another title altogether.

Compares titles only, symmetrically, and gives no points: what an agreement is worth is said in `domain.evidence`, and
`domain.deduplication` uses it without points.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from itertools import zip_longest
from typing import Final

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from alexandria_pipeline.domain.titles import ARTICLES, NUMBER_WORDS, ORDINALS, TitleParts, canonical_words

# Letters that may be wrong in a whole title, by its length without spaces: (shorter than, allowed).
SLIPS_IN_TITLE: Final = ((4, 0), (8, 1), (16, 2), (10_000, 3))
# Not worth a closer look: three slips, and two articles that only one side has.
FAR_APART: Final = 11
# A short word a letter off is often another word ("Dead Heat", "Dead Beat"): only a long title around it vouches for it.
VOUCHING_LENGTH: Final = 13
SUBTITLE_LIKENESS: Final = 80
# Scanned text has them for "o" and "l" within words: "Eur0pa", "Nicke1".
_DIGIT_FOR_LETTER: Final = re.compile(r"(?<=[a-z])[01](?=[a-z])|(?<=[a-z]{4})1\b|\b0(?=[a-z]{3})")
# No title ends so: it has been cut.
BROKEN_OFF_AFTER: Final = frozenset("the a an of and in to for with from at by or on who that".split())

DESCRIPTIVE: Final = re.compile(
    r"^(?:an? |une? |eine? |una |uno |roman\b|how |why |what |from "
    r"|the (?:[a-z]+ ){0,3}(?:story|life|history|making|rise|fall|secret|adventures|autobiography|case|year)"
    r"|stories|essays|poems|tales|inside |my |notes |or |selected |collected |and other |life |lessons |on |one |in )"
    r"|\b(?:stories|essays|poems|history|memoir|biography|story|life|guide|journey|adventures?|novels?|years|tales?|mystery|thriller|world)\b"
)  # fmt: skip


# What a book is called that goes on where another one stopped, and never a subtitle that people leave out.
CONTINUATION: Final = re.compile(
    r"(?:the |a )?(?:next (?:chapter|generation)|sequel|prequel|origins?|beginnings?|aftermath|continuation|final chapter|conclusion)"
    r"|the (?:story|adventure|saga) continues|[a-z]+ years later|the (?:lost|early|final) years|book the [a-z]+"
    r"|the return|resurrection|redemption|re(?:born|loaded|united)"
)
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
    OTHER_SUBTITLE = "same main title, another subtitle"
    OTHER_VOLUME = "another volume"
    DIFFERENT = "another title"


_SAME_TEXT: Final = frozenset({TitleAgreement.SAME, TitleAgreement.SUBTITLE_ON_ONE_SIDE, TitleAgreement.MISSPELT})


@lru_cache(maxsize=8_192)
def compare_titles(a: TitleParts, b: TitleParts) -> TitleAgreement:
    """How two titles stand to each other; symmetric."""
    if not a.full or not b.full:
        return TitleAgreement.DIFFERENT
    if _joined(a.full) == _joined(b.full):
        return TitleAgreement.SAME
    agreement = _compare_texts(a, b)
    if agreement in {TitleAgreement.DIFFERENT, TitleAgreement.OTHER_SUBTITLE, TitleAgreement.OTHER_VOLUME}:
        return agreement
    return _with_volumes(a, b, agreement)


def is_descriptive(subtitle: str) -> bool:
    """Whether a subtitle describes its book ("A History of…") and is not the name of a volume ("House Harkonnen")."""
    return DESCRIPTIVE.search(subtitle) is not None and _RETOLD.match(subtitle) is None


def content_words(words: str) -> tuple[str, ...]:
    """Canonical words without articles anywhere: readers misremember those first."""
    kept = canonical_words(words)
    return tuple(word for word in kept if word not in {"the", "a", "an"}) or kept


@lru_cache(maxsize=8_192)
def _joined(words: str) -> str:
    kept = canonical_words(words)
    return "".join(kept[1:] if len(kept) > 1 and kept[0] in ARTICLES else kept)


def _compare_texts(a: TitleParts, b: TitleParts) -> TitleAgreement:
    if _joined(a.plain) == _joined(b.plain):
        return TitleAgreement.SAME
    if _joined(a.main) == _joined(b.main):
        return _compare_subtitles(a.subtitle, b.subtitle)
    if _number_beside_volume(a, b) or _number_beside_volume(b, a):
        return TitleAgreement.SAME
    if (in_front := _series_in_front(a, b) or _series_in_front(b, a)) is not None:
        return in_front
    if is_misspelling(a.plain, b.plain) or _misspelt_article(a, b) or _misspelt_article(b, a):
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


def _misspelt_article(a: TitleParts, b: TitleParts) -> bool:
    """ "Hte Waiter" is "The Waiter"."""
    first, _, rest = a.main.partition(" ")
    has_article = "the" in {b.full.partition(" ")[0], b.full.rpartition(" ")[2]} and first != "the"
    if not rest or not has_article or len(first) > 4 or OSA.distance(first, "the") > 1:
        return False
    return rest == b.main or is_misspelling(rest, b.main)


def _compare_subtitles(a: str, b: str) -> TitleAgreement:
    if not a or not b:
        goes_on = CONTINUATION.fullmatch(a or b) is not None
        return TitleAgreement.OTHER_VOLUME if goes_on else TitleAgreement.SUBTITLE_ON_ONE_SIDE
    shorter, longer = sorted((_joined(a), _joined(b)), key=len)
    if shorter == longer:
        return TitleAgreement.SAME
    if _numbers(a) != _numbers(b):
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
    if not b.subtitles or len(_joined(a.main)) < 3 or a.subtitles:
        return None
    if _joined(a.main) not in {_joined(b.subtitles[-1]), _joined(b.subtitle)}:
        return None
    named = a.series and _joined(a.series) in {_joined(b.main), _joined(b.series)}
    return TitleAgreement.SAME if named else TitleAgreement.SERIES_IN_FRONT


def _compare_lengths(a: TitleParts, b: TitleParts) -> TitleAgreement:
    """One title is the other and more: a cut title, or another volume when what is more is a number."""
    shorter, longer = sorted((a, b), key=lambda parts: len(parts.plain))
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


def _numbers(words: str) -> list[str]:
    return [word for word in canonical_words(words) if any(map(str.isdecimal, word))]


def _numbers_alone_differ(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    pairs = [(one, other) for one, other in zip_longest(a, b, fillvalue="") if one != other]
    return len(a) == len(b) and all(one[:1].isdecimal() and other[:1].isdecimal() for one, other in pairs)


def _with_volumes(a: TitleParts, b: TitleParts, agreement: TitleAgreement) -> TitleAgreement:
    """What is left of an agreement of texts once the volumes have been looked at."""
    if a.part and b.part:
        return agreement if a.part == b.part else TitleAgreement.OTHER_VOLUME
    if a.part or b.part:
        return _one_part(a, b, agreement) if a.part else _one_part(b, a, agreement)
    return TitleAgreement.OTHER_VOLUME if _places_differ(a, b) else agreement


def _one_part(volume: TitleParts, other: TitleParts, agreement: TitleAgreement) -> TitleAgreement:
    """Only one title is called a volume of something; the other may be numbered in its series."""
    if other.place and not _is_apart_from_series(other):
        return agreement if other.place == volume.part else TitleAgreement.OTHER_VOLUME
    named = volume.part_is_named and other.subtitle and agreement in {TitleAgreement.SAME, TitleAgreement.MISSPELT}
    if named or agreement is TitleAgreement.SERIES_IN_FRONT or _number_beside_volume(other, volume):
        return agreement
    return TitleAgreement.FIRST_VOLUME if volume.part == "1" else TitleAgreement.OTHER_VOLUME


def _is_apart_from_series(parts: TitleParts) -> bool:
    """The title says more than the series' name, so a number in the series does not tell it from its sisters."""
    return bool(parts.series) and _joined(parts.main) != _joined(parts.series)


def _places_differ(a: TitleParts, b: TitleParts) -> bool:
    """Series are counted in more than one way (Narnia), so a number counts only where the title is the series' name."""
    if a.place and b.place:
        return a.place != b.place and not (_is_apart_from_series(a) or _is_apart_from_series(b))
    numbered, other = (a, b) if a.place else (b, a)
    if not numbered.place or numbered.place == "1" or not numbered.series or _number_beside_volume(other, numbered):
        return False
    return not _is_apart_from_series(numbered)


def is_nearly(a: str, b: str) -> bool:
    """Whether two normalised texts are within a slip or two, whatever words come of it; numbers stay numbers."""
    if OSA.distance(a, b, score_cutoff=FAR_APART) > FAR_APART:
        return False
    one, other = _joined(a), _joined(b)
    length = max(len(one), len(other))
    allowed = 0 if length < 4 or not (one.isascii() and other.isascii()) else 1 if length < 7 else 2
    if _numbers(a) != _numbers(b) or OSA.distance(one, other, score_cutoff=allowed) > allowed:
        return False
    words_a, words_b = a.split(), b.split()
    if len(words_a) != len(words_b):
        return OSA.distance(one, other) <= 1
    return all(x == y or _is_near(x, y) for x, y in zip(words_a, words_b, strict=True))


def _is_near(a: str, b: str) -> bool:
    """Looser than a slip: any letter of a longer word may be wrong; "Sea" and "Sky" are too short to be one word."""
    distance, shorter = OSA.distance(a, b), min(len(a), len(b))
    if distance == 1:
        return shorter >= 4 or len(a) != len(b) or sorted(a) == sorted(b)
    return distance == 2 and shorter >= 5 and a[0] == b[0]


def is_misspelling(a: str, b: str) -> bool:
    """Whether two normalised texts are one text with a slip of the pen; not when another word or number was meant."""
    if OSA.distance(a, b, score_cutoff=FAR_APART) > FAR_APART:
        return False
    a, b = _DIGIT_FOR_LETTER.sub(_as_letter, a), _DIGIT_FOR_LETTER.sub(_as_letter, b)
    spoken, written = (_spoken_words(a), _spoken_words(b)), (a.split(), b.split())
    return _differ_by_slips(*spoken) or (spoken != written and _differ_by_slips(*written))


def _as_letter(digit: re.Match[str]) -> str:
    return "o" if digit[0] == "0" else "l"


def _differ_by_slips(words_a: list[str], words_b: list[str]) -> bool:
    one, other = "".join(words_a), "".join(words_b)
    length = max(len(one), len(other))
    allowed = next(slips for below, slips in SLIPS_IN_TITLE if length < below or below == SLIPS_IN_TITLE[-1][0])
    if not (one.isascii() and other.isascii()):
        allowed = 1 if length >= 8 else 0
    distance = OSA.distance(one, other, score_cutoff=allowed)
    if distance > allowed:
        return False
    if len(words_a) != len(words_b):
        return length >= 8 and distance <= 1 and _numbers(" ".join(words_a)) == _numbers(" ".join(words_b))
    return all(_is_slip(x, y, length) for x, y in zip(words_a, words_b, strict=True) if x != y)


def _spoken_words(words: str) -> list[str]:
    """Words without articles; beside another letter "a" is a letter ("L. A.")."""
    kept = words.split()
    initials = {place for place in range(len(kept)) if any(len(word) == 1 for word in kept[max(place - 1, 0) : place])}
    return [word for place, word in enumerate(kept) if place in initials or word not in {"the", "a", "an"}] or kept


def _is_numeral(word: str) -> bool:
    return word in NUMBER_WORDS or word in ORDINALS or any(map(str.isdecimal, word))


def _is_slip(a: str, b: str, title_length: int) -> bool:
    """Whether one word is a misspelling of the other."""
    if (_is_numeral(a) and _is_numeral(b)) or any(map(str.isdecimal, a + b)):
        return canonical_words(a) == canonical_words(b)
    shorter, longer = sorted((a, b), key=len)
    distance = OSA.distance(a, b)
    if distance > 1:
        return distance == 2 and a[0] == b[0] and len(shorter) >= (6 if title_length >= VOUCHING_LENGTH else 8)
    if sorted(a) == sorted(b):
        return len(a) > 2 or title_length >= VOUCHING_LENGTH
    if title_length >= VOUCHING_LENGTH:
        return len(shorter) >= 2 or len(shorter) != len(longer)
    if len(shorter) != len(longer):
        if longer == shorter + "s":
            return title_length >= 12
        doubled = re.sub(r"(.)\1", r"\1", longer) == shorter
        return len(shorter) >= 4 or (len(shorter) == 3 and doubled)
    return len(a) >= 6 or (a[0] == b[0] and (len(a) == 5 or (len(a) == 4 and title_length >= 12)))
