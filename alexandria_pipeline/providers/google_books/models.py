"""Google Books' wire models: volumes. They read any shape without raising."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import ConfigDict, PlainValidator
from pydantic.alias_generators import to_camel

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import EditionFormat
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
)
from alexandria_pipeline.providers.transport.types import Json

_COVERS: Final = ("extraLarge", "large", "medium", "small", "thumbnail", "smallThumbnail")
# Identifiers of type OTHER are "OCLC:2345", "UOM:39015…"; only those that lead to a catalogue are kept.
_OTHER_SCHEMES: Final = {"oclc": "oclc", "lccn": "lccn"}


def objects(value: Json) -> list[dict[str, Json]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _typed_identifiers(value: object) -> tuple[tuple[str, str], ...]:
    """(type, identifier) pairs of `industryIdentifiers`."""
    pairs = [(text(each.get("type")), text(each.get("identifier"))) for each in objects(value)]
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
