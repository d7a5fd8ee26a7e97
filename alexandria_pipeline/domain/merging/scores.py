"""Scores of a merged edition or work: completeness (which fields it has) and quality (from which sources). From 0 to 100."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from alexandria_pipeline.domain.merging.claims import EntityKind
from alexandria_pipeline.domain.merging.merge import Merged

WEIGHTS: Final[Mapping[EntityKind, Mapping[str, int]]] = {
    "edition": {
        "title": 15,
        "authors": 15,
        "publisher": 10,
        "published": 10,
        "language": 10,
        "format": 5,
        "pages": 5,
        "description": 10,
        "subjects": 5,
        "cover": 10,
        "identifiers": 5,
    },
    "work": {
        "title": 20,
        "authors": 20,
        "first_published": 15,
        "description": 15,
        "subjects": 10,
        "cover": 10,
        "rating": 5,
        "identifiers": 5,
    },
    "author": {"name": 40, "biography": 20, "born": 20, "portrait": 10, "identifiers": 10},
}
"""The points of each field for completeness; they add up to 100."""

SOURCE_QUALITY: Final[Mapping[str, int]] = {
    "lock": 100,
    "open-library": 90,
    "google-books": 85,
    "isbndb": 80,
    "local-catalog": 90,
    "wikidata": 85,
    "internet-archive": 75,
    "wikipedia": 85,
    "review": 95,
}
"""How good a field is that has this source. Other sources, such as AI services and lists, have `OTHER_SOURCES`."""
OTHER_SOURCES: Final = 50

_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})


def completeness(kind: EntityKind, merged: Merged) -> int:
    """The points of the fields that have a value."""
    values = merged.values
    return sum([points for name, points in WEIGHTS[kind].items() if values.get(name) not in _EMPTY])


def quality(kind: EntityKind, merged: Merged) -> int:
    """The mean quality of the sources of the fields that have a value, weighted by points; 5 less for each conflict."""
    values, provenance = merged.values, merged.provenance
    total = of = 0
    for name, points in WEIGHTS[kind].items():
        if name in values:
            total += points * _source_quality(provenance[name]["source"])
            of += points
    return max(0, round(total / of) - 5 * len(merged.conflicts)) if of else 0


def _source_quality(source: Any) -> int:
    if isinstance(source, str):
        return SOURCE_QUALITY.get(source, OTHER_SOURCES)
    return max(SOURCE_QUALITY.get(name, OTHER_SOURCES) for name in source)
