"""The Wikipedia client: biographies of authors, from the summaries of articles.

Articles are found by title, and names are ambiguous. So the client checks that an article is about a writer with the name.
Wikidata may know the title of the article. docs/services/wikipedia.md has the facts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

from alexandria_pipeline.domain.metadata import AuthorBiography, Identifiers
from alexandria_pipeline.domain.service_answers import Answer, Failed, NotFound, Unavailable, then, then_call
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.person_names import SUFFIXES, people
from alexandria_pipeline.providers.base import ArticleFinder, ProviderKit
from alexandria_pipeline.providers.common.gathering import Gatherer
from alexandria_pipeline.providers.common.search_terms import path_segment
from alexandria_pipeline.providers.transport.types import ServiceHttp, ServiceSpec
from alexandria_pipeline.providers.wikipedia.declaration import DECLARATION, NAME
from alexandria_pipeline.providers.wikipedia.errors import explain
from alexandria_pipeline.providers.wikipedia.models import Summary
from alexandria_pipeline.providers.wikipedia.parser import (
    biography,
    is_about,
    names_agree,
    parse_pages,
    parse_search,
    parse_summary,
    without_qualifier,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence


SEARCH_ROWS: Final = 5
MAX_TITLES: Final = 20  # of so many articles the action API gives the beginnings
_PAGES: Final[dict[str, str | int]] = {
    "action": "query",
    "prop": "extracts|description|pageprops|pageimages",
    "exintro": 1,
    "explaintext": 1,
    "exlimit": MAX_TITLES,
    "piprop": "original",
    "pilimit": MAX_TITLES,
    "ppprop": "disambiguation|wikibase_item",
    "redirects": 1,
    "format": "json",
    "formatversion": 2,
}

SPEC: Final = ServiceSpec(name=NAME, explain=explain, cache_days=30, negative_cache_days=3)


def given_name_first(author: str) -> str:
    """The name in the order of article titles: "King, Stephen" becomes "Stephen King"."""
    name = " ".join(author.split())
    before, comma, after = (part.strip() for part in name.partition(","))
    inverted = comma and after and "," not in after and not set(normalise(after).split()) <= SUFFIXES
    return f"{after} {before}" if inverted else name


def search_words(name: str) -> str:
    """The search text: "writer" and the name without search syntax (intitle:, -word, "…", ~)."""
    words = (word.lstrip("-") for word in re.sub(r"[^\w.'’-]", " ", name).split())
    return " ".join([*(word for word in words if word), "writer"])


def summary_path(title: str) -> str:
    """The path of an article's summary; a title may contain slashes, question marks and any script."""
    return f"/api/rest_v1/page/summary/{path_segment(title.strip().replace(' ', '_'))}"


class Wikipedia:
    """The client of the English Wikipedia. `article`: returns the title of an author's article, from Wikidata."""

    declaration = DECLARATION

    def __init__(self, http: ServiceHttp, article: Callable[[str], Awaitable[str | None]] | None = None) -> None:
        self._http = http
        self._article = article
        self._summaries: Gatherer[str, Answer[Summary]] = Gatherer(self._read, lambda _: MAX_TITLES)

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def revision(self) -> str:
        return "1"

    async def biography(self, author: str, identifiers: Identifiers = ()) -> Answer[AuthorBiography]:  # noqa: ARG002 - found by name
        """The biography in the article with the known title or the name, else in the best result of one search."""
        name = given_name_first(author)
        if not people(name):
            return NotFound()
        known = await self._article(name) if self._article else None
        summary = await self._summary(known or name)
        if isinstance(summary, Unavailable | Failed):
            return summary
        if isinstance(summary, Summary) and is_about(summary, None if known else name):
            return biography(summary)
        titles = await self._search(search_words(name))
        return await then_call(titles, lambda found: self._best_result(found, name, {known or name}))

    async def _best_result(self, titles: Sequence[str], name: str, seen: set[str]) -> Answer[AuthorBiography]:
        """The biography in the first article whose title agrees with the name and that was not read before."""
        likely = (title for title in titles if title not in seen and names_agree(without_qualifier(title), name))
        title = next(likely, None)
        summary = await self._summary(title) if title else NotFound()
        return then(summary, lambda found: biography(found) if is_about(found, name) else NotFound())

    async def _summary(self, title: str) -> Answer[Summary]:
        return await (self._alone(title) if "|" in title else self._summaries(title))

    async def _alone(self, title: str) -> Answer[Summary]:
        return await self._http.get(summary_path(title), parse_summary)

    async def _read(self, titles: Sequence[str]) -> Sequence[Answer[Summary]]:
        """The summaries of articles that are asked for at the same time: one call for several."""
        wanted = tuple(dict.fromkeys(titles))
        if len(wanted) == 1:
            return [await self._alone(wanted[0])] * len(titles)
        found = await self._http.get("/w/api.php", parse_pages, {**_PAGES, "titles": "|".join(wanted)})
        if isinstance(found, dict):
            return [found.get(title, NotFound()) for title in titles]
        if isinstance(found, Failed) and not found.transient:  # cut, or in another form: each is asked for alone
            return [await self._alone(title) for title in titles]
        return [found] * len(titles)

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
