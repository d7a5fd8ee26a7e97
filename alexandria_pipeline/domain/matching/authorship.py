"""Who wrote a candidate and who only helped: its people as names to compare with those asked for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from alexandria_pipeline.domain.records import Candidate, Contributor, ContributorRole
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.person_names import (
    NameAgreement,
    PersonName,
    compare_names,
    is_one_slip_apart,
    people,
)

HELPERS: Final = frozenset(
    {ContributorRole.TRANSLATOR, ContributorRole.ILLUSTRATOR, ContributorRole.NARRATOR, ContributorRole.OTHER}
)


# Words of corporate bodies, which are named beside the people who wrote or edited a book.
_BODIES: Final = frozenset(
    "university college school institute institution department dept ministry museum library society association committee council "
    "commission foundation academy press publishing publications publishers company corporation inc ltd firm office congress senate "
    "government bureau centre center organization organisation conference agency board bank trust union international national".split()
)


def is_person(name: str) -> bool:
    """Whether a contributor is a person, as far as the words of the name tell."""
    return bool(people(name)) and not _BODIES.intersection(normalise(name).split())


def best_agreement(wanted: tuple[PersonName, ...], offered: list[PersonName]) -> NameAgreement:
    return max((compare_names(one, other) for one in wanted for other in offered), default=NameAgreement.DIFFERENT)


def is_misspelt(wanted: tuple[PersonName, ...], offered: list[PersonName]) -> bool:
    """Whether the first author that is asked for is one of those offered with one slip in the whole name."""
    return any(is_one_slip_apart(wanted[0], other) for other in offered)


def persons_of(candidate: Candidate, *, helpers: bool) -> Iterator[PersonName]:
    contributors = [one for one in candidate.contributors if (one.role in HELPERS) is helpers]
    for contributor in contributors:
        for name in (contributor.name, *contributor.aliases):
            yield from people(name)
    yield from _split_in_two(contributors)


def _split_in_two(contributors: list[Contributor]) -> Iterator[PersonName]:
    """ISBNdb gives "Allen, Charlotte Vale" as the two authors "Allen" and "Charlotte Vale" (payload v2_author.json)."""
    for before, after in pairwise(contributors):
        unknown = before.role is after.role is ContributorRole.UNKNOWN
        if unknown and not {",", ";"} & set(before.name + after.name) and " " not in before.name.strip():
            yield from people(f"{before.name}, {after.name}")
