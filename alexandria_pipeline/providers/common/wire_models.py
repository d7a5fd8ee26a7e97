"""Wire models: the base class and the field types of the models that read services' JSON.

A wire model accepts any JSON value and never raises. A member that is missing or cannot be read becomes None or empty. What
one service means by a member belongs in that service's `models.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, PlainValidator

from alexandria_pipeline.domain.isbn import Isbn13, is_placeholder
from alexandria_pipeline.domain.records import EditionFormat, PartialDate
from alexandria_pipeline.providers.common.dates import partial_date
from alexandria_pipeline.providers.common.edition_formats import edition_format
from alexandria_pipeline.providers.common.languages import language
from alexandria_pipeline.providers.common.text_fields import (
    decimal_number,
    plain_text,
    text,
    texts,
    web_address,
    whole_number,
)

MAX_RECORDS: Final = 1_000
"""The most that is read of a list of objects. The longest page that is asked for has 300 (editions of Open Library)."""
MAX_ISBNS: Final = 5_000
"""The most that is read of a list of ISBNs. Open Library lists about 4,500 for "Pride and Prejudice"."""


class WireModel(BaseModel):
    """Base of wire models. Unknown members are ignored; every field reads any value."""

    model_config = ConfigDict(extra="ignore", frozen=True, arbitrary_types_allowed=True)


M = TypeVar("M", bound=WireModel)


def read_model(model: type[M], value: Any) -> M:
    """The model of a JSON object; an empty model for any other value."""
    return model.model_validate(value if isinstance(value, dict) else {})


def read_models(model: type[M], value: Any, most: int = MAX_RECORDS) -> tuple[M, ...]:
    """The models of the objects among the first `most` entries of a JSON list; other entries are left out."""
    entries = value[:most] if isinstance(value, list) else []
    return tuple(model.model_validate(entry) for entry in entries if isinstance(entry, dict))


def one(model: type[M]) -> PlainValidator:
    """The validator of a field that holds one object."""
    return PlainValidator(lambda value: read_model(model, value))


def many(model: type[M], most: int = MAX_RECORDS) -> PlainValidator:
    """The validator of a field that holds a list of objects, of which the first `most` are read."""
    return PlainValidator(lambda value: read_models(model, value, most))


def isbns(value: object) -> tuple[Isbn13, ...]:
    """The ISBNs of a value or of a list, as ISBN-13, each once. Placeholders and wrong check digits are left out."""
    values = value[:MAX_ISBNS] if isinstance(value, (list, tuple)) else [value]
    found = (Isbn13.find(each) for each in values)
    return tuple(dict.fromkeys(isbn for isbn in found if isbn is not None and not is_placeholder(isbn)))


Text = Annotated[str | None, PlainValidator(text)]
Texts = Annotated[tuple[str, ...], PlainValidator(texts)]
PlainText = Annotated[str | None, PlainValidator(plain_text)]
Number = Annotated[int | None, PlainValidator(whole_number)]
Decimal = Annotated[float | None, PlainValidator(decimal_number)]
Date = Annotated[PartialDate | None, PlainValidator(partial_date)]
Language = Annotated[str | None, PlainValidator(language)]
Format = Annotated[EditionFormat, PlainValidator(edition_format)]
Isbns = Annotated[tuple[Isbn13, ...], PlainValidator(isbns)]
Address = Annotated[str | None, PlainValidator(web_address)]
