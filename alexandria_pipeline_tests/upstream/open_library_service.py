"""Open Library as it answers: searches, and the records that they and ISBNs lead to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline_tests.upstream.listener import Request, Response, json_response
from alexandria_pipeline_tests.upstream.model import Kind, Record, Work
from alexandria_pipeline_tests.upstream.names import LANGUAGES
from alexandria_pipeline_tests.upstream.randomness import seeded_random
from alexandria_pipeline_tests.upstream.words import any_isbn13, isbn10, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from alexandria_pipeline_tests.upstream.catalogue import Catalogue
    from alexandria_pipeline_tests.upstream.service_records import RecordIndex

_STAMP: Final = {"type": "/type/datetime", "value": "2021-10-08T21:20:07.665236"}
_MONTHS: Final = "January February March April May June July August September October November December".split()


class OpenLibraryService:
    """ServiceStandIn from one shelf, whose records it gathers into works; a derivative is a work of its own."""

    def __init__(self, catalogue: Catalogue, index: RecordIndex) -> None:
        self._catalogue = catalogue
        self._index = index
        self._authors = {f"OL{number}A": author for author, number in catalogue.authors.items()}
        self._works: dict[str, list[Record]] = {}
        self._editions = {edition_key(record): record for record in index.records}
        for record in index.records:
            self._works.setdefault(work_key(record), []).append(record)

    def respond(self, request: Request, path: str) -> Response:
        routes: tuple[tuple[str, Callable[[Request, str], Response]], ...] = (
            (r"/search\.json()", self._search), (r"/search/authors\.json()", self._search_authors), (r"/isbn/(.+)\.json", self._isbn),
            (r"/books/(OL\d+M)\.json", self._book), (r"/works/(OL\d+W)\.json", self._work), (r"/works/(OL\d+W)/editions\.json", self._of_work),
            (r"/works/(OL\d+W)/ratings\.json", self._ratings), (r"/authors/(OL\d+A)\.json", self._author),
            (r"/subjects/(.+)\.json", self._subject),
        )  # fmt: skip
        for form, route in routes:
            if match := re.fullmatch(form, path):
                return route(request, match[1])
        return _not_found(path)

    def limit_error(self, _why: str) -> Response:
        return json_response(
            {"status": 429, "message": "Too Many Requests. Consider using https://openlibrary.org/developers/dumps."},
            429,
        )

    def _search(self, request: Request, _rest: str) -> Response:
        query = request.value("q")
        isbn = any_isbn13(request.value("isbn") or query.removeprefix("isbn:"))
        if isbn:
            found: Iterable[Record] = self._index.by_isbn.get(isbn, ())
        elif title := tokens(request.value("title")):
            found = self._index.matching_all(title, tokens(request.value("author")))
        elif author := tokens(request.value("author")):
            found = self._index.matching_all(author=author)
        else:
            found = self._index.matching_any(tokens(query))
        keys = list(dict.fromkeys(map(work_key, found)))
        start, limit = request.number("offset", 0), request.number("limit", 100)
        fields = [name for name in request.value("fields").split(",") if name not in {"", "*"}]
        docs = [self._doc(key, fields, request.value("lang")) for key in keys[start : start + limit]]
        data = {
            "numFound": len(keys),
            "start": start,
            "numFoundExact": True,
            "num_found": len(keys),
            "documentation_url": "",
            "q": query,
        }
        return json_response({**data, "offset": start or None, "docs": docs})

    def _doc(self, key: str, fields: Sequence[str], language: str) -> dict[str, Any]:
        """A work of a search. Its `isbn` mixes all editions, and foreign ones come first."""
        records = self._works[key]
        work, authors = self._of(records[0]), self._keys(records[0])
        foreign_first = sorted(records, key=lambda record: -record.rank_bonus)
        doc: dict[str, Any] = {
            "key": f"/works/{key}",
            "title": work.title if work else records[0].title,
            "subtitle": work.subtitle if work else None,
            "author_name": [self._authors[each] for each in authors] or None,
            "author_key": authors or None,
            "first_publish_year": _first_year(records),
            "isbn": [number for record in foreign_first for number in (isbn10(record.isbn), record.isbn) if number],
            "language": list(
                dict.fromkeys(LANGUAGES[record.language][0] for record in foreign_first if record.language)
            )
            or None,
            "edition_count": len(records),
            "cover_i": records[0].number + 1,
            "subject": [self._catalogue.works[records[0].edition.work].genre],
            "publisher": list(dict.fromkeys(record.edition.publisher for record in records)),
        }
        if any(name.split(".")[0] == "editions" for name in fields):
            shown = self._shown(records, language)
            doc["editions"] = {"numFound": len(records), "start": 0, "numFoundExact": True, "docs": [shown]}
        return {name: value for name, value in doc.items() if value is not None and (not fields or name in fields)}

    def _shown(self, records: Sequence[Record], language: str) -> dict[str, Any]:
        """The one edition that a search shows: mostly one in the language of the reader."""
        own = [record for record in records if record.language == language] or list(records)
        rng = seeded_random("shown", own[0].isbn, len(records))
        record = rng.choice(records if rng.random() < 0.15 else own)
        shown = {
            "key": f"/books/{edition_key(record)}", "title": record.title, "subtitle": record.subtitle,
            "isbn": [number for number in (record.isbn, isbn10(record.isbn)) if number],
            "language": [LANGUAGES[record.language][0]] if record.language else None,
            "publish_date": [_spelt(record.published, record.number)] if record.published else None,
            "publisher": [record.edition.publisher], "number_of_pages": record.edition.pages,
        }  # fmt: skip
        return {name: value for name, value in shown.items() if value is not None}

    def _search_authors(self, request: Request, _rest: str) -> Response:
        words = set(tokens(request.value("q")))
        found = [(key, name) for key, name in self._authors.items() if words and words <= set(tokens(name))]
        docs = [
            {"key": key, "name": name, "alternate_names": [], "type": "author", "work_count": self._count(name)}
            for key, name in found
        ]
        return json_response(
            {"numFound": len(docs), "start": 0, "numFoundExact": True, "docs": docs[: request.number("limit", 100)]}
        )

    def _count(self, name: str) -> int:
        return sum(name in work.authors for work in self._catalogue.works)

    def _isbn(self, request: Request, text: str) -> Response:
        record = next(iter(self._index.by_isbn.get(any_isbn13(text) or "", ())), None)
        if record is None:
            return _not_found(f"/isbn/{text}")
        prefix = request.raw_path.split("/isbn/")[0]
        place = f"http://{request.headers.get('host', 'localhost')}{prefix}/books/{edition_key(record)}.json"
        return Response(302, b"", "text/html", {"location": place})

    def _book(self, _request: Request, key: str) -> Response:
        record = self._editions.get(key)
        return json_response(self.edition(record)) if record else _not_found(f"/books/{key}")

    def _of_work(self, request: Request, key: str) -> Response:
        if key not in self._works:
            return _not_found(f"/works/{key}")
        start, limit = request.number("offset", 0), request.number("limit", 50)
        records = sorted(self._works[key], key=lambda record: -record.rank_bonus)
        here = f"/works/{key}/editions.json?limit={limit}"
        links = {
            "self": here,
            "work": f"/works/{key}",
            **({"next": f"{here}&offset={start + limit}"} if start + limit < len(records) else {}),
        }
        return json_response(
            {
                "links": links,
                "size": len(records),
                "entries": [self.edition(record) for record in records[start : start + limit]],
            }
        )

    def _work(self, _request: Request, key: str) -> Response:
        if key not in self._works:
            return _not_found(f"/works/{key}")
        records = self._works[key]
        record, work = records[0], self._of(records[0])
        authors = [
            {"type": {"key": "/type/author_role"}, "author": {"key": f"/authors/{each}"}} for each in self._keys(record)
        ]
        return json_response({
            "key": f"/works/{key}", "title": work.title if work else record.title, "authors": authors, "covers": [record.number + 1],
            "description": {"type": "/type/text", "value": f"About {record.title}."}, "type": {"key": "/type/work"},
            "subjects": [self._catalogue.works[record.edition.work].genre, "nyt:combined=2020-01-01"],
            "first_publish_date": str(_first_year(records) or ""),
            "latest_revision": 5, "revision": 5, "created": _STAMP, "last_modified": _STAMP,
        })  # fmt: skip

    def _ratings(self, _request: Request, key: str) -> Response:
        if key not in self._works:
            return _not_found(f"/works/{key}")
        rng = seeded_random("ratings", key)
        counts = (
            {str(stars): rng.randint(0, 40) for stars in range(1, 6)}
            if rng.random() < 0.5
            else dict.fromkeys("12345", 0)
        )
        count = sum(counts.values())
        average = sum(int(stars) * number for stars, number in counts.items()) / count if count else None
        return json_response({"summary": {"average": average, "count": count, "sortable": average}, "counts": counts})

    def _author(self, _request: Request, key: str) -> Response:
        name = self._authors.get(key)
        if name is None:
            return _not_found(f"/authors/{key}")
        record = {
            "key": f"/authors/{key}",
            "name": name,
            "personal_name": name,
            "type": {"key": "/type/author"},
            "revision": 6,
        }
        if seeded_random("bio", key).random() < 0.6:
            record |= {
                "bio": {"type": "/type/text", "value": f"{name} is a writer. (Invented for tests.)"},
                "birth_date": "1950",
                "photos": [-1, 77],
            }
        return json_response({**record, "created": _STAMP, "last_modified": _STAMP, "latest_revision": 6})

    def _subject(self, request: Request, slug: str) -> Response:
        name = slug.replace("_", " ")
        works = [
            work
            for work in self._catalogue.works
            if work.genre.lower() == name.lower() and f"OL{work.number + 1}W" in self._works
        ]
        listed = [
            {
                "key": f"/works/OL{work.number + 1}W", "title": work.title, "edition_count": len(work.editions), "first_publish_year": work.year,
                "authors": [{"key": f"/authors/OL{self._catalogue.authors[author]}A", "name": author} for author in work.authors],
            }
            for work in works[: request.number("limit", 12)]
        ]  # fmt: skip
        return json_response(
            {
                "key": f"/subjects/{slug}",
                "name": name,
                "subject_type": "subject",
                "work_count": len(works),
                "works": listed,
            }
        )

    def edition(self, record: Record) -> dict[str, Any]:
        """One record on the wire: lists for nearly everything, dates as people write them."""
        edition, rng, short = record.edition, seeded_random("open library", record.number), isbn10(record.isbn)
        series = self._catalogue.works[edition.work].series if edition.kind is Kind.EDITION else None
        told: dict[str, Any] = {
            "key": f"/books/{edition_key(record)}", "type": {"key": "/type/edition"}, "title": record.title, "subtitle": record.subtitle,
            "works": [{"key": f"/works/{work_key(record)}"}], "authors": [{"key": f"/authors/{key}"} for key in self._keys(record)] or None,
            "isbn_13": [record.isbn] if not short or rng.random() < 0.85 else None,
            "isbn_10": [short] if short and rng.random() < 0.6 else None,
            "languages": [{"key": f"/languages/{LANGUAGES[record.language][0]}"}] if record.language else None,
            "publish_date": _spelt(record.published, record.number) if record.published else None,
            "publishers": [edition.publisher], "physical_format": edition.form.value, "number_of_pages": edition.pages, "covers": [record.number + 1],
            "contributors": [{"role": "Translator", "name": edition.translator}] if edition.translator else None,
            "series": [f"{series[0]} -- {series[1]}"] if series else None,
            "identifiers": {"goodreads": [str(1000 + record.number)]}, "latest_revision": 7, "revision": 7, "last_modified": _STAMP,
        }  # fmt: skip
        if told["isbn_13"] is None and told["isbn_10"] is None:
            told["isbn_10"] = [short]
        return {name: value for name, value in told.items() if value is not None}

    def _of(self, record: Record) -> Work | None:
        """The work, unless the record is a derivative or too damaged to be known as one."""
        return (
            self._catalogue.works[record.edition.work]
            if record.edition.kind is Kind.EDITION and record.title == record.edition.title
            else None
        )

    def _keys(self, record: Record) -> list[str]:
        people = (
            self._catalogue.works[record.edition.work].authors
            if record.edition.kind is Kind.EDITION
            else record.edition.authors
        )
        return [f"OL{self._catalogue.authors[name]}A" for name in people if name in self._catalogue.authors]


def work_key(record: Record) -> str:
    return f"OL{record.edition.work + 1}W" if record.edition.kind is Kind.EDITION else f"OL{9_000_000 + record.number}W"


def edition_key(record: Record) -> str:
    return f"OL{record.number + 1}M"


def _first_year(records: Sequence[Record]) -> int | None:
    years = [int(record.published[:4]) for record in records if record.published and record.published[:4] > "1700"]
    return min(years, default=None)


def _spelt(published: str, number: int) -> str:
    """The date as one of many hands wrote it."""
    year, month, day = (*published.split("-"), "", "")[:3]
    if not month or number % 3 == 0:
        return year
    name = _MONTHS[int(month) - 1]
    return f"{name} {int(day)}, {year}" if day else f"{name} {year}" if number % 2 else f"{year}-{month}"


def _not_found(key: str) -> Response:
    return json_response({"error": "notfound", "key": key.removesuffix(".json")}, 404)
