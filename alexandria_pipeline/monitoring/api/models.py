"""The response models of the read API. The OpenAPI document is made of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from alexandria_pipeline.monitoring.models import Count, MonthKey, Percent, Status

Isbn = Annotated[str, Field(pattern="^97[89][0-9]{10}$", examples=["9780525536291"])]
Confidence = Annotated[int, Field(ge=0, le=100)]
Cursor = Annotated[str | None, Field(description="Value of `cursor` for the next page; null on the last page.")]


class _Item(BaseModel):
    """A part of a response."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Contributor(_Item):
    """A person or body, and what they did."""

    name: str
    role: str | None = Field(None, description="author, translator, illustrator, …; null: author.")


class Subject(_Item):
    """A subject and the sources that state it."""

    name: str
    sources: list[str] = []


class Cover(_Item):
    """The address of a picture of the cover; the picture itself is not stored."""

    url: str
    width: int | None = None
    height: int | None = None
    source: str | None = None
    licence: str | None = Field(None, description="null: the source states none.")


class Rating(_Item):
    """The ratings of one source, 0 to 5."""

    source: str
    average: float
    count: Count


class _Described(_Item):
    """What works and editions have in common."""

    description: str | None = Field(description="Plain text.")
    subjects: list[Subject]
    series: str | None
    series_position: str | None = Field(description="Position in the series, as written.")
    cover: Cover | None
    identifiers: dict[str, Any] = Field(description="Identifiers in other catalogues, by scheme.")
    completeness: Confidence = Field(description="Share of the fields that have a value, 0 to 100.")
    quality: Confidence = Field(description="How good the sources of the fields are, 0 to 100.")
    updated_at: datetime


class Edition(_Described):
    """One edition, which has exactly one ISBN-13."""

    isbn13: Isbn
    work_key: str = Field(description="Key of its work.")
    title: str
    subtitle: str | None
    authors: list[Contributor]
    publisher: str | None
    published: str | None = Field(description="YYYY, YYYY-MM or YYYY-MM-DD.")
    language: str | None = Field(description="ISO 639-1 code.")
    format: str = Field(description="hardcover, paperback, ebook, audiobook, other or unknown.")
    pages: int | None
    contributors: list[Contributor] = Field(description="Translators, illustrators, narrators, editors.")
    source: str = Field(description="Service that the facts come from first.")


class Work(_Described):
    """A work with its editions. A synthetic work has no ISBN yet."""

    key: str = Field(description="Stable key of the work.")
    title: str
    author: str
    isbn13: Isbn | None
    confidence: Confidence | None = Field(description="Confidence of the ISBN.")
    resolved_by: str | None = Field(description="Service or person that the ISBN comes from.")
    synthetic: bool
    months: list[MonthKey] = Field(description="Months that list the work.")
    first_published: int | None = Field(description="Year in which the work was first published.")
    ratings: list[Rating] = Field(description="The source with the most ratings first.")
    awards: list[dict[str, Any]]
    other_keys: list[str] = Field(description="Retired keys, which lead to this work.")
    editions: list[Edition]


class Author(_Item):
    """An author."""

    key: str = Field(description="Stable key of the author.")
    name: str
    born: str | None = Field(description="YYYY, YYYY-MM or YYYY-MM-DD.")
    died: str | None = Field(description="YYYY, YYYY-MM or YYYY-MM-DD.")
    biography: str | None = Field(description="Plain text.")
    biography_source: str | None
    biography_licence: str | None = Field(description="Licence of the biography; null: its source states none.")
    portrait_url: str | None
    undifferentiated: bool = Field(description="Known by name only: other authors may be the same person.")
    identifiers: dict[str, Any] = Field(description="Identifiers in other catalogues, by scheme.")
    updated_at: datetime


class MonthOfBooks(_Item):
    """A month of the backfill."""

    month: MonthKey
    status: Status
    books: Count
    resolved: Count
    resolution_rate: Percent
    updated_at: datetime


class ListedBook(_Item):
    """A book of a month: its ISBN, or the reason why it has none."""

    title: str
    author: str
    outcome: Literal["pending", "resolved", "not_found", "deferred"]
    isbn13: Isbn | None
    resolved_by: str | None
    confidence: Confidence | None
    reason: str
    work_key: str | None


class MonthDetails(MonthOfBooks):
    """A month with its books."""

    listed: list[ListedBook]


class _Page(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WorkPage(_Page):
    """A page of works."""

    items: list[Work]
    next: Cursor


class EditionPage(_Page):
    """A page of editions, by ISBN."""

    items: list[Edition]
    next: Cursor


class AuthorPage(_Page):
    """A page of authors, by key."""

    items: list[Author]
    next: Cursor


class MonthPage(_Page):
    """A page of months, oldest first."""

    items: list[MonthOfBooks]
    next: Cursor


class Change(_Item):
    """A work, edition or author that changed or was removed."""

    kind: Literal["work", "edition", "author"]
    key: str = Field(description="Key of the work or author, or ISBN-13 of the edition.")
    action: Literal["changed", "removed"]
    changed_at: datetime


class ChangePage(_Page):
    """A page of changes in the order in which they became visible."""

    items: list[Change]
    next: str = Field(description="Value of `cursor` for the changes after these; never null.")
    more: bool = Field(description="Whether there are more changes now.")
