"""Stand-in of Wikidata's query service, without SPARQL: searches titles, names and ISBNs among the literals of a query.

The selected variables show the kind of query; their names are those of `alexandria_pipeline.providers.wikidata.queries`. An
edition has its ISBNs, and its work has authors and first date.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from stdnum import isbn as stdnum_isbn

from alexandria_pipeline_tests.upstream.listener import Request, Response, json_response
from alexandria_pipeline_tests.upstream.model import Damage, Form, Kind, Record, Work
from alexandria_pipeline_tests.upstream.names import LANGUAGES
from alexandria_pipeline_tests.upstream.randomness import random_share, seeded_random
from alexandria_pipeline_tests.upstream.words import any_isbn13, isbn10

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alexandria_pipeline_tests.upstream.catalogue import Catalogue
    from alexandria_pipeline_tests.upstream.service_records import RecordIndex

Cells = dict[str, dict[str, str]]
MAX_ROWS: Final = 1000
_SELECT: Final = re.compile(r"select\s+(?:distinct\s+)?((?:\?\w+\s*)+)", re.IGNORECASE)
_LITERAL: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE: Final = re.compile(r"\\(.)")
_ITEM: Final = "http://www.wikidata.org/entity/Q"
_FORMATS: Final = {
    Form.HARDCOVER: "hardback",
    Form.PAPERBACK: "paperback",
    Form.LARGE_PRINT: "large print",
    Form.EBOOK: "e-book",
    Form.AUDIO: "audiobook",
}


class WikidataService:
    """Responds from the records of Wikidata."""

    def __init__(self, catalogue: Catalogue, index: RecordIndex) -> None:
        self._catalogue = catalogue
        self._index = index
        self._titles: dict[str, list[Record]] = {}
        for records in [
            *index.by_work.values(),
            *((record,) for record in index.records if record.edition.kind is not Kind.EDITION),
        ]:
            for name in dict.fromkeys(name for record in records for name in self._names(record)):
                self._titles.setdefault(name, []).extend(records)
        self._people = {name for record in index.records for name in record.edition.authors}

    def respond(self, request: Request, path: str) -> Response:
        query = request.value("query")
        if request.method == "POST":
            query = (
                parse_qs(request.body.decode()).get("query", [""])[0]
                if b"query=" in request.body
                else request.body.decode()
            )
        selected = _SELECT.search(query)
        if path not in {"", "/", "/sparql"} or not selected:
            return Response(
                400, b"java.util.concurrent.ExecutionException: MalformedQueryException", "text/plain;charset=utf-8"
            )
        names = re.findall(r"\?(\w+)", selected[1])
        literals = [_ESCAPE.sub(_unescaped, text) for text in _LITERAL.findall(query)]
        rows = [
            {name: cell for name, cell in row.items() if name in names}
            for row in self._rows(names, list(dict.fromkeys(literals)))
        ]
        data = {"head": {"vars": names}, "results": {"bindings": [row for row in rows if row][:MAX_ROWS]}}
        return Response(200, json_response(data).body, "application/sparql-results+json;charset=utf-8")

    def limit_error(self, _limit: str) -> Response:
        return Response(429, b"Rate limit exceeded", "text/plain", {"Retry-After": "1"})

    def _rows(self, names: list[str], literals: list[str]) -> list[Cells]:
        if "person" in names:
            return [row for name in literals for row in self._person(name)]
        if "sitelinks" in names:
            return self._works_of_genre(literals)
        isbns = {isbn for text in literals if (isbn := any_isbn13(text))}
        if isbns:
            requested = [record for isbn in sorted(isbns) for record in self._index.by_isbn.get(isbn, ())]
            return [row for record in requested for row in self._about(record, names)]
        titled = {(record.number, text): record for text in literals for record in self._titles.get(text, ())}
        return [
            row | {"asked": _text(text)}
            for (_, text), record in sorted(titled.items(), key=lambda each: -each[1].rank_bonus)
            for row in self._edition(record)
        ]

    def _about(self, requested: Record, names: list[str]) -> list[Cells]:
        """The rows of the edition with the ISBN, or of all editions of its work. ?isbn is the requested ISBN."""
        common: Cells = {"isbn": _text(_hyphenated(requested.isbn))}
        if "askedLanguageCode" in names:
            if requested.language:
                common["askedLanguageCode"] = _text(requested.language)
            return [
                common | row
                for record in self._index.by_work.get(requested.edition.work, ())
                for row in self._edition(record)
            ]
        if "award" in names:
            return [common | row for row in self._awards(requested)]
        if "genre" in names:
            return [
                common
                | {
                    "genre": _entity(700_000 + len(self._work(requested).genre)),
                    "genreLabel": _text(self._work(requested).genre, "en"),
                }
            ]
        if "openLibrary" in names:
            return [common | self._identifiers(requested)]
        return [common | row for row in self._edition(requested)]

    def _edition(self, record: Record) -> list[Cells]:
        """The rows of an edition: one for each of its authors."""
        edition, rng = record.edition, seeded_random("wikidata", record.number)
        row: Cells = {
            "edition": _entity(2_000_000 + record.number),
            "editionLabel": _text(record.title, record.language or "en"),
        }
        if edition.kind is Kind.EDITION:
            work = self._work(record)
            row |= {
                "work": _entity(1_000_000 + work.number),
                "workLabel": _text(work.title, "en"),
                "firstDate": _date(str(work.year)),
            }
            if work.series:
                row |= {
                    "series": _entity(5_000_000 + work.number),
                    "seriesLabel": _text(work.series[0], "en"),
                    "ordinal": _text(str(work.series[1])),
                }
        short = isbn10(record.isbn)
        if record.damage is not Damage.WRONG_CHECK_DIGIT and short and rng.random() < 0.1:
            row["isbn10"] = _text(f"{_hyphenated(record.isbn)[4:-1]}{short[-1]}")
        else:
            row["isbn13"] = _text(_hyphenated(record.isbn))
        if rng.random() < 0.8:
            row["title"] = _text(record.title, record.language or "en")
        if record.subtitle:
            row["subtitle"] = _text(record.subtitle, "en")
        row |= self._edition_facts(record)
        return [row | person for person in self._authors(record)]

    def _edition_facts(self, record: Record) -> Cells:
        edition, rng = record.edition, seeded_random("wikidata printed", record.number)
        row: Cells = {
            "publisher": _entity(4_000_000 + len(edition.publisher)),
            "publisherLabel": _text(edition.publisher, "en"),
        }
        if record.published:
            row |= {"date": _date(record.published), "datePrecision": _text(str(9 + record.published.count("-")))}
        if record.language:
            _, name, item = LANGUAGES[record.language]
            row |= {
                "language": _entity(int(item[1:])),
                "languageLabel": _text(name, "en"),
                "languageCode": _text(record.language),
            }
        if rng.random() < 0.6 or edition.form is Form.AUDIO:
            row |= {
                "format": _entity(6_000_000 + len(edition.form)),
                "formatLabel": _text(_FORMATS[edition.form], "en"),
            }
        if edition.translator:
            row |= {
                "translator": _entity(7_000_000 + record.number),
                "translatorLabel": _text(edition.translator, "en"),
            }
        if rng.random() < 0.5:
            row["pages"] = {**_text(str(edition.pages)), "datatype": "http://www.w3.org/2001/XMLSchema#decimal"}
        if rng.random() < 0.2:
            row["image"] = {
                "type": "uri",
                "value": f"http://commons.wikimedia.org/wiki/Special:FilePath/Cover%20{record.number}.jpg",
            }
        return row

    def _authors(self, record: Record) -> Iterable[Cells]:
        people = record.edition.authors if record.edition.kind is not Kind.EDITION else self._work(record).authors
        if record.damage in {Damage.NO_AUTHORS, Damage.AUTOFILLED}:
            return [{"author": {"type": "bnode", "value": f"t{record.number}"}}]
        return [
            {
                "author": self._author(name),
                "authorLabel": _text(name, "mul" if random_share("mul", name) < 0.3 else "en"),
            }
            for name in people
        ]

    def _author(self, name: str) -> dict[str, str]:
        return _entity(3_000_000 + self._catalogue.authors.get(name, 0))

    def _awards(self, record: Record) -> Iterable[Cells]:
        work = self._work(record)
        if random_share("award", work.number) < 0.15:
            yield {
                "award": _entity(800_001),
                "awardLabel": _text("Stand-in Prize", "en"),
                "date": _date(str(work.year)),
            }
        if random_share("nominated", work.number) < 0.2:
            yield {
                "nomination": _entity(800_002),
                "nominationLabel": _text("Medal of the Stand-in", "en"),
                "date": _date(str(work.year)),
            }

    def _identifiers(self, record: Record) -> Cells:
        row = self._edition(record)[0]
        values = {
            "openLibrary": f"OL{record.number + 1}M",
            "oclc": str(50_000_000 + record.number),
            "googleBooks": f"{record.number:07d}AAQBAJ",
        }
        if record.edition.kind is Kind.EDITION:
            values |= {"workOpenLibrary": f"OL{record.edition.work + 1}W", "libraryThing": str(record.edition.work + 1)}
        return {name: row[name] for name in ("edition", "work", "isbn13", "isbn10") if name in row} | {
            name: _text(each) for name, each in values.items()
        }

    def _works_of_genre(self, literals: list[str]) -> list[Cells]:
        works = [self._catalogue.works[number] for number in self._index.by_work]
        rows: list[Cells] = []
        for work in (work for work in works if work.genre in literals):
            common = {
                "work": _entity(1_000_000 + work.number),
                "workLabel": _text(work.title, "en"),
                "date": _date(str(work.year)),
                "sitelinks": _text("7"),
            }
            common["openLibrary"] = _text(f"OL{work.number + 1}W")
            rows += [common | {"author": self._author(name), "authorLabel": _text(name, "en")} for name in work.authors]
        return rows

    def _person(self, name: str) -> list[Cells]:
        if name not in self._people or name not in self._catalogue.authors:
            return []
        row: Cells = {"asked": _text(name), "person": self._author(name), "personLabel": _text(name, "en")}
        return [row | ({"articleTitle": _text(name, "en")} if random_share("article", name) < 0.8 else {})]

    def _work(self, record: Record) -> Work:
        return self._catalogue.works[record.edition.work]

    def _names(self, record: Record) -> list[str]:
        """The labels of the edition and its work. A label matches only if it is identical."""
        work = self._work(record)
        common = [work.title, f"{work.title}: {work.subtitle}"] if record.edition.kind is Kind.EDITION else []
        return [record.title, f"{record.title}: {record.subtitle}", *common]


def _unescaped(match: re.Match[str]) -> str:
    return {"n": "\n", "r": "\r", "t": "\t"}.get(match[1], match[1])


def _entity(number: int) -> dict[str, str]:
    return {"type": "uri", "value": f"{_ITEM}{number}"}


def _text(value: str, language: str | None = None) -> dict[str, str]:
    return {"type": "literal", "value": value, **({"xml:lang": language} if language else {})}


def _date(published: str) -> dict[str, str]:
    year, month, day = (*published.split("-"), "01", "01")[:3]
    return {
        "type": "literal",
        "value": f"{year}-{month}-{day}T00:00:00Z",
        "datatype": "http://www.w3.org/2001/XMLSchema#dateTime",
    }


def _hyphenated(isbn: str) -> str:
    parts: list[Any] = [part for part in stdnum_isbn.split(isbn) if part]
    return "-".join(parts) if len(parts) == 5 else isbn
