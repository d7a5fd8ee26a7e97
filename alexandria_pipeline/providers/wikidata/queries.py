"""SPARQL queries for Wikidata: builds the query text, and writes values into it safely.

The query templates are `sparql/*.rq`; their shared parts are `sparql/pieces/*.rq`. `$name` stands for a piece or a value.
The queries are SPARQL 1.1, except for the label service. Facts about a book are on two items: an edition has ISBNs and its
date, and a work has authors, series and awards.
"""

from __future__ import annotations

import html
import re
from functools import cache
from importlib import resources
from itertools import accumulate, islice
from string import Template
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from alexandria_pipeline.domain.text.normalise import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.resources.abc import Traversable

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.domain.month import Month
    from alexandria_pipeline.domain.records import BookQuery

MAX_ROWS: Final = 2000
# Titles or names in one query.
MAX_TOGETHER: Final = 25
# Editions in one query: their ISBNs in four forms take about 90 characters each.
MAX_EDITIONS: Final = 25
MAX_PEOPLE: Final = 50
MAX_WORKS: Final = 100
MAX_PUBLISHED_ROWS: Final = 5000
# A label has at most 250 characters, so a longer title cannot match.
MAX_LABEL_LENGTH: Final = 250
MAX_TITLE_FORMS: Final = 8
# Percent-encoded characters for all literals of a query. The rest of a query takes about 3,500 characters, and servers
# reject URLs of more than 8,000.
MAX_LITERALS_LENGTH: Final = 3_000

# "label(?work)" in a file stands for the pattern of `_label`.
_LABEL: Final = re.compile(r"label\(\?(\w+)\)")
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED: Final = re.compile(r'[\\"\n\r\t]')
# A codepoint escape is decoded before the query is parsed (SPARQL 1.1, 19.2), so it cannot protect these characters.
_UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LANGUAGE_TAG: Final = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")

_BRACKETED_NOTE: Final = re.compile(r"(?<=\S)\s*[(\[][^()\[\]]*[)\]]\s*")
_SUBTITLE: Final = re.compile(r"(?:(?<!\s)\s++[-–—:]\s|:\s).*+", re.DOTALL)
_INVERTED: Final = re.compile(r"^(.+), (The|A|An)$", re.IGNORECASE)
_LOWER_CASE_WORDS: Final = frozenset("a an and as at but by for from in into nor of on or the to with".split())
_PLAIN_QUOTES: Final = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"'})

_PREFIXES: Final = {
    "wd": "http://www.wikidata.org/entity/",
    "wdt": "http://www.wikidata.org/prop/direct/",
    "p": "http://www.wikidata.org/prop/",
    "ps": "http://www.wikidata.org/prop/statement/",
    "psv": "http://www.wikidata.org/prop/statement/value/",
    "pq": "http://www.wikidata.org/prop/qualifier/",
    "wikibase": "http://wikiba.se/ontology#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "schema": "http://schema.org/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


@cache
def _template(name: str) -> Template:
    """A query with its pieces and prefixes, on one line, because it becomes part of a URL."""
    folder = resources.files(__package__) / "sparql"
    pieces = {
        piece.name.removesuffix(".rq"): _text(piece)
        for piece in (folder / "pieces").iterdir()
        if piece.name.endswith(".rq")
    }
    text = Template(_text(folder / f"{name}.rq")).safe_substitute(pieces)
    query = " ".join(_LABEL.sub(_label, text).split())
    prefixes = (f"PREFIX {prefix}: <{url}>" for prefix, url in _PREFIXES.items() if re.search(rf"\b{prefix}:", query))
    return Template(f"{' '.join(prefixes)} {query}")


def _label(variable: re.Match[str]) -> str:
    """The pattern for the label of an item that is bound: in English, or for all languages ("mul").

    It is plain SPARQL, because the label service belongs to the engine that Wikidata is leaving. It stands within the OPTIONAL
    that binds the item: with an unbound item it would match all labels.
    """
    name = variable[1]
    return f'OPTIONAL {{ ?{name} rdfs:label ?{name}Label . FILTER(LANG(?{name}Label) IN ("en", "mul")) }}'


def _text(file: Traversable) -> str:
    """The lines of a file that are not comments."""
    return "\n".join(line for line in file.read_text("utf-8").splitlines() if not line.startswith("#"))


def sparql_literal(value: str, language: str | None = None) -> str:
    """A string literal, with a language tag if one is given. No text can end the literal."""
    escaped = _ESCAPED.sub(lambda special: _ESCAPES[special[0]], writable(value))
    return f'"{escaped}"@{language}' if language and _LANGUAGE_TAG.fullmatch(language) else f'"{escaped}"'


def writable(value: str) -> str:
    """The text with spaces instead of characters that a query cannot contain: control characters and lone surrogates."""
    return _UNWRITABLE.sub(" ", value)


def by_title(*queries: BookQuery) -> str:
    """The query for the editions with an ISBN whose work or edition has one of these titles."""
    names = " ".join(dict.fromkeys(_title_literals(query) for query in queries))
    return _template("by_title").substitute(names=names, limit=MAX_ROWS)


def edition(*isbns: Isbn13) -> str:
    """The query for editions and their works: metadata, covers and series."""
    return _template("edition").substitute(isbns=_isbns(isbns), limit=MAX_ROWS)


def siblings(*isbns: Isbn13) -> str:
    """The query for all editions of the works of editions."""
    return _template("siblings").substitute(isbns=_isbns(isbns), limit=MAX_ROWS)


def identifiers(*isbns: Isbn13) -> str:
    """The query for the identifiers of editions and their works in other catalogues."""
    return _template("identifiers").substitute(isbns=_isbns(isbns), limit=MAX_ROWS)


def subjects(*isbns: Isbn13) -> str:
    """The query for the genres and main subjects of works."""
    return _template("subjects").substitute(isbns=_isbns(isbns), limit=MAX_ROWS)


def awards(*isbns: Isbn13) -> str:
    """The query for the awards and nominations of works, and those that their authors received for them."""
    return _template("awards").substitute(isbns=_isbns(isbns), limit=MAX_ROWS)


def published(month: Month, works: int) -> str:
    """The query for the best-known works that were first published in a month; at most `works`."""
    first, end = (f"{each.first_day:%Y-%m-%d}T00:00:00Z" for each in (month, month + 1))
    return _template("published").substitute(first=first, end=end, works=works, limit=MAX_PUBLISHED_ROWS)


def browse(subject: str, limit: int) -> str:
    """The query for the best-known works of a genre or on a subject, by its English name."""
    plain = " ".join(subject.split())
    forms = dict.fromkeys((plain, plain.lower(), _sentence_case(plain), _title_case(plain)))
    works = min(max(limit, 1), MAX_WORKS)
    return _template("browse").substitute(names=_literals(forms, ("en", "mul")), works=works, limit=MAX_ROWS)


def author(*names: str) -> str:
    """The query for the writers with these names and their articles in the English Wikipedia."""
    written = " ".join(dict.fromkeys(_name_literals(name) for name in names))
    return _template("author").substitute(names=written, limit=MAX_PEOPLE * len(names))


def titles_that_fit(queries: Sequence[BookQuery]) -> int:
    """How many of these titles, from the first, one query can have."""
    return _fitting(map(_title_literals, queries))


def names_that_fit(names: Sequence[str]) -> int:
    """How many of these names, from the first, one query can have."""
    return _fitting(map(_name_literals, names))


def _fitting(literals: Iterable[str]) -> int:
    lengths = accumulate(len(quote(each)) for each in literals)
    return sum(1 for length in islice(lengths, MAX_TOGETHER) if length <= MAX_LITERALS_LENGTH)


def _title_literals(query: BookQuery) -> str:
    return _literals(title_forms(query.title), ("en", "mul", query.language))


def author_name(name: str) -> str:
    """The name as a label has it: without superfluous spaces."""
    return " ".join(name.split())


def _name_literals(name: str) -> str:
    return _literals((author_name(name),), ("en", "mul"))


def title_forms(title: str) -> tuple[str, ...]:
    """The spellings that Wikidata may have for a title, most likely first. A label matches only if it is identical."""
    given = " ".join(html.unescape(title).split())
    plain = _BRACKETED_NOTE.sub(" ", given).strip()
    stems = dict.fromkeys((given, plain, _SUBTITLE.sub("", plain)))
    ordered = dict.fromkeys(_INVERTED.sub(r"\2 \1", form) for form in stems)
    forms = [*ordered, *(form.translate(_PLAIN_QUOTES) for form in ordered)]
    forms += [recased for form in ordered for recased in (_title_case(form), _sentence_case(form))]
    short = (form[:MAX_LABEL_LENGTH] for form in forms if normalise(form))
    return tuple(dict.fromkeys(short))[:MAX_TITLE_FORMS] or (given[:MAX_LABEL_LENGTH],)


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:].lower()


def _title_case(text: str) -> str:
    words = text.split()
    return " ".join(
        word.lower() if place and word.lower() in _LOWER_CASE_WORDS else _sentence_case(word)
        for place, word in enumerate(words)
    )


def _literals(forms: Iterable[str], languages: Iterable[str]) -> str:
    """The literals of every form in every language, most likely first: as many as fit, but at least the first form."""
    tags = tuple(dict.fromkeys(languages))
    written: list[str] = []
    space = MAX_LITERALS_LENGTH
    for form in dict.fromkeys(forms):
        literals = [sparql_literal(form, tag) for tag in tags]
        space -= sum(len(quote(literal)) for literal in literals)
        if written and space < 0:
            break
        written += literals
    return " ".join(dict.fromkeys(written))


def _isbns(isbns: Iterable[Isbn13]) -> str:
    """The literals of ISBNs in all forms that P212 and P957 have: 13 and 10 digits, with and without hyphens."""
    return " ".join(dict.fromkeys(sparql_literal(form) for isbn in isbns for form in _isbn_forms(isbn)))


def _isbn_forms(isbn13: Isbn13) -> list[str]:
    short = isbn13.isbn10
    # The groups of an ISBN-10 are those of its ISBN-13 without the prefix; only the check digit differs.
    hyphenated_short = f"{isbn13.hyphenated[4:-1]}{short[-1]}" if short and "-" in isbn13.hyphenated else None
    return [form for form in (isbn13.hyphenated, str(isbn13), hyphenated_short, short) if form]
