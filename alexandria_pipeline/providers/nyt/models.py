"""Wire models of the New York Times: the best-seller lists of a week and their books."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import Field

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.providers.common.wire_models import Isbns, Number, Text, WireModel, many, read_model

# A week has about 20 lists of 15 books, and a book about 10 pairs of ISBNs.
_MAX_LISTS: Final = 100
_MAX_BOOKS: Final = 100
_MAX_PAIRS: Final = 50

# "by Mara Ellison and Tomas Reyl", "edited by Mara Ellison", "written and illustrated by Mara Ellison"
_BY: Final = re.compile(r"^(?:(?:written|edited|illustrated|told|created)\b.{0,40}?)?\bby\s+", re.IGNORECASE)


class _IsbnPair(WireModel):
    isbn13: Isbns = ()
    isbn10: Isbns = ()


class Book(WireModel):
    """A book on a list. Titles are in capitals. An ISBN may be that of another format."""

    title: Text = None
    author: Text = None
    contributor: Text = None
    publisher: Text = None
    rank: Number = None
    primary_isbn13: Isbns = ()
    primary_isbn10: Isbns = ()
    pairs: Annotated[tuple[_IsbnPair, ...], many(_IsbnPair, _MAX_PAIRS)] = Field((), alias="isbns")

    @property
    def author_name(self) -> str:
        """The author, else the contributors, without "by"."""
        return _BY.sub("", self.author or self.contributor or "")

    @property
    def isbns(self) -> tuple[Isbn13, ...]:
        """The ISBNs with a right check digit, the primary one first, each once."""
        others = [isbn for pair in self.pairs for isbn in (*pair.isbn13, *pair.isbn10)]
        return tuple(dict.fromkeys((*self.primary_isbn13, *self.primary_isbn10, *others)))


class BestSellerList(WireModel):
    """One list of a week."""

    list_name: Text = None
    books: Annotated[tuple[Book, ...], many(Book, _MAX_BOOKS)] = ()


def lists_of(week: Any) -> Iterator[BestSellerList]:
    """The lists of a response of `/lists/overview.json`, one after the other, so that only one is in memory."""
    results = week.get("results") if isinstance(week, dict) else None
    lists = results.get("lists") if isinstance(results, dict) else None
    for each in lists[:_MAX_LISTS] if isinstance(lists, list) else []:
        yield read_model(BestSellerList, each)
