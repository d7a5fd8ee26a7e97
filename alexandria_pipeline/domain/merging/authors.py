"""Identity of authors beyond identifiers: a name with dates, or a name with a common work. A name alone is no identity.

Library headings are taken apart: "Gregory, Saint, Bishop of Tours, 538-594" is a name with a year of birth and one of death.
Measured with benchmarks/author_identity.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from alexandria_pipeline.domain.merging.identity import SCHEMES
from alexandria_pipeline.domain.merging.works import Judgement
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.person_names import PARTICLES, RANKS, NameAgreement, compare_names, people

ABOUT: Final = 10
"""Years by which two dates may differ if one of them is approximate."""

_ABOUT: Final = r"(?:approximately|circa|ca\.?|c\.|about)"
_YEAR: Final = (
    rf"(?P<{{0}}about>{_ABOUT}\s*)?(?P<{{0}}>\d{{{{3,4}}}})(?P<{{0}}doubt>\?)?(?:\s+or\s+(?P<{{0}}or>\d{{{{1,4}}}}))?"
)
_LIFE: Final = re.compile(rf"(?:{_YEAR.format('born')}\s*)?[-–—]\s*(?:{_YEAR.format('died')})?(?=[\s.,)\]]|$)")
_BORN: Final = re.compile(rf"\b(?:b\.|born)\s*{_YEAR.format('born')}")
_DIED: Final = re.compile(rf"\b(?:d\.|died)\s*{_YEAR.format('died')}")
_ACTIVE: Final = re.compile(
    rf"\b(?:active|fl\.?|flourished)\b.*$|\b(?:{_ABOUT}\s*)?\d{{1,2}}(?:st|nd|rd|th)\s+cent(?:ury|\.)?.*$|(?:{_ABOUT}\s*)?\b\d{{3,4}}\b.*$",
    re.IGNORECASE,
)
_BRACKETS: Final = re.compile(r"[(\[][^()\[\]]*[)\]]?")


@dataclass(frozen=True, slots=True)
class Year:
    """A year of a heading. `latest` differs from `earliest` for "1236 or 1237"."""

    earliest: int
    latest: int
    about: bool = False

    def agrees(self, other: Year) -> bool:
        """Whether both can be one year."""
        slack = ABOUT if self.about or other.about else 0
        return self.earliest <= other.latest + slack and other.earliest <= self.latest + slack


@dataclass(frozen=True, slots=True)
class Heading:
    """The name of a heading and its dates. `words`: the words of the name without ranks, in alphabetical order."""

    name: str
    words: tuple[str, ...]
    born: Year | None = None
    died: Year | None = None


@dataclass(frozen=True, slots=True)
class AuthorFacts:
    """What is compared of an author: key, name or heading, years, identifiers by scheme, and keys of the titles of works."""

    key: str
    name: str
    born: int | None = None
    died: int | None = None
    identifiers: Mapping[str, frozenset[str]] | None = None
    titles: frozenset[str] = frozenset()

    def values(self, scheme: str) -> frozenset[str]:
        """The identifiers in a scheme."""
        return (self.identifiers or {}).get(scheme, frozenset())


@lru_cache(maxsize=8_192)
def heading(text: str) -> Heading:
    """Takes a library heading apart."""
    born = died = None
    name = text
    if found := _LIFE.search(text):
        if found["born"] or found["died"]:
            born, died = _year(found, "born"), _year(found, "died")
            name = text[: found.start()]
    elif found := _BORN.search(text):
        born, name = _year(found, "born"), text[: found.start()]
    elif found := _DIED.search(text):
        died, name = _year(found, "died"), text[: found.start()]
    name = _ACTIVE.sub("", _BRACKETS.sub(" ", name)).strip(" ,.;(")
    words = [word for word in normalise(name).split() if word not in RANKS and word not in PARTICLES and word != "of"]
    return Heading(name, tuple(sorted(words)), born, died)


def _year(found: re.Match[str], name: str) -> Year | None:
    if not found[name]:
        return None
    year = int(found[name])
    other = found[f"{name}or"]
    latest = int(found[name][: -len(other)] + other) if other and len(other) <= len(found[name]) else int(other or year)
    return Year(min(year, latest), max(year, latest), bool(found[f"{name}about"] or found[f"{name}doubt"]))


def judge(one: AuthorFacts, other: AuthorFacts) -> Judgement | None:
    """Whether two authors are one; None if nothing speaks for it. Symmetric."""
    rule = _evidence(one, other)
    if rule is None:
        return None
    refusing = _refusal(one, other)
    return Judgement("unsure" if refusing else "same", rule, refusing)


def _evidence(one: AuthorFacts, other: AuthorFacts) -> str | None:
    shared = [scheme for scheme in SCHEMES if one.values(scheme) & other.values(scheme)]
    if shared:
        return f"shared {shared[0]}"
    a, b = heading(one.name), heading(other.name)
    equal = a.words == b.words and bool(a.words)
    if not equal and not _are_alike(a.name, b.name):
        return None
    born, died = _agree(_born(one), _born(other)), _agree(_died(one), _died(other))
    if False in (born, died):
        return None
    if (equal and (born or died) and (len(a.words) > 1 or (born and died))) or (born and died and _exact(one, other)):
        return "name and dates"
    if equal and len(a.words) > 1 and one.titles & other.titles:
        return "name and work"
    return None


def _refusal(one: AuthorFacts, other: AuthorFacts) -> str:
    pairs = [(one.values(scheme), other.values(scheme)) for scheme in SCHEMES]
    if any(a and b and not a & b for a, b in pairs):
        return "two_identifiers"
    if False in (_agree(_born(one), _born(other)), _agree(_died(one), _died(other))):
        return "other_dates"
    return ""


def _are_alike(one: str, other: str) -> bool:
    a, b = people(one), people(other)
    return len(a) == len(b) == 1 and compare_names(a[0], b[0]) in {
        NameAgreement.FULL,
        NameAgreement.INITIALS,
        NameAgreement.NEAR,
    }


def _born(author: AuthorFacts) -> Year | None:
    return Year(author.born, author.born) if author.born else heading(author.name).born


def _died(author: AuthorFacts) -> Year | None:
    return Year(author.died, author.died) if author.died else heading(author.name).died


def _agree(one: Year | None, other: Year | None) -> bool | None:
    """None if a side is unknown."""
    return one.agrees(other) if one and other else None


def _exact(one: AuthorFacts, other: AuthorFacts) -> bool:
    return _born(one) == _born(other) and _died(one) == _died(other)
