"""Wire models of the New York Times: the best-seller lists of a week and their books."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import Field

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.providers.common.wire_models import Isbns, Number, Text, WireModel, many, one

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
    pairs: Annotated[tuple[_IsbnPair, ...], many(_IsbnPair)] = Field((), alias="isbns")

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
    books: Annotated[tuple[Book, ...], many(Book)] = ()


class _Week(WireModel):
    published_date: Text = None
    lists: Annotated[tuple[BestSellerList, ...], many(BestSellerList)] = ()


class Overview(WireModel):
    """The response of `/lists/overview.json`: all lists of a week, with their first books."""

    status: Text = None
    results: Annotated[_Week, one(_Week)] = _Week()
