"""Open Library's records, fetched: an edition by its ISBN, and from it, key by key, its work, authors and other editions.

Records point to each other by keys; following them, past those that were merged, and stopping where one cannot be had,
is what this file is about. What a record says is read in `open_library_wire`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from alexandria_pipeline.domain.service_answers import Answer, Failed, NotFound, Unavailable
from alexandria_pipeline.providers.common.fields import Wire, text, wire
from alexandria_pipeline.providers.open_library.errors import is_empty, unreadable
from alexandria_pipeline.providers.open_library.models import Author, Edition, Work
from alexandria_pipeline.providers.open_library.parser import parse_editions
from alexandria_pipeline.providers.transport.types import JsonResponse, Parse, ServiceHttp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13

MAX_EDITIONS: Final = 300
MAX_AUTHORS: Final = 5
# A merged record points to its successor, which may itself have been merged.
MAX_REDIRECTS: Final = 2
_RECORD: Final = re.compile(r"/(?:authors|works|books)/OL\d{1,12}[AWM]")

R = TypeVar("R", bound=Wire)
NoRecord = NotFound | Unavailable | Failed


class Records:
    """The records of the service, one call each; the transport's cache keeps what editions share."""

    def __init__(self, http: ServiceHttp) -> None:
        self._http = http

    async def edition(self, isbn13: Isbn13) -> Edition | NoRecord:
        """The edition with this ISBN; the transport follows the service's 302 to its record."""
        edition = await self.record(f"/isbn/{isbn13}", Edition)
        if not isinstance(edition, Edition):
            return edition
        if not edition.title:
            return unreadable()
        return (
            edition if isbn13 in edition.isbns else Failed("Open Library answered about another ISBN", transient=False)
        )

    async def edition_and_work(self, isbn13: Isbn13) -> tuple[Edition, Work] | NoRecord:
        """The edition and its work; an empty work where it has none, or none that exists."""
        edition = await self.edition(isbn13)
        if not isinstance(edition, Edition):
            return edition
        work = await self.work_of(edition)
        if isinstance(work, (Unavailable, Failed)):
            return work
        return edition, work if isinstance(work, Work) else Work()

    async def work_key(self, isbn13: Isbn13) -> str | NoRecord:
        edition = await self.edition(isbn13)
        if not isinstance(edition, Edition):
            return edition
        return next(iter(edition.works), None) or NotFound()

    async def work_of(self, edition: Edition) -> Work | NoRecord:
        return await self.record(f"/works/{edition.works[0]}", Work) if edition.works else NotFound()

    async def authors(self, keys: Sequence[str]) -> tuple[Author, ...] | Unavailable | Failed:
        """The authors whose records exist, in the order of the title page; a deleted one is left out."""
        found: list[Author] = []
        for key in keys[:MAX_AUTHORS]:
            author = await self.record(f"/authors/{key}", Author)
            if isinstance(author, (Unavailable, Failed)):
                return author
            if isinstance(author, Author) and author.name:
                found.append(author)
        return tuple(found)

    async def editions(self, key: str) -> tuple[Edition, ...] | NoRecord:
        return await self._http.get(f"/works/{key}/editions.json", parse_editions, {"limit": MAX_EDITIONS})

    async def record(self, path: str, model: type[R]) -> Answer[R]:
        """A record; follows records that were merged into another one."""
        for _ in range(MAX_REDIRECTS + 1):
            parse: Parse[R | _Redirect] = partial(_parse_record, model)
            found: Answer[R | _Redirect] = await self._http.get(f"{path}.json", parse)
            if isinstance(found, _Redirect):
                path = found.path
            else:
                return found
        return unreadable()


@dataclass(frozen=True, slots=True)
class _Redirect:
    """A record that was merged into the one at `path`."""

    path: str


def _parse_record(model: type[R], response: JsonResponse) -> R | _Redirect | NotFound | Failed:
    if response.status == 404 and is_empty(response):
        return NotFound()
    data = response.data
    if response.status != 200 or not isinstance(data, dict):
        return unreadable()
    kind = data.get("type")
    kind = kind.get("key") if isinstance(kind, dict) else kind
    if kind == "/type/delete":
        return NotFound()
    if kind == "/type/redirect":
        location = text(data.get("location"))
        return _Redirect(location) if location and _RECORD.fullmatch(location) else unreadable()
    return wire(model, data) if "key" in data else unreadable()
