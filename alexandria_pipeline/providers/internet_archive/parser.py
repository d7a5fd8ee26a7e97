"""The Internet Archive's search results and item records as domain records. Pure functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline.domain.metadata import Cover, EditionMetadata
from alexandria_pipeline.domain.records import Candidate
from alexandria_pipeline.domain.service_answers import Failed, NotFound
from alexandria_pipeline.providers.common.contributors import contributors
from alexandria_pipeline.providers.common.search_terms import path_segment
from alexandria_pipeline.providers.common.text_fields import plain_text, texts, web_address
from alexandria_pipeline.providers.common.wire_models import read_model, read_models
from alexandria_pipeline.providers.internet_archive.declaration import NAME
from alexandria_pipeline.providers.internet_archive.errors import UNREADABLE
from alexandria_pipeline.providers.internet_archive.models import ArchiveItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.providers.transport.types import Json, JsonResponse

# A physical description in MARC style: "xii, 397 p. ; 24 cm".
_EXTENT: Final = re.compile(r"(?=.*\bcm\b)(?:.*\D)?(\d{1,5})\s*p(?:ages|p)?\b.*", re.IGNORECASE)
MAX_EXTENT_LENGTH: Final = 100


def parse_search(response: JsonResponse) -> tuple[ArchiveItem, ...] | NotFound | Failed:
    """The text items of a search result, in its order. A count without items is no answer."""
    docs = _docs(response.data)
    if docs == []:
        return UNREADABLE if response.data["response"].get("numFound") else NotFound()
    if docs is None or not any(isinstance(doc, dict) and "identifier" in doc for doc in docs):
        return UNREADABLE
    items = read_models(ArchiveItem, docs)
    return tuple(item for item in items if item.identifier and item.mediatype in {None, "texts"}) or NotFound()


def _docs(data: Json) -> list[Any] | None:
    response = data.get("response") if isinstance(data, dict) else None
    docs = response.get("docs") if isinstance(response, dict) else None
    return docs if isinstance(docs, list) else None


def candidates(items: Sequence[ArchiveItem]) -> tuple[Candidate, ...]:
    """One candidate for each ISBN of each item that has a title. `rank` is the position of the item."""
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
    """The publisher without its place: "Albany : New York Census Bureau", "London : Heinemann ; New York : Knopf"."""
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
    """The record of this item, if it does not have only other ISBNs. An unknown item is {}."""
    data = response.data
    if data == {} or (isinstance(data, dict) and data.get("is_dark") is True):
        return NotFound()
    record = data.get("metadata") if isinstance(data, dict) else None
    if not isinstance(record, dict):
        return UNREADABLE
    item = read_model(ArchiveItem, record)
    if item.identifier != identifier:
        return Failed(f"the Internet Archive returned another item instead of {identifier}")
    return NotFound() if item.isbn and isbn13 not in item.isbn else item


def edition_metadata(item: ArchiveItem, isbn13: Isbn13) -> EditionMetadata | NotFound:
    """The metadata of an item that has a title, under one of its ISBNs."""
    if not item.title:
        return NotFound()
    short = (line for line in item.description if len(line) < MAX_EXTENT_LENGTH)
    extent = next((match for line in short if (match := _EXTENT.fullmatch(line))), None)
    description = [line for line in map(plain_text, item.description) if line and not (extent and line == extent[0])]
    return EditionMetadata(
        provider=NAME,
        isbn13=isbn13,
        title=item.title[0],
        contributors=contributors(item.creator),
        publisher=_publisher(item),
        published=item.date or item.year,
        pages=int(extent[1]) if extent else None,
        language=item.language,
        description="\n".join(description) or None,
        subjects=texts([part for line in item.subject for part in line.split(";")]),
        identifiers=_identifiers(item),
        volume=item.volume[0] if item.volume else None,
    )


def parse_covers(items: Sequence[ArchiveItem], isbn13: Isbn13, site: str) -> tuple[Cover, ...]:
    """The cover images of the items that have this ISBN."""
    addresses = (f"{site}/services/img/{path_segment(item.identifier or '')}" for item in items if isbn13 in item.isbn)
    return tuple(Cover(NAME, address) for address in dict.fromkeys(addresses) if web_address(address))
