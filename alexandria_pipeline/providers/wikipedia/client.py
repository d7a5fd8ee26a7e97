"""Wikipedia (English): who an author is, from the summary of the article about that person.

Names are ambiguous, and an article is found by its title: what belongs here is finding the article and making sure that
it is about a writer of that name. The article's title may be known beforehand, from the author's Wikidata item.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, PlainValidator

from alexandria_pipeline.domain.metadata import AuthorBiography
from alexandria_pipeline.domain.records import PartialDate
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.person_names import people, same_person
from alexandria_pipeline.providers.base import Answer, Capability, ProviderInfo, ProviderKind
from alexandria_pipeline.providers.common.fields import Prose, Text, Wire, partial_date, text, web_address, wire, wires
from alexandria_pipeline.providers.common.search_terms import path_segment
from alexandria_pipeline.providers.transport.types import Json, Reply, ServiceHttp, ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

NAME: Final = "wikipedia"
SEARCH_ROWS: Final = 5

_WRITERS: Final = re.compile(
    r"\b(?:(?:co-?|screen|song|play|ghost|science[- ])?writers?|authors?|novelists?|poets?|playwrights?|dramatists?"
    r"|essayists?|journalists?|columnists?|biographers?|memoirists?|historians?|storytellers?|humou?rists?|satirists?"
    r"|cartoonists?|illustrators?|mangaka|manga artist|comics artists?|lyricists?|translators?|editors?|critics?"
    r"|philosophers?|theologians?|scholars?|academics?|professors?|economists?|scientists?|diarists?|librettists?"
    r"|wrote|author of|pen name|(?:auto)?biography|novels|books)\b",
    re.IGNORECASE,
)
# What is titled like a person without being one; "film director" and "book illustrator" are people again.
_THINGS: Final = re.compile(
    r"\b(?:film|movie|album|song|novel|book|band|series|game|species|genus|village|town|ship|surname|(?:given|family) name"
    r"|bibliography|award|prize|character|list)\b(?!\s+(?:and\s+\w+\s+)?(?:director|maker|producer|critic|editor|author"
    r"|illustrator|writer|reviewer|artist|historian|scholar|designer|composer|creator))",
    re.IGNORECASE,
)
_DISAMBIGUATION: Final = re.compile(r"disambiguation|referred to by the same|may (?:also )?refer to:?", re.IGNORECASE)
_SUFFIXES: Final = frozenset({"jr", "sr", "ii", "iii", "iv"})
_LIVED: Final = re.compile(r"\((\d{4})\s*[-–—]\s*(\d{4})\)")
_BORN: Final = re.compile(r"\((?:born|b\.)\s+(\d{4})\)", re.IGNORECASE)
_SHORTEST_LIFE: Final = 15
_ITEM: Final = re.compile(r"Q[1-9][0-9]*")
# Where the summary says what the person is: further on, anybody may be mentioned.
_OPENING: Final = 400


def _source(value: object) -> str | None:
    """The address of an image object."""
    return web_address(value.get("source")) if isinstance(value, dict) else None


def _canonical(value: object) -> str | None:
    return text(value.get("canonical")) if isinstance(value, dict) else None


class Summary(Wire):
    """The answer of page/summary; older ones lack `type` and `wikibase_item`."""

    kind: Text = Field(default=None, alias="type")
    title: Text = None
    canonical: Annotated[str | None, PlainValidator(_canonical)] = Field(default=None, alias="titles")
    description: Text = None
    extract: Prose = None
    item: Text = Field(default=None, alias="wikibase_item")
    thumbnail: Annotated[str | None, PlainValidator(_source)] = None
    image: Annotated[str | None, PlainValidator(_source)] = Field(default=None, alias="originalimage")


class SearchResult(Wire):
    """One hit of a full-text search."""

    title: Text = None


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """Wikipedia's errors; the action API reports its own with HTTP 200 and an `error` object, or a list of `errors`."""
    if status == 403:
        return Unavailable(
            "Wikipedia refuses this client (HTTP 403): does ALEXANDRIA_CONTACT name one?", temporary=True
        )
    if status not in {200, 404}:
        return Failed(f"Wikipedia answered HTTP {status}", transient=status >= 500 or status in {408, 425, 429})
    if status == 404 or body is None:
        return None  # without JSON, the transport knows better why
    if not isinstance(body, dict):
        return Failed("Wikipedia answered with something that is not a JSON object")
    errors = body.get("errors", body.get("error"))
    return Failed(f"Wikipedia reports an error: {_code(errors)}") if errors is not None else None


def _code(errors: Any) -> str:
    first = errors[0] if isinstance(errors, list) and errors else errors
    code = text(first.get("code")) if isinstance(first, dict) else text(first)
    return (code or "without a code")[:100]


def empty(reply: Reply) -> bool:
    """No such article, or a search without hits."""
    return reply.status == 404 or _hits(reply.data) == []


SPEC: Final = ServiceSpec(name="wikipedia", explain=explain, empty=empty, cache_days=30, negative_cache_days=3)


def spoken_name(author: str) -> str:
    """The name as an article is titled: "King, Stephen" is "Stephen King"."""
    before, comma, after = (part.strip() for part in " ".join(author.split()).partition(","))
    turned = comma and after and "," not in after and not set(normalise(after).split()) <= _SUFFIXES
    return f"{after} {before}" if turned else " ".join(author.split())


def search_words(name: str) -> str:
    """What to search for: the name without what the search takes for syntax (intitle:, -word, "…", ~)."""
    words = (word.lstrip("-") for word in re.sub(r"[^\w.'’-]", " ", name).split())
    return " ".join([*(word for word in words if word), "writer"])


def summary_path(title: str) -> str:
    """The address of an article's summary; a title may hold slashes, question marks and any script."""
    return f"/api/rest_v1/page/summary/{path_segment(title.strip().replace(' ', '_'))}"


def parse_summary(reply: Reply) -> Summary | NotFound | Failed:
    """A summary with a title and a text; a 404 is a definite no."""
    if reply.status == 404:
        return NotFound()
    summary = wire(Summary, reply.data)
    if summary.title is None:
        return Failed("Wikipedia answered with a summary that cannot be read")
    return summary


def parse_search(data: Json) -> tuple[str, ...] | Failed:
    """The titles found, best first."""
    hits = _hits(data)
    if hits is None:
        return Failed("Wikipedia answered a search without a list of results")
    titles = tuple(hit.title for hit in wires(SearchResult, hits) if hit.title)
    return titles if titles or not hits else Failed("Wikipedia answered a search with results that cannot be read")


def _hits(data: Json) -> list[Any] | None:
    query = data.get("query") if isinstance(data, dict) else None
    hits = query.get("search") if isinstance(query, dict) else None
    return hits if isinstance(hits, list) else None


def is_about(summary: Summary, name: str | None) -> bool:
    """Whether the article is about a writer of that name; without a name, whether it is about a writer."""
    opening = (summary.extract or "")[:_OPENING]
    if summary.kind not in {None, "standard"} or not opening or _is_disambiguation(summary):
        return False
    said = f"{summary.description or ''} {opening}"
    writer, thing = _WRITERS.search(said), _THINGS.search(summary.description or opening[:200])
    if writer is None or (thing is not None and thing.start() < writer.start()):
        return False
    return name is None or names_agree(_without_aside(summary.title or ""), name) or _is_named(name, opening)


def _is_disambiguation(summary: Summary) -> bool:
    """Older answers do not say so in `type`."""
    told = (summary.title or "", summary.description or "", (summary.extract or "")[:120])
    return any(_DISAMBIGUATION.search(words) for words in told)


def names_agree(title: str, name: str) -> bool:
    """Whether an article's title and the name asked for can be one person, whom both name in full."""
    return any(
        same_person(one, other) and bool(one.given) == bool(other.given)
        for one in people(title)
        for other in people(name)
    )


def _is_named(name: str, opening: str) -> bool:
    """A pen name leads to the article under another name, which then says it: "… known by the pen name Mark Twain"."""
    asked = normalise(name)
    return " " in asked and f" {asked} " in f" {normalise(opening)} "


def _without_aside(title: str) -> str:
    return re.sub(r"\s*\([^()]*\)$", "", title)


def life_years(description: str | None) -> tuple[PartialDate | None, PartialDate | None]:
    """Birth and death, where the description tells them plainly: "American author (1947–2020)", "… (born 1947)"."""
    if match := _LIVED.search(description or ""):
        born, died = partial_date(match[1]), partial_date(match[2])
        # "First Lady (2009–2017)" tells a term of office.
        is_life = born and died and _SHORTEST_LIFE <= died.year - born.year < 120 and _WRITERS.search(description or "")
        return (born, died) if is_life else (None, None)
    match = _BORN.search(description or "")
    return (partial_date(match[1]) if match else None), None


def biography(summary: Summary) -> AuthorBiography:
    """The summary of an article as a biography."""
    born, died = life_years(summary.description)
    title = summary.title or ""
    item = summary.item if summary.item and _ITEM.fullmatch(summary.item) else None
    identifiers = (("wikipedia", summary.canonical or title.replace(" ", "_")), ("wikidata", item))
    return AuthorBiography(
        provider=NAME,
        name=_without_aside(title),
        biography=summary.extract or "",
        born=born,
        died=died,
        portrait_url=summary.image or summary.thumbnail,
        identifiers=tuple((scheme, value) for scheme, value in identifiers if value),
    )


class Wikipedia:
    """Answers from the English Wikipedia; `article` tells the title of an author's article, from Wikidata."""

    info = ProviderInfo(NAME, ProviderKind.FREE, frozenset({Capability.AUTHOR_BIOGRAPHY}), "Wikipedia")

    def __init__(self, http: ServiceHttp, article: Callable[[str], Awaitable[str | None]] | None = None) -> None:
        self._http = http
        self._article = article

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def revision(self) -> str:
        return "1"

    async def biography(self, author: str) -> Answer[AuthorBiography]:
        """The article under the known title or the name itself; else the best hit of one search for a writer so named."""
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
        likely = (title for title in titles if title not in seen and names_agree(_without_aside(title), name))
        title = next(likely, None)
        found = await self._summary(title) if title else NotFound()
        if not isinstance(found, Summary):
            return found
        return biography(found) if is_about(found, name) else NotFound()

    async def _summary(self, title: str) -> Answer[Summary]:
        reply = await self._http.get(summary_path(title))
        return parse_summary(reply) if isinstance(reply, Reply) else reply

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
        reply = await self._http.get("/w/api.php", params)
        return parse_search(reply.data) if isinstance(reply, Reply) else reply
