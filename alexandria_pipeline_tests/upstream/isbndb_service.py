"""Stand-in of ISBNdb v2: books by search, by ISBN and in batches, authors, and the plan limits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline_tests.upstream.listener import Request, Response, json_response
from alexandria_pipeline_tests.upstream.model import Damage, Kind, Record
from alexandria_pipeline_tests.upstream.names import LANGUAGES
from alexandria_pipeline_tests.upstream.randomness import random_share, seeded_random
from alexandria_pipeline_tests.upstream.words import any_isbn13, isbn10, tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from alexandria_pipeline_tests.upstream.behaviour import RequestMeter
    from alexandria_pipeline_tests.upstream.catalogue import Catalogue
    from alexandria_pipeline_tests.upstream.service_records import RecordIndex

MAX_PAGE_SIZE: Final = 1000
_LANGUAGES: Final = {
    name: code for code, (long, english, _) in LANGUAGES.items() for name in (code, long, english.lower())
}


class IsbnDbService:
    """Responds from the records of ISBNdb. `meter` has the calls of the day."""

    def __init__(self, catalogue: Catalogue, index: RecordIndex, meter: RequestMeter) -> None:
        self._catalogue = catalogue
        self._index = index
        self._meter = meter

    def respond(self, request: Request, path: str) -> Response:
        key = request.headers.get("authorization", "")
        if not key:
            return json_response({"message": "Unauthorized"}, 401)
        if key.startswith("wrong"):
            return json_response({"message": "Forbidden"}, 403)
        routes: tuple[tuple[str, str, Callable[[Request, str], Response]], ...] = (
            ("POST", r"/books/?()", self._batch),
            ("GET", r"/books/(.+)", self._search),
            ("GET", r"/book/(.+)", self._book),
            ("GET", r"/author/(.+)", self._author),
            ("GET", r"/key()", self._key),
        )
        for method, form, route in routes:
            if request.method == method and (match := re.fullmatch(form, path)):
                return route(request, match[1])
        return json_response({"errorMessage": "Not Found"}, 404)

    def limit_error(self, limit: str) -> Response:
        message = "Daily quota exceeded" if limit == "quota" else "Per minute request limit exceeded"
        return json_response({"errorMessage": message}, 429)

    def _key(self, _request: Request, _rest: str) -> Response:
        total, spent = self._meter.behaviour.daily or 0, self._meter.spent
        return json_response(
            {
                "key_name": "stand-in",
                "plan_limit": {"total": total, "spent": min(spent, total), "left": max(0, total - spent)},
            }
        )

    def _search(self, request: Request, query: str) -> Response:
        words, column = tokens(query), request.value("column")
        if request.value("shouldMatchAll") in {"1", "true"}:
            in_title = self._index.matching_all(title=words) if column in {"", "title"} else []
            in_author = self._index.matching_all(author=words) if column in {"", "author"} else []
            found = [*in_title, *(record for record in in_author if record not in in_title)]
        else:
            found = self._index.matching_any(words, column)
        if request.value("language") or request.value("year"):
            found = [record for record in found if self._wanted(record, request)]
        return self._page(request, found, {"total": min(len(found), 10_000)}, "books")

    def _wanted(self, record: Record, request: Request) -> bool:
        language, year = _LANGUAGES.get(request.value("language").lower()), request.value("year")
        if request.value("language") and record.language != language:
            return False
        return not year or (record.published or "").startswith(year)

    def _page(self, request: Request, found: list[Record], data: dict[str, Any], name: str) -> Response:
        size = max(1, min(MAX_PAGE_SIZE, request.number("pageSize", 20)))
        start = (max(1, request.number("page", 1)) - 1) * size
        page = found[start : start + size]
        if not page:
            return json_response({"errorMessage": "Not Found"}, 404)
        return json_response({**data, name: [self.book(record) for record in page]})

    def _book(self, _request: Request, text: str) -> Response:
        record = self._by_isbn(text)
        return (
            json_response({"book": self.book(record, whole=True)})
            if record
            else json_response({"errorMessage": "Not Found"}, 404)
        )

    def _batch(self, request: Request, _rest: str) -> Response:
        body = request.json()
        isbns = body.get("isbns") if isinstance(body, dict) else None
        if not isinstance(isbns, list) or len(isbns) > MAX_PAGE_SIZE:
            return json_response({"message": f"Provide at most {MAX_PAGE_SIZE} ISBNs"}, 400)
        found = [record for record in map(self._by_isbn, map(str, isbns)) if record]
        return json_response(
            {"total": len(found), "requested": len(isbns), "data": [self.book(record, whole=True) for record in found]}
        )

    def _author(self, request: Request, name: str) -> Response:
        return self._page(request, self._index.matching_all(author=tokens(name)), {"author": name}, "books")

    def _by_isbn(self, text: str) -> Record | None:
        return next(iter(self._index.by_isbn.get(any_isbn13(text) or "", ())), None)

    def book(self, record: Record, *, whole: bool = False) -> dict[str, Any]:
        """The book of a record. `whole` adds the members that only a request by ISBN returns."""
        edition, rng = record.edition, seeded_random("isbndb", record.edition.isbn13, record.number)
        suffix = (
            f" ({LANGUAGES[edition.language][1]} Edition)" if edition.language != "en" and rng.random() < 0.4 else ""
        )
        title = record.title + suffix
        short = isbn10(record.isbn)
        book: dict[str, Any] = {
            "title": title,
            "title_long": f"{title}: {record.subtitle}" if record.subtitle else title + self._series(record),
            "isbn13": record.isbn,
            "isbn": short if short and rng.random() < 0.5 else record.isbn,
            "isbn10": short,
            "authors": list(record.authors),
            "publisher": "~autofilled~" if record.damage is Damage.AUTOFILLED else edition.publisher,
            "binding": edition.form.value if edition.form.value != "eBook" else "Kindle Edition",
            "pages": edition.pages,
            "image": f"https://images.isbndb.com/covers/{record.isbn[7:9]}/{record.isbn[9:11]}/{record.isbn}.jpg",
            "msrp": "0.00" if rng.random() < 0.5 else 24.95,
            "subjects": ["Subjects", self._catalogue.works[edition.work].genre],
        }
        if record.language:
            book["language"] = rng.choice(
                (record.language, record.language, LANGUAGES[record.language][1], f"{record.language}_US")
            )
        if record.published:
            year = record.published[:4]
            book["date_published"] = rng.choice((record.published, record.published, year, int(year)))
        if whole:
            others = [
                each
                for each in self._index.by_work.get(edition.work, ())
                if each.isbn != record.isbn and edition.kind is Kind.EDITION
            ]
            book["synopsis"] = f"<p>{record.title} &amp; what came of it.</p>"
            book["other_isbns"] = [{"isbn": each.isbn, "binding": each.edition.form.value} for each in others]
            if random_share("rated", record.isbn) < 0.3:
                book["rating"], book["ratings_count"] = round(2.5 + 2.4 * rng.random(), 2), rng.randint(3, 900)
        return {name: value for name, value in book.items() if value is not None}

    def _series(self, record: Record) -> str:
        series = self._catalogue.works[record.edition.work].series if record.edition.kind is Kind.EDITION else None
        return f" ({series[0]}, {series[1]})" if series else ""
