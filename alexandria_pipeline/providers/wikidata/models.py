"""Wikidata's wire models: the rows of a SPARQL result.

One item has several rows, one for each combination of its values. Any variable of a row may be missing, or be a blank node
for an unknown value. `editions.py` gathers the rows of one edition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from alexandria_pipeline.domain.isbn import Isbn13, is_placeholder
from alexandria_pipeline.domain.records import PartialDate
from alexandria_pipeline.providers.common.dates import partial_date
from alexandria_pipeline.providers.common.languages import language
from alexandria_pipeline.providers.common.text_fields import text, web_address, whole_number
from alexandria_pipeline.providers.transport.types import Json

_ITEM_ADDRESS: Final = re.compile(r"https?://www\.wikidata\.org/entity/(Q[1-9][0-9]*)")
_ITEM_NUMBER: Final = re.compile(r"Q[1-9][0-9]*")
_TIME: Final = re.compile(r"\+?([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?(?:T.*)?")
# The precisions of a Wikidata time. Smaller numbers are decades and centuries.
_YEAR, _MONTH, _DAY = 9, 10, 11


@dataclass(frozen=True, slots=True)
class SparqlTerm:
    """The value of one variable in one row. No wire model: a result has up to 50,000 terms."""

    kind: str
    value: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class SparqlRow:
    """One row (a "solution" in SPARQL). Every method returns None if the row has no such value."""

    terms: dict[str, SparqlTerm]

    def literal(self, name: str) -> str | None:
        """The text of a literal."""
        term = self.terms.get(name)
        return term.value if term and term.kind in {"literal", "typed-literal"} else None

    def address(self, name: str) -> str | None:
        """A web address. Some endpoints return it as a literal instead of a URI."""
        term = self.terms.get(name)
        return web_address(term.value) if term and term.kind in {"uri", "literal"} else None

    def item(self, name: str) -> str | None:
        """The number of an item ("Q190192"); None for a blank node and for the URI of one (".well-known/genid")."""
        term = self.terms.get(name)
        match = _ITEM_ADDRESS.fullmatch(term.value) if term and term.kind == "uri" and term.value else None
        return match[1] if match else None

    def label(self, name: str) -> str | None:
        """The label of an item or the text of a literal. The label service returns the number of an item without label."""
        label = self.literal(f"{name}Label") or self.literal(name)
        known = name not in self.terms or self.item(name) is not None or self.literal(name) is not None
        return label if known and label and not _ITEM_NUMBER.fullmatch(label) else None

    def literal_language(self, name: str) -> str | None:
        """The ISO 639-1 language of a literal."""
        term = self.terms.get(name)
        return term.language if term and term.kind == "literal" else None

    def isbn(self, name: str) -> Isbn13 | None:
        """The ISBN of a literal, unless it is a placeholder."""
        found = Isbn13.find(self.literal(name))
        return found if found and not is_placeholder(found) else None

    def isbns(self) -> tuple[Isbn13, ...]:
        """The ISBNs of the edition, as ISBN-13, each once."""
        found = (self.isbn(name) for name in ("isbn13", "isbn10"))
        return tuple(dict.fromkeys(isbn for isbn in found if isbn))

    def date(self, name: str) -> PartialDate | None:
        """A date, as precise as its precision variable states."""
        return wikidata_date(self.literal(name), whole_number(self.literal(f"{name}Precision")))


def wikidata_date(value: str | None, precision: int | None = None) -> PartialDate | None:
    """A Wikidata time as a date. Without a precision, 1 January means the year, and the first of a month the month."""
    match = _TIME.fullmatch(value) if value else None
    if match is None or (precision is not None and precision < _YEAR):
        return None
    year, month, day = (part or "00" for part in match.groups())
    if precision is None:
        precision = _DAY if day > "01" else _MONTH if month > "01" else _YEAR
    return partial_date("-".join((year, month, day)[: min(precision, _DAY) - _YEAR + 1]))


def bindings(data: Json) -> list[Any] | None:
    """The rows of a SPARQL result in JSON; None for any other value."""
    results = data.get("results") if isinstance(data, dict) else None
    rows = results.get("bindings") if isinstance(results, dict) else None
    return rows if isinstance(rows, list) else None


def read_row(binding: dict[Any, Any]) -> SparqlRow:
    """One row; variables without a value are left out."""
    terms = {str(name): _term(value) for name, value in binding.items() if isinstance(value, dict)}
    return SparqlRow({name: term for name, term in terms.items() if term is not None})


def _term(value: dict[Any, Any]) -> SparqlTerm | None:
    kind, written = text(value.get("type")), text(value.get("value"))
    if kind is None or written is None:
        return None
    return SparqlTerm(kind, written, language(value["xml:lang"]) if "xml:lang" in value else None)


def first(values: Iterable[str | None]) -> str | None:
    """The first text that is not empty."""
    return next((value for value in values if value), None)
