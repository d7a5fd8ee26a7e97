"""ISBNdb's wire models: one edition, and the limits of a plan. They read any shape without raising."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AliasChoices, Field, PlainValidator

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import EditionFormat
from alexandria_pipeline.providers.common.fields import (
    Address,
    Date,
    Decimal,
    Format,
    Isbns,
    Language,
    Number,
    Prose,
    Text,
    Texts,
    Wire,
    edition_format,
    isbns,
    language_of_title,
)

if TYPE_CHECKING:
    pass


def _other_isbns(value: object) -> tuple[tuple[Isbn13, EditionFormat], ...]:
    """`other_isbns` is a list of {isbn, binding}; the older `related` an object of binding: isbn."""
    pairs: list[tuple[object, object]] = []
    if isinstance(value, dict):
        pairs = [(isbn, binding) for binding, isbn in value.items()]
    elif isinstance(value, list):
        pairs = [(each.get("isbn"), each.get("binding")) for each in value if isinstance(each, dict)]
    return tuple((isbn, edition_format(binding)) for value_, binding in pairs for isbn in isbns(value_))


_OtherIsbns = Annotated[tuple[tuple[Isbn13, EditionFormat], ...], PlainValidator(_other_isbns)]


class Book(Wire):
    """One edition. `isbn` was the ISBN-10 and is becoming the ISBN-13, so all three fields are read by their digits."""

    title: Text = None
    title_long: Text = None
    isbn13: Isbns = ()
    isbn: Isbns = ()
    isbn10: Isbns = ()
    authors: Texts = ()
    publisher: Text = None
    published: Date = Field(None, validation_alias=AliasChoices("date_published", "publish_date"))
    binding: Format = EditionFormat.UNKNOWN
    format: Format = EditionFormat.UNKNOWN
    language: Language = None
    pages: Number = None
    synopsis: Prose = None
    overview: Prose = None
    subjects: Texts = ()
    image: Address = None
    rating: Decimal = Field(None, validation_alias=AliasChoices("rating", "average_rating", "averageRating"))
    ratings: Number = Field(None, validation_alias=AliasChoices("ratings_count", "rating_count", "ratingsCount"))
    other_isbns: _OtherIsbns = Field((), validation_alias=AliasChoices("other_isbns", "related"))

    @property
    def isbns(self) -> tuple[Isbn13, ...]:
        return tuple(dict.fromkeys((*self.isbn13, *self.isbn, *self.isbn10)))

    @property
    def main(self) -> str | None:
        return self.title or self.title_long

    @property
    def told_language(self) -> str | None:
        """ "(Spanish Edition)" in the title is nearer the truth than a language that is often filled in by rote."""
        return language_of_title(self.main or "") or language_of_title(self.title_long or "") or self.language

    @property
    def told_format(self) -> EditionFormat:
        return self.binding if self.binding is not EditionFormat.UNKNOWN else self.format

    @property
    def topics(self) -> tuple[str, ...]:
        """Subjects without the heading that ISBNdb's own import left among them."""
        return tuple(subject for subject in self.subjects if subject.lower() != "subjects")


class PlanLimit(Wire):
    """Calls of the plan; `spent` is what the account has used of `total` today."""

    total: Number = None
    spent: Number = None
    left: Number = None
