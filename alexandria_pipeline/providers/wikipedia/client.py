"""The Wikipedia client: who an author is, from the summary of the article about that person.

Articles are found by title and names are ambiguous, so the client checks that an article is about a writer of that name.
Wikidata may give the title of the article.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

from alexandria_pipeline.domain.metadata import AuthorBiography
from alexandria_pipeline.domain.service_answers import Answer, Failed, NotFound, Unavailable
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.person_names import people
from alexandria_pipeline.providers.base import ArticleFinder, ProviderKit
from alexandria_pipeline.providers.common.search_terms import path_segment
from alexandria_pipeline.providers.transport.types import ServiceHttp, ServiceSpec
from alexandria_pipeline.providers.wikipedia.declaration import DECLARATION, NAME
from alexandria_pipeline.providers.wikipedia.errors import explain
from alexandria_pipeline.providers.wikipedia.models import Summary
from alexandria_pipeline.providers.wikipedia.parser import (
    biography,
    is_about,
    names_agree,
    parse_search,
    parse_summary,
    without_aside,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


SEARCH_ROWS: Final = 5

_SUFFIXES: Final = frozenset({"jr", "sr", "ii", "iii", "iv"})


SPEC: Final = ServiceSpec(name=NAME, explain=explain, cache_days=30, negative_cache_days=3)


def spoken_name(author: str) -> str:
    """The name in the order of article titles: "King, Stephen" becomes "Stephen King"."""
    before, comma, after = (part.strip() for part in " ".join(author.split()).partition(","))
    turned = comma and after and "," not in after and not set(normalise(after).split()) <= _SUFFIXES
    return f"{after} {before}" if turned else " ".join(author.split())


def search_words(name: str) -> str:
    """The search text: the name without search syntax (intitle:, -word, "…", ~)."""
    words = (word.lstrip("-") for word in re.sub(r"[^\w.'’-]", " ", name).split())
    return " ".join([*(word for word in words if word), "writer"])


def summary_path(title: str) -> str:
    """The path of an article's summary; a title may contain slashes, question marks and any script."""
    return f"/api/rest_v1/page/summary/{path_segment(title.strip().replace(' ', '_'))}"


class Wikipedia:
    """The client of the English Wikipedia. `article`: finds the title of an author's article, in Wikidata."""

    declaration = DECLARATION

    def __init__(self, http: ServiceHttp, article: Callable[[str], Awaitable[str | None]] | None = None) -> None:
        self._http = http
        self._article = article

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def revision(self) -> str:
        return "1"

    async def biography(self, author: str) -> Answer[AuthorBiography]:
        """The article under the known title or under the name, or the best hit of one search for a writer of that name."""
        name = spoken_name(author)
        if not people(name):
            return NotFound()
        known = await self._article(name) if self._article else None
        first = await self._summary(known or name)
        if isinstance(first, Summary) and is_about(first, None if known else name):
            return biography(first)
        if isinstance(first, (Unavailable, Failed)):
            return first
        return await self._searched(name, {known or name})

    async def _searched(self, name: str, seen: set[str]) -> Answer[AuthorBiography]:
        titles = await self._search(search_words(name))
        if not isinstance(titles, tuple):
            return titles
        likely = (title for title in titles if title not in seen and names_agree(without_aside(title), name))
        title = next(likely, None)
        found = await self._summary(title) if title else NotFound()
        if not isinstance(found, Summary):
            return found
        return biography(found) if is_about(found, name) else NotFound()

    async def _summary(self, title: str) -> Answer[Summary]:
        return await self._http.get(summary_path(title), parse_summary)

    async def _search(self, words: str) -> Answer[tuple[str, ...]]:
        params: dict[str, str | int] = {
            "action": "query",
            "list": "search",
            "srsearch": words,
            "srnamespace": 0,
            "srlimit": SEARCH_ROWS,
            "format": "json",
            "formatversion": 2,
        }
        return await self._http.get("/w/api.php", parse_search, params)


def build(kit: ProviderKit) -> Wikipedia:
    """The provider with its transport."""
    wikidata = cast(ArticleFinder, kit.provider("wikidata"))
    return Wikipedia(kit.service(SPEC), wikidata.article)
