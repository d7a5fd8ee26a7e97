"""Text functions of the stand-in, independent of the pipeline's, so that an error there is not repeated here."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

_WORD: Final = re.compile(r"[^\W_]+")
_APOSTROPHE: Final = re.compile(r"['’‘ʼ]")
_SMALL: Final = frozenset(
    "a an and as at but by for from in into is nor of on onto or over the to up with is are".split()
)
_PARTICLES: Final = frozenset("da de del della der di du la le st van von".split())
_SUFFIXES: Final = frozenset("jr jr. sr sr. ii iii iv".split())


@lru_cache(maxsize=200_000)
def tokens(text: str) -> tuple[str, ...]:
    """Lower-case words without accents. An apostrophe joins two parts of a word, and "&" is a word."""
    plain = "".join(
        c for c in unicodedata.normalize("NFKD", text.replace("&", " and ")) if not unicodedata.combining(c)
    )
    return tuple(_WORD.findall(_APOSTROPHE.sub("", plain).lower()))


def without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def main_title(title: str) -> str:
    """The part of a title before the subtitle."""
    return re.split(r": | - | – ", title, maxsplit=1)[0]


def title_key(title: str) -> tuple[str, ...]:
    """The words of the main title without its article."""
    words = tokens(main_title(title))
    return words[1:] if len(words) > 1 and words[0] in {"the", "a", "an"} else words


def title_case(text: str) -> str:
    """ "A DOG'S JOURNEY" as on a title page. Only for titles in capital letters."""
    words = text.split()
    return " ".join(
        _cased(word, inner=place > 0 and not words[place - 1].endswith(":")) for place, word in enumerate(words)
    )


def _cased(word: str, *, inner: bool) -> str:
    if inner and word.lower() in _SMALL:
        return word.lower()
    return re.sub(r"[^\W\d_][\w'’]*", lambda found: found[0][0].upper() + found[0][1:].lower(), word)


def split_name(name: str) -> tuple[str, str]:
    """(given, family) of a name in natural order. A name of one word has no given name."""
    parts = name.split()
    end = len(parts) - 1 if len(parts) > 2 and parts[-1].lower() in _SUFFIXES else len(parts)
    start = end - 1
    while start > 1 and parts[start - 1].lower() in _PARTICLES:
        start -= 1
    return " ".join(parts[:start]), " ".join(parts[start:]).replace(",", "")


def family(name: str) -> str:
    return split_name(name)[1]


def last_first(name: str) -> str:
    given, last = split_name(name)
    return f"{last}, {given}" if given else last


def initials(name: str) -> str:
    """ "John Ronald Tolkien" as "J. R. Tolkien"."""
    given, last = split_name(name)
    short = " ".join(f"{part[0]}." for part in re.split(r"[\s-]+", given) if part)
    return f"{short} {last}".strip()


def misspelt(text: str, rng: Random) -> str:
    """The text with one typing error in a word of five letters or more; the text itself if there is no such word."""
    places = [found.span() for found in re.finditer(r"[^\W\d_]{5,}", text)]
    if not places:
        return text
    start, end = rng.choice(places)
    at = rng.randrange(start + 1, end - 2)
    kind = rng.choice(("swap", "drop", "double"))
    if kind == "swap" and text[at] != text[at + 1]:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at] + text[at:] if kind == "double" else text[:at] + text[at + 1 :]


def isbn13(first_twelve: str) -> str:
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(first_twelve))
    return first_twelve + str(-total % 10)


def isbn10(isbn: str) -> str | None:
    """The ISBN-10; only numbers that start with 978 have one."""
    if not isbn.startswith("978"):
        return None
    body = isbn[3:12]
    rest = -sum(int(digit) * (10 - place) for place, digit in enumerate(body)) % 11
    return body + ("X" if rest == 10 else str(rest))


def is_isbn13(text: str) -> bool:
    return len(text) == 13 and text.isdigit() and text[:3] in {"978", "979"} and isbn13(text[:12]) == text


def any_isbn13(text: str) -> str | None:
    """An ISBN of either length, with or without hyphens, as 13 digits; None if it is invalid."""
    digits = re.sub(r"[\s-]", "", text).upper()
    if re.fullmatch(r"\d{9}[\dX]", digits):
        long = isbn13(f"978{digits[:9]}")
        return long if isbn10(long) == digits else None
    return digits if is_isbn13(digits) else None
