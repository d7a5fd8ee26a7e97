"""Identity of works: whether two resolved works are one book. Pure; `stages/joining.py` stores the judgements.

Equal titles and an equal author are no identity: 571 pairs of different works by one author are equal in both (omnibuses, parts,
graphic novels; measured on 10,000 works of a reading site). So evidence is needed, and no guard may refuse.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from alexandria_pipeline.domain.matching.deduplication import same_book
from alexandria_pipeline.domain.matching.vocabulary import kinds_beside
from alexandria_pipeline.domain.text.numerals import numbers_in
from alexandria_pipeline.domain.text.titles import dissect, title_key

WORK_SCHEMES: Final = ("openlibrary_work", "wikidata", "goodreads_work", "librarything")
"""Identifiers of works. A work has one value in each."""

_RANGE: Final = re.compile(
    r"#?\s?\d{1,3}\s?[-–—]\s?#?\d{1,3}(?=\s*[)\]]|$)|\b\d+\s?-?\s?books?\b|\bbox(?:ed)? set\b|\bomnibus\b"
)
_PART: Final = re.compile(r"\b(?:part|pt\.?|act|volume|vol\.?)\s*(\d{1,2}|[IVX]{1,4})\b", re.IGNORECASE)
_IN_BRACKETS: Final = re.compile(r"[(\[][^()\[\]]*[)\]]")
_PLACE: Final = re.compile(r"#\s?(\d{1,3}(?:\.\d)?)")


@dataclass(frozen=True, slots=True)
class WorkFacts:
    """What is compared of a work. `titles`: as listed and as stated; `identifiers`: scheme → values.

    `authors`: the keys of its authors that have an identifier; `author`: the names; `isbns`: its editions and those that sources
    count among its editions.
    """

    key: str
    titles: tuple[str, ...]
    author: str
    authors: frozenset[str] = frozenset()
    identifiers: Mapping[str, frozenset[str]] | None = None
    first_published: int | None = None
    isbns: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """The title as listed."""
        return self.titles[0]

    def values(self, scheme: str) -> frozenset[str]:
        """The identifiers in a scheme."""
        return (self.identifiers or {}).get(scheme, frozenset())


WEAK: Final = frozenset({"title and name", "misspelling and year"})
"""Evidence that is too weak to join two works without a person."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result of a comparison: the rule that speaks for one work, and the guard that refuses ("" if none does)."""

    verdict: Literal["same", "unsure"]
    rule: str
    guard: str = ""


def judge(one: WorkFacts, other: WorkFacts) -> Judgement | None:
    """Whether two works are one; None if nothing speaks for it. Symmetric."""
    rule = _evidence(one, other)
    if rule is None:
        return None
    refusing = next((name for name, guard in GUARDS.items() if guard(one, other)), "")
    return Judgement("unsure" if refusing or rule in WEAK else "same", rule, refusing)


def _evidence(one: WorkFacts, other: WorkFacts) -> str | None:
    shared = [scheme for scheme in WORK_SCHEMES if one.values(scheme) & other.values(scheme)]
    if shared:
        return f"shared {shared[0]}"
    alike = same_book(one.title, one.author, other.title, other.author)
    equal = title_key(one.title) == title_key(other.title)
    if equal and alike and one.authors & other.authors:
        return "title and author"
    if alike and one.isbns & other.isbns:
        return "likeness and edition"
    if alike and _same_year(one, other):
        return "likeness and year" if equal or _is_within(one.title, other.title) else "misspelling and year"
    return "title and name" if equal and alike else None


def _is_within(one: str, other: str) -> bool:
    """Whether one main title is words of the other title; titles that differ in letters ("Crash", "Clash") are not enough."""
    a, b = dissect(one), dissect(other)
    return f" {a.main} " in f" {b.full} " or f" {b.main} " in f" {a.full} "


def _same_year(one: WorkFacts, other: WorkFacts) -> bool:
    return one.first_published is not None and one.first_published == other.first_published


def two_identifiers(one: WorkFacts, other: WorkFacts) -> bool:
    """The works have different values in a scheme in which a work has one value, and none in common."""
    pairs = [(one.values(scheme), other.values(scheme)) for scheme in WORK_SCHEMES]
    return any(a and b and not a & b for a, b in pairs)


def other_numbers(one: WorkFacts, other: WorkFacts) -> bool:
    """The main titles have different numbers ("Henry IV", "Henry V"). A subtitle on one side only may have one."""
    return Counter(_numbers(one.title)) != Counter(_numbers(other.title))


def other_place(one: WorkFacts, other: WorkFacts) -> bool:
    """Both titles have a place in a series, and the places differ ("#1", "#2")."""
    a, b = _places(one), _places(other)
    return bool(a and b and not a & b)


def range_of_volumes(one: WorkFacts, other: WorkFacts) -> bool:
    """Only one of the works is a range or a set ("#1-4", "Box Set"), or the ranges differ."""
    a, b = ({found for title in work.titles for found in _RANGE.findall(title.lower())} for work in (one, other))
    return bool(a or b) and not a & b


def other_part(one: WorkFacts, other: WorkFacts) -> bool:
    """Only one of the titles is a part of a work ("Part 1 of 2"), or the parts differ."""
    a, b = ({found for title in work.titles for found in _PART.findall(title)} for work in (one, other))
    return bool(a or b) and not a & b


def several_titles(one: WorkFacts, other: WorkFacts) -> bool:
    """The titles have different numbers of " / " outside brackets: one strings several works together."""
    return _slashes(one.title) != _slashes(other.title)


def other_kind(one: WorkFacts, other: WorkFacts) -> bool:
    """Only one of the titles names another kind of book ("Graphic Novel", "Study Guide")."""
    a, b = dissect(one.title), dissect(other.title)
    return kinds_beside(a, b) != kinds_beside(b, a)


def other_title(one: WorkFacts, other: WorkFacts) -> bool:
    """No title of the one is like a title of the other: a shared identifier is then a mistake, or a translation."""
    return not any(
        title_key(a) == title_key(b) or same_book(a, one.author, b, other.author)
        for a in one.titles
        for b in other.titles
    )


GUARDS: Final[Mapping[str, Callable[[WorkFacts, WorkFacts], bool]]] = {
    "two_identifiers": two_identifiers,
    "other_numbers": other_numbers,
    "other_place": other_place,
    "range_of_volumes": range_of_volumes,
    "other_part": other_part,
    "several_titles": several_titles,
    "other_kind": other_kind,
    "other_title": other_title,
}
"""What refuses to join two works; decision 0010 has what they prevent together. A pair that is refused is for a person."""


def _numbers(title: str) -> list[str]:
    return numbers_in(dissect(_IN_BRACKETS.sub(" ", title)).main)


def _places(work: WorkFacts) -> frozenset[str]:
    found = [_PLACE.findall(title) for title in work.titles] + [[dissect(title).place or ""] for title in work.titles]
    return frozenset(place for each in found for place in each if place)


def _slashes(title: str) -> int:
    return _IN_BRACKETS.sub(" ", title).count(" / ")
