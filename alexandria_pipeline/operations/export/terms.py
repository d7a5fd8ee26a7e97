"""The terms of sources: facts that may not be passed on are left out of exports, and the row names their columns.

ISBN, confidence and the title and author as listed stay: a number and a mention are no record of a service. A fact that several
sources state may be passed on if the terms of one of them allow it. Which terms forbid it: `terms` of each provider's declaration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from alexandria_pipeline.operations.export.columns import COLUMNS, Row
from alexandria_pipeline.providers.registry import DECLARATIONS

WITHHELD: Final[Mapping[str, str]] = {each.name: each.terms for each in DECLARATIONS if each.terms}
"""The sources whose facts may not be passed on, with the reason."""

_EDITION: Final = {
    "edition_title": "title",
    "subtitle": "subtitle",
    "authors": "authors",
    "publisher": "publisher",
    "published": "published",
    "language": "language",
    "format": "format",
    "pages": "pages",
}
"""Columns of facts about the edition, and the name of the field in its provenance."""
_SHARED: Final = {
    "description": "description",
    "series": "series",
    "series_position": "series",
    "cover_url": "cover",
}
"""Columns of facts about the work, or else about the edition."""


def passed_on(row: Mapping[str, Any], *, own_use: bool) -> Row:
    """The values of the columns from a stored row, without what may not be passed on; `own_use`: with it.

    Lists stay lists: `authors` [{"name", "role"}], `subjects` [name], `identifiers` {scheme: [value]}.
    """
    judge = _Judge(row, own_use=own_use)
    values: Row = {name: row[name] for name in COLUMNS if name in row}
    values |= {"title": row["title"], "author": row["author"]}
    if not judge.allows("work", "title"):
        values["title"] = judge.without("title", row["listed_title"] or row["title"])
    if not judge.allows("work", "authors"):
        values["author"] = judge.without("author", row["listed_author"] or row["author"])
    for column, field in _EDITION.items():
        value = row[column]
        values[column] = value if judge.allows("edition", field) or not value else judge.without(column)
    for column, field in _SHARED.items():
        values[column] = judge.shared(column, field)
    values["authors"] = values["authors"] or []
    values["subjects"] = judge.subjects()
    values["identifiers"] = judge.identifiers()
    values["first_published"] = (
        row["first_published"] if judge.allows("work", "first_published") else judge.without("first_published")
    )
    values["rating_average"], values["rating_count"] = judge.rating()
    values["withheld"] = sorted(judge.withheld, key=list(COLUMNS).index)
    return values


class _Judge:
    """Decides for one row what is passed on, and collects the columns that are not."""

    def __init__(self, row: Mapping[str, Any], *, own_use: bool) -> None:
        self._row = row
        self._forbidden = set() if own_use else set(WITHHELD)
        self.withheld: set[str] = set()

    def without(self, column: str, value: Any = None) -> Any:
        """Notes a column that is left out, and returns what is shown instead."""
        self.withheld.add(column)
        return value

    def allows(self, kind: str, field: str) -> bool:
        """Whether one of the sources of a field allows to pass it on."""
        sources = self._sources(kind, field)
        return not sources or bool(sources - self._forbidden)

    def shared(self, column: str, field: str) -> Any:
        """The value of the work, else of the edition."""
        for kind in ("work", "edition"):
            value = self._row[f"{kind}_{column}"]
            if value and self.allows(kind, field):
                return value
            if value:
                self.withheld.add(column)
        return None

    def subjects(self) -> list[str]:
        """The names of the subjects that an allowed source states."""
        listed = self._row["work_subjects"] or self._row["edition_subjects"] or []
        kept = [
            each["name"]
            for each in listed
            if set(each.get("sources") or ()) - self._forbidden or not each.get("sources")
        ]
        if len(kept) < len(listed):
            self.withheld.add("subjects")
        return kept

    def identifiers(self) -> dict[str, list[str]]:
        """The identifiers of the edition. They are collected from all sources, so each of these must allow it."""
        found = self._row["edition_identifiers"] or {}
        if found and self._sources("edition", "identifiers") & self._forbidden:
            self.withheld.add("identifiers")
            return {}
        return {scheme: values if isinstance(values, list) else [values] for scheme, values in found.items()}

    def rating(self) -> tuple[float | None, int | None]:
        """Average and number of the first source that allows it; the one with the most ratings comes first."""
        ratings = self._row["ratings"] or []
        for each in ratings:
            if each["source"] not in self._forbidden:
                return float(each["average"]), each["count"]
        if ratings:
            self.withheld |= {"rating_average", "rating_count"}
        return None, None

    def _sources(self, kind: str, field: str) -> set[str]:
        """The sources of a field. A provenance is {field: source} for an edition as found, and {field: {"source": …}} later."""
        entry = (self._row[f"{kind}_provenance"] or {}).get(field)
        if entry is None:
            first = self._row["edition_source"] if kind == "edition" else None
            return {first} if first else set()
        source = entry["source"] if isinstance(entry, dict) else entry
        return set(source) if isinstance(source, list) else {source}
