"""Google Books: volume search by title and author or by ISBN. Free, but of no use without a key.

What is asked for what belongs here, and `google_books_wire` reads the answers; quota, pace, retries and the key are the
transport's business. Facts about the service: PROVIDERS, "Google Books".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.metadata import Cover, EditionMetadata, ExternalIds, PublicDomain, Rating, Subjects
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers.base import Answer, Capability, ProviderInfo, ProviderKind
from alexandria_pipeline.providers.common.search_terms import surname, title_words
from alexandria_pipeline.providers.google_books.parser import (
    NAME,
    Volume,
    explain,
    is_empty,
    metadata_of,
    parse_edition,
    parse_search,
    public_domain_of,
)
from alexandria_pipeline.providers.transport.types import KeyPlace, Reply, ServiceHttp, ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.domain.records import BookQuery, Candidate

MAX_RESULTS: Final = 40  # the service's own maximum
# A partial answer: without it a page of 40 is 100 kB and more.
FIELDS: Final = "totalItems,items(id,volumeInfo,saleInfo(isEbook),accessInfo(country,accessViewStatus,publicDomain))"

SPEC: Final = ServiceSpec(
    name="google_books",
    explain=explain,
    empty=is_empty,
    cache_days=30,
    negative_cache_days=7,
    key=KeyPlace(parameter="key"),
)


class GoogleBooks:
    """The client: one search per question."""

    info = ProviderInfo(
        NAME,
        ProviderKind.FREE,
        frozenset(
            {
                Capability.ISBN_RESOLUTION, Capability.METADATA_ENRICHMENT, Capability.COVER_IMAGES, Capability.RATINGS,
                Capability.PUBLIC_DOMAIN, Capability.EXTERNAL_IDS, Capability.SUBJECT_ENRICHMENT,
            }
        ),
        "Google Books",
    )  # fmt: skip

    def __init__(self, http: ServiceHttp) -> None:
        self._http = http

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def revision(self) -> str:
        return "1"

    async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        """By title and surname. Not restricted to a language: volumes without one would be lost."""
        search = search_query(query)
        if not search:
            return NotFound()
        reply = await self._search(search, MAX_RESULTS)
        return parse_search(reply) if isinstance(reply, Reply) else reply

    async def metadata(self, isbn13: Isbn13) -> Answer[EditionMetadata]:
        volumes = await self._edition(isbn13)
        return metadata_of(volumes[0], isbn13) if isinstance(volumes, tuple) else volumes

    async def covers(self, isbn13: Isbn13) -> Answer[Sequence[Cover]]:
        volumes = await self._edition(isbn13)
        if not isinstance(volumes, tuple):
            return volumes
        return [Cover(NAME, address) for volume in volumes for address in volume.volume_info.image_links] or NotFound()

    async def rating(self, isbn13: Isbn13) -> Answer[Rating]:
        volumes = await self._edition(isbn13)
        if not isinstance(volumes, tuple):
            return volumes
        for info in (volume.volume_info for volume in volumes):
            if info.average_rating is not None and 0 < info.average_rating <= 5:
                return Rating(NAME, info.average_rating, info.ratings_count or 0)
        return NotFound()

    async def public_domain(self, isbn13: Isbn13) -> Answer[PublicDomain]:
        volumes = await self._edition(isbn13)
        return public_domain_of(volumes[0]) if isinstance(volumes, tuple) else volumes

    async def external_ids(self, isbn13: Isbn13) -> Answer[ExternalIds]:
        volumes = await self._edition(isbn13)
        if not isinstance(volumes, tuple):
            return volumes
        found = tuple(dict.fromkeys(pair for volume in volumes for pair in volume.identifiers))
        return ExternalIds(NAME, found) if found else NotFound()

    async def subjects(self, isbn13: Isbn13) -> Answer[Subjects]:
        volumes = await self._edition(isbn13)
        if not isinstance(volumes, tuple):
            return volumes
        found = tuple(dict.fromkeys(name for volume in volumes for name in volume.volume_info.categories))
        return Subjects(NAME, found) if found else NotFound()

    async def _edition(self, isbn13: Isbn13) -> tuple[Volume, ...] | NotFound | Unavailable | Failed:
        reply = await self._search(f"isbn:{isbn13}", 10)
        return parse_edition(reply, isbn13) if isinstance(reply, Reply) else reply

    async def _search(self, search: str, most: int) -> Reply | Unavailable | Failed:
        params: dict[str, str | int] = {"q": search, "maxResults": most, "printType": "books", "fields": FIELDS}
        return await self._http.get("/volumes", params)


def search_query(query: BookQuery) -> str:
    """Phrases for title and surname; their words carry no quotation marks, which would end the phrase."""
    parts = (("intitle", title_words(query.title)), ("inauthor", surname(query.author)))
    plain = [(field, words.replace('"', " ").replace("\\", " ").strip()) for field, words in parts]
    return " ".join(f'{field}:"{words}"' for field, words in plain if words) if plain[0][1] else ""
