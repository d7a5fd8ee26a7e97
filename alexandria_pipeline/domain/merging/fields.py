"""The fields of editions, works and authors, each with its rule. docs/data-dictionary.md shows this table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from alexandria_pipeline.domain.merging import rules
from alexandria_pipeline.domain.merging.claims import EntityKind
from alexandria_pipeline.domain.merging.rules import Rule

EDITION: Final[Mapping[str, Rule]] = {
    "title": rules.title,
    "authors": rules.authors,
    "contributors": rules.contributors,
    "publisher": rules.publisher,
    "published": rules.published,
    "language": rules.language,
    "format": rules.most_common,
    "pages": rules.pages,
    "series": rules.series,
    "description": rules.description,
    "subjects": rules.subjects,
    "cover": rules.cover,
    "identifiers": rules.identifiers,
}

WORK: Final[Mapping[str, Rule]] = {
    "title": rules.title,
    "authors": rules.authors,
    "first_published": rules.first_published,
    "description": rules.description,
    "subjects": rules.subjects,
    "series": rules.series,
    "cover": rules.cover,
    "rating": rules.ratings,
    "public_domain": rules.public_domain,
    "awards": rules.collected("name", "year"),
    "translations": rules.collected("language", "isbn13", "title"),
    "variants": rules.collected("isbn13"),
    "identifiers": rules.identifiers,
}

AUTHOR: Final[Mapping[str, Rule]] = {
    "name": rules.most_common,
    "biography": rules.biography,
    "born": rules.published,
    "died": rules.published,
    "portrait": rules.most_common,
    "identifiers": rules.identifiers,
}

RULES: Final[Mapping[EntityKind, Mapping[str, Rule]]] = {"edition": EDITION, "work": WORK, "author": AUTHOR}

FIELDS_FROM: Final[Mapping[str, str]] = {"contributors": "authors"}
"""Fields that are chosen from the claims of another field."""
