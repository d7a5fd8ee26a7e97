"""Wikidata as a book generator: the works of a month in a SPARQL result as listings.

The list invents nothing: every entry is an item of Wikidata. `queries.published` has the query. The ISBNs are those of some
edition, so they are verified like those of any list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.json_text import load
from alexandria_pipeline.domain.records import GenerationRequest, Listing, ParsedReply, RawReply, SkippedRow
from alexandria_pipeline.domain.tsv import clean_text, listing_problem
from alexandria_pipeline.providers.wikidata.declaration import NAME
from alexandria_pipeline.providers.wikidata.models import SparqlRow, bindings, first, read_row

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from alexandria_pipeline.domain.isbn import Isbn13
    from alexandria_pipeline.domain.month import Month

# A work without a title or an author with a name in English is skipped, so more works than requested are fetched.
SPARE_WORKS: Final = 2
# Wikidata gets most dates of publication within weeks. The list of a month is requested again until it is this old.
SETTLED_AFTER_DAYS: Final = 60
_QUERY: Final = "published-1"


def model(month: Month, today: date) -> str:
    """The name of the list: the version of the query, and the day while the month is recent."""
    settled = (today - (month + 1).first_day).days >= SETTLED_AFTER_DAYS
    return _QUERY if settled else f"{_QUERY} on {today}"


@dataclass(slots=True)
class _Work:
    """A work, collected from all its rows in the response."""

    item: str
    titles: dict[str, None] = field(default_factory=dict)
    authors: dict[str, str] = field(default_factory=dict)
    isbns: dict[Isbn13, None] = field(default_factory=dict)
    date: str = ""

    def add(self, row: SparqlRow) -> None:
        """Adds one row. The English label comes before the title, which is in the language of the work."""
        label, title = row.literal("workLabel"), row.literal("title")
        if label:
            self.titles = {label: None, **self.titles}
        elif title:
            self.titles.setdefault(title)
        author, name = row.item("author"), row.literal("authorLabel") or row.literal("authorMul")
        if author and name:
            self.authors.setdefault(author, name)
        if isbn := row.isbn("isbn13"):
            self.isbns.setdefault(isbn)
        self.date = self.date or str(row.date("date") or "")


def parse_works(reply: RawReply, request: GenerationRequest) -> ParsedReply:
    """At most `request.limit` listings of a stored reply, the best-known works first.

    Raises SourceError if the reply is not a SPARQL result, or names no usable work.
    """
    listings: list[Listing] = []
    skipped: list[SkippedRow] = []
    for position, work in enumerate(_works(_rows(reply)), start=1):
        title = clean_text(first(work.titles) or "")
        author = clean_text(" and ".join(work.authors.values()))
        problem = listing_problem(title, author) or ("" if author else "no author has a name in English")
        if problem:
            skipped.append(SkippedRow(f"{NAME} {request.month}", position, problem, work.item, request.month))
        elif len(listings) < request.limit:
            details = (("wikidata", work.item), *((("published", work.date),) if work.date else ()))
            listings.append(Listing(NAME, position, title, author, tuple(work.isbns), details))
    if not listings:
        raise SourceError(f"Wikidata knows no book with an author that was first published in {request.month}")
    return ParsedReply(tuple(listings), tuple(skipped))


def _rows(reply: RawReply) -> Iterable[SparqlRow]:
    try:
        found = bindings(load(reply.body))
    except (ValueError, RecursionError):
        found = None
    if found is None:
        raise SourceError("the stored reply of Wikidata is not a SPARQL result")
    return (read_row(binding) for binding in found if isinstance(binding, dict))


def _works(rows: Iterable[SparqlRow]) -> Iterable[_Work]:
    """The works in the order of the result, each with all its rows."""
    works: dict[str, _Work] = {}
    for row in rows:
        if item := row.item("work"):
            works.setdefault(item, _Work(item)).add(row)
    return works.values()
