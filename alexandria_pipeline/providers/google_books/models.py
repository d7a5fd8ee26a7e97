"""Google Books' wire models: volumes."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import ConfigDict, PlainValidator
from pydantic.alias_generators import to_camel

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import EditionFormat
from alexandria_pipeline.providers.common.languages import language_of_title
from alexandria_pipeline.providers.common.text_fields import text, web_address
from alexandria_pipeline.providers.common.wire_models import (
    Date,
    Decimal,
    Language,
    Number,
    PlainText,
    Text,
    Texts,
    WireModel,
    isbns,
    one,
)
from alexandria_pipeline.providers.transport.types import Json

_COVER_SIZES: Final = ("extraLarge", "large", "medium", "small", "thumbnail", "smallThumbnail")
# Identifiers of the type OTHER are "OCLC:2345" or "UOM:39015…". Only those of public catalogues are used.
_OTHER_SCHEMES: Final = {"oclc": "oclc", "lccn": "lccn"}


def objects(value: Json) -> list[dict[str, Json]]:
    """The objects of a JSON list; none for other values."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _typed_identifiers(value: object) -> tuple[tuple[str, str], ...]:
    """The (type, identifier) pairs of `industryIdentifiers`."""
    pairs = [(text(each.get("type")), text(each.get("identifier"))) for each in objects(value)]
    return tuple((kind.upper(), identifier) for kind, identifier in pairs if kind and identifier)


def _images(value: object) -> tuple[str, ...]:
    """Addresses of cover images, largest first. "edge=curl" would draw a page curl into the image, so it is removed."""
    links = value if isinstance(value, dict) else {}
    found = (web_address(links.get(size)) for size in _COVER_SIZES)
    return tuple(dict.fromkeys(address.replace("&edge=curl", "") for address in found if address))


_Identifiers = Annotated[tuple[tuple[str, str], ...], PlainValidator(_typed_identifiers)]
_Images = Annotated[tuple[str, ...], PlainValidator(_images)]
_Flag = Annotated[bool | None, PlainValidator(lambda value: value if isinstance(value, bool) else None)]


class _GoogleModel(WireModel):
    model_config = ConfigDict(alias_generator=to_camel)


class VolumeInfo(_GoogleModel):
    """The bibliographic data of a volume."""

    title: Text = None
    subtitle: Text = None
    authors: Texts = ()
    publisher: Text = None
    published_date: Date = None
    description: PlainText = None
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
        """The ISBNs of the volume. Their order varies, and identifiers of other types (ISSN) are left out."""
        return isbns([identifier for kind, identifier in self.industry_identifiers if kind.startswith("ISBN")])


class AccessInfo(_GoogleModel):
    """What readers in one country may see of the volume."""

    country: Text = None
    access_view_status: Text = None
    public_domain: _Flag = None


class SaleInfo(_GoogleModel):
    """Whether Google sells the volume as an e-book."""

    is_ebook: _Flag = None


class Volume(_GoogleModel):
    """One search result."""

    id: Text = None
    volume_info: Annotated[VolumeInfo, one(VolumeInfo)] = VolumeInfo()
    access_info: Annotated[AccessInfo, one(AccessInfo)] = AccessInfo()
    sale_info: Annotated[SaleInfo, one(SaleInfo)] = SaleInfo()

    @property
    def format(self) -> EditionFormat:
        """E-book if Google sells it as one, else unknown."""
        return EditionFormat.EBOOK if self.sale_info.is_ebook else EditionFormat.UNKNOWN

    @property
    def language(self) -> str | None:
        """The language that the title names, else the stated one."""
        return language_of_title(self.volume_info.title or "") or self.volume_info.language

    @property
    def identifiers(self) -> tuple[tuple[str, str], ...]:
        """(scheme, value) pairs: Google's own number, OCLC and LCCN."""
        pairs = [("google_books", self.id)] if self.id else []
        for _, value in self.volume_info.industry_identifiers:
            scheme, colon, number = value.partition(":")
            if colon and scheme.lower() in _OTHER_SCHEMES and number:
                pairs.append((_OTHER_SCHEMES[scheme.lower()], number.strip()))
        return tuple(pairs)
