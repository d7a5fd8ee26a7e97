"""Works and editions as schema.org Book (https://schema.org/Book), for the read API and the exports.

A work is a Book whose `workExample` is the list of its editions, as schema.org describes it. Properties without a value are
left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CONTEXT: Final = "https://schema.org"

_FORMATS: Final = {
    "hardcover": "Hardcover",
    "paperback": "Paperback",
    "ebook": "EBook",
    "audiobook": "AudiobookFormat",
}


def work(facts: Mapping[str, Any], editions: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns a work (`key`, `title`, `author`) with its editions, without `@context`."""
    known = list(editions)
    named = next((authors for edition in known if (authors := _authors(edition))), None)
    return _filled(
        {
            "@type": "Book",
            "@id": f"urn:alexandria:{quote(facts['key'], safe=':')}",
            "name": facts["title"],
            "author": named or [{"@type": "Person", "name": facts["author"]}],
            "description": facts.get("description"),
            "about": _subjects(facts),
            "image": _cover(facts),
            "aggregateRating": _rating(facts),
            "workExample": [edition(each) for each in known],
        }
    )


def edition(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an edition (columns of enriched_editions), without `@context`."""
    return _filled(
        {
            "@type": "Book",
            "@id": f"urn:isbn:{facts['isbn13']}",
            "isbn": facts["isbn13"],
            "name": facts["title"],
            "alternativeHeadline": facts["subtitle"],
            "author": _authors(facts),
            "publisher": {"@type": "Organization", "name": facts["publisher"]} if facts["publisher"] else None,
            "datePublished": facts["published"],
            "inLanguage": facts["language"],
            "numberOfPages": facts["pages"],
            "bookFormat": _book_format(facts["format"]),
            "description": facts.get("description"),
            "about": _subjects(facts),
            "image": _cover(facts),
        }
    )


def document(content: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a node as a JSON-LD document."""
    return {"@context": CONTEXT, **content}


def graph(nodes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns several nodes as one JSON-LD document."""
    return {"@context": CONTEXT, "@graph": list(nodes)}


def _authors(facts: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"@type": "Person", "name": each["name"]}
        for each in facts["authors"] or ()
        if each.get("name") and each.get("role") in (None, "author")
    ]


def _subjects(facts: Mapping[str, Any]) -> list[str]:
    return [each["name"] if isinstance(each, dict) else each for each in facts.get("subjects") or ()]


def _cover(facts: Mapping[str, Any]) -> str | None:
    return facts.get("cover_url") or (facts.get("cover") or {}).get("url")


def _rating(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """The ratings of the source with the most of them."""
    ratings = facts.get("ratings") or ()
    if not ratings or not ratings[0]["count"]:
        return None
    best = ratings[0]
    return {"@type": "AggregateRating", "ratingValue": best["average"], "ratingCount": best["count"], "bestRating": 5}


def _book_format(name: str | None) -> str | None:
    known = _FORMATS.get(name or "")
    return f"{CONTEXT}/{known}" if known else None


def _filled(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value}
