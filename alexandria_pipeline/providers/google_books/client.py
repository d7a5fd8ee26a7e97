"""The Google Books client: volume search by title and author or by ISBN. The service is free, but it needs a key.

This module chooses the search for each capability. `parser.py` reads the responses; quota, rate limit, retries and
the key belong to the transport. docs/services/google_books.md has the facts.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, TypeVar

from alexandria_pipeline.domain.metadata import Cover, EditionMetadata, ExternalIds, PublicDomain, Rating, Subjects
from alexandria_pipeline.domain.service_answers import Answer, NotFound, Unavailable, then, then_call
from alexandria_pipeline.providers.base import ProviderKit
from alexandria_pipeline.providers.common.fetched import Fetched
from alexandria_pipeline.providers.common.search_terms import path_segment, surname, title_words
from alexandria_pipeline.providers.google_books.declaration import DECLARATION, NAME
from alexandria_pipeline.providers.google_books.errors import UNKNOWN_LOCATION, explain
from alexandria_pipeline.providers.google_books.models import Volume
from alexandria_pipeline.providers.google_books.parser import (
    covers_of,
    external_ids_of,
    filled,
    metadata_of,
    parse_edition,
    parse_search,
    parse_volume,
    public_domain_of,
    rating_of,
    subjects_of,
)
from alexandria_pipeline.providers.transport.types import KeyPlace, Parse, ServiceHttp, ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.domain.records import BookQuery, Candidate

log = logging.getLogger(__name__)

MAX_RESULTS: Final = 40  # the maximum of the service
ISBN_RESULTS: Final = 10
MAX_FETCHED: Final = 500  # editions whose volumes are kept for the next questions about them
# The members of a partial response; a complete page of 40 volumes has more than 100 kB.
FIELDS: Final = "totalItems,items(id,volumeInfo,saleInfo(isEbook),accessInfo(country,accessViewStatus,publicDomain))"

SPEC: Final = ServiceSpec(
    name=NAME,
    explain=explain,
    cache_days=30,
    negative_cache_days=7,
    # A key in a header does not appear in the logs of proxies.
    key=KeyPlace(header="X-goog-api-key"),
    # In a wave, 30 to 80 % of the calls fail for minutes; eight attempts with growing delays take about 70 seconds.
    max_attempts=8,
    fails_in_waves=True,
)

T = TypeVar("T")


# Sent if the service cannot tell the country of this machine and none is set.
FALLBACK_COUNTRY: Final = "US"


class GoogleBooks:
    """The client. Each capability makes one search, and a second one if the first finds no volume of an ISBN.

    `country`: two letters. If it is None, the service takes the country of the caller's address.
    """

    declaration = DECLARATION

    def __init__(self, http: ServiceHttp, country: str | None = None) -> None:
        self._http = http
        self._country = country
        self._fetched: Fetched[Isbn13, tuple[Volume, ...]] = Fetched(MAX_FETCHED)

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def revision(self) -> str:
        return "1"

    async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        """Searches by title and surname, without `langRestrict`, which would leave out volumes without a language."""
        search = search_query(query)
        if not search:
            return NotFound()
        return await self._search(search, MAX_RESULTS, parse_search)

    async def metadata(self, isbn13: Isbn13) -> Answer[EditionMetadata]:
        """The first volume with the ISBN. If its search result has gaps, its complete record fills them: one call more."""
        return await then_call(await self._edition(isbn13), lambda volumes: self._complete(volumes[0], isbn13))

    async def _complete(self, volume: Volume, isbn13: Isbn13) -> Answer[EditionMetadata]:
        found = metadata_of(volume, isbn13)
        if volume.id is None or (found.description and found.publisher and found.pages):
            return found
        path = f"/volumes/{path_segment(volume.id)}"
        record = await self._get(path, lambda response: parse_volume(response, isbn13), {})
        return filled(found, metadata_of(record, isbn13)) if isinstance(record, Volume) else found

    async def covers(self, isbn13: Isbn13) -> Answer[Sequence[Cover]]:
        return then(await self._edition(isbn13), covers_of)

    async def rating(self, isbn13: Isbn13) -> Answer[Rating]:
        return then(await self._edition(isbn13), rating_of)

    async def public_domain(self, isbn13: Isbn13) -> Answer[PublicDomain]:
        return then(await self._edition(isbn13), lambda volumes: public_domain_of(volumes[0]))

    async def external_ids(self, isbn13: Isbn13) -> Answer[ExternalIds]:
        return then(await self._edition(isbn13), external_ids_of)

    async def subjects(self, isbn13: Isbn13) -> Answer[Subjects]:
        return then(await self._edition(isbn13), subjects_of)

    async def _edition(self, isbn13: Isbn13) -> Answer[tuple[Volume, ...]]:
        """The volumes with this ISBN. The index of `isbn:` has gaps, so the plain number is searched for, too."""
        if (known := self._fetched.get(isbn13)) is not None:
            return known
        found: Answer[tuple[Volume, ...]] = NotFound()
        for search in (f"isbn:{isbn13}", str(isbn13)):
            found = await self._search(search, ISBN_RESULTS, lambda response: parse_edition(response, isbn13))
            if not isinstance(found, NotFound):
                break
        if isinstance(found, tuple):
            self._fetched.add(isbn13, found)
        return found

    async def _search(self, search: str, limit: int, parse: Parse[T]) -> Answer[T]:
        params: dict[str, str | int] = {"q": search, "maxResults": limit, "printType": "books", "fields": FIELDS}
        return await self._get("/volumes", parse, params)

    async def _get(self, path: str, parse: Parse[T], params: dict[str, str | int]) -> Answer[T]:
        answer = await self._http.get(path, parse, self._with_country(params))
        if answer == UNKNOWN_LOCATION and self._country is None:
            log.warning("%s; %s is used until then", UNKNOWN_LOCATION.reason, FALLBACK_COUNTRY)
            self._country = FALLBACK_COUNTRY
            answer = await self._http.get(path, parse, self._with_country(params))
        return answer

    def _with_country(self, params: dict[str, str | int]) -> dict[str, str | int]:
        return {**params, "country": self._country} if self._country else params


def search_query(query: BookQuery) -> str:
    """The query: phrases for title and surname. Quotation marks are removed, because they would end a phrase."""
    parts = (("intitle", title_words(query.title)), ("inauthor", surname(query.author)))
    plain = [(field, words.replace('"', " ").replace("\\", " ").strip()) for field, words in parts]
    return " ".join(f'{field}:"{words}"' for field, words in plain if words) if plain[0][1] else ""


def build(kit: ProviderKit) -> GoogleBooks:
    """The provider with its transport."""
    return GoogleBooks(kit.service(SPEC), kit.country(NAME))
