"""Stand-in of Open Library: search, and records of editions, works, authors and subjects."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from alexandria_pipeline_tests.upstream.listener import Request, Response, json_response
from alexandria_pipeline_tests.upstream.model import Record
from alexandria_pipeline_tests.upstream.open_library_records import (
    STAMP,
    OpenLibraryRecords,
    edition_key,
    first_year,
    work_key,
)
from alexandria_pipeline_tests.upstream.randomness import seeded_random
from alexandria_pipeline_tests.upstream.words import any_isbn13, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from alexandria_pipeline_tests.upstream.catalogue import Catalogue
    from alexandria_pipeline_tests.upstream.service_records import RecordIndex


class OpenLibraryService:
    """Responds from the records of Open Library, grouped by work. Every derivative is a separate work."""

    def __init__(self, catalogue: Catalogue, index: RecordIndex) -> None:
        self._catalogue = catalogue
        self._index = index
        self._records = OpenLibraryRecords(catalogue)
        self._works: dict[str, list[Record]] = {}
        self._editions = {edition_key(record): record for record in index.records}
        for record in index.records:
            self._works.setdefault(work_key(record), []).append(record)

    def respond(self, request: Request, path: str) -> Response:
        routes: tuple[tuple[str, Callable[[Request, str], Response]], ...] = (
            (r"/search\.json()", self._search),
            (r"/search/authors\.json()", self._search_authors),
            (r"/isbn/(.+)\.json", self._isbn),
            (r"/api/books()", self._many),
            (r"/api/get_many()", self._many_records),
            (r"/books/(OL\d+M)\.json", self._book),
            (r"/works/(OL\d+W)\.json", self._work),
            (r"/works/(OL\d+W)/editions\.json", self._of_work),
            (r"/works/(OL\d+W)/ratings\.json", self._ratings),
            (r"/authors/(OL\d+A)\.json", self._author),
            (r"/subjects/(.+)\.json", self._subject),
        )
        for form, route in routes:
            if match := re.fullmatch(form, path):
                return route(request, match[1])
        return _not_found(path)

    def limit_error(self, _limit: str) -> Response:
        return json_response(
            {"status": 429, "message": "Too Many Requests. Consider using https://openlibrary.org/developers/dumps."},
            429,
        )

    def _search(self, request: Request, _rest: str) -> Response:
        query = request.value("q")
        isbn = any_isbn13(request.value("isbn") or query.removeprefix("isbn:"))
        if keys := re.findall(r"/works/(OL\d+W)", query):
            found: Iterable[Record] = (record for key in keys for record in self._works.get(key, ())[:1])
        elif isbn:
            found = self._index.by_isbn.get(isbn, ())
        elif title := tokens(request.value("title")):
            found = self._index.matching_all(title, tokens(request.value("author")))
        elif author := tokens(request.value("author")):
            found = self._index.matching_all(author=author)
        else:
            found = self._index.matching_any(tokens(query))
        keys = list(dict.fromkeys(map(work_key, found)))
        start, limit = request.number("offset", 0), request.number("limit", 100)
        fields = [name for name in request.value("fields").split(",") if name not in {"", "*"}]
        docs = [
            self._records.work_doc(key, self._works[key], fields, request.value("lang"))
            | self._searched_rating(key, fields)
            for key in keys[start : start + limit]
        ]
        data = {
            "numFound": len(keys),
            "start": start,
            "numFoundExact": True,
            "num_found": len(keys),
            "documentation_url": "",
            "q": query,
        }
        return json_response({**data, "offset": start or None, "docs": docs})

    def _search_authors(self, request: Request, _rest: str) -> Response:
        words = set(tokens(request.value("q")))
        found = [(key, name) for key, name in self._records.names.items() if words and words <= set(tokens(name))]
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

    def _many(self, request: Request, _rest: str) -> Response:
        """The edition records of many ISBNs; an ISBN without a record is missing."""
        found: dict[str, object] = {}
        for key in request.value("bibkeys").split(","):
            for record in self._index.by_isbn.get(any_isbn13(key.removeprefix("ISBN:")) or "", ())[:1]:
                details = self._records.edition(record)
                authors = [
                    {"key": f"/authors/{each}", "name": self._records.names[each]}
                    for each in self._records.author_keys(record)
                ]
                found[key] = {"bib_key": key, "preview": "noview", "details": details | {"authors": authors}}
        return json_response(found)

    def _many_records(self, request: Request, _rest: str) -> Response:
        """The records at many paths; one that does not exist is missing."""
        found: dict[str, object] = {}
        for path in json.loads(request.value("keys")):
            answer = self.respond(request, f"{path}.json")
            if answer.status == 200:
                found[path] = json.loads(answer.body)
        return json_response({"status": "ok", "result": found})

    def _book(self, _request: Request, key: str) -> Response:
        record = self._editions.get(key)
        return json_response(self._records.edition(record)) if record else _not_found(f"/books/{key}")

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
                "entries": [self._records.edition(record) for record in records[start : start + limit]],
            }
        )

    def _work(self, _request: Request, key: str) -> Response:
        if key not in self._works:
            return _not_found(f"/works/{key}")
        records = self._works[key]
        record, work = records[0], self._records.work_of(records[0])
        authors = [
            {"type": {"key": "/type/author_role"}, "author": {"key": f"/authors/{each}"}}
            for each in self._records.author_keys(record)
        ]
        return json_response(
            {
                "key": f"/works/{key}",
                "title": work.title if work else record.title,
                "authors": authors,
                "covers": [record.number + 1],
                "description": {"type": "/type/text", "value": f"About {record.title}."},
                "type": {"key": "/type/work"},
                "subjects": [self._catalogue.works[record.edition.work].genre, "nyt:combined=2020-01-01"],
                "first_publish_date": str(first_year(records) or ""),
                "latest_revision": 5,
                "revision": 5,
                "created": STAMP,
                "last_modified": STAMP,
            }
        )

    def _ratings(self, _request: Request, key: str) -> Response:
        if key not in self._works:
            return _not_found(f"/works/{key}")
        counts, count, average = _rating(key)
        return json_response({"summary": {"average": average, "count": count, "sortable": average}, "counts": counts})

    @staticmethod
    def _searched_rating(key: str, fields: Sequence[str]) -> dict[str, object]:
        """The rating in a search result: absent for a work without ratings."""
        _, count, average = _rating(key)
        return {"ratings_average": average, "ratings_count": count} if count and "ratings_count" in fields else {}

    def _author(self, _request: Request, key: str) -> Response:
        name = self._records.names.get(key)
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
        return json_response({**record, "created": STAMP, "last_modified": STAMP, "latest_revision": 6})

    def _subject(self, request: Request, slug: str) -> Response:
        name = slug.replace("_", " ")
        works = [
            work
            for work in self._catalogue.works
            if work.genre.lower() == name.lower() and f"OL{work.number + 1}W" in self._works
        ]
        listed = [
            {
                "key": f"/works/OL{work.number + 1}W",
                "title": work.title,
                "edition_count": len(work.editions),
                "first_publish_year": work.year,
                "authors": [
                    {"key": f"/authors/OL{self._catalogue.authors[author]}A", "name": author} for author in work.authors
                ],
            }
            for work in works[: request.number("limit", 12)]
        ]
        return json_response(
            {
                "key": f"/subjects/{slug}",
                "name": name,
                "subject_type": "subject",
                "work_count": len(works),
                "works": listed,
            }
        )


def _rating(key: str) -> tuple[dict[str, int], int, float | None]:
    """The ratings of a work by stars, their number, and the average."""
    rng = seeded_random("ratings", key)
    stars = {str(each): rng.randint(0, 40) for each in range(1, 6)} if rng.random() < 0.5 else dict.fromkeys("12345", 0)
    count = sum(stars.values())
    return stars, count, sum(int(each) * number for each, number in stars.items()) / count if count else None


def _not_found(key: str) -> Response:
    return json_response({"error": "notfound", "key": key.removesuffix(".json")}, 404)
