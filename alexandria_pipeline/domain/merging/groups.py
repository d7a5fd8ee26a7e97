"""Groups of equal values, and which group wins.

The group with the most sources wins. A source with a doubtful value (`doubts.py`) counts half. Of equal groups the one with a hint
wins, then the one with more evidence, then the one of the most trusted source.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, TypeVar

from alexandria_pipeline.domain.merging.claims import Choice, Claim, trust

K = TypeVar("K", bound=Hashable)
Offered = tuple[Claim, Any]
Evidence = Callable[[Sequence[Offered]], int]


def groups(offered: Iterable[Offered], key: Callable[[Any], K]) -> dict[K, list[Offered]]:
    """The offered values by key."""
    found: dict[K, list[Offered]] = {}
    for claim, value in offered:
        found.setdefault(key(value), []).append((claim, value))
    return found


def votes(group: Sequence[Offered]) -> int:
    """Two for each source, one for a source whose values in the group are all doubtful."""
    if len(group) == 1:
        return _VOTES[group[0][0].rank]
    each: dict[str, int] = {}
    for claim, _ in group:
        each[claim.source] = max(each.get(claim.source, 0), _VOTES[claim.rank])
    return sum(each.values())


_VOTES = {"preferred": 2, "normal": 2, "doubtful": 1, "hint": 0, "deprecated": 0}


def largest(
    offered: Sequence[Offered], key: Callable[[Any], Hashable], evidence: Evidence | None = None
) -> list[Offered]:
    """The claims of the group that wins, without hints, the most trusted first. `evidence` decides between equal groups."""
    found = list(groups(offered, key).values()) if len(offered) > 1 else [offered]
    if len(found) == 1:
        return [each for each in found[0] if each[0].rank != "hint"]
    best: list[Offered] = []
    best_rank: tuple[Any, ...] | None = None
    for group in found:
        stated = [each for each in group if each[0].rank != "hint"]
        if stated:
            rank = (
                -votes(stated),
                len(stated) - len(group),
                -evidence(stated) if evidence else 0,
                trust(stated[0][0]),
            )
            if best_rank is None or rank < best_rank:
                best, best_rank = stated, rank
    return best


def lost(claims: Sequence[Claim], group: Sequence[Offered]) -> int:
    """How many claims are not of the group that won."""
    return sum(claim.rank != "hint" for claim in claims) - len(group)


def majority(offered: Sequence[Offered], key: Callable[[Any], Hashable], claims: Sequence[Claim]) -> Choice | None:
    """The value of the group that wins, as its most trusted source has it."""
    group = largest(offered, key)
    return Choice(group[0][1], (group[0][0],), lost(claims, group)) if group else None
