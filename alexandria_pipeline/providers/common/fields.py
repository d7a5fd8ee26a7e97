"""Wire fields of book services, read tolerantly: any JSON value in, a domain value or nothing out. Never raises.

What several services write in several ways belongs here: languages, dates, formats, names, texts, numbers. What one
service means by a field belongs in its own file. Nothing here asks the network or decides whether an answer fits.
"""

from __future__ import annotations

import html
import re
from calendar import monthrange
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, PlainValidator

from alexandria_pipeline.domain.isbn import Isbn13, is_placeholder
from alexandria_pipeline.domain.records import EditionFormat, PartialDate
from alexandria_pipeline.providers.common.language_codes import ISO_639_1

# What programs, not people, write for "nothing"; in their exact case, for "Undefined" and "Null" may be titles.
_FILLERS: Final = frozenset(
    {"~autofilled~", "autofilled", "null", "NULL", "undefined", "NaN", "n/a", "N/A", "[object Object]"}
)
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,30});")
# Control characters and lone surrogates: JSON may carry them, a UTF-8 database column may not.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_BLOCK_TAG: Final = re.compile(r"<\s*/?\s*(?:p|br|div|li|ul|ol|h[1-6]|tr|blockquote)\b[^<>]*>", re.IGNORECASE)
_TAG: Final = re.compile(r"<\s*/?\s*[A-Za-z][^<>]*>|<!--.*?-->", re.DOTALL)
_COUNT: Final = re.compile(r"\s*(\d{1,9})(?:\.0+)?\s*(?:p|pp|pgs?|pages?)?\.?\s*", re.IGNORECASE)
MAX_NUMBER: Final = 2_147_483_647

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = rf"(?P<name>{'|'.join(_MONTHS)})[a-z]*\.?"
_YEAR: Final = r"(?P<year>\d{4})"
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_ISO_DATE: Final = re.compile(
    rf"\+?{_YEAR}(?:[-/.](?P<month>\d{{1,2}})(?:[-/.](?P<day>\d{{1,2}}))?)?(?:[T ]\d\d?:.*|Z)?", re.DOTALL
)
_SPELT_DATES: Final = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
        rf"{_MONTH}\s*{_DAY}\s*,?\s*{_YEAR}",
        rf"{_DAY}(?:\s+of)?[\s.-]*{_MONTH}[\s,.-]*{_YEAR}",
        rf"{_MONTH}[\s,.-]*{_YEAR}",
        rf"{_YEAR}[\s,.-]+{_MONTH}(?:[\s.-]+{_DAY})?",
        rf"(?P<month>\d{{1,2}})/{_YEAR}",
    )
)
_SLASHED: Final = re.compile(rf"(\d{{1,2}})[/.-](\d{{1,2}})[/.-]{_YEAR}")
_LOOSE_YEAR: Final = re.compile(r"(?<![\d.,])(1[0-9]{3}|20[0-9]{2}|21[0-9]{2})(?!\d|'?s)")
# Before this year a date is a filler: 0001-01-01 and 0101-01-01 are what shops hold for "none".
_FIRST_YEAR: Final = 200
_LAST_YEAR: Final = 2199
_FILLER_DATES: Final = frozenset({PartialDate(1900, 1, 1), PartialDate(1970, 1, 1)})

_TITLE_LANGUAGE: Final = re.compile(r"[(\[]\s*(?:in\s+)?([^\W\d]+)(?:[- ]language)?\s+edition\s*[)\]]", re.IGNORECASE)

# In this order: "Unknown Binding" first, and audio before print, for a book with a CD is no plain book.
_FORMATS: Final = {
    EditionFormat.UNKNOWN: r"unknown|unbekannt|inconnu",
    EditionFormat.OTHER: r"cd-?rom|dvd|video|vhs|braille|micro|spiral|board|ring-bound|loose|comb-?bound|calendar"
    r"|diary|map\b|cards?\b|toy|misc|poster|pamphlet|stapled|rag book|bath book|game|kit\b|other|sheet music|software",
    EditionFormat.AUDIO: r"audio|\bcds?\b|compact dis[ck]|cassette|\bmp3|playaway|sound rec|h[öo]rbuch",
    EditionFormat.EBOOK: r"e-?books?\b|kindle|e-?pub\b|electronic|digital|\bpdf\b|online|\bnook\b|\bmobi\b|web ?site",
    EditionFormat.PAPERBACK: r"paper(?!weight)|soft[ -]?(?:cover|back|bound)|\bpbk|mass[ -]market|brosch|broch[ée]"
    r"|poche|taschenbuch|tapa blanda|r[úu]stica|brossura|bunko|flexi|^pb$",
    EditionFormat.HARDCOVER: r"hard[ -]?(?:cover|back|bound)|\bhbk|^h[bc]$|cloth|gebunden|reli[ée]|tapa dura"
    r"|cartoné|rilegat|library binding|leather|prebound|turtleback|case ?bound|capa dura",
}
_FORMAT_FORMS: Final = tuple((kind, re.compile(form, re.IGNORECASE)) for kind, form in _FORMATS.items())


def text(value: object) -> str | None:
    """One line of text: entities decoded, white space collapsed; None for "~autofilled~" and for other types."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    try:
        line = " ".join(_clean(str(value)).split())
    except ValueError:  # an integer of more than 4,300 digits
        return None
    return None if not line or line in _FILLERS else line


def texts(value: object) -> tuple[str, ...]:
    """The texts of a list, or the one of a string, each once and in order; archive.org and others write either."""
    values = value if isinstance(value, (list, tuple)) else [value]
    return tuple(dict.fromkeys(line for each in values if (line := text(each)) is not None))


def plain_text(value: object) -> str | None:
    """Prose without mark-up: tags and entities gone, paragraphs kept as lines."""
    if not isinstance(value, str):
        return None
    bare = _TAG.sub("", _BLOCK_TAG.sub("\n", _clean(value)))
    lines = (" ".join(line.split()) for line in bare.splitlines())
    prose = "\n".join(line for line in lines if line)
    return None if not prose or prose in _FILLERS else prose


def _clean(raw: str) -> str:
    """Entities decoded (twice: "&amp;#39;" is met) and what no database stores taken out."""
    for _ in range(2):
        raw = _ENTITY.sub(lambda entity: html.unescape(entity[0]), raw)
    return _UNPRINTABLE.sub("", raw)


def whole_number(value: object) -> int | None:
    """A count: 397, 397.0, "397", "397 p."; None for what is negative, fractional, or too large for a column."""
    if isinstance(value, str):
        match = _COUNT.fullmatch(value) if value.isascii() else None
        return int(match[1]) if match else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value <= MAX_NUMBER and value == int(value) else None


def decimal_number(value: object) -> float | None:
    """A finite number, also when written as a string."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) <= MAX_NUMBER else None


def language(value: object) -> str | None:
    """ISO 639-1 of "eng", "en", "en_US", "English", "/languages/eng" or {"key": …}; None when unknown or several."""
    if isinstance(value, dict):
        value = value.get("key")
    if isinstance(value, (list, tuple)):
        told = {code for each in value if (code := language(each)) is not None}
        return told.pop() if len(told) == 1 and len(value) < 10 else None
    if not isinstance(value, str) or len(value) > 80:
        return None
    names = re.split(r"[,;/|&+]|\band\b", value.strip().lower().removeprefix("/languages/"))
    codes = {_language_code(name) for name in names if name.strip()}
    return codes.pop() if len(codes) == 1 else None


def _language_code(name: str) -> str | None:
    plain = re.sub(r"\(.*?\)|\[.*?\]", "", name).strip(" .'\"")
    subtags = re.split(r"[-_\s]", plain)
    return ISO_639_1.get(plain) or (ISO_639_1.get(subtags[0]) if len(subtags[0]) <= 3 else ISO_639_1.get(subtags[-1]))


def edition_format(value: object) -> EditionFormat:
    """How an edition is made, from a binding or format in words; audio wins over print when both are named."""
    for words in texts(value):
        for kind, form in _FORMAT_FORMS:
            if form.search(words):
                return kind
    return EditionFormat.UNKNOWN


def partial_date(value: object) -> PartialDate | None:
    """A date as precise as it is told: 1992, "1992", "1992-06", "Jun 5, 1992", "c1992", "+1992-06-05T00:00:00Z".

    A month or day that cannot be (00, 31 June) is left out; "6/5/1992" may be June or May and keeps its year only.
    """
    written = text(whole_number(value) if isinstance(value, float) else value)
    if written is None or len(written) > 80:
        return None
    plain = written.strip(" .,;[]()<>©").strip()
    date = _written_date(plain)
    return None if date in _FILLER_DATES else date


def _written_date(plain: str) -> PartialDate | None:
    if not plain.isascii() or not plain:
        year = _LOOSE_YEAR.search(plain)
        return _date(int(year[1])) if year and year[1].isascii() else None
    for form in (_ISO_DATE, *_SPELT_DATES):
        if match := form.fullmatch(plain):
            found = match.groupdict()
            month = _MONTHS.index(found["name"].lower()) + 1 if found.get("name") else int(found.get("month") or 0)
            return _date(int(found["year"]), month, int(found.get("day") or 0))
    if match := _SLASHED.fullmatch(plain):
        return _ambiguous_date(int(match[1]), int(match[2]), int(match["year"]))
    year = _LOOSE_YEAR.search(plain)
    return _date(int(year[1])) if year else None


def _ambiguous_date(one: int, other: int, year: int) -> PartialDate | None:
    """Day and month in either order: told apart only when one of them cannot be a month, or both are the same."""
    if one == other or one > 12:
        return _date(year, other, one)
    return _date(year, one, other) if other > 12 else _date(year)


def _date(year: int, month: int = 0, day: int = 0) -> PartialDate | None:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    if not 1 <= month <= 12:
        return PartialDate(year)
    return PartialDate(year, month, day if 1 <= day <= monthrange(year, month)[1] else None)


def isbns(value: object) -> tuple[Isbn13, ...]:
    """The assigned ISBNs of one field or of a list, as ISBN-13, each once; fillers and wrong check digits left out."""
    values = value if isinstance(value, (list, tuple)) else [value]
    found = (Isbn13.find(each) for each in values)
    return tuple(dict.fromkeys(isbn for isbn in found if isbn is not None and not is_placeholder(isbn)))


def web_address(value: object) -> str | None:
    """An https address; services that still write http answer on both."""
    address = text(value)
    if address is None or not re.fullmatch(r"(?:https?:)?//[^\s<>\"]+", address):
        return None
    return "https:" + address[address.index("//") :]


class Wire(BaseModel):
    """Base of wire models: unknown fields are ignored, and every field says for itself what it makes of any value."""

    model_config = ConfigDict(extra="ignore", frozen=True, arbitrary_types_allowed=True)


Text = Annotated[str | None, PlainValidator(text)]
Texts = Annotated[tuple[str, ...], PlainValidator(texts)]
Prose = Annotated[str | None, PlainValidator(plain_text)]
Number = Annotated[int | None, PlainValidator(whole_number)]
Decimal = Annotated[float | None, PlainValidator(decimal_number)]
Date = Annotated[PartialDate | None, PlainValidator(partial_date)]
Language = Annotated[str | None, PlainValidator(language)]
Format = Annotated[EditionFormat, PlainValidator(edition_format)]
Isbns = Annotated[tuple[Isbn13, ...], PlainValidator(isbns)]
Address = Annotated[str | None, PlainValidator(web_address)]

W = TypeVar("W", bound=Wire)


def wire(model: type[W], value: Any) -> W:
    """The model of an object; an empty one for anything else."""
    return model.model_validate(value if isinstance(value, dict) else {})


def wires(model: type[W], value: Any) -> tuple[W, ...]:
    """The models of a list's objects; what is not an object is dropped."""
    items = value if isinstance(value, list) else []
    return tuple(model.model_validate(item) for item in items if isinstance(item, dict))


def language_of_title(title: str) -> str | None:
    """ "Rehenes del Pasado (Spanish Edition)" says what language it is in."""
    match = _TITLE_LANGUAGE.search(title)
    return ISO_639_1.get(match[1].lower()) if match and len(match[1]) > 3 else None


def subtitle_of(title: str, long_title: str | None) -> str | None:
    """What a long title adds to the title after a colon or dash; None where it adds nothing or is another one."""
    if long_title is None or not long_title.lower().startswith(title.lower()):
        return None
    match = re.fullmatch(r"\s*(?:[:;–—]|\s-{1,2}\s)\s*(.*\w.*)", long_title[len(title) :])
    return match[1].strip() if match else None
