"""Wikipedia's summaries as biographies, and whether an article is about the author. Pure functions.

docs/services/wikipedia.md has the facts.
"""

from __future__ import annotations

import re
from typing import Any, Final

from alexandria_pipeline.domain.metadata import AuthorBiography
from alexandria_pipeline.domain.records import PartialDate
from alexandria_pipeline.domain.service_answers import Failed, NotFound
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.person_names import people, same_person
from alexandria_pipeline.providers.common.dates import partial_date
from alexandria_pipeline.providers.common.wire_models import read_model, read_models
from alexandria_pipeline.providers.transport.types import Json, JsonResponse
from alexandria_pipeline.providers.wikipedia.declaration import NAME
from alexandria_pipeline.providers.wikipedia.errors import UNREADABLE
from alexandria_pipeline.providers.wikipedia.models import Page, Renamed, SearchResult, Summary

_WRITERS: Final = re.compile(
    r"\b(?:(?:co-?|screen|song|play|ghost|science[- ])?writers?|authors?|novelists?|poets?|playwrights?|dramatists?"
    r"|essayists?|journalists?|columnists?|biographers?|memoirists?|historians?|storytellers?|humou?rists?|satirists?"
    r"|cartoonists?|illustrators?|mangaka|manga artist|comics artists?|lyricists?|translators?|editors?|critics?"
    r"|philosophers?|theologians?|scholars?|academics?|professors?|economists?|scientists?|diarists?|librettists?"
    r"|wrote|author of|pen name|(?:auto)?biography|novels|books)\b",
    re.IGNORECASE,
)
# Articles that are not about a person. "film director" and "book illustrator" are people, so they do not match.
_THINGS: Final = re.compile(
    r"\b(?:film|movie|album|song|novel|book|band|series|game|species|genus|village|town|ship|surname|(?:given|family) name"
    r"|bibliography|award|prize|character|list)\b(?!\s+(?:and\s+\w+\s+)?(?:director|maker|producer|critic|editor|author"
    r"|illustrator|writer|reviewer|artist|historian|scholar|designer|composer|creator))",
    re.IGNORECASE,
)
_DISAMBIGUATION: Final = re.compile(r"disambiguation|referred to by the same|may (?:also )?refer to:?", re.IGNORECASE)
_LIVED: Final = re.compile(r"\((\d{4})\s*[-–—]\s*(\d{4})\)")
_BORN: Final = re.compile(r"\((?:born|b\.)\s+(\d{4})\)", re.IGNORECASE)
# Shorter and longer periods in a description are not lives: "First Lady (2009–2017)" is a term of office.
MIN_LIFE_YEARS: Final = 15
MAX_LIFE_YEARS: Final = 119
_ITEM: Final = re.compile(r"Q[1-9][0-9]*")
# Characters of the summary that describe the person. Later sentences may mention other people.
OPENING_LENGTH: Final = 400


def parse_summary(response: JsonResponse) -> Summary | NotFound | Failed:
    """The summary of an article. A 404 is a definite no."""
    if response.status == 404:
        return NotFound()
    summary = read_model(Summary, response.data)
    return UNREADABLE if summary.title is None else summary


def parse_pages(response: JsonResponse) -> dict[str, Summary] | Failed:
    """The summaries of several articles, by the titles that were asked for. Articles that do not exist are missing."""
    query = response.data.get("query") if response.status == 200 and isinstance(response.data, dict) else None
    pages = query.get("pages") if isinstance(query, dict) else None
    if not isinstance(query, dict) or not isinstance(pages, list) or "continue" in response.data:
        return UNREADABLE
    found = {page.title: page.summary() for page in read_models(Page, pages) if page.title and page.extract}
    for kind in ("redirects", "normalized"):  # "mara ellison" is "Mara ellison", which leads to "Mara Ellison"
        for step in read_models(Renamed, query.get(kind)):
            if step.source and step.target in found:
                found[step.source] = found[step.target]
    return found


def parse_search(response: JsonResponse) -> tuple[str, ...] | NotFound | Failed:
    """The titles of the articles found, best first. A count without articles is no answer."""
    hits = _hits(response.data)
    if hits == []:
        info = response.data["query"].get("searchinfo")
        return UNREADABLE if isinstance(info, dict) and info.get("totalhits") else NotFound()
    if response.status == 404:
        return NotFound()
    return tuple(hit.title for hit in read_models(SearchResult, hits) if hit.title) or UNREADABLE


def _hits(data: Json) -> list[Any] | None:
    query = data.get("query") if isinstance(data, dict) else None
    hits = query.get("search") if isinstance(query, dict) else None
    return hits if isinstance(hits, list) else None


def is_about(summary: Summary, name: str | None) -> bool:
    """Whether the article is about a writer with this name; without a name, whether it is about a writer."""
    opening = (summary.extract or "")[:OPENING_LENGTH]
    if summary.kind not in {None, "standard"} or not opening or _is_disambiguation(summary):
        return False
    writer = _WRITERS.search(f"{summary.description or ''} {opening}")
    thing = _THINGS.search(summary.description or opening[:200])
    if writer is None or (thing is not None and thing.start() < writer.start()):
        return False
    return name is None or names_agree(without_qualifier(summary.title or ""), name) or _is_named(name, opening)


def _is_disambiguation(summary: Summary) -> bool:
    """Whether the page only lists articles. Older responses do not state it in `type`."""
    texts = (summary.title or "", summary.description or "", (summary.extract or "")[:120])
    return any(_DISAMBIGUATION.search(text) for text in texts)


def names_agree(title: str, name: str) -> bool:
    """Whether the title of an article and a name can be one person, both with or both without a given name."""
    return any(
        same_person(one, other) and bool(one.given) == bool(other.given)
        for one in people(title)
        for other in people(name)
    )


def _is_named(name: str, opening: str) -> bool:
    """Whether the opening has the name. The article of a pen name has another title: "… known by the pen name Mark Twain"."""
    wanted = normalise(name)
    return " " in wanted and f" {wanted} " in f" {normalise(opening)} "


def without_qualifier(title: str) -> str:
    """The title without its last brackets: "John Smith (poet)" becomes "John Smith"."""
    return re.sub(r"(?<!\s)\s*+\([^()]*+\)$", "", title)


def life_years(description: str | None) -> tuple[PartialDate | None, PartialDate | None]:
    """The years of birth and death in a description: "American author (1947–2020)" or "… (born 1947)"."""
    if match := _LIVED.search(description or ""):
        born, died = partial_date(match[1]), partial_date(match[2])
        is_life = born and died and MIN_LIFE_YEARS <= died.year - born.year <= MAX_LIFE_YEARS
        return (born, died) if is_life and _WRITERS.search(description or "") else (None, None)
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
        name=without_qualifier(title),
        biography=summary.extract or "",
        born=born,
        died=died,
        portrait_url=summary.image or summary.thumbnail,
        identifiers=tuple((scheme, value) for scheme, value in identifiers if value),
    )
