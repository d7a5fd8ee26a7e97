"""The columns of an export, in their order, and their values from a stored row. New columns are added at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

Row = dict[str, Any]

COLUMNS: Final[Mapping[str, tuple[str, str]]] = {
    "work_key": ("string", "Stable key of the work."),
    "title": ("string", "Title of the work."),
    "author": ("string", "Authors of the work, as one text."),
    "isbn13": ("string", "ISBN-13 of the edition, thirteen digits; empty for a synthetic work."),
    "confidence": ("integer", "Confidence of the ISBN, 0 to 100."),
    "resolved_by": ("string", "Service or person that the ISBN comes from."),
    "synthetic": ("boolean", "Whether the work has no ISBN."),
    "first_month": ("string", "First month of the range that lists the work, YYYY-MM."),
    "last_month": ("string", "Last month of the range that lists the work, YYYY-MM."),
    "edition_title": ("string", "Title of the edition."),
    "subtitle": ("string", "Subtitle of the edition."),
    "authors": ("string", "Contributors of the edition with their roles: name (role); name (role)."),
    "publisher": ("string", "Publisher of the edition."),
    "published": ("string", "Date of the edition: YYYY, YYYY-MM or YYYY-MM-DD."),
    "language": ("string", "ISO 639-1 code of the language of the edition."),
    "format": ("string", "Format of the edition, such as hardcover."),
    "pages": ("integer", "Number of pages."),
    "edition_source": ("string", "Service that the facts of the edition come from first."),
    "description": ("string", "Description of the work, else of the edition; plain text."),
    "subjects": ("string", "Subjects of the work, else of the edition: name; name."),
    "series": ("string", "Series of the work, else of the edition."),
    "series_position": ("string", "Position in the series, as written."),
    "cover_url": ("string", "Address of a picture of the cover."),
    "identifiers": ("string", "Identifiers of the edition in other catalogues: scheme:value; scheme:value."),
    "first_published": ("integer", "Year in which the work was first published."),
    "rating_average": ("number", "Average rating, 0 to 5, of the source with the most ratings."),
    "rating_count": ("integer", "Number of ratings of that source."),
    "withheld": ("string", "Columns left out because the terms of their source forbid passing them on: name; name."),
}
"""The columns of an export: type of Table Schema, and description."""


def text_of(name: str, value: Any) -> Any:
    """The value of a column for formats without lists: lists and mappings become text."""
    if name == "authors":
        return joined(f"{each['name']} ({each.get('role') or 'author'})" for each in value)
    if name in {"subjects", "withheld"}:
        return joined(value)
    if name == "identifiers":
        return joined(f"{scheme}:{each}" for scheme, values in sorted(value.items()) for each in values)
    return value


def flat(row: Mapping[str, Any]) -> Row:
    """A row with the columns in their order and plain values."""
    return {name: text_of(name, row[name]) for name in COLUMNS}


def joined(parts: Iterable[str]) -> str | None:
    """The parts as one text; None for no parts."""
    return "; ".join(parts) or None
