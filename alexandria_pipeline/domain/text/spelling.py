"""Slips of the pen: whether two texts are one text misspelt, or another word or number was meant."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

from alexandria_pipeline.domain.text.numerals import NUMBER_WORDS, ORDINALS, ROMAN, canonical_words, numbers_in
from alexandria_pipeline.domain.text.titles import ARTICLES

# Letters that may be wrong in a whole title, by its length without spaces: (shorter than, allowed).
SLIPS_IN_TITLE: Final = ((4, 0), (8, 1), (16, 2), (10_000, 3))
# Not worth a closer look: three slips, and two articles that only one side has.
FAR_APART: Final = 11
# A short word a letter off is often another word ("Dead Heat", "Dead Beat"): only a long title around it vouches for it.
VOUCHING_LENGTH: Final = 10
VOUCHING_FOR_TWO: Final = 13  # two letters: "Silent Prey", "Silken Prey"
PLURAL_FROM: Final = 12
# Scanned text has them for "o" and "l" within words: "Eur0pa", "Nicke1".
_DIGIT_FOR_LETTER: Final = re.compile(r"(?<=[a-z])[01](?=[a-z])|(?<=[a-z]{4})1\b|\b0(?=[a-z]{3})")


@lru_cache(maxsize=8_192)
def joined(words: str) -> str:
    """The words without spaces and leading article, numerals as digits."""
    kept = canonical_words(words)
    return "".join(kept[1:] if len(kept) > 1 and kept[0] in ARTICLES else kept)


def is_nearly(a: str, b: str) -> bool:
    """Whether two normalised texts are within a slip or two, whatever words come of it; numbers stay numbers."""
    if OSA.distance(a, b, score_cutoff=FAR_APART) > FAR_APART:
        return False
    one, other = joined(a), joined(b)
    length = max(len(one), len(other))
    allowed = 0 if length < 4 or not (one.isascii() and other.isascii()) else 1 if length < 7 else 2
    if numbers_in(a) != numbers_in(b) or OSA.distance(one, other, score_cutoff=allowed) > allowed:
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
    if a == b:
        return True
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
        return length >= 8 and distance <= 1 and numbers_in(" ".join(words_a)) == numbers_in(" ".join(words_b))
    return all(_is_slip(x, y, length) for x, y in zip(words_a, words_b, strict=True) if x != y)


def _spoken_words(words: str) -> list[str]:
    """Words without articles; beside another letter "a" is a letter ("L. A.")."""
    kept = words.split()
    initials = {place for place in range(len(kept)) if any(len(word) == 1 for word in kept[max(place - 1, 0) : place])}
    return [word for place, word in enumerate(kept) if place in initials or word not in {"the", "a", "an"}] or kept


def _is_numeral(word: str) -> bool:
    return word in ROMAN or word in NUMBER_WORDS or word in ORDINALS or any(map(str.isdecimal, word))


def _is_slip(a: str, b: str, title_length: int) -> bool:
    """Whether one word is a misspelling of the other."""
    if (_is_numeral(a) and _is_numeral(b)) or any(map(str.isdecimal, a + b)):
        return canonical_words(a) == canonical_words(b)
    if len(a) == len(b) == 1:
        return False  # "Level A" and "Level B", "Richard I" and "Richard V"
    shorter, longer = sorted((a, b), key=len)
    distance = OSA.distance(a, b)
    if distance > 1:
        return distance == 2 and a[0] == b[0] and len(shorter) >= (6 if title_length >= VOUCHING_FOR_TWO else 8)
    if sorted(a) == sorted(b):
        return len(a) > 2 or title_length >= VOUCHING_LENGTH
    if longer == shorter + "s":
        return title_length >= PLURAL_FROM  # "The Jungle Book" and "The Jungle Books"
    if title_length >= VOUCHING_LENGTH:
        return len(shorter) >= 2 or len(shorter) != len(longer)
    if len(shorter) != len(longer):
        doubled = re.sub(r"(.)\1", r"\1", longer) == shorter
        return len(shorter) >= 4 or (len(shorter) == 3 and doubled)
    return len(a) >= 6 or (a[0] == b[0] and (len(a) == 5 or (len(a) == 4 and title_length >= 12)))
