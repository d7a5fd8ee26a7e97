"""The Internet Archive's errors, search results and item records, as models and pure parse functions.

An item is one scanned copy, mostly of one edition; its fields hold a string where there is one value and a list where
there are several, and anybody may have written them. Whether one may be copied is read in `archive_org_rights`; the
client is in `archive_org`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, PlainValidator

from alexandria_pipeline.domain.metadata import Cover, EditionMetadata
from alexandria_pipeline.domain.records import Candidate, PartialDate
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers.common.contributors import contributors
from alexandria_pipeline.providers.common.fields import (
    Isbns,
    Language,
    Texts,
    Wire,
    partial_date,
    plain_text,
    texts,
    web_address,
    wire,
    wires,
)
from alexandria_pipeline.providers.common.search_terms import path_segment
from alexandria_pipeline.providers.transport.types import Json, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13

NAME: Final = "internet-archive"

_FILLED_UP: Final = re.compile(r"(?:-01)?-01T00:00:00(?:\.0+)?Z$")
_EXTENT: Final = re.compile(r"(?:.*\D)?(\d{1,5})\s*p(?:ages|p)?\b\.?.*\bcm\b.*", re.IGNORECASE)


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """archive.org's errors: a status, or HTTP 200 with an `error` member, or a body that is no object."""
    if status in {401, 403}:
        return Unavailable(f"archive.org refuses this client (HTTP {status})", temporary=True)
    if status != 200:
        return Failed(f"archive.org answered HTTP {status}", transient=status >= 500 or status in {408, 425, 429})
    if body is None:
        return None  # the transport knows better why there is no JSON
    if not isinstance(body, dict):
        return Failed("archive.org answered with something that is not a JSON object")
    if "error" in body:
        return Failed(f"archive.org reports an error: {' '.join(texts(body['error']))[:200]}")
    return None


def empty(reply: Reply) -> bool:
    """A search without results, or the empty object that stands for an unknown item."""
    return _docs(reply.data) == [] or reply.data == {}


def _first_date(value: object) -> PartialDate | None:
    """The first date that can be read; the search index fills "2003" up to "2003-01-01T00:00:00Z"."""
    told = (_FILLED_UP.sub("", each) for each in texts(value))
    return next((date for each in told if (date := partial_date(each)) is not None), None)


def _first_text(value: object) -> str | None:
    return next(iter(texts(value)), None)


_First = Annotated[str | None, PlainValidator(_first_text)]


class ArchiveItem(Wire):
    """A search result or the `metadata` of an item record: the same fields under the same names."""

    identifier: _First = None
    title: Texts = ()
    creator: Texts = ()
    date: Annotated[PartialDate | None, PlainValidator(_first_date)] = None
    year: Annotated[PartialDate | None, PlainValidator(_first_date)] = None
    isbn: Isbns = ()
    language: Language = None
    publisher: Texts = ()
    volume: Texts = ()
    description: Texts = ()
    subject: Texts = ()
    collection: Texts = ()
    mediatype: _First = None
    rights: Texts = ()
    license_url: Texts = Field(default=(), alias="licenseurl")
    copyright_status: Texts = Field(default=(), alias="possible-copyright-status")
    oclc: Texts = Field(default=(), alias="oclc-id")
    lccn: Texts = ()
    openlibrary_edition: Texts = ()
    openlibrary_work: Texts = ()


def parse_search(data: Json) -> tuple[ArchiveItem, ...] | Failed:
    """The items of a search answer, in its order."""
    docs = _docs(data)
    if docs is None:
        return Failed("archive.org answered a search without a list of results")
    items = tuple(item for item in wires(ArchiveItem, docs) if item.identifier and _is_text(item))
    if docs and not any(isinstance(doc, dict) and "identifier" in doc for doc in docs):
        return Failed("archive.org answered a search with results that cannot be read")
    return items


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


def parse_item(data: Json, identifier: str, isbn13: Isbn13) -> ArchiveItem | NotFound | Failed:
    """The record of an item, if it is the one asked for and about the ISBN asked for."""
    if data == {} or (isinstance(data, dict) and data.get("is_dark") is True):
        return NotFound()
    record = data.get("metadata") if isinstance(data, dict) else None
    if not isinstance(record, dict):
        return Failed(f"archive.org answered for item {identifier} without its metadata")
    item = wire(ArchiveItem, record)
    if item.identifier != identifier:
        return Failed(f"archive.org answered for item {identifier} with another item")
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
