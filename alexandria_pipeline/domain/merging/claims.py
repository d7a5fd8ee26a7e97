"""Claims: what one source stated about one field of an edition, a work or an author."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

EntityKind = Literal["edition", "work", "author"]
Judged = Literal["work", "author"]
"""What judgements are about."""
Rank = Literal["preferred", "normal", "deprecated", "hint", "doubtful"]

SOURCE_ORDER: Final = (
    "open-library",
    "google-books",
    "isbndb",
    "wikidata",
    "internet-archive",
    "local-catalog",
    "wikipedia",
)
"""The sources by trust, best first; other sources (lists, AI services) follow. It breaks ties between equal numbers of sources."""

SAME_SOURCE: Final[Mapping[str, str]] = {"local-catalog": "open-library"}
"""Sources whose facts are a copy of another source's facts. They count as one source."""


class Claim(NamedTuple):
    """A value of a field, as a source stated it. `value` is JSON; `record` is the id of the stored answer it is from.

    Absence is not a claim. A claim of rank `deprecated` is never used. A `hint` is no claim of a source, and is never stored or
    served: it decides between values that equally many sources give. `doubtful` is a claim whose value `doubts.py` doubts; it is never
    stored.
    """

    provider: str
    field: str
    value: Any
    record: int = 0
    rank: Rank = "normal"
    fetched_at: datetime | None = None

    @property
    def source(self) -> str:
        """The provider, or the one whose facts it copies."""
        return SAME_SOURCE.get(self.provider, self.provider)


@dataclass(frozen=True, slots=True)
class Stated:
    """What a source stated about one thing: its kind, the part of the answer, the subject, and the facts by field.

    `subject` is the ISBN-13 for an edition and for its work, and a name key for an author. `part` keeps several answers of a
    service about one thing apart ("metadata", "ratings"). `calls`: the ids of the calls that were made for it.
    """

    provider: str
    kind: EntityKind
    part: str
    subject: str
    facts: tuple[tuple[str, Any], ...]
    calls: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Lock:
    """A person's decision about a field: this value, or none if `nothing`."""

    value: Any = None
    nothing: bool = False


class Choice(NamedTuple):
    """The result of a rule: the value, the claims it is from, how many others lost, and what a person should check."""

    value: Any
    claims: tuple[Claim, ...]
    lost: int = 0
    conflict: str = ""


def trust(claim: Claim) -> tuple[int, int]:
    """A sort key: the most trusted source first, then the oldest record."""
    return (_PLACE.get(claim.provider, _LAST), claim.record)


def trust_in(provider: str, record: int) -> tuple[int, int]:
    """The same for a whole answer."""
    return (_PLACE.get(provider, _LAST), record)


_PLACE: Final[Mapping[str, int]] = {name: place for place, name in enumerate(SOURCE_ORDER)}
_LAST: Final = len(SOURCE_ORDER)


def usable(claims: Sequence[Claim]) -> Sequence[Claim]:
    """The claims of one field that are not deprecated; preferred ones alone if there are any. Hints are last, and never alone."""
    for claim in claims:
        if claim.rank != "normal":
            break
    else:
        return claims
    kept = [claim for claim in claims if claim.rank not in {"deprecated", "hint"}]
    kept = [claim for claim in kept if claim.rank == "preferred"] or kept
    return kept + [claim for claim in claims if claim.rank == "hint"] if kept else []


Fields = Mapping[str, Sequence[Claim]]
"""Claims by field, of each field the most trusted first."""


def by_field(claims: Iterable[Claim]) -> Fields:
    """The claims of one thing by field."""
    found: dict[str, list[Claim]] = {}
    for claim in sorted(claims, key=trust):
        found.setdefault(claim.field, []).append(claim)
    return found


def together(parts: Sequence[Fields]) -> Fields:
    """The claims of several things, such as the editions of a work, as those of one."""
    found: dict[str, list[Sequence[Claim]]] = {}
    for part in parts:
        for name, claims in part.items():
            found.setdefault(name, []).append(claims)
    return {
        name: each[0] if len(each) == 1 else sorted((claim for claims in each for claim in claims), key=trust)
        for name, each in found.items()
    }


class Sheet:
    """The claims about one thing: all by field, and those of each field that count, with the hints behind them.

    `like`: a sheet with the same hints. Where both have the same claims of a field, they have the same list.
    """

    __slots__ = ("isbn13", "kept", "stated")

    def __init__(self, stated: Fields, hints: Iterable[Claim] = (), like: Sheet | None = None) -> None:
        self.stated, self.isbn13 = stated, ""
        kept: dict[str, Sequence[Claim]] = {}
        same = set()
        for name, claims in stated.items():
            if like is not None and like.stated.get(name) is claims:
                kept[name] = like.kept[name]
                same.add(name)
            else:
                kept[name] = usable(claims)
        for hint in hints:
            if hint.field == "isbn":
                self.isbn13 = hint.value
            elif kept.get(hint.field) and hint.field not in same:
                kept[hint.field] = [*kept[hint.field], hint]
        self.kept: Fields = kept
