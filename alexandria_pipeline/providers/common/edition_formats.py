"""Edition formats: reads the words that services use for a binding or format."""

from __future__ import annotations

import re
from typing import Final

from alexandria_pipeline.domain.records import EditionFormat
from alexandria_pipeline.providers.common.text_fields import texts

# The order decides: "Unknown Binding" comes first, and audio comes before print because a book with a CD is not a plain
# book.
_WORDS: Final = {
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
_FORMS: Final = tuple((kind, re.compile(words, re.IGNORECASE)) for kind, words in _WORDS.items())


def edition_format(value: object) -> EditionFormat:
    """The format that a field names, or a list of such fields; `UNKNOWN` if it names none."""
    for words in texts(value):
        for kind, form in _FORMS:
            if form.search(words):
                return kind
    return EditionFormat.UNKNOWN
