"""The Internet Archive's search results and item records as domain records. Pure functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline.domain.metadata import Cover, EditionMetadata
from alexandria_pipeline.domain.records import Candidate
from alexandria_pipeline.domain.service_answers import Failed, NotFound
from alexandria_pipeline.providers.common.contributors import contributors
from alexandria_pipeline.providers.common.fields import (
    plain_text,
    texts,
    web_address,
    wire,
    wires,
)
from alexandria_pipeline.providers.common.search_terms import path_segment
from alexandria_pipeline.providers.internet_archive.declaration import NAME
from alexandria_pipeline.providers.internet_archive.models import ArchiveItem
from alexandria_pipeline.providers.transport.types import Json, JsonResponse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13


_EXTENT: Final = re.compile(r"(?:.*\D)?(\d{1,5})\s*p(?:ages|p)?\b\.?.*\bcm\b.*", re.IGNORECASE)


def parse_search(response: JsonResponse) -> tuple[ArchiveItem, ...] | NotFound | Failed:
    """The items of a search result, in its order; NotFound for a search without results."""
    docs = _docs(response.data)
    if docs is None:
        return Failed("archive.org returned a search result without a list")
    if not docs:
        return NotFound()
    items = tuple(item for item in wires(ArchiveItem, docs) if item.identifier and _is_text(item))
    if not any(isinstance(doc, dict) and "identifier" in doc for doc in docs):
        return Failed("archive.org returned search results that cannot be read")
    return items or NotFound()


def _docs(data: Json) -> list[Any] | None:
    response = data.get("response") if isinstance(data, dict) else None
    docs = response.get("docs") if isinstance(response, dict) else None
    return docs if isinstance(docs, list) else None


def _is_text(item: ArchiveItem) -> bool:
    return item.mediatype in {None, "texts"}


def candidates(items: Sequence[ArchiveItem]) -> tuple[Candidate, ...]:
    """One candidate for each ISBN of each item that has a title; `rank` is the item's place."""
    found: dict[Isbn13, Candidate] = {}
    for rank, item in enumerate(items):
        for isbn13 in item.isbn if item.title else ():
            found.setdefault(isbn13, _candidate(item, isbn13, rank))
    return tuple(found.values())


def _candidate(item: ArchiveItem, isbn13: Isbn13, rank: int) -> Candidate:
    return Candidate(
        provider=NAME,
        isbn13=isbn13,
        title=item.title[0],
        contributors=contributors(item.creator),
        published=item.date or item.year,
        language=item.language,
        publisher=_publisher(item),
        volume=item.volume[0] if item.volume else None,
        identifiers=_identifiers(item),
        rank=rank,
    )


def _publisher(item: ArchiveItem) -> str | None:
    """The house without its town: "Albany : New York Census Bureau", "London : Heinemann ; New York : Knopf"."""
    first = item.publisher[0].split(" ; ")[0] if item.publisher else ""
    return first.rpartition(" : ")[2].strip(" ,") or None


def _identifiers(item: ArchiveItem) -> tuple[tuple[str, str], ...]:
    schemes = {
        "archive_org": (item.identifier,),
        "openlibrary_edition": item.openlibrary_edition,
        "openlibrary_work": item.openlibrary_work,
        "oclc": item.oclc,
        "lccn": item.lccn,
    }
    return tuple((scheme, value.strip()) for scheme, values in schemes.items() for value in values if value)


def parse_item(response: JsonResponse, identifier: str, isbn13: Isbn13) -> ArchiveItem | NotFound | Failed:
    """The record of an item, if it is the requested item and has the requested ISBN; {} is an unknown item."""
    data = response.data
    if data == {} or (isinstance(data, dict) and data.get("is_dark") is True):
        return NotFound()
    record = data.get("metadata") if isinstance(data, dict) else None
    if not isinstance(record, dict):
        return Failed(f"archive.org returned item {identifier} without its metadata")
    item = wire(ArchiveItem, record)
    if item.identifier != identifier:
        return Failed(f"archive.org returned another item instead of {identifier}")
    return NotFound() if item.isbn and isbn13 not in item.isbn else item


def edition_metadata(item: ArchiveItem, isbn13: Isbn13) -> EditionMetadata | NotFound:
    """What the record says of the edition; nothing without a title."""
    if not item.title:
        return NotFound()
    extent = next((found for line in item.description if len(line) < 100 and (found := _EXTENT.fullmatch(line))), None)
    prose = [line for line in map(plain_text, item.description) if line and not (extent and line == extent[0])]
    return EditionMetadata(
        provider=NAME,
        isbn13=isbn13,
        title=item.title[0],
        contributors=contributors(item.creator),
        publisher=_publisher(item),
        published=item.date or item.year,
        pages=int(extent[1]) if extent else None,
        language=item.language,
        description="\n".join(prose) or None,
        subjects=texts([part for line in item.subject for part in line.split(";")]),
        identifiers=_identifiers(item),
        volume=item.volume[0] if item.volume else None,
    )


def parse_covers(items: Sequence[ArchiveItem], isbn13: Isbn13, site: str) -> tuple[Cover, ...]:
    """The cover images of the items that carry the ISBN."""
    addresses = (f"{site}/services/img/{path_segment(item.identifier or '')}" for item in items if isbn13 in item.isbn)
    return tuple(Cover(NAME, address) for address in dict.fromkeys(addresses) if web_address(address))
