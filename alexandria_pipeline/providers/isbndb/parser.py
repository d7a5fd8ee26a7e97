"""ISBNdb's errors and books, as models and pure parse functions; the client is in `isbndb`.

Facts about the service: PROVIDERS, "ISBNdb v2", and its own OpenAPI 2.7.0.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AliasChoices, Field, PlainValidator

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.metadata import Cover, EditionMetadata
from alexandria_pipeline.domain.records import Candidate, EditionFormat
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers.common.contributors import contributors
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
    subtitle_of,
    wire,
    wires,
)
from alexandria_pipeline.providers.transport.types import Json, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME: Final = "isbndb"
KEY_SETTING: Final = "ISBNDB_API_KEY"

_MESSAGE_FIELDS: Final = ("errorMessage", "error_message", "message", "error")
_DAILY: Final = re.compile(r"\bdaily\b|\bper day\b|\bquota\b", re.IGNORECASE)
_NOT_FOUND: Final = re.compile(r"not\s*found|no (?:books?|results?|matches)", re.IGNORECASE)


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """ISBNdb's errors. Only a message that speaks of the day closes the service: "Per minute…" passes in a minute."""
    if status in {200, 404}:
        return None
    if status == 401:
        return Failed(f"ISBNdb does not accept the key: check {KEY_SETTING}", transient=False)
    if status == 429:
        if _DAILY.search(_message(body)):
            return Unavailable("ISBNdb's daily quota is used up", temporary=True)
        return Failed("ISBNdb asks to slow down (429)")
    if status == 403:
        return Failed("ISBNdb refuses this key or address (403), which is not a matter of quota", transient=False)
    return Failed(f"ISBNdb answered {status}", transient=status in {408, 425} or status >= 500)


def is_empty(reply: Reply) -> bool:
    """A definite no: the vendor's own 404, or a search without hits."""
    if reply.status == 404:
        return _NOT_FOUND.search(_message(reply.data)) is not None
    return isinstance(reply.data, dict) and _listed(reply.data) == [] and not reply.data.get("total")


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


class _PlanLimit(Wire):
    """Calls of the plan; `spent` is what the account has used of `total` today."""

    total: Number = None
    spent: Number = None
    left: Number = None


def parse_spent(reply: Reply) -> int | NotFound | Failed:
    """The account's calls of today (GET /key); older answers may leave out `spent`, which the two others give."""
    if reply.status == 404:
        return NotFound()
    plan = wire(_PlanLimit, reply.data.get("plan_limit") if isinstance(reply.data, dict) else None)
    if plan.spent is not None:
        return plan.spent
    return max(0, plan.total - plan.left) if plan.total is not None and plan.left is not None else _unreadable()


def parse_search(reply: Reply) -> list[Candidate] | NotFound | Failed:
    """Every edition of the page with an ISBN, in the service's order."""
    if (end := _without_books(reply)) is not None:
        return end
    books = wires(Book, _listed(reply.data))
    if not any(book.main or book.isbns for book in books):
        return _unreadable()
    found: dict[Isbn13, Candidate] = {}
    for rank, book in enumerate(books):
        isbn = next(iter(book.isbns), None)
        if isbn is not None and isbn not in found and book.main:
            found[isbn] = _candidate(book, isbn, rank)
    return list(found.values()) or NotFound()


def parse_book(reply: Reply, isbn: Isbn13) -> Book | NotFound | Failed:
    """The asked edition; a record of another ISBN is not an answer."""
    if reply.status == 404:
        return NotFound() if is_empty(reply) else _unreadable()
    told = reply.data.get("book") if isinstance(reply.data, dict) else None
    book = wire(Book, told)
    if not isinstance(told, dict) or not book.isbns or not book.main:
        return _unreadable()
    return book if isbn in book.isbns else Failed("ISBNdb answered about another ISBN", transient=False)


def parse_batch(reply: Reply, asked: Sequence[Isbn13]) -> dict[Isbn13, EditionMetadata] | Failed:
    """The asked editions among those of a batch answer; the others are unknown to the service."""
    end = _without_books(reply)
    if end is not None:
        return {} if isinstance(end, NotFound) else end
    books = wires(Book, _listed(reply.data))
    if not any(book.isbns for book in books):
        return _unreadable()
    wanted = set(asked)
    return {isbn: metadata_of(book, isbn) for book in books if book.main for isbn in book.isbns if isbn in wanted}


def metadata_of(book: Book, isbn: Isbn13) -> EditionMetadata:
    title = book.main or ""
    return EditionMetadata(
        provider=NAME,
        isbn13=isbn,
        title=title,
        subtitle=subtitle_of(title, book.title_long),
        contributors=contributors(book.authors, halves=True),
        publisher=book.publisher,
        published=book.published,
        pages=book.pages or None,
        language=book.told_language,
        description=book.synopsis or book.overview,
        subjects=book.topics,
        covers=covers_of(book),
        format=book.told_format,
    )


def covers_of(book: Book) -> tuple[Cover, ...]:
    """`image` stays; `image_original` is not read because its address expires after two hours."""
    return (Cover(NAME, book.image),) if book.image else ()


def _candidate(book: Book, isbn: Isbn13, rank: int) -> Candidate:
    title = book.main or ""
    return Candidate(
        provider=NAME,
        isbn13=isbn,
        title=title,
        subtitle=subtitle_of(title, book.title_long),
        contributors=contributors(book.authors, halves=True),
        published=book.published,
        language=book.told_language,
        publisher=book.publisher,
        format=book.told_format,
        pages=book.pages or None,
        subjects=book.topics,
        rank=rank,
    )


def _without_books(reply: Reply) -> NotFound | Failed | None:
    """How an answer with a list ends that has none: a definite no, or nothing that can be read."""
    if is_empty(reply):
        return NotFound()
    return None if reply.status != 404 and isinstance(reply.data, dict) and _listed(reply.data) else _unreadable()


def _listed(data: dict[str, Json]) -> list[Json] | None:
    """GET /books answers with `books`, POST /books with `data`; the vendor's specification says `data` for both."""
    lists = [data[name] for name in ("books", "data") if isinstance(data.get(name), list)]
    return next((listed for listed in lists if listed), lists[0] if lists else None)


def _message(body: Json) -> str:
    told = [body.get(name) for name in _MESSAGE_FIELDS] if isinstance(body, dict) else [body]
    return " ".join(each for each in told if isinstance(each, str))


def _unreadable() -> Failed:
    return Failed("ISBNdb's answer has an unexpected shape")
