"""Hints: what is known of a thing without any claim. They decide where equally many sources give different values."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from alexandria_pipeline.domain.matching.edition_facts import group_language
from alexandria_pipeline.domain.merging.claims import Claim
from alexandria_pipeline.domain.text.person_names import people

LIST: Final = "list"


@lru_cache(maxsize=2_048)
def of_listing(title: str | None, author: str | None) -> tuple[Claim, ...]:
    """The title and the authors of the list that named the book."""
    found = [Claim(LIST, "title", title, rank="hint")] if title else []
    named = [" ".join([*person.given, person.surname]) for person in people(author or "")]
    return (*found, Claim(LIST, "authors", [{"name": name, "role": "unknown"} for name in named], rank="hint"))


@lru_cache(maxsize=2_048)
def of_isbn(isbn13: str) -> tuple[Claim, ...]:
    """The ISBN, and the language that its group stands for."""
    found = [Claim(LIST, "isbn", isbn13, rank="hint")]
    if language := group_language(isbn13):
        found.append(Claim(LIST, "language", language, rank="hint"))
    return tuple(found)
