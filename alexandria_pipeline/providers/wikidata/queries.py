"""SPARQL text for Wikidata, and the only way a value gets into it.

Here are templates and the writing of literals; who asks is `wikidata.py`, what an answer means `wikidata_answers.py`.
The queries are plain SPARQL 1.1 but for the label service, so that a mirror can answer them too. Facts about a book are
spread: ISBNs and dates of printing stand on editions, authors, series and prizes on the work (P629 and P747 lead
between them).
"""

from __future__ import annotations

import html
import re
from string import Template
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from alexandria_pipeline.domain.text.normalise import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.domain.records import BookQuery

# A label holds 250 characters at most, so nothing longer can match.
_LONGEST_LABEL: Final = 250
_MOST_FORMS: Final = 8
# Of an address, percent-encoded: the query itself takes some 3,500 characters, and servers refuse more than 8,000.
_LITERALS_BUDGET: Final = 3_000
MAX_ROWS: Final = 1000

_ECHAR: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED: Final = re.compile(r'[\\"\n\r\t]')
# A codepoint escape is undone before the query is read (SPARQL 1.1, 19.2), so such characters cannot be written safely.
_UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LANGUAGE_TAG: Final = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")

_ASIDE: Final = re.compile(r"(?<=\S)\s*[(\[][^()\[\]]*[)\]]\s*")
_SUBTITLE: Final = re.compile(r"\s*(?::\s|\s[-–—]\s).*$", re.DOTALL)
_INVERTED: Final = re.compile(r"^(.+), (The|A|An)$", re.IGNORECASE)
_SMALL: Final = frozenset("a an and as at but by for from in into nor of on or the to with".split())
_APOSTROPHES: Final = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"'})

_PREFIXES: Final = {
    "wd": "http://www.wikidata.org/entity/",
    "wdt": "http://www.wikidata.org/prop/direct/",
    "p": "http://www.wikidata.org/prop/",
    "ps": "http://www.wikidata.org/prop/statement/",
    "psv": "http://www.wikidata.org/prop/statement/value/",
    "pq": "http://www.wikidata.org/prop/qualifier/",
    "wikibase": "http://wikiba.se/ontology#",
    "bd": "http://www.bigdata.com/rdf#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "schema": "http://schema.org/",
}
# "mul" holds the labels that are one in all languages; names of people and titles of editions are moving there. The
# service picks one label for each thing, so that rows do not multiply; where there is none it gives the item's number.
_PIECES: Final = {
    "labels": 'SERVICE wikibase:label { bd:serviceParam wikibase:language "en,mul,fr,de,es,it,pt,nl,sv,ru,ja,zh". }',
    "by_isbn": "VALUES ?isbn { $isbns } ?edition wdt:P212|wdt:P957 ?isbn .",
    # A nested OPTIONAL on an unbound ?work would join the whole graph, hence ?source: the work if any, else the edition.
    "source": """
        OPTIONAL { ?edition wdt:P629|^wdt:P747 ?work . }
        BIND(COALESCE(?work, ?edition) AS ?source)""",
    "edition_variables": """
        ?isbn ?edition ?editionLabel ?work ?workLabel ?isbn13 ?isbn10 ?title ?subtitle ?date ?datePrecision ?firstDate
        ?author ?authorLabel ?authorAltLabel ?authorName ?translator ?translatorLabel ?illustrator ?illustratorLabel
        ?editor ?editorLabel ?language ?languageLabel ?languageCode ?publisher ?publisherLabel ?format ?formatLabel
        ?pages ?image ?series ?seriesLabel ?ordinal""",
    "edition_isbns": """
        OPTIONAL { ?edition wdt:P212 ?isbn13 . }
        OPTIONAL { ?edition wdt:P957 ?isbn10 . }""",
    "edition_facts": """
        OPTIONAL { ?edition wdt:P1476 ?title . }
        OPTIONAL { ?edition wdt:P577 ?date . }
        OPTIONAL { ?edition wdt:P407 ?language . OPTIONAL { ?language wdt:P218 ?languageCode . } }
        OPTIONAL { ?edition wdt:P123 ?publisher . }
        OPTIONAL { ?edition wdt:P437 ?format . }
        OPTIONAL { ?edition wdt:P655 ?translator . }""",
    "work_facts": """
        OPTIONAL { ?edition wdt:P50 ?editionAuthor . }
        OPTIONAL { ?source wdt:P50 ?workAuthor . }
        BIND(COALESCE(?editionAuthor, ?workAuthor) AS ?author)
        OPTIONAL { ?source wdt:P2093 ?authorName . }
        OPTIONAL { ?source wdt:P577 ?firstDate . }
        OPTIONAL { ?source p:P179 ?inSeries . ?inSeries ps:P179 ?series .
            FILTER NOT EXISTS { ?inSeries wikibase:rank wikibase:DeprecatedRank . }
            OPTIONAL { ?inSeries pq:P1545 ?ordinal . } }
        OPTIONAL { ?edition p:P577/psv:P577 ?when .
            ?when wikibase:timeValue ?date ; wikibase:timePrecision ?datePrecision . }
        OPTIONAL { ?edition wdt:P1680 ?subtitle . }
        OPTIONAL { ?edition wdt:P110 ?illustrator . }
        OPTIONAL { ?edition wdt:P98 ?editor . }
        OPTIONAL { ?edition wdt:P1104 ?pages . }
        OPTIONAL { ?edition wdt:P18 ?image . }""",
}


def _query(text: str) -> Template:
    """A query with its pieces in place, the prefixes that it uses, and no layout, for it travels in an address."""
    whole = " ".join(Template(text).safe_substitute(_PIECES).split())
    used = (
        f"PREFIX {prefix}: <{address}>" for prefix, address in _PREFIXES.items() if re.search(rf"\b{prefix}:", whole)
    )
    return Template(f"{' '.join(used)} {whole}")


_BY_TITLE: Final = _query("""
SELECT DISTINCT $edition_variables WHERE {
  { SELECT DISTINCT ?titled WHERE {
      VALUES ?name { $names }
      { ?titled rdfs:label ?name . } UNION { ?titled skos:altLabel ?name . } UNION { ?titled wdt:P1476 ?name . }
  } }
  { ?titled wdt:P747 ?edition . } UNION { ?edition wdt:P629 ?titled . }
  UNION { ?titled wdt:P212|wdt:P957 ?own . BIND(?titled AS ?edition) }
  $edition_isbns
  FILTER(BOUND(?isbn13) || BOUND(?isbn10))
  $source $edition_facts $work_facts $labels
} LIMIT $limit""")

_EDITION: Final = _query("""
SELECT DISTINCT $edition_variables WHERE {
  $by_isbn $edition_isbns $source $edition_facts $work_facts $labels
} LIMIT $limit""")

_SIBLINGS: Final = _query("""
SELECT DISTINCT ?isbn ?askedLanguageCode ?edition ?editionLabel ?work ?workLabel ?isbn13 ?isbn10 ?title ?date
  ?language ?languageLabel ?languageCode ?publisher ?publisherLabel ?format ?formatLabel ?translator ?translatorLabel
WHERE {
  VALUES ?isbn { $isbns }
  ?asked wdt:P212|wdt:P957 ?isbn .
  { ?asked wdt:P629|^wdt:P747 ?work . } UNION { ?asked wdt:P747|^wdt:P629 ?any . BIND(?asked AS ?work) }
  ?work wdt:P747|^wdt:P629 ?edition .
  OPTIONAL { ?asked wdt:P407 ?askedLanguage . ?askedLanguage wdt:P218 ?askedLanguageCode . }
  $edition_isbns $edition_facts $labels
} LIMIT $limit""")

_IDENTIFIERS: Final = _query("""
SELECT DISTINCT ?isbn ?edition ?work ?openLibrary ?workOpenLibrary ?googleBooks ?libraryThing ?goodreadsWork
  ?goodreadsEdition ?oclc ?lccn ?isbn13 ?isbn10
WHERE {
  $by_isbn $source $edition_isbns
  OPTIONAL { ?edition wdt:P648 ?openLibrary . }
  OPTIONAL { ?source wdt:P648 ?workOpenLibrary . }
  OPTIONAL { ?source wdt:P1085 ?libraryThing . }
  OPTIONAL { ?source wdt:P8383 ?goodreadsWork . }
  OPTIONAL { ?edition wdt:P2969 ?goodreadsEdition . }
  OPTIONAL { ?edition wdt:P675 ?googleBooks . }
  OPTIONAL { ?edition wdt:P243 ?oclc . }
  OPTIONAL { ?edition wdt:P1144 ?lccn . }
} LIMIT $limit""")

_SUBJECTS: Final = _query("""
SELECT DISTINCT ?isbn ?genre ?genreLabel ?subject ?subjectLabel WHERE {
  $by_isbn $source
  { ?source wdt:P136 ?genre . } UNION { ?source wdt:P921 ?subject . }
  $labels
} LIMIT $limit""")

_AWARDS: Final = _query("""
SELECT DISTINCT ?isbn ?award ?awardLabel ?nomination ?nominationLabel ?date WHERE {
  $by_isbn $source
  { ?source p:P166|p:P1411 ?statement . } UNION { ?statement pq:P1686 ?source . }
  OPTIONAL { ?statement ps:P166 ?award . }
  OPTIONAL { ?statement ps:P1411 ?nomination . }
  FILTER(BOUND(?award) || BOUND(?nomination))
  FILTER NOT EXISTS { ?statement wikibase:rank wikibase:DeprecatedRank . }
  OPTIONAL { ?statement pq:P585 ?date . }
  $labels
} LIMIT $limit""")

_BROWSE: Final = _query("""
SELECT DISTINCT ?work ?workLabel ?author ?authorLabel ?date ?isbn13 ?openLibrary ?sitelinks WHERE {
  { SELECT DISTINCT ?work ?sitelinks WHERE {
      VALUES ?name { $names }
      ?topic rdfs:label ?name .
      ?work wdt:P136|wdt:P921 ?topic .
      FILTER EXISTS { ?work wdt:P50 ?anybody . }
      FILTER NOT EXISTS { ?work wdt:P629 ?whole . }
      OPTIONAL { ?work wikibase:sitelinks ?sitelinks . }
  } ORDER BY DESC(?sitelinks) ?work LIMIT $works }
  OPTIONAL { ?work wdt:P50 ?author . }
  OPTIONAL { ?work wdt:P577 ?date . }
  OPTIONAL { ?work wdt:P212 ?isbn13 . }
  OPTIONAL { ?work wdt:P648 ?openLibrary . }
  $labels
} ORDER BY DESC(?sitelinks) ?work LIMIT $limit""")

_AUTHOR: Final = _query("""
SELECT DISTINCT ?person ?personLabel ?personAltLabel ?articleTitle WHERE {
  VALUES ?name { $names }
  { ?person rdfs:label ?name . } UNION { ?person skos:altLabel ?name . }
  ?person wdt:P31 wd:Q5 .
  FILTER EXISTS { { ?written wdt:P50 ?person . } UNION { ?person wdt:P106/wdt:P279* wd:Q482980 . } }
  OPTIONAL {
    ?article schema:about ?person ; schema:isPartOf <https://en.wikipedia.org/> ; schema:name ?articleTitle . }
  $labels
} LIMIT $limit""")


def sparql_literal(value: str, language: str | None = None) -> str:
    """A string literal, with its language where one is given; whatever the text holds, it stays within the quotes."""
    escaped = _ESCAPED.sub(lambda special: _ECHAR[special[0]], writable(value))
    return f'"{escaped}"@{language}' if language and _LANGUAGE_TAG.fullmatch(language) else f'"{escaped}"'


def writable(value: str) -> str:
    """The text with spaces for characters that no query can carry: control characters and lone surrogates."""
    return _UNWRITABLE.sub(" ", value)


def by_title(query: BookQuery) -> str:
    """Editions, with an ISBN, of what is titled so; whose book it is, is left to the matcher."""
    names = _literals(title_forms(query.title), ("en", "mul", query.language))
    return _BY_TITLE.substitute(names=names, limit=MAX_ROWS)


def edition(isbn13: Isbn13) -> str:
    """Everything about one edition and its work that has few values; also covers and series."""
    return _EDITION.substitute(isbns=_isbns(isbn13), limit=MAX_ROWS)


def siblings(isbn13: Isbn13) -> str:
    """All editions of the work that the ISBN is of."""
    return _SIBLINGS.substitute(isbns=_isbns(isbn13), limit=MAX_ROWS)


def identifiers(isbn13: Isbn13) -> str:
    """The edition and its work elsewhere."""
    return _IDENTIFIERS.substitute(isbns=_isbns(isbn13), limit=MAX_ROWS)


def subjects(isbn13: Isbn13) -> str:
    """Genres and main subjects of the work."""
    return _SUBJECTS.substitute(isbns=_isbns(isbn13), limit=MAX_ROWS)


def awards(isbn13: Isbn13) -> str:
    """Prizes and nominations of the work, also those that its author was given for it (P1686)."""
    return _AWARDS.substitute(isbns=_isbns(isbn13), limit=MAX_ROWS)


def browse(subject: str, limit: int) -> str:
    """The best-known works of a genre or on a subject, by its English name."""
    plain = " ".join(subject.split())
    forms = dict.fromkeys((plain, plain.lower(), _sentence_case(plain), _title_case(plain)))
    works = min(max(limit, 1), 100)
    return _BROWSE.substitute(names=_literals(forms, ("en", "mul")), works=works, limit=MAX_ROWS)


def author(name: str) -> str:
    """People of that name who have written something, with their article in the English Wikipedia."""
    return _AUTHOR.substitute(names=_literals((" ".join(name.split()),), ("en", "mul")), limit=50)


def title_forms(title: str) -> tuple[str, ...]:
    """The ways in which Wikidata may spell a title, likeliest first: a label matches only to the letter."""
    given = " ".join(html.unescape(title).split())
    plain = _ASIDE.sub(" ", given).strip()
    stems = dict.fromkeys((given, plain, _SUBTITLE.sub("", plain)))
    turned = {form: _INVERTED.sub(r"\2 \1", form) for form in stems}
    forms = [*turned.values(), *(form.translate(_APOSTROPHES) for form in turned.values())]
    forms += [
        recased for form in turned.values() for recased in (_title_case(form), form[:1].upper() + form[1:].lower())
    ]
    short = (form[:_LONGEST_LABEL] for form in forms if normalise(form))
    return tuple(dict.fromkeys(short))[:_MOST_FORMS] or (given[:_LONGEST_LABEL],)


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:].lower()


def _title_case(text: str) -> str:
    words = text.split()
    return " ".join(
        word.lower() if place and word.lower() in _SMALL else word[:1].upper() + word[1:].lower()
        for place, word in enumerate(words)
    )


def _literals(forms: Iterable[str], languages: Iterable[str]) -> str:
    """Every form in every language, likeliest first, as many as an address has room for, and one at least."""
    tags = tuple(dict.fromkeys(languages))
    told: list[str] = []
    room = _LITERALS_BUDGET
    for form in dict.fromkeys(forms):
        literals = [sparql_literal(form, tag) for tag in tags]
        room -= sum(len(quote(literal)) for literal in literals)
        if told and room < 0:
            break
        told += literals
    return " ".join(dict.fromkeys(told))


def _isbns(isbn13: Isbn13) -> str:
    """The ISBN in all forms that P212 and P957 hold, hyphenated or not."""
    short = isbn13.isbn10
    # The groups of an ISBN-10 are those of its ISBN-13 without the prefix; only the check digit differs.
    hyphenated_short = f"{isbn13.hyphenated[4:-1]}{short[-1]}" if short and "-" in isbn13.hyphenated else None
    forms = (isbn13.hyphenated, str(isbn13), hyphenated_short, short)
    return " ".join(dict.fromkeys(sparql_literal(form) for form in forms if form))
