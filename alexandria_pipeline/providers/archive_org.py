"""Internet Archive: scanned books by title and author or by ISBN, their records, covers and copyright status.

Here is what archive.org's search and item records mean. An item is one scanned copy, mostly of one edition; its fields
hold a string where there is one value and a list where there are several, and anybody may have written them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, PlainValidator

from alexandria_pipeline.domain.metadata import Cover, EditionMetadata, PublicDomain, PublicDomainStatus
from alexandria_pipeline.domain.outcomes import Failed, NotFound, Unavailable
from alexandria_pipeline.domain.records import BookQuery, Candidate, PartialDate
from alexandria_pipeline.domain.text import normalise
from alexandria_pipeline.domain.titles import main_title
from alexandria_pipeline.providers.base import Answer, Capability, ProviderInfo, ProviderKind
from alexandria_pipeline.providers.credits import contributors
from alexandria_pipeline.providers.fields import (
    Isbns,
    Language,
    Texts,
    Wire,
    partial_date,
    plain_text,
    texts,
    web_address,
    wire,
    wires,
)
from alexandria_pipeline.providers.http import Json, Params, Reply, ServiceHttp, ServiceSpec
from alexandria_pipeline.providers.queries import path_segment, surname

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13

NAME: Final = "internet-archive"
# Where covers are for readers; what the client itself asks is the transport's business and a setting.
PUBLIC_SITE: Final = "https://archive.org"
SEARCH_FIELDS: Final = (
    "identifier", "title", "creator", "date", "year", "isbn", "language", "publisher", "volume",
    "openlibrary_edition", "openlibrary_work", "mediatype",
)  # fmt: skip
SEARCH_ROWS: Final = 50
ISBN_ROWS: Final = 10

# United States: what was published more than 95 years ago is in the public domain (17 U.S.C. § 304).
YEARS_OF_PROTECTION: Final = 95
_FIRST_PRINTED_YEAR: Final = 1450
_LENDING: Final = frozenset({"inlibrary", "lendinglibrary", "browserlending", "printdisabled"})
_FREE_LICENSE: Final = re.compile(
    r"creativecommons\.org/(?:publicdomain/|licenses/(?:publicdomain|zero|cc0))", re.IGNORECASE
)
_OTHER_LICENSE: Final = re.compile(r"creativecommons\.org/licenses/", re.IGNORECASE)
# Refusals are looked for first: "not in the public domain" and "NOT_IN_COPYRIGHT" both hold the other's words.
_NOT_FREE: Final = re.compile(
    r"not (?:yet )?(?:in )?(?:the )?public domain|(?<!not )(?<!no longer )\b(?:in[ _]|under )copyright"
    r"|all rights reserved",
    re.IGNORECASE,
)
_FREE: Final = re.compile(
    r"public[ _-]domain|not[ _]in[ _]copyright|no known (?:u\.?s\.? )?copyright|no longer (?:in|under) copyright"
    r"|out of copyright|copyright expired",
    re.IGNORECASE,
)

_CONTROL: Final = re.compile(r"[\x00-\x20\x7f-\x9f\ud800-\udfff]+")
_LUCENE: Final = re.compile(r'[+\-=&|!(){}\[\]^"~*?:\\/]')
_OPERATORS: Final = frozenset({"AND", "OR", "NOT", "TO"})
_FILLED_UP: Final = re.compile(r"(?:-01)?-01T00:00:00(?:\.0+)?Z$")
_EXTENT: Final = re.compile(r"(?:.*\D)?(\d{1,5})\s*p(?:ages|p)?\b\.?.*\bcm\b.*", re.IGNORECASE)


def _first_date(value: object) -> PartialDate | None:
    """The first date that can be read; the search index fills "2003" up to "2003-01-01T00:00:00Z"."""
    told = (_FILLED_UP.sub("", each) for each in texts(value))
    return next((date for each in told if (date := partial_date(each)) is not None), None)


def _first_text(value: object) -> str | None:
    return next(iter(texts(value)), None)


_First = Annotated[str | None, PlainValidator(_first_text)]


class Item(Wire):
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


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """archive.org's errors: a status, or HTTP 200 with an `error` member, or a body that is no object."""
    if status in {401, 403}:
        return Unavailable(f"archive.org refuses this client (HTTP {status})", temporary=True)
    if status != 200:
        return Failed(f"archive.org answered HTTP {status}", transient=status >= 500 or status in {408, 425, 429})
    if body is None:
        return None  # the transport knows better why there is no JSON
    if not isinstance(body, dict):
        return Failed("archive.org answered with something that is not a JSON object")
    if "error" in body:
        return Failed(f"archive.org reports an error: {' '.join(texts(body['error']))[:200]}")
    return None


def empty(reply: Reply) -> bool:
    """A search without results, or the empty object that stands for an unknown item."""
    return _docs(reply.data) == [] or reply.data == {}


SPEC: Final = ServiceSpec(name="archive_org", explain=explain, empty=empty, cache_days=7, negative_cache_days=2)


def search_terms(query: BookQuery) -> str:
    """The Lucene query for a title and an author: the words of the main title, and the author's surname."""
    main = set(normalise(main_title(query.title)).split())
    words = [word for word in query.title.split() if (said := set(normalise(word).split())) and said <= main]
    clauses = [
        ("title", lucene_words(" ".join(words)) or lucene_words(query.title)),
        ("creator", lucene_words(surname(query.author))),
    ]
    return " AND ".join([*(f"{field}:({terms})" for field, terms in clauses if terms), "mediatype:texts"])


def lucene_words(text: str) -> str:
    """User text as Lucene terms: syntax escaped, operators made plain words, nothing left but words."""
    words = (
        word.strip("-=+&|!(){}[]^\"~*?:\\/.,;'‘’“”") for word in re.sub(r"[<>]", " ", _CONTROL.sub(" ", text)).split()
    )
    plain = (word.lower() if word in _OPERATORS else word for word in words if any(map(str.isalnum, word)))
    return " ".join(_LUCENE.sub(lambda special: "\\" + special[0], word) for word in plain)


def isbn_terms(isbn13: Isbn13) -> str:
    """The Lucene query for an ISBN, which items hold in either length."""
    forms = [str(isbn13), *([isbn13.isbn10] if isbn13.isbn10 else [])]
    return f"isbn:({' OR '.join(forms)}) AND mediatype:texts"


def parse_search(data: Json) -> tuple[Item, ...] | Failed:
    """The items of a search answer, in its order."""
    docs = _docs(data)
    if docs is None:
        return Failed("archive.org answered a search without a list of results")
    items = tuple(item for item in wires(Item, docs) if item.identifier and _is_text(item))
    if docs and not any(isinstance(doc, dict) and "identifier" in doc for doc in docs):
        return Failed("archive.org answered a search with results that cannot be read")
    return items


def _docs(data: Json) -> list[Any] | None:
    response = data.get("response") if isinstance(data, dict) else None
    docs = response.get("docs") if isinstance(response, dict) else None
    return docs if isinstance(docs, list) else None


def _is_text(item: Item) -> bool:
    return item.mediatype in {None, "texts"}


def candidates(items: Sequence[Item]) -> tuple[Candidate, ...]:
    """One candidate for each ISBN of each item that has a title; `rank` is the item's place."""
    found: dict[Isbn13, Candidate] = {}
    for rank, item in enumerate(items):
        for isbn13 in item.isbn if item.title else ():
            found.setdefault(isbn13, _candidate(item, isbn13, rank))
    return tuple(found.values())


def _candidate(item: Item, isbn13: Isbn13, rank: int) -> Candidate:
    return Candidate(
        provider=NAME,
        isbn13=isbn13,
        title=item.title[0],
        contributors=contributors(item.creator),
        published=item.date or item.year,
        language=item.language,
        publisher=_publisher(item),
        volume=item.volume[0] if item.volume else None,
        identifiers=_identifiers(item),
        rank=rank,
    )


def _publisher(item: Item) -> str | None:
    """The house without its town: "Albany : New York Census Bureau", "London : Heinemann ; New York : Knopf"."""
    first = item.publisher[0].split(" ; ")[0] if item.publisher else ""
    return first.rpartition(" : ")[2].strip(" ,") or None


def _identifiers(item: Item) -> tuple[tuple[str, str], ...]:
    schemes = {
        "archive_org": (item.identifier,),
        "openlibrary_edition": item.openlibrary_edition,
        "openlibrary_work": item.openlibrary_work,
        "oclc": item.oclc,
        "lccn": item.lccn,
    }
    return tuple((scheme, value.strip()) for scheme, values in schemes.items() for value in values if value)


def parse_item(data: Json, identifier: str, isbn13: Isbn13) -> Item | NotFound | Failed:
    """The record of an item, if it is the one asked for and about the ISBN asked for."""
    if data == {} or (isinstance(data, dict) and data.get("is_dark") is True):
        return NotFound()
    record = data.get("metadata") if isinstance(data, dict) else None
    if not isinstance(record, dict):
        return Failed(f"archive.org answered for item {identifier} without its metadata")
    item = wire(Item, record)
    if item.identifier != identifier:
        return Failed(f"archive.org answered for item {identifier} with another item")
    return NotFound() if item.isbn and isbn13 not in item.isbn else item


def edition_metadata(item: Item, isbn13: Isbn13) -> EditionMetadata | NotFound:
    """What the record says of the edition; nothing without a title."""
    if not item.title:
        return NotFound()
    extent = next((found for line in item.description if len(line) < 100 and (found := _EXTENT.fullmatch(line))), None)
    prose = [line for line in map(plain_text, item.description) if line and not (extent and line == extent[0])]
    return EditionMetadata(
        provider=NAME,
        isbn13=isbn13,
        title=item.title[0],
        contributors=contributors(item.creator),
        publisher=_publisher(item),
        published=item.date or item.year,
        pages=int(extent[1]) if extent else None,
        language=item.language,
        description="\n".join(prose) or None,
        subjects=texts([part for line in item.subject for part in line.split(";")]),
        identifiers=_identifiers(item),
        volume=item.volume[0] if item.volume else None,
    )


def public_domain_status(item: Item, current_year: int) -> PublicDomain:
    """What the record says in words, then how it is lent, then the date rule, for dates are often wrong."""
    said = _stated(item)
    if said is not None:
        return PublicDomain(NAME, *said)
    if lending := sorted(_LENDING.intersection(item.collection)):
        return PublicDomain(NAME, PublicDomainStatus.NO, f"lent to one reader at a time (collection {lending[0]})")
    published = item.date or item.year
    limit = current_year - YEARS_OF_PROTECTION
    if published is not None and _FIRST_PRINTED_YEAR <= published.year < limit:
        basis = f"published {published.year}, before {limit} (publication-date rule of the United States)"
        return PublicDomain(NAME, PublicDomainStatus.YES, basis)
    return PublicDomain(NAME, PublicDomainStatus.UNKNOWN, "the record does not say, and its date does not settle it")


def _stated(item: Item) -> tuple[PublicDomainStatus, str] | None:
    for address in item.license_url:
        if _FREE_LICENSE.search(address):
            return PublicDomainStatus.YES, f"licence {address}"
        if _OTHER_LICENSE.search(address):
            return PublicDomainStatus.NO, f"under a licence, so in copyright: {address}"
    for words in (*item.copyright_status, *item.rights):
        for form, status in ((_NOT_FREE, PublicDomainStatus.NO), (_FREE, PublicDomainStatus.YES)):
            if form.search(words):
                return status, f"the record says: {words[:200]}"
    return None


def parse_covers(items: Sequence[Item], isbn13: Isbn13, site: str) -> tuple[Cover, ...]:
    """The cover images of the items that carry the ISBN."""
    addresses = (f"{site}/services/img/{path_segment(item.identifier or '')}" for item in items if isbn13 in item.isbn)
    return tuple(Cover(NAME, address) for address in dict.fromkeys(addresses) if web_address(address))


class InternetArchive:
    """Answers from archive.org; `current_year` decides the publication-date rule, `site` stands in cover addresses."""

    info = ProviderInfo(
        NAME,
        ProviderKind.FREE,
        frozenset(
            {
                Capability.ISBN_RESOLUTION,
                Capability.METADATA_ENRICHMENT,
                Capability.COVER_IMAGES,
                Capability.PUBLIC_DOMAIN,
            }
        ),
        "Internet Archive",
    )

    def __init__(self, http: ServiceHttp, current_year: int, site: str = PUBLIC_SITE) -> None:
        self._http = http
        self._current_year = current_year
        self._site = site.rstrip("/")

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def revision(self) -> str:
        return "1"

    async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        items = await self._search(search_terms(query), SEARCH_ROWS)
        return items if not isinstance(items, tuple) else candidates(items) or NotFound()

    async def metadata(self, isbn13: Isbn13) -> Answer[EditionMetadata]:
        item = await self._item(isbn13)
        return edition_metadata(item, isbn13) if isinstance(item, Item) else item

    async def covers(self, isbn13: Isbn13) -> Answer[Sequence[Cover]]:
        items = await self._search(isbn_terms(isbn13), ISBN_ROWS)
        return items if not isinstance(items, tuple) else parse_covers(items, isbn13, self._site) or NotFound()

    async def public_domain(self, isbn13: Isbn13) -> Answer[PublicDomain]:
        item = await self._item(isbn13)
        return public_domain_status(item, self._current_year) if isinstance(item, Item) else item

    async def _search(self, terms: str, rows: int) -> Answer[tuple[Item, ...]]:
        params: Params = {"q": terms, "fl[]": SEARCH_FIELDS, "rows": rows, "page": 1, "output": "json"}
        reply = await self._http.get("/advancedsearch.php", params)
        return parse_search(reply.data) if isinstance(reply, Reply) else reply

    async def _item(self, isbn13: Isbn13) -> Answer[Item]:
        """The full record of the first item that carries the ISBN."""
        items = await self._search(isbn_terms(isbn13), ISBN_ROWS)
        if not isinstance(items, tuple):
            return items
        identifier = next((item.identifier for item in items if isbn13 in item.isbn), None)
        if identifier is None:
            return NotFound()
        reply = await self._http.get(f"/metadata/{path_segment(identifier)}")
        return parse_item(reply.data, identifier, isbn13) if isinstance(reply, Reply) else reply
