"""Stand-in of the Internet Archive: search with a part of the Lucene syntax, item records, and cover images."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline_tests.upstream.listener import Request, Response, json_response
from alexandria_pipeline_tests.upstream.model import Kind, Record
from alexandria_pipeline_tests.upstream.names import LANGUAGES
from alexandria_pipeline_tests.upstream.open_library_records import edition_key, work_key
from alexandria_pipeline_tests.upstream.randomness import seeded_random
from alexandria_pipeline_tests.upstream.words import any_isbn13, family, isbn10, last_first, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alexandria_pipeline_tests.upstream.catalogue import Catalogue
    from alexandria_pipeline_tests.upstream.service_records import RecordIndex

_CLAUSE: Final = re.compile(r'(\w+):(?:\(((?:\\.|[^()\\])*)\)|"((?:\\.|[^"\\])*)"|((?:\\.|[^\s\\])+))')
_ESCAPE: Final = re.compile(r"\\(.)")
_SUPPORTED: Final = frozenset({"mediatype", "title", "creator", "isbn", "identifier"})
PLACEHOLDER_ISBN: Final = "9780000000019"
# The smallest GIF: one grey pixel.
_IMAGE: Final = bytes.fromhex("47494638396101000100800000cccccc00000021f90400000000002c00000000010001000002024401003b")


class ArchiveService:
    """Responds from the records of the Internet Archive. Every record is the scan of one copy."""

    def __init__(self, catalogue: Catalogue, index: RecordIndex) -> None:
        self._catalogue = catalogue
        self._index = index
        self._items = {identifier(record): record for record in index.records}

    def respond(self, request: Request, path: str) -> Response:
        if path == "/advancedsearch.php":
            return self._search(request)
        if path.startswith("/metadata/"):
            record = self._items.get(path.removeprefix("/metadata/"))
            return json_response(self._whole(record) if record else {})
        if path.startswith("/services/img/"):
            return Response(200, _IMAGE, "image/gif")
        return json_response({"error": "Not Found"}, 404)

    def limit_error(self, _limit: str) -> Response:
        return json_response({"error": "Too Many Requests"}, 429)

    def _search(self, request: Request) -> Response:
        query, rows = request.value("q"), request.number("rows", 50)
        wanted = {name for key, value in request.query if key in {"fl[]", "fl"} for name in value.split(",") if name}
        clauses = {
            name: _ESCAPE.sub(r"\1", group or quoted or word) for name, group, quoted, word in _CLAUSE.findall(query)
        }
        if not clauses or set(clauses) - _SUPPORTED:
            return json_response({"error": f"the stand-in does not support this query: {query}"}, 400)
        found = self._found(clauses)
        start = (max(1, request.number("page", 1)) - 1) * rows
        docs = [self._doc(record, wanted) for record in found[start : start + rows]]
        params = {
            "query": query,
            "qin": query,
            "fields": ",".join(sorted(wanted)),
            "wt": "json",
            "rows": str(rows),
            "start": start,
        }
        return json_response(
            {
                "responseHeader": {"status": 0, "QTime": 12, "params": params},
                "response": {"numFound": len(found), "start": start, "docs": docs},
            }
        )

    def _found(self, clauses: dict[str, str]) -> list[Record]:
        if clauses.get("mediatype", "texts") != "texts":
            return []
        if "isbn" in clauses:
            isbns = [isbn for part in re.split(r"\s+OR\s+|\s+", clauses["isbn"]) if (isbn := any_isbn13(part))]
            return list(dict.fromkeys(record for isbn in isbns for record in self._index.by_isbn.get(isbn, ())))
        if "identifier" in clauses:
            return [record for record in (self._items.get(clauses["identifier"]),) if record]
        return self._index.matching_all(_plain(clauses.get("title", "")), _plain(clauses.get("creator", "")))

    def _doc(self, record: Record, wanted: Iterable[str]) -> dict[str, Any]:
        fields = self._metadata(record)
        if (year := str(fields.get("date", ""))[:4]).isdigit():
            fields["year"] = int(year)
        return {name: value for name, value in fields.items() if not wanted or name in wanted}

    def _whole(self, record: Record) -> dict[str, Any]:
        item = identifier(record)
        files = [{"name": f"{item}.pdf", "source": "derivative", "format": "Text PDF", "size": "1234", "md5": "0"}]
        return {
            "created": 1700000000,
            "d1": "ia1.example",
            "dir": f"/1/items/{item}",
            "files": files,
            "files_count": 1,
            "item_size": 1234,
            "metadata": self._metadata(record),
            "server": "ia1.example",
            "uniq": record.number,
            "workable_servers": ["ia1.example"],
        }

    def _metadata(self, record: Record) -> dict[str, Any]:
        """The metadata of an item. One value is a string, several are a list, and many are missing."""
        edition, rng = record.edition, seeded_random("archive", record.number)
        numbers = [number for number in (isbn10(record.isbn), record.isbn) if number]
        numbers += self._isbn_of_other_printing(record) if rng.random() < 0.2 else []
        numbers += [PLACEHOLDER_ISBN] if rng.random() < 0.05 else []
        rng.shuffle(numbers)
        title = (
            record.title if rng.random() < 0.7 or not record.subtitle else f"{record.title} : {record.subtitle.lower()}"
        )
        members: dict[str, Any] = {
            "identifier": identifier(record),
            "mediatype": "texts",
            "title": title,
            "creator": _several(
                [
                    f"{last_first(name)}, 1950-" if rng.random() < 0.3 and "," not in name else name
                    for name in record.authors
                ]
            ),
            "date": record.published if rng.random() < 0.9 else None,
            "isbn": _several(numbers if rng.random() < 0.92 else []),
            "language": LANGUAGES[record.language][rng.choice((0, 0, 1))] if record.language else None,
            "publisher": f"New York : {edition.publisher}" if rng.random() < 0.5 else edition.publisher,
            "subject": _several([self._catalogue.works[edition.work].genre, "Large type books"][: rng.randint(1, 2)]),
            "collection": ["inlibrary", "printdisabled"],
            "description": f"{edition.pages} p. ; 24 cm",
            "openlibrary_edition": edition_key(record) if rng.random() < 0.6 else None,
            "openlibrary_work": work_key(record) if rng.random() < 0.6 else None,
        }
        return {name: value for name, value in members.items() if value is not None}

    def _isbn_of_other_printing(self, record: Record) -> list[str]:
        """The ISBN of another printing, because a scan may have the ISBNs of hardcover and paperback."""
        if record.edition.kind is not Kind.EDITION or not record.edition.is_print:
            return []
        editions = self._catalogue.works[record.edition.work].editions
        others = [
            each.isbn13
            for each in editions
            if each.is_print and each.language == record.edition.language and each.isbn13 != record.isbn
        ]
        return others[:1]


def identifier(record: Record) -> str:
    """An identifier in the form of the Internet Archive: parts of title, number and author."""
    title = "".join(tokens(record.title))[:12] or "book"
    people = "".join(tokens(family(record.edition.authors[0])))[:4]
    return f"{title}{record.number:06d}{people}"


def _several(values: list[str]) -> str | list[str] | None:
    return values[0] if len(values) == 1 else values or None


def _plain(text: str) -> tuple[str, ...]:
    """The words of a clause. Operators between them are read as AND."""
    return tokens(" ".join(word for word in text.split() if word not in {"AND", "OR", "NOT"}))
