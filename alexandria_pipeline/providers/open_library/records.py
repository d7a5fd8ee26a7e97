"""Requests for Open Library's records: an edition by its ISBN, and its work, authors and other editions by their keys.

Records of many editions, works and authors, and the ratings of many works, are fetched together for the questions that follow.
Records refer to each other by keys. This module follows the keys and the redirects of merged records. `models.py` reads the
records.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from alexandria_pipeline.domain.metadata import Rating
from alexandria_pipeline.domain.service_answers import Answer, Failed, NotFound, Unavailable, then, then_call
from alexandria_pipeline.providers.common.fetched import Fetched
from alexandria_pipeline.providers.common.text_fields import text
from alexandria_pipeline.providers.common.wire_models import WireModel, read_model
from alexandria_pipeline.providers.open_library.errors import UNREADABLE, is_empty
from alexandria_pipeline.providers.open_library.models import Author, Edition, Work
from alexandria_pipeline.providers.open_library.parser import (
    EditionsPage,
    parse_books,
    parse_editions,
    parse_rating,
    parse_ratings,
    parse_records,
)
from alexandria_pipeline.providers.transport.types import Json, JsonResponse, Parse, ServiceHttp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alexandria_pipeline.domain.isbn import Isbn13

# The service returns at most 300 editions at a time.
PAGE_SIZE: Final = 300
MAX_PAGES: Final = 5
MAX_AUTHORS: Final = 5
# The maintainers ask for about 25 ISBNs in one request (docs/services/open_library.md).
PREFETCH_SIZE: Final = 25
# The service's own client asks for up to 100 records at once; these keep the address short.
MAX_RECORDS: Final = 50
# A merged record refers to its successor, which may itself have been merged.
MAX_REDIRECTS: Final = 2
RATING_FIELDS: Final = "key,ratings_average,ratings_count"
log = logging.getLogger(__name__)

_RECORD: Final = re.compile(r"/(?:authors|works|books)/OL\d{1,12}[AWM]")

M = TypeVar("M", bound=WireModel)


class Records:
    """The records of the service; one call for each. The transport's cache holds records that editions share."""

    def __init__(self, http: ServiceHttp) -> None:
        self._http = http
        self._fetched: Fetched[Isbn13, Edition | NotFound] = Fetched()
        self._records: Fetched[str, Json] = Fetched()
        self._ratings: Fetched[str, Rating | NotFound] = Fetched()

    async def prefetch(self, isbns: Sequence[Isbn13]) -> None:
        """Fetches the editions with these ISBNs in one call, for `edition`."""
        wanted = sorted(isbn for isbn in dict.fromkeys(isbns) if isbn not in self._fetched)
        if len(wanted) < 2:
            return
        keys = ",".join(f"ISBN:{isbn}" for isbn in wanted)
        params: dict[str, str | int] = {"bibkeys": keys, "jscmd": "details", "format": "json"}
        found = await self._http.get("/api/books", parse_books, params)
        if not isinstance(found, dict):
            return
        for isbn in wanted:
            edition = _fetched_edition(found, isbn)
            if not isinstance(edition, Failed):
                self._fetched.add(isbn, edition)

    async def prefetch_works(self, isbns: Sequence[Isbn13]) -> None:
        """Fetches the works of editions that were fetched, and the authors of both, in one call each."""
        editions = self._editions_of(isbns)
        await self.prefetch_records(f"/works/{edition.works[0]}" for edition in editions if edition.works)
        authors: list[str] = []
        for edition in editions:
            record = self._records.get(f"/works/{edition.works[0]}") if edition.works else None
            work = _read_record(Work, record) if record is not None else None
            authors += ((work.authors if isinstance(work, Work) else ()) or edition.authors)[:MAX_AUTHORS]
        await self.prefetch_records(f"/authors/{key}" for key in authors)

    async def prefetch_records(self, paths: Iterable[str]) -> None:
        """Fetches the records at these paths together, for `record`."""
        wanted = sorted(path for path in set(paths) if path not in self._records)
        for start in range(0, len(wanted), MAX_RECORDS):
            together = wanted[start : start + MAX_RECORDS]
            if len(together) > 1:
                found = await self._http.get("/api/get_many", parse_records, {"keys": json.dumps(together)})
                for path, record in found.items() if isinstance(found, dict) else ():
                    self._records.add(path, record)

    async def prefetch_ratings(self, isbns: Sequence[Isbn13]) -> None:
        """Fetches the ratings of the works of editions that were fetched, in one search."""
        works = {edition.works[0] for edition in self._editions_of(isbns) if edition.works}
        wanted = sorted(key for key in works if key not in self._ratings)
        if len(wanted) < 2:
            return
        keys = " OR ".join(f"/works/{key}" for key in wanted)
        params: dict[str, str | int] = {"q": f"key:({keys})", "fields": RATING_FIELDS, "limit": len(wanted)}
        found = await self._http.get("/search.json", parse_ratings, params)
        for key, rating in found.items() if isinstance(found, dict) else ():
            self._ratings.add(key, rating)

    def _editions_of(self, isbns: Sequence[Isbn13]) -> list[Edition]:
        found = (self._fetched.get(isbn) for isbn in isbns)
        return [edition for edition in found if isinstance(edition, Edition)]

    async def rating(self, key: str) -> Answer[Rating]:
        """The rating of a work."""
        fetched = self._ratings.get(key)
        return await self._http.get(f"/works/{key}/ratings.json", parse_rating) if fetched is None else fetched

    async def edition(self, isbn13: Isbn13) -> Answer[Edition]:
        """The edition with this ISBN. The transport follows the redirect from /isbn/ to the record."""
        fetched = self._fetched.get(isbn13)
        if fetched is not None:
            return fetched
        return then(await self.record(f"/isbn/{isbn13}", Edition), lambda edition: _checked(edition, isbn13))

    async def edition_and_work(self, isbn13: Isbn13) -> Answer[tuple[Edition, Work]]:
        """The edition and its work; an empty work if the edition has none or its work does not exist."""
        return await then_call(await self.edition(isbn13), self._with_work)

    async def _with_work(self, edition: Edition) -> Answer[tuple[Edition, Work]]:
        work = await self.work_of(edition)
        return then(Work() if isinstance(work, NotFound) else work, lambda found: (edition, found))

    async def work_key(self, isbn13: Isbn13) -> Answer[str]:
        """The key of the work of the edition with this ISBN."""
        return then(await self.edition(isbn13), lambda edition: next(iter(edition.works), None) or NotFound())

    async def work_of(self, edition: Edition) -> Answer[Work]:
        """The first work of an edition."""
        return await self.record(f"/works/{edition.works[0]}", Work) if edition.works else NotFound()

    async def authors(self, keys: Sequence[str]) -> Answer[tuple[Author, ...]]:
        """The authors whose records exist, at most `MAX_AUTHORS`, in the order of the keys."""
        found: list[Author] = []
        for key in keys[:MAX_AUTHORS]:
            author = await self.record(f"/authors/{key}", Author)
            if isinstance(author, Unavailable | Failed):
                return author
            if isinstance(author, Author) and author.name:
                found.append(author)
        return tuple(found)

    async def editions(self, key: str) -> Answer[tuple[Edition, ...]]:
        """The editions of a work, from at most `MAX_PAGES` pages; a cut list is logged."""
        found: list[Edition] = []
        offset: int | None = 0
        for _ in range(MAX_PAGES):
            params = {"limit": PAGE_SIZE, **({"offset": offset} if offset else {})}
            answer = await self._http.get(f"/works/{key}/editions.json", parse_editions, params)
            if not isinstance(answer, EditionsPage):
                return tuple(found) if found and isinstance(answer, NotFound) else answer
            found += answer.editions
            if answer.next is None or answer.next <= (offset or 0):
                return tuple(found)
            offset = answer.next
        log.warning("Open Library has more than %d editions of %s; the others are left out", len(found), key)
        return tuple(found)

    async def record(self, path: str, model: type[M]) -> Answer[M]:
        """The record at a path; follows the redirects of merged records."""
        for _ in range(MAX_REDIRECTS + 1):
            parse: Parse[M | _Redirect] = partial(_parse_record, model)
            fetched = self._records.get(path)
            found: Answer[M | _Redirect] = (
                _read_record(model, fetched) if fetched is not None else await self._http.get(f"{path}.json", parse)
            )
            if not isinstance(found, _Redirect):
                return found
            path = found.path
        return UNREADABLE


def _fetched_edition(found: Mapping[str, Json], isbn13: Isbn13) -> Edition | NotFound | Failed:
    """The edition of one ISBN in a response that has others: without an entry, the service does not know the ISBN."""
    if f"ISBN:{isbn13}" not in found:
        return NotFound()
    edition = _read_record(Edition, found[f"ISBN:{isbn13}"])
    return _checked(edition, isbn13) if isinstance(edition, Edition) else UNREADABLE


def _checked(edition: Edition, isbn13: Isbn13) -> Edition | NotFound | Failed:
    """The edition, if it has a title and the requested ISBN. A record that only stands for a book is a definite no."""
    if edition.title == "":
        return NotFound()
    if not edition.title:
        return UNREADABLE
    if isbn13 not in edition.isbns:
        return Failed("Open Library returned the record of another ISBN", transient=False)
    return edition


@dataclass(frozen=True, slots=True)
class _Redirect:
    """A record that was merged into the record at `path`."""

    path: str


def _parse_record(model: type[M], response: JsonResponse) -> M | _Redirect | NotFound | Failed:
    if response.status == 404 and is_empty(response):
        return NotFound()
    return _read_record(model, response.data) if response.status == 200 else UNREADABLE


def _read_record(model: type[M], data: object) -> M | _Redirect | NotFound | Failed:
    if not isinstance(data, dict):
        return UNREADABLE
    kind = data.get("type")
    kind = kind.get("key") if isinstance(kind, dict) else kind
    if kind == "/type/delete":
        return NotFound()
    if kind == "/type/redirect":
        location = text(data.get("location"))
        return _Redirect(location) if location and _RECORD.fullmatch(location) else UNREADABLE
    return read_model(model, data) if "key" in data else UNREADABLE
