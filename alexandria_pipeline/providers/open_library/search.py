"""Open Library's search for a book: the search terms, and the editions of the works that are found.

The search finds works, but a query needs editions. This module gets from one to the other with at most three calls, and one
more for the ISBNs of a query. Whether an edition is the wanted book is decided in `domain.matching`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.records import BookQuery, Candidate
from alexandria_pipeline.domain.service_answers import Answer, Failed, NotFound, Unavailable, then, then_call
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
    from collections.abc import Iterable, Sequence

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.providers.open_library.models import SearchWork
    from alexandria_pipeline.providers.open_library.records import Records

SEARCH_FIELDS: Final = (
    "key,title,subtitle,author_name,author_key,author_alternative_name,first_publish_year,isbn,language,edition_count,"
    "cover_i,editions,editions.key,editions.title,editions.subtitle,editions.isbn,editions.language,"
    "editions.publish_date,editions.publisher,editions.format,editions.number_of_pages"
)
MAX_WORKS: Final = 20
# The maintainers ask for about 25 ISBNs in one search (docs/services/open_library.md).
MAX_ISBNS: Final = 25
MAX_WORKS_OF_AUTHOR: Final = 100


class Search:
    """The search for works. `records` fetches the editions of a work."""

    def __init__(self, http: ServiceHttp, records: Records) -> None:
        self._http = http
        self._records = records

    async def editions(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        """The editions of the works that match title and author. ISBNs of the query are searched for first: one call.

        Title and author together may find nothing because one of them is misspelt. Then two more searches follow: for the
        author's works with a similar title, and for works with this title.
        """
        title, author = title_words(query.title), surname(query.author)
        if not title:
            return NotFound()
        claimed = await self._search_isbns(query) if query.isbns else ()
        if isinstance(claimed, Unavailable | Failed):
            return claimed
        if claimed:
            return await self._candidates(claimed, query)
        works = await self._search(query, title=title, author=author)
        if isinstance(works, NotFound) and author:
            works = await self._search_separately(query, title, author)
            return then(works, lambda found: _unique(_candidates(found, query)))
        return await then_call(works, lambda found: self._candidates(found, query))

    async def _search(
        self, query: BookQuery, *, title: str = "", author: str = "", limit: int = MAX_WORKS
    ) -> Answer[tuple[SearchWork, ...]]:
        words = {name: text for name, text in (("title", title), ("author", author)) if text}
        params: dict[str, str | int] = {**words, "fields": SEARCH_FIELDS, "limit": limit, "lang": query.language}
        return await self._http.get("/search.json", parse_works, params)

    async def _search_isbns(self, query: BookQuery) -> tuple[SearchWork, ...] | Unavailable | Failed:
        """The works with a similar title that have one of the query's ISBNs; () if there are none."""
        isbns = " OR ".join(query.isbns[:MAX_ISBNS])
        words = f"isbn:({isbns})" if " " in isbns else f"isbn:{isbns}"
        params: dict[str, str | int] = {"q": words, "fields": SEARCH_FIELDS, "limit": MAX_WORKS, "lang": query.language}
        works = await self._http.get("/search.json", parse_works, params)
        if isinstance(works, NotFound):
            return ()
        return tuple(work for work in works if _is_similar(work, query)) if isinstance(works, tuple) else works

    async def _search_separately(self, query: BookQuery, title: str, author: str) -> Answer[tuple[SearchWork, ...]]:
        """The works with a similar title that are found by the author alone, else by the title alone."""
        for words, limit in (({"author": author}, MAX_WORKS_OF_AUTHOR), ({"title": title}, MAX_WORKS)):
            works = await self._search(query, **words, limit=limit)
            if isinstance(works, Unavailable | Failed):
                return works
            similar = tuple(work for work in works if _is_similar(work, query)) if isinstance(works, tuple) else ()
            if similar:
                return similar
        return NotFound()

    async def _candidates(self, works: tuple[SearchWork, ...], query: BookQuery) -> Answer[Sequence[Candidate]]:
        """The candidates of all works. One work's editions are fetched if the search does not show the wanted one."""
        incomplete = _incomplete_work(works, query)
        found: list[Candidate] = []
        for rank, work in enumerate(works):
            found += await self._all_editions(work, query, rank) if work is incomplete else _shown(work, query, rank)
        return _unique(found)

    async def _all_editions(self, work: SearchWork, query: BookQuery, rank: int) -> list[Candidate]:
        """The candidates from a work's editions; if these cannot be fetched, those that the search shows."""
        editions = await self._records.editions(work.key or "")
        if not isinstance(editions, tuple):
            return _shown(work, query, rank)
        return [*candidates_of_search(work, rank), *candidates_of_editions(work, editions, rank)]


def _is_similar(work: SearchWork, query: BookQuery) -> bool:
    return compare_titles(dissect(work.title or ""), dissect(query.title)) is not TitleAgreement.DIFFERENT


def _candidates(works: Sequence[SearchWork], query: BookQuery) -> list[Candidate]:
    return [candidate for rank, work in enumerate(works) for candidate in _shown(work, query, rank)]


def _unique(candidates: Iterable[Candidate]) -> list[Candidate] | NotFound:
    """The candidates, each ISBN once."""
    found: dict[Isbn13, Candidate] = {}
    for candidate in candidates:
        found.setdefault(candidate.isbn13, candidate)
    return list(found.values()) or NotFound()


def _shown(work: SearchWork, query: BookQuery, rank: int) -> list[Candidate]:
    """The editions of a work that the search result shows, else the ISBNs in the work's list."""
    return candidates_of_search(work, rank) or candidates_of_isbn_list(work, query, rank)


def _incomplete_work(works: Sequence[SearchWork], query: BookQuery) -> SearchWork | None:
    """The work with the query's main title, or the first work, if no edition in the query's language is shown for it."""
    wanted = main_title(query.title)
    best = next((work for work in works if main_title(work.title or "") == wanted), works[0])
    shown = any(edition.isbn and edition.language == query.language for edition in best.editions)
    return None if shown or not best.key or not (best.isbn or best.edition_count) else best
