"""The Data Package descriptor of an export (https://specs.frictionlessdata.io/data-package/)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline.operations.export.columns import COLUMNS
from alexandria_pipeline.operations.export.terms import WITHHELD

if TYPE_CHECKING:
    from alexandria_pipeline.domain.month import Month

_RECORDS: Final = {
    "jsonld": ("application/ld+json", "One schema.org Book a line."),
    "openlibrary": ("application/x-ndjson", "One import record of Open Library a line."),
    "marc": ("application/marc", "One MARC 21 record for each edition, in UTF-8."),
}
"""Formats without our columns: media type and description."""


def descriptor(form: str, file: str, first: Month, last: Month, *, own_use: bool) -> dict[str, Any]:
    """Returns the descriptor of one file. It states which sources were left out, and has no time of the export."""
    resource: dict[str, Any] = {"name": "works", "path": file}
    if form in _RECORDS:
        resource |= dict(zip(("mediatype", "description"), _RECORDS[form], strict=True))
    else:
        resource |= {"profile": "tabular-data-resource", "format": form, "schema": _schema()}
    if form not in {"marc", "parquet"}:
        resource["encoding"] = "utf-8"
    package: dict[str, Any] = {
        "name": "alexandria-works",
        "title": f"Works of {first} to {last}",
        "resources": [resource],
    }
    if own_use:
        package["description"] = "For own use only: has facts whose sources forbid passing them on."
    withheld = [{"source": name, "reason": reason} for name, reason in sorted(WITHHELD.items())]
    return package | {"forbidden_sources" if own_use else "withheld_sources": withheld}


def _schema() -> dict[str, Any]:
    fields = [{"name": name, "type": kind, "description": text} for name, (kind, text) in COLUMNS.items()]
    return {"fields": fields, "primaryKey": "work_key", "missingValues": [""]}
