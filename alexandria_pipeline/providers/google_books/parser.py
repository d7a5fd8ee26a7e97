"""Google Books' responses as domain records. Pure functions; docs/services/google_books.md has the facts."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.metadata import (
    Cover,
    EditionMetadata,
    ExternalIds,
    PublicDomain,
    PublicDomainStatus,
    Rating,
    Subjects,
)
from alexandria_pipeline.domain.records import Candidate
from alexandria_pipeline.domain.service_answers import Failed, NotFound
from alexandria_pipeline.providers.common.contributors import contributors
from alexandria_pipeline.providers.common.wire_models import read_model, read_models
from alexandria_pipeline.providers.google_books.declaration import NAME
from alexandria_pipeline.providers.google_books.errors import UNREADABLE, is_empty
from alexandria_pipeline.providers.google_books.models import Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.providers.transport.types import JsonResponse


def parse_volumes(response: JsonResponse) -> tuple[Volume, ...] | NotFound | Failed:
    """The volumes that have a title. No volumes are a definite no only if `totalItems` is 0."""
    if response.status != 200:
        return UNREADABLE
    if is_empty(response):
        return NotFound()
    volumes = read_models(Volume, response.data.get("items")) if isinstance(response.data, dict) else ()
    return tuple(volume for volume in volumes if volume.volume_info.title) or UNREADABLE


def parse_search(response: JsonResponse) -> list[Candidate] | NotFound | Failed:
    """The books that have an ISBN, in the service's order; magazines are left out."""
    volumes = parse_volumes(response)
    if not isinstance(volumes, tuple):
        return volumes
    found: dict[Isbn13, Candidate] = {}
    for rank, volume in enumerate(volumes):
        if (volume.volume_info.print_type or "").upper() != "MAGAZINE":
            for isbn in volume.volume_info.isbns:
                found.setdefault(isbn, _candidate(volume, isbn, rank))
    return list(found.values()) or NotFound()


def parse_edition(response: JsonResponse, isbn: Isbn13) -> tuple[Volume, ...] | NotFound | Failed:
    """The volumes that have this ISBN. `isbn:` is a search term, so the response may have other books."""
    volumes = parse_volumes(response)
    if not isinstance(volumes, tuple):
        return volumes
    return tuple(volume for volume in volumes if isbn in volume.volume_info.isbns) or NotFound()


def parse_volume(response: JsonResponse, isbn: Isbn13) -> Volume | NotFound | Failed:
    """The complete record of a volume with this ISBN (`/volumes/{id}`)."""
    if response.status == 404:
        return NotFound()
    volume = read_model(Volume, response.data)
    if not volume.id or not volume.volume_info.title:
        return UNREADABLE
    return volume if isbn in volume.volume_info.isbns else NotFound()


def filled(found: EditionMetadata, record: EditionMetadata) -> EditionMetadata:
    """The metadata of a search result, with the gaps filled from the complete record."""
    gaps = {field.name: getattr(record, field.name) for field in fields(found) if not getattr(found, field.name)}
    return replace(found, **gaps)


def _candidate(volume: Volume, isbn: Isbn13, rank: int) -> Candidate:
    info = volume.volume_info
    return Candidate(
        provider=NAME,
        isbn13=isbn,
        title=info.title or "",
        subtitle=info.subtitle,
        contributors=contributors(info.authors),
        published=info.published_date,
        language=volume.language,
        publisher=info.publisher,
        format=volume.format,
        pages=info.page_count or None,
        subjects=info.categories,
        identifiers=volume.identifiers,
        rank=rank,
    )


def metadata_of(volume: Volume, isbn: Isbn13) -> EditionMetadata:
    """The metadata of a volume under one of its ISBNs."""
    info = volume.volume_info
    return EditionMetadata(
        provider=NAME,
        isbn13=isbn,
        title=info.title or "",
        subtitle=info.subtitle,
        contributors=contributors(info.authors),
        publisher=info.publisher,
        published=info.published_date,
        pages=info.page_count or None,
        language=volume.language,
        description=info.description,
        subjects=info.categories,
        covers=tuple(Cover(NAME, address) for address in info.image_links),
        identifiers=volume.identifiers,
        format=volume.format,
    )


def public_domain_of(volume: Volume) -> PublicDomain:
    """The copyright status. `publicDomain` applies to the stated country; without it, only a fully open volume is free."""
    access = volume.access_info
    status = PublicDomainStatus.UNKNOWN
    if access.access_view_status == "FULL_PUBLIC_DOMAIN" or access.public_domain:
        status = PublicDomainStatus.YES
    elif access.public_domain is False:
        status = PublicDomainStatus.NO
    country = f" in {access.country}" if access.country else ""
    return PublicDomain(NAME, status, f"accessViewStatus {access.access_view_status or 'is missing'}{country}")


def covers_of(volumes: Sequence[Volume]) -> list[Cover] | NotFound:
    """The cover images of all volumes, largest first for each volume."""
    return [Cover(NAME, address) for volume in volumes for address in volume.volume_info.image_links] or NotFound()


def rating_of(volumes: Sequence[Volume]) -> Rating | NotFound:
    """The first rating that is a number from 0 to 5."""
    for info in (volume.volume_info for volume in volumes):
        if info.average_rating is not None and 0 < info.average_rating <= 5:
            return Rating(NAME, info.average_rating, info.ratings_count or 0)
    return NotFound()


def external_ids_of(volumes: Sequence[Volume]) -> ExternalIds | NotFound:
    """The identifiers of all volumes, each once."""
    found = tuple(dict.fromkeys(pair for volume in volumes for pair in volume.identifiers))
    return ExternalIds(NAME, found) if found else NotFound()


def subjects_of(volumes: Sequence[Volume]) -> Subjects | NotFound:
    """The categories of all volumes, each once."""
    found = tuple(dict.fromkeys(name for volume in volumes for name in volume.volume_info.categories))
    return Subjects(NAME, found) if found else NotFound()
