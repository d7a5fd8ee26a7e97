"""Open Library's search for a book: which words are asked, and which editions of the works found are offered.

Works are what the search finds, and editions what is wanted; how to get from one to the other with few calls is what
this file is about. Whether an edition is the asked book is the matcher's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.records import BookQuery, Candidate
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.domain.text.title_comparison import TitleAgreement, compare_titles
from alexandria_pipeline.domain.text.titles import dissect, main_title
from alexandria_pipeline.providers.common.search_terms import surname, title_words
from alexandria_pipeline.providers.open_library.parser import (
    candidates_of_editions,
    candidates_of_isbn_list,
    candidates_of_search,
    parse_works,
)
from alexandria_pipeline.providers.transport.types import ServiceHttp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.domain.service_answers import Answer
    from alexandria_pipeline.providers.open_library.models import FoundWork
    from alexandria_pipeline.providers.open_library.records import NoRecord, Records

SEARCH_FIELDS: Final = (
    "key,title,subtitle,author_name,author_key,author_alternative_name,first_publish_year,isbn,language,edition_count,"
    "cover_i,editions,editions.key,editions.title,editions.subtitle,editions.isbn,editions.language,"
    "editions.publish_date,editions.publisher,editions.format,editions.number_of_pages"
)
MAX_WORKS: Final = 20
MAX_WORKS_OF_AUTHOR: Final = 100


class Search:
    """The search for works, with the records that tell their editions."""

    def __init__(self, http: ServiceHttp, records: Records) -> None:
        self._http = http
        self._records = records

    async def editions(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        """The editions that the search shows; a second call where it shows none of the best work in the asked language.

        Where title and author together find nothing, one of them may be misspelt: then the author's works that are
        called something like it, or else works by that title; three calls at most.
        """
        title, author = title_words(query.title), surname(query.author)
        if not title:
            return NotFound()
        works = await self._search(query, title=title, author=author)
        if isinstance(works, NotFound) and author:
            works = await self._search_otherwise(query, title, author)
            return _all_offered(works, query) if isinstance(works, tuple) else works
        if not isinstance(works, tuple):
            return works
        closer = _to_look_closer(works, query)
        found: dict[Isbn13, Candidate] = {}
        for rank, work in enumerate(works):
            offered = await self._closer(work, query, rank) if work is closer else _offered(work, query, rank)
            for candidate in offered:
                found.setdefault(candidate.isbn13, candidate)
        return list(found.values()) or NotFound()

    async def _search(
        self, query: BookQuery, *, title: str = "", author: str = "", limit: int = MAX_WORKS
    ) -> tuple[FoundWork, ...] | NoRecord:
        words = {name: text for name, text in (("title", title), ("author", author)) if text}
        params: dict[str, str | int] = {**words, "fields": SEARCH_FIELDS, "limit": limit, "lang": query.language}
        return await self._http.get("/search.json", parse_works, params)

    async def _search_otherwise(self, query: BookQuery, title: str, author: str) -> tuple[FoundWork, ...] | NoRecord:
        """Works found by the author alone or by the title alone, if any is called something like the book."""
        for words, limit in (({"author": author}, MAX_WORKS_OF_AUTHOR), ({"title": title}, MAX_WORKS)):
            works = await self._search(query, **words, limit=limit)
            if isinstance(works, (Unavailable, Failed)):
                return works
            alike = tuple(work for work in works if _is_alike(work, query)) if isinstance(works, tuple) else ()
            if alike:
                return alike
        return NotFound()

    async def _closer(self, work: FoundWork, query: BookQuery, rank: int) -> list[Candidate]:
        """A work's editions one by one; the work's own list where they cannot be had."""
        editions = await self._records.editions(work.key or "")
        if not isinstance(editions, tuple):
            return _offered(work, query, rank)
        return [*candidates_of_search(work, rank), *candidates_of_editions(work, editions, rank)]


def _is_alike(work: FoundWork, query: BookQuery) -> bool:
    """Whether a work is worth the matcher's look: its title is not another one."""
    return compare_titles(dissect(work.title or ""), dissect(query.title)) is not TitleAgreement.DIFFERENT


def _all_offered(works: Sequence[FoundWork], query: BookQuery) -> Answer[Sequence[Candidate]]:
    found: dict[Isbn13, Candidate] = {}
    for rank, work in enumerate(works):
        for candidate in _offered(work, query, rank):
            found.setdefault(candidate.isbn13, candidate)
    return list(found.values()) or NotFound()


def _offered(work: FoundWork, query: BookQuery, rank: int) -> list[Candidate]:
    """A work's editions as the search shows them, or else its mixed list of ISBNs."""
    return candidates_of_search(work, rank) or candidates_of_isbn_list(work, query, rank)


def _to_look_closer(works: Sequence[FoundWork], query: BookQuery) -> FoundWork | None:
    """The work by the asked title, or else the first, if the search shows no edition of it in the asked language."""
    wanted = main_title(query.title)
    best = next((work for work in works if main_title(work.title or "") == wanted), works[0])
    shown = any(edition.isbn and edition.language == query.language for edition in best.editions)
    return None if shown or not best.key or not (best.isbn or best.edition_count) else best
