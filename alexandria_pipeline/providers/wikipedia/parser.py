"""Wikipedia's summaries as biographies, and whether an article is about the author. Pure functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline.domain.metadata import AuthorBiography
from alexandria_pipeline.domain.records import PartialDate
from alexandria_pipeline.domain.service_answers import Failed, NotFound
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.person_names import people, same_person
from alexandria_pipeline.providers.common.fields import partial_date, wire, wires
from alexandria_pipeline.providers.transport.types import Json, JsonResponse
from alexandria_pipeline.providers.wikipedia.declaration import NAME
from alexandria_pipeline.providers.wikipedia.models import SearchResult, Summary

if TYPE_CHECKING:
    pass


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
_LIVED: Final = re.compile(r"\((\d{4})\s*[-–—]\s*(\d{4})\)")
_BORN: Final = re.compile(r"\((?:born|b\.)\s+(\d{4})\)", re.IGNORECASE)
_SHORTEST_LIFE: Final = 15
_ITEM: Final = re.compile(r"Q[1-9][0-9]*")
# Where the summary says what the person is: further on, anybody may be mentioned.
_OPENING: Final = 400


def parse_summary(reply: JsonResponse) -> Summary | NotFound | Failed:
    """A summary with a title and a text; a 404 is a definite no."""
    if reply.status == 404:
        return NotFound()
    summary = wire(Summary, reply.data)
    if summary.title is None:
        return Failed("Wikipedia answered with a summary that cannot be read")
    return summary


def parse_search(response: JsonResponse) -> tuple[str, ...] | NotFound | Failed:
    """The titles found, best first; NotFound for a search without hits."""
    hits = _hits(response.data)
    if hits == [] or response.status == 404:
        return NotFound()
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
    return name is None or names_agree(without_aside(summary.title or ""), name) or _is_named(name, opening)


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


def without_aside(title: str) -> str:
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
        name=without_aside(title),
        biography=summary.extract or "",
        born=born,
        died=died,
        portrait_url=summary.image or summary.thumbnail,
        identifiers=tuple((scheme, value) for scheme, value in identifiers if value),
    )
