"""The Internet Archive's wire model: one item.

An item is one scanned copy, usually of one edition. A member is a string if it has one value and a list if it has several.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import Field, PlainValidator

from alexandria_pipeline.domain.records import PartialDate
from alexandria_pipeline.providers.common.dates import partial_date
from alexandria_pipeline.providers.common.text_fields import texts
from alexandria_pipeline.providers.common.wire_models import Isbns, Language, Texts, WireModel

# The search index stores "2003" as "2003-01-01T00:00:00Z".
_ADDED_BY_INDEX: Final = re.compile(r"(?:-01)?-01T00:00:00(?:\.0+)?Z$")


def _first_date(value: object) -> PartialDate | None:
    """The first date that can be read, without the month, day and time that the search index adds."""
    written = (_ADDED_BY_INDEX.sub("", each) for each in texts(value))
    return next((date for each in written if (date := partial_date(each)) is not None), None)


def _first_text(value: object) -> str | None:
    return next(iter(texts(value)), None)


_FirstText = Annotated[str | None, PlainValidator(_first_text)]
_FirstDate = Annotated[PartialDate | None, PlainValidator(_first_date)]


class ArchiveItem(WireModel):
    """A search result, or the `metadata` of an item record. Both have the same members."""

    identifier: _FirstText = None
    title: Texts = ()
    creator: Texts = ()
    date: _FirstDate = None
    year: _FirstDate = None
    isbn: Isbns = ()
    language: Language = None
    publisher: Texts = ()
    volume: Texts = ()
    description: Texts = ()
    subject: Texts = ()
    collection: Texts = ()
    mediatype: _FirstText = None
    rights: Texts = ()
    license_url: Texts = Field(default=(), alias="licenseurl")
    copyright_status: Texts = Field(default=(), alias="possible-copyright-status")
    oclc: Texts = Field(default=(), alias="oclc-id")
    lccn: Texts = ()
    openlibrary_edition: Texts = ()
    openlibrary_work: Texts = ()
