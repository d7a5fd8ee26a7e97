"""Folding of text: one spelling for all the ways of writing the same words.

Knows scripts, accents and punctuation. Knows nothing of titles (`domain.text.titles`) or people (`domain.text.person_names`).
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from typing import Final

# Letters that Unicode does not take apart into a base and an accent.
LETTERS: Final = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ı": "i",
        "ħ": "h",
        "ŧ": "t",
        "ŋ": "ng",
        "ə": "e",
        "ƒ": "f",
        "ё": "е",
        "ĸ": "k",
        "ɓ": "b",
        "ɗ": "d",
        "ƙ": "k",
        "ȩ": "e",
    }
)

# Marks that vanish without leaving a gap: apostrophes and their transliteration cousins, trade marks, invisible characters.
_VANISHING = "'’‘‛`´′ʹʻʼʽʾʿˈ＇™®©℠\u00ad\u200b-\u200f\u2060-\u2064\ufeff\u202a-\u202e\u2066-\u2069"
_VANISH: Final = re.compile(f"[{_VANISHING}]")
_NOT_WORD: Final = re.compile(r"[^0-9a-z]+")
_AND: Final = re.compile(r" ?[&＆] ?")
# ASCII, save the signs of programming languages: most texts, normalised in one pass.
_PLAIN: Final = re.compile(r"[^+#\x80-\U0010ffff]*")
PLAIN_LETTERS: Final = {
    code: None if _VANISH.match(char) else " and " if char == "&" else char.lower() if char.isalnum() else " "
    for code in range(128)
    for char in [chr(code)]
}
"""`str.translate` with it folds ASCII; the words of the result are normalised."""

# "C++" and "C#" are other books than "C"; before a digit, "#" is a number sign.
_SIGNS: Final = (
    (re.compile(r"(?<=\w)\+\+"), "plusplus"),
    (re.compile(r"(?<![^\W_]{2})(?<=[A-Za-z])#(?! ?\d)"), "sharp"),
)
DAMAGED: Final = "\ufffd"
"""Stands for one or more letters that an earlier conversion destroyed; normalised text keeps it, once for a run of them."""

_DAMAGE: Final = re.compile("(?:\ufffd|\u00ef\u00bf[\u00bd_])+")
# What an entity decodes to may be the start of another one: "&amp;#324;" is met in service fields.
_ENTITY: Final = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z]\w*);")


@lru_cache(maxsize=8_192)
def normalise(text: str) -> str:
    """Lower-case words separated by single spaces: letters, digits and meaningful marks of every script. Idempotent."""
    decoded = text
    while "&" in decoded and _ENTITY.search(decoded) and (plain := html.unescape(decoded)) != decoded:
        decoded = plain
    if _PLAIN.fullmatch(decoded):
        return " ".join(decoded.translate(PLAIN_LETTERS).split())
    joined = _AND.sub(" and ", " ".join(_VANISH.sub("", _DAMAGE.sub(DAMAGED, decoded)).split()))
    for sign, word in _SIGNS:
        joined = sign.sub(word, joined)
    if joined.isascii():
        return _NOT_WORD.sub(" ", joined.lower()).strip()
    folded = _fold(joined)
    # Full case folding and compatibility forms can each bring forth work for the other; two passes settle it.
    while (again := _fold(folded)) != folded:
        folded = again
    return folded


def _fold(text: str) -> str:
    """One pass: compatibility forms, case, special letters, accents, punctuation."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(LETTERS)
    kept: list[str] = []
    accents_carry_meaning = False
    for char in unicodedata.normalize("NFD", _VANISH.sub("", plain)):
        category = unicodedata.category(char)[0]
        if category == "M":
            if accents_carry_meaning:
                kept.append(char)
            continue
        if category in "LN" or char == DAMAGED:
            accents_carry_meaning = not _accents_are_ornament(char)
            kept.append(char)
        else:
            accents_carry_meaning = False
            kept.append(" ")
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).translate(LETTERS).split())


def _accents_are_ornament(letter: str) -> bool:
    """Latin and Greek readers drop accents freely; in Cyrillic, Indic, Arabic, Thai or kana a mark makes another letter."""
    return letter.isascii() or unicodedata.name(letter, "").startswith(("LATIN", "GREEK", "MODIFIER"))
