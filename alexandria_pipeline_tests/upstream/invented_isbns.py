"""Invented ISBNs: valid check digits, in the groups of a language, never a number of the books file or a placeholder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alexandria_pipeline_tests.upstream.names import ISBN_GROUPS
from alexandria_pipeline_tests.upstream.words import isbn13

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random


class Numbers:
    """Returns each ISBN once."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def invented(self, language: str, rng: Random) -> str:
        while True:
            prefix = rng.choice(ISBN_GROUPS[language])
            number = isbn13(prefix + "".join(str(rng.randrange(10)) for _ in range(12 - len(prefix))))
            if number not in self._taken and not number.startswith("978000"):
                self._taken.add(number)
                return number


def placeholder(rng: Random) -> str:
    """A placeholder: a valid check digit, but not an assigned ISBN. Several books may have the same one."""
    return isbn13(f"97800000000{rng.randrange(10)}")
