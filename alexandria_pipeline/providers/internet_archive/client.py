"""The Internet Archive client: scanned books by title and author or by ISBN, their records, covers and copyright status.

This module writes the Lucene queries. `parser.py` reads search results and items, and `rights.py` decides whether an item is
in the public domain. docs/services/internet_archive.md has the facts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.service_answers import Answer, Failed, NotFound, Unavailable, then, then_call
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.titles import main_title
from alexandria_pipeline.providers.base import Capability, ProviderKit
from alexandria_pipeline.providers.common.fetched import Fetched
from alexandria_pipeline.providers.common.search_terms import path_segment, surname
from alexandria_pipeline.providers.internet_archive.declaration import DECLARATION, NAME
from alexandria_pipeline.providers.internet_archive.errors import explain
from alexandria_pipeline.providers.internet_archive.models import ArchiveItem
from alexandria_pipeline.providers.internet_archive.parser import (
    candidates,
    edition_metadata,
    parse_covers,
    parse_item,
    parse_search,
)
from alexandria_pipeline.providers.internet_archive.rights import public_domain_status
from alexandria_pipeline.providers.transport.types import Params, ServiceHttp, ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.domain.metadata import Cover, EditionMetadata, PublicDomain
    from alexandria_pipeline.domain.records import BookQuery, Candidate

# The site in the addresses of covers. The base URL of requests is a setting.
PUBLIC_SITE: Final = "https://archive.org"
SEARCH_FIELDS: Final = tuple(
    "identifier title creator date year isbn language publisher volume openlibrary_edition openlibrary_work mediatype".split()
)
SEARCH_ROWS: Final = 50
ISBN_ROWS: Final = 10
PREFETCH_SIZE: Final = 25
PREFETCH_ROWS: Final = 500
"""A result with so many items may be cut, and is not used."""

_CONTROL: Final = re.compile(r"[\x00-\x20\x7f-\x9f\ud800-\udfff]+")
_SYNTAX: Final = re.compile(r'[+\-=&|!(){}\[\]^"~*?:\\/]')
_PUNCTUATION: Final = "-=+&|!(){}[]^\"~*?:\\/.,;'‘’“”"
_OPERATORS: Final = frozenset({"AND", "OR", "NOT", "TO"})

SPEC: Final = ServiceSpec(name=NAME, explain=explain, cache_days=7, negative_cache_days=2)


def search_terms(query: BookQuery) -> str:
    """The Lucene query for a title and an author: the words of the main title and the author's surname."""
    main = set(normalise(main_title(query.title)).split())
    words = [word for word in query.title.split() if (folded := set(normalise(word).split())) and folded <= main]
    clauses = [
        ("title", lucene_words(" ".join(words)) or lucene_words(query.title)),
        ("creator", lucene_words(surname(query.author))),
    ]
    return " AND ".join([*(f"{field}:({terms})" for field, terms in clauses if terms), "mediatype:texts"])


def lucene_words(text: str) -> str:
    """Text as Lucene terms: syntax characters are escaped, and operators become ordinary words."""
    words = (word.strip(_PUNCTUATION) for word in re.sub(r"[<>]", " ", _CONTROL.sub(" ", text)).split())
    plain = (word.lower() if word in _OPERATORS else word for word in words if any(map(str.isalnum, word)))
    return " ".join(_SYNTAX.sub(lambda special: "\\" + special[0], word) for word in plain)


def isbn_terms(*isbns: Isbn13) -> str:
    """The Lucene query for ISBNs in both forms, because items have ISBN-13s and ISBN-10s."""
    forms = [form for isbn in isbns for form in (str(isbn), isbn.isbn10) if form]
    return f"isbn:({' OR '.join(forms)}) AND mediatype:texts"


class InternetArchive:
    """The client. `current_year`: for the publication-date rule. `site`: the site in the addresses of covers."""

    declaration = DECLARATION
    prefetch_size = PREFETCH_SIZE

    def __init__(self, http: ServiceHttp, current_year: int, site: str = PUBLIC_SITE) -> None:
        self._http = http
        self._fetched: Fetched[Isbn13, tuple[ArchiveItem, ...] | NotFound] = Fetched()
        self._current_year = current_year
        self._site = site.rstrip("/")

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def revision(self) -> str:
        return "1"

    async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        return then(await self._search(search_terms(query), SEARCH_ROWS), lambda items: candidates(items) or NotFound())

    async def prefetch(self, capability: Capability, isbns: Sequence[Isbn13]) -> None:  # noqa: ARG002 - all begin with the search
        """Searches for the items with any of these ISBNs in one call."""
        wanted = sorted(isbn for isbn in dict.fromkeys(isbns) if isbn not in self._fetched)
        if len(wanted) < 2:
            return
        items = await self._search(isbn_terms(*wanted), PREFETCH_ROWS)
        if isinstance(items, Unavailable | Failed) or (isinstance(items, tuple) and len(items) >= PREFETCH_ROWS):
            return
        for isbn in wanted:
            about = () if isinstance(items, NotFound) else tuple(item for item in items if isbn in item.isbn)
            self._fetched.add(isbn, about[:ISBN_ROWS] or NotFound())

    async def metadata(self, isbn13: Isbn13) -> Answer[EditionMetadata]:
        return then(await self._item(isbn13), lambda item: edition_metadata(item, isbn13))

    async def covers(self, isbn13: Isbn13) -> Answer[Sequence[Cover]]:
        items = await self._with_isbn(isbn13)
        return then(items, lambda found: parse_covers(found, isbn13, self._site) or NotFound())

    async def public_domain(self, isbn13: Isbn13) -> Answer[PublicDomain]:
        return then(await self._item(isbn13), lambda item: public_domain_status(item, self._current_year))

    async def _search(self, terms: str, rows: int) -> Answer[tuple[ArchiveItem, ...]]:
        params: Params = {"q": terms, "fl[]": SEARCH_FIELDS, "rows": rows, "page": 1, "output": "json"}
        return await self._http.get("/advancedsearch.php", parse_search, params)

    async def _with_isbn(self, isbn13: Isbn13) -> Answer[tuple[ArchiveItem, ...]]:
        fetched = self._fetched.get(isbn13)
        return await self._search(isbn_terms(isbn13), ISBN_ROWS) if fetched is None else fetched

    async def _item(self, isbn13: Isbn13) -> Answer[ArchiveItem]:
        """The full record of the first item with the ISBN; two calls, or one if the search was made for many."""
        items = await self._with_isbn(isbn13)
        return await then_call(items, lambda found: self._record(found, isbn13))

    async def _record(self, items: Sequence[ArchiveItem], isbn13: Isbn13) -> Answer[ArchiveItem]:
        identifier = next((item.identifier for item in items if isbn13 in item.isbn), None)
        if identifier is None:
            return NotFound()
        path = f"/metadata/{path_segment(identifier)}"
        return await self._http.get(path, lambda response: parse_item(response, identifier, isbn13))


def build(kit: ProviderKit) -> InternetArchive:
    """The provider with its transport."""
    return InternetArchive(kit.service(SPEC), kit.today.year)
