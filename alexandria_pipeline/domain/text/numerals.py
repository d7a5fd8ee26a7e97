"""Numbers in titles: as digits, words or Roman figures, and words with their numbers in one form."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

UNITS: Final = (
    *"zero one two three four five six seven eight nine ten eleven twelve".split(),
    *"thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(),
)
TENS: Final = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
ORDINALS: Final = {
    word: place
    for place, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth".split(),
        1,
    )
}
NUMBER_WORDS: Final = {word: value for value, word in enumerate(UNITS)} | TENS
_ROMAN_TENS: Final = ("", "x", "xx", "xxx", "xl", "l", "lx", "lxx", "lxxx")
_ROMAN_UNITS: Final = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")
ROMAN: Final = {
    tens + units: 10 * place + value
    for place, tens in enumerate(_ROMAN_TENS)
    for value, units in enumerate(_ROMAN_UNITS)
    if tens + units not in {"", "l", "li"}
}
"""Roman numerals up to 89; "l" and "li" are letters and names more often."""


_CANONICAL: Final = (
    {word: str(value) for word, value in ROMAN.items() if len(word) > 1}
    | {word: f"{place}th" for word, place in ORDINALS.items()}
    | {word: str(value) for word, value in NUMBER_WORDS.items()}
)
_DIGITS: Final = re.compile(r"\d+(?:\.\d+)?")
_ORDINAL: Final = re.compile(r"(\d++)(?:st|nd|rd|th)")


def number_value(word: str) -> str | None:
    """The digits of a numeral written in digits, words or Roman figures; None when it is none of them."""
    if _DIGITS.fullmatch(word):
        return word.lstrip("0") or "0"
    value = NUMBER_WORDS.get(word, ORDINALS.get(word, ROMAN.get(word)))
    return None if value is None else str(value)


@lru_cache(maxsize=8_192)
def canonical_words(words: str) -> tuple[str, ...]:
    """Normalised words with numerals as digits: "book twenty one" and "book 21" are the same words."""
    canonical: list[str] = []
    tens = False
    for word in words.split():
        unit = NUMBER_WORDS.get(word)
        if tens and unit is not None and 0 < unit < 10:
            canonical[-1] = str(int(canonical[-1]) + unit)
            tens = False
            continue
        tens = word in TENS
        canonical.append(_CANONICAL.get(word) or (_canonical_digits(word) if word[0].isdecimal() else word))
    if len(canonical) > 1 and canonical[-1] in ROMAN:
        canonical[-1] = str(ROMAN[canonical[-1]])
    return tuple(canonical)


def _canonical_digits(word: str) -> str:
    if ordinal := _ORDINAL.fullmatch(word):
        return f"{ordinal[1].lstrip('0') or '0'}th"
    return word.lstrip("0") or "0" if word.isdecimal() else word


def numbers_in(words: str) -> list[str]:
    """The numbers among normalised words, as digits."""
    return [word for word in canonical_words(words) if any(map(str.isdecimal, word))]
