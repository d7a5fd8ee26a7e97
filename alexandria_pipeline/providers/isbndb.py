"""ISBNdb v2: search, single books and batches of up to 1,000 ISBNs. Paid: every attempt counts.

The wire format, and what is asked for what, belong here; quota, pace, retries and the key are the transport's business.
Facts about the service: PROVIDERS, "ISBNdb v2", and its own OpenAPI 2.7.0.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AliasChoices, Field, PlainValidator

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.metadata import Cover, EditionMetadata, EditionVariant, Rating, Subjects
from alexandria_pipeline.domain.outcomes import Failed, NotFound, Unavailable
from alexandria_pipeline.domain.records import BookQuery, Candidate, EditionFormat
from alexandria_pipeline.providers.base import Answer, Capability, ProviderInfo, ProviderKind
from alexandria_pipeline.providers.credits import contributors
from alexandria_pipeline.providers.fields import (
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
)  # fmt: skip
from alexandria_pipeline.providers.http import Json, KeyPlace, Reply, ServiceHttp, ServiceSpec
from alexandria_pipeline.providers.queries import path_segment, surname, title_words

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME: Final = "isbndb"
KEY_SETTING: Final = "ISBNDB_API_KEY"
PAGE_SIZE: Final = 20
BATCH_SIZE: Final = 1_000
# "Max length: 150 characters" (OpenAPI, GET /books/{query}).
LONGEST_QUERY: Final = 150
NEGATIVE_CACHE_DAYS: Final = 1.0  # a missing book may be added within 24 hours

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


SPEC: Final = ServiceSpec(
    name="isbndb",
    explain=explain,
    empty=is_empty,
    cache_days=30,
    negative_cache_days=NEGATIVE_CACHE_DAYS,
    key=KeyPlace(header="Authorization"),
)
# The account's own counter changes with every call: the same service, pace and ledger, but nothing is kept.
COUNTER_SPEC: Final = replace(SPEC, cache_days=0, negative_cache_days=0)


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


class IsbnDb:
    """The client. `batch_size` is the plan's: 10, 100 or 1,000 ISBNs per request. `counter` keeps no answers."""

    info = ProviderInfo(
        NAME,
        ProviderKind.PAID,
        frozenset(
            {
                Capability.ISBN_RESOLUTION, Capability.METADATA_ENRICHMENT, Capability.COVER_IMAGES, Capability.RATINGS,
                Capability.EDITION_VARIANTS, Capability.SUBJECT_ENRICHMENT,
            }
        ),
        "ISBNdb",
    )  # fmt: skip

    def __init__(self, http: ServiceHttp, batch_size: int = BATCH_SIZE, counter: ServiceHttp | None = None) -> None:
        self._http = http
        self._counter = counter or http
        self.batch_size = batch_size

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def revision(self) -> str:
        return "1"

    async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        """One call: words of the title and the surname, in every column.

        Without `shouldMatchAll`, which wants all words within the title or all within the author, and forgives no slip.
        """
        words = search_query(query)
        if not words:
            return NotFound()
        reply = await self._http.get(f"/books/{path_segment(words)}", {"page": 1, "pageSize": PAGE_SIZE})
        return parse_search(reply) if isinstance(reply, Reply) else reply

    async def metadata(self, isbn13: Isbn13) -> Answer[EditionMetadata]:
        book = await self._book(isbn13)
        return metadata_of(book, isbn13) if isinstance(book, Book) else book

    async def metadata_batch(self, isbns: Sequence[Isbn13]) -> Answer[dict[Isbn13, EditionMetadata]]:
        asked = list(dict.fromkeys(isbns))
        if not asked:
            return {}
        if len(asked) > self.batch_size:
            return Failed(f"ISBNdb takes at most {self.batch_size} ISBNs a request", transient=False)
        reply = await self._http.post("/books", {"isbns": [str(isbn) for isbn in asked]})
        return parse_batch(reply, asked) if isinstance(reply, Reply) else reply

    async def covers(self, isbn13: Isbn13) -> Answer[Sequence[Cover]]:
        book = await self._book(isbn13)
        return (covers_of(book) or NotFound()) if isinstance(book, Book) else book

    async def rating(self, isbn13: Isbn13) -> Answer[Rating]:
        """Only where a record carries one, which the vendor's specification does not promise."""
        book = await self._book(isbn13)
        if not isinstance(book, Book):
            return book
        if book.rating is None or not 0 < book.rating <= 5:
            return NotFound()
        return Rating(NAME, book.rating, book.ratings or 0)

    async def variants(self, isbn13: Isbn13) -> Answer[Sequence[EditionVariant]]:
        book = await self._book(isbn13)
        if not isinstance(book, Book):
            return book
        others = {isbn: form for isbn, form in book.other_isbns if isbn != isbn13}
        return [EditionVariant(NAME, isbn, book.main or "", form) for isbn, form in others.items()] or NotFound()

    async def subjects(self, isbn13: Isbn13) -> Answer[Subjects]:
        book = await self._book(isbn13)
        if not isinstance(book, Book):
            return book
        return Subjects(NAME, book.topics) if book.topics else NotFound()

    async def spent(self) -> Answer[int]:
        """By the account's own counter, asked anew each time; the service does not charge for it."""
        reply = await self._counter.get("/key")
        return parse_spent(reply) if isinstance(reply, Reply) else reply

    async def _book(self, isbn13: Isbn13) -> Book | NotFound | Unavailable | Failed:
        reply = await self._http.get(f"/book/{isbn13}")
        return parse_book(reply, isbn13) if isinstance(reply, Reply) else reply


def search_query(query: BookQuery) -> str:
    """Title words and surname, cut at a word to the longest query the service takes; the surname is kept."""
    author = surname(query.author)[:LONGEST_QUERY]
    room = LONGEST_QUERY - len(author) - 1
    words = title_words(query.title)
    if len(words) > room:
        words = words[: room + 1].rpartition(" ")[0] or words[:room]
    return f"{words} {author}".strip()
