"""ISBNdb's wire models: one edition, and the limits of a plan."""

from __future__ import annotations

from typing import Annotated

from pydantic import AliasChoices, Field, PlainValidator

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import EditionFormat
from alexandria_pipeline.providers.common.edition_formats import edition_format
from alexandria_pipeline.providers.common.languages import language_of_title
from alexandria_pipeline.providers.common.wire_models import (
    Address,
    Date,
    Decimal,
    Format,
    Isbns,
    Language,
    Number,
    PlainText,
    Text,
    Texts,
    WireModel,
    isbns,
    one,
)


def _other_isbns(value: object) -> tuple[tuple[Isbn13, EditionFormat], ...]:
    """ISBNs and formats: `other_isbns` is a list of {isbn, binding}, and the older `related` an object of binding: isbn."""
    pairs: list[tuple[object, object]] = []
    if isinstance(value, dict):
        pairs = [(isbn, binding) for binding, isbn in value.items()]
    elif isinstance(value, list):
        pairs = [(each.get("isbn"), each.get("binding")) for each in value if isinstance(each, dict)]
    return tuple((isbn, edition_format(binding)) for number, binding in pairs for isbn in isbns(number))


_OtherIsbns = Annotated[tuple[tuple[Isbn13, EditionFormat], ...], PlainValidator(_other_isbns)]


class Book(WireModel):
    """One edition. `isbn` is changing from ISBN-10 to ISBN-13, so all three ISBN fields accept both."""

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
    synopsis: PlainText = None
    overview: PlainText = None
    subjects: Texts = ()
    image: Address = None
    rating: Decimal = Field(None, validation_alias=AliasChoices("rating", "average_rating", "averageRating"))
    ratings: Number = Field(None, validation_alias=AliasChoices("ratings_count", "rating_count", "ratingsCount"))
    other_isbns: _OtherIsbns = Field((), validation_alias=AliasChoices("other_isbns", "related"))

    @property
    def isbns(self) -> tuple[Isbn13, ...]:
        """The edition's ISBNs, each once."""
        return tuple(dict.fromkeys((*self.isbn13, *self.isbn, *self.isbn10)))

    @property
    def any_title(self) -> str | None:
        """The title, or the long title if there is only that."""
        return self.title or self.title_long

    @property
    def effective_language(self) -> str | None:
        """The language that a title names ("(Spanish Edition)"), else the stated one, which is often only a default."""
        return language_of_title(self.any_title or "") or language_of_title(self.title_long or "") or self.language

    @property
    def effective_format(self) -> EditionFormat:
        """The binding, or the format if there is no binding."""
        return self.binding if self.binding is not EditionFormat.UNKNOWN else self.format

    @property
    def topics(self) -> tuple[str, ...]:
        """The subjects without "Subjects", a heading that ISBNdb's import left among them."""
        return tuple(subject for subject in self.subjects if subject.lower() != "subjects")


class PlanLimit(WireModel):
    """The calls of today: `spent` and `left` of `total`. `limited_by` "key": the key has a smaller limit than the plan."""

    total: Number = None
    spent: Number = None
    left: Number = None
    key_total: Number = None
    key_spent: Number = None
    key_left: Number = None
    limited_by: Text = None

    @property
    def limiting(self) -> PlanLimit:
        """The figures of what limits: those of the key, or those of the plan."""
        if self.limited_by != "key":
            return self
        return PlanLimit.model_construct(total=self.key_total, spent=self.key_spent, left=self.key_left)


class Account(WireModel):
    """The response of `GET /key`: the plan, its host, and its calls."""

    plan_name: Text = None
    api_host: Text = None
    plan_limit: Annotated[PlanLimit, one(PlanLimit)] = PlanLimit()
