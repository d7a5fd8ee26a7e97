"""Google Books' errors and volumes, as models and pure parse functions; the client is in `google_books`.

Facts about the service: PROVIDERS, "Google Books".
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import ConfigDict, PlainValidator
from pydantic.alias_generators import to_camel

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.metadata import Cover, EditionMetadata, PublicDomain, PublicDomainStatus
from alexandria_pipeline.domain.records import Candidate, EditionFormat
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers.common.contributors import contributors
from alexandria_pipeline.providers.common.fields import (
    Date,
    Decimal,
    Language,
    Number,
    Prose,
    Text,
    Texts,
    Wire,
    isbns,
    language_of_title,
    text,
    web_address,
    wire,
    wires,
)
from alexandria_pipeline.providers.transport.types import Json, Reply

NAME: Final = "google-books"
KEY_SETTING: Final = "GOOGLE_BOOKS_API_KEY"

_BAD_KEY: Final = re.compile(
    r"keyinvalid|api_key_|keyexpired|api key (?:not valid|expired|not found)|accessnotconfigured|service_disabled"
    r"|iprefererblocked|unregistered callers|consumer_invalid", re.IGNORECASE
)  # fmt: skip
_DAILY: Final = re.compile(r"dailylimit|per ?day|1/d/|quotaexceeded", re.IGNORECASE)
_RATE: Final = re.compile(r"ratelimit|rate_limit|resource_exhausted|quota", re.IGNORECASE)
_COVERS: Final = ("extraLarge", "large", "medium", "small", "thumbnail", "smallThumbnail")
# Identifiers of type OTHER are "OCLC:2345", "UOM:39015…"; only those that lead to a catalogue are kept.
_OTHER_SCHEMES: Final = {"oclc": "oclc", "lccn": "lccn"}


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """Google's errors by their reasons: a status says little, for quota comes as 429, 403 or 400."""
    if status == 200 and not (isinstance(body, dict) and "error" in body):
        return None
    said = _said(body)
    if status == 401 or _BAD_KEY.search(said):
        return Failed(
            f"Google Books does not accept the key, or it lacks the Books API: check {KEY_SETTING}", transient=False
        )
    if status in {200, 400, 403, 429} and _DAILY.search(said):
        return Unavailable("Google Books' daily quota is used up", temporary=True)
    if status == 429 or (status in {200, 400, 403} and _RATE.search(said)):
        return Failed(f"Google Books asks to slow down ({status})")
    return Failed(f"Google Books answered {status}", transient=status in {200, 408, 425} or status >= 500)


def is_empty(reply: Reply) -> bool:
    """A definite no is a count of nothing: the `items` key is then missing altogether."""
    return isinstance(reply.data, dict) and not reply.data.get("items") and _is_zero(reply.data.get("totalItems"))


def _said(body: Json) -> str:
    """All that an error body says: message, status, and the reasons and limits of its details."""
    error = body.get("error") if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return error if isinstance(error, str) else ""
    said: list[Any] = [error.get("message"), error.get("status")]
    for each in (*_objects(error.get("errors")), *_objects(error.get("details"))):
        said.append(each.get("reason"))
        for limits in _objects([each.get("metadata")]):
            said += [limits.get("quota_limit"), limits.get("quota_unit")]
    return " ".join(each for each in said if isinstance(each, str))


def _objects(value: Json) -> list[dict[str, Json]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _is_zero(value: Json) -> bool:
    return value == 0 and isinstance(value, int) and not isinstance(value, bool)


def _typed_identifiers(value: object) -> tuple[tuple[str, str], ...]:
    """(type, identifier) pairs of `industryIdentifiers`."""
    pairs = [(text(each.get("type")), text(each.get("identifier"))) for each in _objects(value)]
    return tuple((kind.upper(), identifier) for kind, identifier in pairs if kind and identifier)


def _images(value: object) -> tuple[str, ...]:
    """Cover addresses, largest first, without the page curl that is drawn into them on request."""
    links = value if isinstance(value, dict) else {}
    found = (web_address(links.get(size)) for size in _COVERS)
    return tuple(dict.fromkeys(address.replace("&edge=curl", "") for address in found if address))


_Identifiers = Annotated[tuple[tuple[str, str], ...], PlainValidator(_typed_identifiers)]
_Images = Annotated[tuple[str, ...], PlainValidator(_images)]
_Flag = Annotated[bool | None, PlainValidator(lambda value: value if isinstance(value, bool) else None)]


class _GoogleWire(Wire):
    model_config = ConfigDict(alias_generator=to_camel)


class VolumeInfo(_GoogleWire):
    """What the volume says of its book."""

    title: Text = None
    subtitle: Text = None
    authors: Texts = ()
    publisher: Text = None
    published_date: Date = None
    description: Prose = None
    industry_identifiers: _Identifiers = ()
    page_count: Number = None
    print_type: Text = None
    categories: Texts = ()
    average_rating: Decimal = None
    ratings_count: Number = None
    image_links: _Images = ()
    language: Language = None

    @property
    def isbns(self) -> tuple[Isbn13, ...]:
        """ISBNs in whatever order and type; an ISSN or a library's own number is none."""
        return isbns([identifier for kind, identifier in self.industry_identifiers if kind.startswith("ISBN")])


class AccessInfo(_GoogleWire):
    """Who may read the volume, seen from one country."""

    country: Text = None
    access_view_status: Text = None
    public_domain: _Flag = None


class SaleInfo(_GoogleWire):
    """Whether Google sells the volume as an e-book."""

    is_ebook: _Flag = None


class Volume(_GoogleWire):
    """One hit."""

    id: Text = None
    volume_info: Annotated[VolumeInfo, PlainValidator(lambda value: wire(VolumeInfo, value))] = VolumeInfo()
    access_info: Annotated[AccessInfo, PlainValidator(lambda value: wire(AccessInfo, value))] = AccessInfo()
    sale_info: Annotated[SaleInfo, PlainValidator(lambda value: wire(SaleInfo, value))] = SaleInfo()

    @property
    def format(self) -> EditionFormat:
        return EditionFormat.EBOOK if self.sale_info.is_ebook else EditionFormat.UNKNOWN

    @property
    def language(self) -> str | None:
        return language_of_title(self.volume_info.title or "") or self.volume_info.language

    @property
    def identifiers(self) -> tuple[tuple[str, str], ...]:
        own = [("google_books", self.id)] if self.id else []
        for _, value in self.volume_info.industry_identifiers:
            scheme, colon, number = value.partition(":")
            if colon and scheme.lower() in _OTHER_SCHEMES and number:
                own.append((_OTHER_SCHEMES[scheme.lower()], number.strip()))
        return tuple(own)


def parse_volumes(reply: Reply) -> tuple[Volume, ...] | NotFound | Failed:
    """The hits that can be read. No hits is a definite no only where the count says so."""
    if is_empty(reply):
        return NotFound()
    volumes = wires(Volume, reply.data.get("items")) if isinstance(reply.data, dict) else ()
    readable = tuple(volume for volume in volumes if volume.volume_info.title)
    return readable or Failed("Google Books' answer has an unexpected shape")


def parse_search(reply: Reply) -> list[Candidate] | NotFound | Failed:
    """Every volume with an ISBN, in the service's order."""
    volumes = parse_volumes(reply)
    if not isinstance(volumes, tuple):
        return volumes
    found: dict[Isbn13, Candidate] = {}
    for rank, volume in enumerate(volumes):
        if (volume.volume_info.print_type or "").upper() != "MAGAZINE":
            for isbn in volume.volume_info.isbns:
                found.setdefault(isbn, _candidate(volume, isbn, rank))
    return list(found.values()) or NotFound()


def parse_edition(reply: Reply, isbn: Isbn13) -> tuple[Volume, ...] | NotFound | Failed:
    """The volumes that carry the ISBN asked for: `isbn:` is a search, and may answer with other books."""
    volumes = parse_volumes(reply)
    if not isinstance(volumes, tuple):
        return volumes
    return tuple(volume for volume in volumes if isbn in volume.volume_info.isbns) or NotFound()


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
    """`publicDomain` is Google's word for the country it names; without it only a fully open volume says something."""
    access = volume.access_info
    status = PublicDomainStatus.UNKNOWN
    if access.access_view_status == "FULL_PUBLIC_DOMAIN" or access.public_domain:
        status = PublicDomainStatus.YES
    elif access.public_domain is False:
        status = PublicDomainStatus.NO
    where = f" in {access.country}" if access.country else ""
    return PublicDomain(NAME, status, f"accessViewStatus {access.access_view_status or 'not told'}{where}")
