"""The columns that are served for a merged edition, work or author."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from alexandria_pipeline.domain.merging import scores
from alexandria_pipeline.domain.merging.identity import AuthorRef
from alexandria_pipeline.domain.merging.merge import Merged
from alexandria_pipeline.domain.text.normalise import normalise

Columns = dict[str, Any]

COUNTED: Final[Mapping[str, tuple[str, ...]]] = {
    "edition": (
        "title",
        "subtitle",
        "authors",
        "publisher",
        "published",
        "language",
        "format",
        "pages",
        "description",
        "subjects",
        "series",
        "cover",
        "identifiers",
    ),
    "work": (
        "title",
        "author",
        "first_published",
        "description",
        "subjects",
        "series",
        "cover",
        "ratings",
        "awards",
        "translations",
        "variants",
        "public_domain",
        "identifiers",
    ),
    "author": ("name", "born", "died", "biography", "portrait_url", "identifiers"),
}
"""The columns whose coverage is reported."""


def edition_columns(isbn13: str, merged: Merged, stored: Mapping[str, Any]) -> Columns:
    """The columns of an edition. A title that no claim gives stays as `stored`."""
    values = merged.values
    series = values.get("series") or {}
    return {
        "isbn13": isbn13,
        "title": values.get("title") or stored["title"],
        "subtitle": values.get("subtitle"),
        "authors": [{"name": name, "role": "author"} for name in values.get("authors", ())],
        "contributors": values.get("contributors", []),
        "publisher": values.get("publisher"),
        "published": values.get("published"),
        "language": values.get("language"),
        "format": values.get("format") or "unknown",
        "pages": values.get("pages"),
        "description": values.get("description"),
        "subjects": values.get("subjects", []),
        "series": series.get("name"),
        "series_position": series.get("position"),
        "cover": values.get("cover"),
        "identifiers": values.get("identifiers", {}),
        "provenance": merged.provenance,
        "completeness": scores.completeness("edition", merged),
        "quality": scores.quality("edition", merged),
    }


def work_columns(work_id: int, merged: Merged, stored: Mapping[str, Any]) -> Columns:
    """The columns of a work. Title and author that no claim gives stay as `stored`."""
    values = merged.values
    series, ratings = values.get("series") or {}, values.get("rating", [])
    return {
        "work_id": work_id,
        "title": values.get("title") or stored["title"],
        "author": ", ".join(values.get("authors", ())) or stored["author"],
        "first_published": values.get("first_published"),
        "description": values.get("description"),
        "subjects": values.get("subjects", []),
        "series": series.get("name"),
        "series_position": series.get("position"),
        "cover": values.get("cover"),
        "ratings": ratings,
        "rating_average": round(ratings[0]["average"], 2) if ratings else None,
        "rating_count": ratings[0]["count"] if ratings else None,
        "awards": values.get("awards", []),
        "translations": values.get("translations", []),
        "variants": values.get("variants", []),
        "public_domain": values.get("public_domain"),
        "identifiers": values.get("identifiers", {}),
        "provenance": merged.provenance,
        "completeness": scores.completeness("work", merged),
        "quality": scores.quality("work", merged),
    }


BIOGRAPHY_LICENCES: Final[Mapping[str, str]] = {"wikipedia": "CC BY-SA 4.0"}
"""The licence of a source's biographies. Open Library states none."""


def author_columns(author: AuthorRef, merged: Merged) -> Columns:
    """The columns of an author. Without claims of its own it has the name in the list of authors."""
    values = merged.values
    biography = merged.provenance.get("biography", {}).get("source")
    identifiers = {scheme: list(found) for scheme, found in values.get("identifiers", {}).items()}
    for scheme, value in author.identifiers:
        identifiers[scheme] = sorted({*identifiers.get(scheme, []), value})
    return {
        "author_key": author.key,
        "name": author.name,
        "name_key": normalise(author.name),
        "born": values.get("born"),
        "died": values.get("died"),
        "biography": values.get("biography"),
        "biography_source": biography if isinstance(biography, str) and "biography" in values else None,
        "biography_licence": BIOGRAPHY_LICENCES.get(str(biography)) if "biography" in values else None,
        "portrait_url": values.get("portrait"),
        "identifiers": identifiers,
        "provenance": merged.provenance,
        "undifferentiated": not author.identifiers,
        "completeness": max(scores.WEIGHTS["author"]["name"], scores.completeness("author", merged)),
        "quality": scores.quality("author", merged),
    }


def coverage(kind: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The number of rows that have a value, by column."""
    return {name: sum(row.get(name) not in (None, "", [], {}, "unknown") for row in rows) for name in COUNTED[kind]}


SAMPLE: Final = 5
_SHOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "edition": ("isbn13", "title", "publisher", "published", "language", "pages"),
    "work": ("title", "author", "first_published", "series", "completeness", "quality"),
    "author": ("author_key", "name", "born", "died", "biography_source"),
}


def sample(kind: str, rows: Sequence[Mapping[str, Any]]) -> list[Columns]:
    """A few of the columns of some rows."""
    return [{name: row.get(name) for name in _SHOWN[kind]} for row in rows[:SAMPLE]]
