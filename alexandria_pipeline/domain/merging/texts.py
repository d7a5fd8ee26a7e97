"""Texts of claims as they are served and compared: repaired, in one line, without decoration, in usual case."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from typing import Final

import ftfy
import nh3
from stdnum import isni

from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.person_names import people

MIN_DESCRIPTION: Final = 40

_DECORATION: Final = re.compile(
    r"(?<!\s)\s*+[(\[]"
    r"(?=[^()\[\]]{0,120}?(?:#|\b(?:book|books|vol|volume|series|novel|edition|trilogy|saga|paperback|hardcover)\b))"
    r"[^()\[\]]{1,250}+[)\]]$",
    re.IGNORECASE,
)
_GENRE_BEHIND: Final = re.compile(
    r"(?<!\s)\s*+:\s*+(?:a|an) (?:\w+ ){0,2}(?:novel|memoir|story|thriller|mystery)$", re.IGNORECASE
)
_INVERTED_ARTICLE: Final = re.compile(r"^([^,]+), (the|a|an)$", re.IGNORECASE)
_SALES_TEXT: Final = re.compile(
    r"^\W*(?:(?:the )?(?:#1|no\. ?1|number one|new york times|international|instant|sunday times)[^.!]{0,80}best-?sell\w*\W*)+$",
    re.IGNORECASE,
)
_SMALL_WORDS: Final = frozenset(
    "a an and as at but by for from in into nor of on or over the to upon with along".split()
)
_ROMAN: Final = re.compile(r"(?:ii|iii|iv|vi|vii|viii|ix|xi|xii|xiii|xiv|xv)\W?")
_ABBREVIATION: Final = re.compile(r"(?:[a-z]\.){2,}|fbi|cia|usa|uk|nasa|d-day")
_FIRST_LETTER: Final = re.compile(r"(?:^|(?<=[-/(\"“])|(?<=^[od]['’]))\w")
_YEARS_BEHIND: Final = re.compile(r",\s*(?:b\.\s*)?\d{4}\??\s*(?:-\s*(?:\d{4}\??)?)?\.?$")
_LINE_END: Final = re.compile(r"<(?:br|/p|/li)\b[^>]*>", re.IGNORECASE)
_NO_TAGS: Final = nh3.Cleaner(tags=set())
_STRAIGHT: Final = str.maketrans("‘’“”", "''\"\"")
_UNDAMAGED: Final = re.compile(r"(?:[ -~\n]++|[‘’“”–—…](?![^ -~\n‘’“”–—…])|[éèêëçñöüäáíóúßÉÖÜ](?![^ -~\n]))*+")
"""ASCII without control characters, frequent signs that stand alone or together, and frequent letters that stand alone."""
_ENTITY: Final = re.compile(r"&#?[0-9A-Za-z]{1,24};")


@lru_cache(maxsize=8_192)
def clean_title(text: str) -> str:
    """A title in one line, repaired, without series and format in brackets, without ": A Novel", the article in front."""
    cleaned = one_line(text)
    for _ in range(3):
        shorter = cleaned
        if cleaned.endswith((")", "]")):
            shorter = _DECORATION.sub("", shorter)
        if ":" in shorter:
            shorter = _GENRE_BEHIND.sub("", shorter)
        if shorter == cleaned or not normalise(shorter):
            break
        cleaned = shorter
    if "," not in cleaned:
        return cleaned
    return _INVERTED_ARTICLE.sub(lambda found: f"{found[2].capitalize()} {found[1]}", cleaned)


def title_case(text: str) -> str:
    """A title in capitals in the case of English titles: "A WALK ALONG THE BEACH" becomes "A Walk along the Beach"."""
    words = text.lower().split()
    small = {
        at
        for at, word in enumerate(words)
        if word in _SMALL_WORDS and 0 < at < len(words) - 1 and words[at - 1][-1] not in ":.!?"
    }
    return " ".join(word if at in small else _capitalised(word) for at, word in enumerate(words))


def _capitalised(word: str) -> str:
    if _ROMAN.fullmatch(word) or _ABBREVIATION.fullmatch(word):
        return word.upper()
    return _FIRST_LETTER.sub(lambda found: found[0].upper(), word)


@lru_cache(maxsize=8_192)
def clean_description(text: str) -> str:
    """Plain text of a description; "" if it is damaged, too short, or sales text only."""
    plain = _NO_TAGS.clean(_LINE_END.sub("\n", text)) if "<" in text else text
    if "&" in plain:
        plain = html.unescape(plain)
    plain = "\n".join(filter(None, (" ".join(line.split()) for line in repaired(plain).splitlines())))
    useless = len(plain) < MIN_DESCRIPTION or "�" in plain or _SALES_TEXT.match(plain)
    return "" if useless else plain


@lru_cache(maxsize=8_192)
def natural_name(name: str) -> str:
    """A name as "First Last" instead of "Last, First", without the years of a library heading. Other names stay as they are."""
    name = _YEARS_BEHIND.sub("", name) or name
    if "," in name:
        parts = [part.strip() for part in name.split(",")]
        found = people(name)
        inverted = len(parts) == 2 and len(found) == 1 and all(parts) and normalise(parts[0]) == found[0].surname
        name = f"{parts[1]} {parts[0]}" if inverted else name
    return name.title() if name.isupper() and len(name) > 4 else name


@lru_cache(maxsize=8_192)
def one_line(text: str) -> str:
    """A text in one line, repaired, with single spaces."""
    return " ".join(repaired(html.unescape(text) if "&" in text else text).split())


def repaired(text: str) -> str:
    """A text whose damage of encodings is mended by ftfy. Most texts have none, which is seen at a fiftieth of the time."""
    if "&" in text and _ENTITY.search(text):
        return ftfy.fix_text(text)
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_STRAIGHT) if _UNDAMAGED.fullmatch(text) else ftfy.fix_text(text)


def is_shouted(text: str) -> bool:
    """Whether a text of at least four letters has capitals only, or none."""
    return (text.isupper() or text.islower()) and sum(map(str.isalpha, text)) > 3


def is_odd_name(name: str) -> bool:
    """Whether a name is turned round, damaged, or in one case."""
    return "," in name or name.isupper() or name.islower() or "�" in name


@lru_cache(maxsize=8_192)
def person(name: str) -> str:
    """A key for one person: surname and first letter of the given name."""
    found = people(name)
    return f"{found[0].surname} {found[0].given[0][:1] if found[0].given else ''}" if found else normalise(name)


@lru_cache(maxsize=1_024)
def language_tag(text: str) -> str:
    """A language as a BCP 47 tag; "" if it is none."""
    import langcodes  # noqa: PLC0415 - its tables take 0.2 s to load, and every process of Dagster imports this module

    try:
        return langcodes.standardize_tag(text)
    except langcodes.tag_parser.LanguageTagError:
        return ""


@lru_cache(maxsize=8_192)
def identifier(scheme: str, value: str) -> str:
    """An identifier as it is served; "" for an ISNI whose check digit is wrong."""
    if scheme != "isni":
        return value
    number: str = isni.compact(value)
    return number if isni.is_valid(number) else ""


@lru_cache(maxsize=8_192)
def series_key(name: str) -> str:
    """A key for the name of a series, without words that say that it is one."""
    plain = normalise(name)
    return _SERIES_WORD.sub("", plain).strip() or plain


_SERIES_WORD: Final = re.compile(r"\b(?:the|series|trilogy|saga|novels?|books?)\b")
