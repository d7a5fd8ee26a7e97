"""Stand-in of Google Books: volume search, single volumes, partial responses, and errors with reasons."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from alexandria_pipeline_tests.upstream.listener import Request, Response, json_response
from alexandria_pipeline_tests.upstream.model import Form, Kind, Record
from alexandria_pipeline_tests.upstream.randomness import random_share, seeded_random
from alexandria_pipeline_tests.upstream.words import any_isbn13, isbn10, tokens

if TYPE_CHECKING:
    from alexandria_pipeline_tests.upstream.catalogue import Catalogue
    from alexandria_pipeline_tests.upstream.service_records import RecordIndex

MAX_RESULTS: Final = 40
# `isbn:` is a search term, so it may find another book.
OTHER_BOOK_SHARE: Final = 0.03
_CLAUSE: Final = re.compile(r'(?:(intitle|inauthor|isbn|subject|inpublisher):)?(?:"([^"]*)"|(\S+))')
_ADDRESS: Final = "https://www.googleapis.com/books/v1/volumes"


def error(code: int, reason: str, message: str, status: str, details: list[dict[str, Any]] | None = None) -> Response:
    """An error response in Google's form."""
    errors = [{"message": message, "domain": "global", "reason": reason}]
    return json_response(
        {"error": {"code": code, "message": message, "errors": errors, "status": status, "details": details or []}},
        code,
    )


class GoogleService:
    """Responds from the records of Google Books."""

    def __init__(self, catalogue: Catalogue, index: RecordIndex) -> None:
        self._catalogue = catalogue
        self._index = index
        self._by_id = {volume_id(record): record for record in index.records}

    def respond(self, request: Request, path: str) -> Response:
        key = request.value("key") or request.headers.get("x-goog-api-key", "")
        if not key:
            return self._keyless()
        if key.startswith("wrong"):
            details = [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "API_KEY_INVALID",
                    "domain": "googleapis.com",
                }
            ]
            return error(
                400, "badRequest", "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", details
            )
        if path.startswith("/volumes/"):
            record = self._by_id.get(path.removeprefix("/volumes/"))
            return (
                json_response(self.volume(record))
                if record
                else error(404, "notFound", "The volume ID could not be found.", "NOT_FOUND")
            )
        if path != "/volumes":
            return error(404, "notFound", "Not Found", "NOT_FOUND")
        return self._search(request)

    def limit_error(self, _limit: str) -> Response:
        message = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service 'books.googleapis.com'."
        limits = {
            "quota_limit": "defaultPerMinutePerProject",
            "quota_unit": "1/min/{project}",
            "quota_limit_value": "60",
        }
        return error(429, "rateLimitExceeded", message, "RESOURCE_EXHAUSTED", [_info("RATE_LIMIT_EXCEEDED", limits)])

    def _keyless(self) -> Response:
        message = (
            "Quota exceeded for quota metric 'Queries' and limit 'Queries per day' of service 'books.googleapis.com'."
        )
        limits = {"quota_limit": "defaultPerDayPerProject", "quota_unit": "1/d/{project}", "quota_limit_value": "0"}
        return error(429, "rateLimitExceeded", message, "RESOURCE_EXHAUSTED", [_info("RATE_LIMIT_EXCEEDED", limits)])

    def _search(self, request: Request) -> Response:
        most, start = request.number("maxResults", 10), request.number("startIndex", 0)
        if not request.value("q"):
            return error(400, "queryRequired", "Missing query.", "INVALID_ARGUMENT")
        if most > MAX_RESULTS:
            return error(
                400, "invalidParameter", "Invalid value. Values must be within the range: [0, 40]", "INVALID_ARGUMENT"
            )
        language = request.value("langRestrict")
        found = [record for record in self._found(request.value("q")) if language in {"", record.language}]
        data: dict[str, Any] = {"kind": "books#volumes", "totalItems": len(found)}
        if page := found[start : start + most]:
            data["items"] = [self.volume(record) for record in page]
        return json_response(project(data, request.value("fields")))

    def _found(self, query: str) -> list[Record]:
        title: list[str] = []
        author: list[str] = []
        phrases: list[tuple[str, ...]] = []
        loose: list[str] = []
        for field, phrase, word in _CLAUSE.findall(query):
            words = tokens(phrase or word)
            if field == "isbn":
                return self._by_isbn(phrase or word)
            {"intitle": title, "inauthor": author}.get(field, loose).extend(words)
            if field == "intitle" and phrase:
                phrases.append(words)
        if not title and not author:
            return self._index.matching_any(loose)
        found = self._index.matching_all(title, author)
        return [record for record in found if all(_holds(record, phrase) for phrase in phrases)]

    def _by_isbn(self, text: str) -> list[Record]:
        isbn = any_isbn13(text)
        found = list(self._index.by_isbn.get(isbn or "", ()))
        if not found and isbn and random_share("other book", isbn) < OTHER_BOOK_SHARE and self._index.records:
            return [seeded_random("other book", isbn).choice(self._index.records)]
        return found

    def volume(self, record: Record) -> dict[str, Any]:
        """The volume of a record."""
        edition, rng = record.edition, seeded_random("google", record.edition.isbn13, record.number)
        number, audio = volume_id(record), edition.form is Form.AUDIO
        info: dict[str, Any] = {
            "title": record.title,
            "subtitle": record.subtitle,
            "authors": list(record.authors) or None,
            "publisher": edition.publisher if rng.random() < 0.9 else None,
            "publishedDate": record.published,
            "description": f"{record.title}: a description." if rng.random() < 0.7 else None,
            "industryIdentifiers": _identifiers(record, rng.random()),
            "pageCount": 0 if audio else edition.pages,
            "printType": "BOOK",
            "categories": [self._catalogue.works[edition.work].genre],
            "averageRating": rng.randint(4, 10) / 2 if rng.random() < 0.3 else None,
            "ratingsCount": rng.randint(1, 400),
            "imageLinks": {
                "thumbnail": f"http://books.google.com/books/content?id={number}&printsec=frontcover&img=1&zoom=1&edge=curl"
            },
            "language": record.language or "en",
        }
        ebook = edition.form is Form.EBOOK
        return {
            "kind": "books#volume",
            "id": number,
            "etag": f"e{number}",
            "selfLink": f"{_ADDRESS}/{quote(number)}",
            "volumeInfo": {name: value for name, value in info.items() if value is not None},
            "saleInfo": {"country": "US", "saleability": "FOR_SALE" if ebook else "NOT_FOR_SALE", "isEbook": ebook},
            "accessInfo": {
                "country": "US",
                "viewability": "NO_PAGES",
                "publicDomain": False,
                "accessViewStatus": "NONE",
            },
        }


def volume_id(record: Record) -> str:
    return f"{record.number:07d}" + {Kind.EDITION: "AAQBAJ"}.get(record.edition.kind, "AACAAJ")


def _identifiers(record: Record, rng: float) -> list[dict[str, str]] | None:
    """ISBNs in any order, sometimes only the number of another library, sometimes none."""
    if rng < 0.03:
        return [{"type": "OTHER", "identifier": f"UOM:39015{record.number:09d}"}]
    if rng < 0.05:
        return None
    pairs = [{"type": "ISBN_13", "identifier": record.isbn}]
    if short := isbn10(record.isbn):
        pairs.insert(0 if rng < 0.5 else 1, {"type": "ISBN_10", "identifier": short})
    return pairs


def _holds(record: Record, phrase: tuple[str, ...]) -> bool:
    """Whether the title has the words of the phrase in this order."""
    title = tokens(f"{record.title} {record.subtitle or ''}")
    return any(title[place : place + len(phrase)] == phrase for place in range(len(title) - len(phrase) + 1))


def _info(reason: str, limits: dict[str, str]) -> dict[str, Any]:
    metadata = {
        "consumer": "projects/1",
        "quota_metric": "books.googleapis.com/default",
        "service": "books.googleapis.com",
        **limits,
    }
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": metadata,
    }


def project(data: Any, fields: str) -> Any:
    """The part of a response that `fields` selects ("a,b(c,d)", "a/b"); the whole response if it is empty."""
    if not fields or fields == "*":
        return data
    if isinstance(data, list):
        return [project(each, fields) for each in data]
    if not isinstance(data, dict):
        return data
    wanted = dict(map(_field, _split(fields)))
    return {name: project(value, wanted[name]) for name, value in data.items() if name in wanted}


def _field(part: str) -> tuple[str, str]:
    match = re.fullmatch(r"([^(/]+)(?:/(.+)|\((.*)\))?", part)
    return (match[1], match[2] or match[3] or "") if match else (part, "")


def _split(fields: str) -> list[str]:
    """The parts between the commas outside brackets."""
    parts, depth = [""], 0
    for letter in fields:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]
