"""The Internet Archive's wire model: one item.

An item is one scanned copy, usually of one edition. A field is a string for one value and a list for several.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, PlainValidator

from alexandria_pipeline.domain.records import PartialDate
from alexandria_pipeline.providers.common.fields import (
    Isbns,
    Language,
    Texts,
    Wire,
    partial_date,
    texts,
)

if TYPE_CHECKING:
    pass


_FILLED_UP: Final = re.compile(r"(?:-01)?-01T00:00:00(?:\.0+)?Z$")


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
