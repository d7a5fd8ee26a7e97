"""Joining: judges which works are one, and computes the works that a judgement concerns.

A judgement moves nothing: one row of a cluster is computed from the claims of all, and the others point to it. Of works it is the
oldest, so that its key stays. Of authors it is the first by key, so that the order in which they were found does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any, TypeVar

from alexandria_pipeline.domain.merging.authors import AuthorFacts
from alexandria_pipeline.domain.merging.authors import judge as judge_authors
from alexandria_pipeline.domain.merging.claims import Judged
from alexandria_pipeline.domain.merging.identity import precedence as author_precedence
from alexandria_pipeline.domain.merging.works import Judgement, WorkFacts, judge
from alexandria_pipeline.stages import computing
from alexandria_pipeline.storage import claims as store
from alexandria_pipeline.storage import joining, served

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection


F = TypeVar("F", WorkFacts, AuthorFacts)

JUDGED_DIFFERENT = "judged_different"


@dataclass(frozen=True, slots=True)
class Clusters:
    """The judgements in force: the pairs with their verdicts, and for each joined key the least key of its cluster."""

    verdicts: dict[frozenset[str], str]
    roots: dict[str, str] = field(default_factory=dict)

    def members(self, keys: Iterable[str]) -> set[str]:
        """These keys, and those that are joined with them."""
        wanted = set(keys)
        roots = {self.roots.get(key, key) for key in wanted}
        return wanted | {key for key, root in self.roots.items() if root in roots}

    def are_different(self, one: str, other: str) -> bool:
        """Whether a judgement keeps the clusters of two keys apart."""
        pairs = product(self.members([one]), self.members([other]))
        return any(self.verdicts.get(frozenset(pair)) == "different" for pair in pairs)

    def add(self, one: str, other: str, verdict: str) -> None:
        """Adds a judgement about two keys, or replaces it by one that joins them."""
        self.verdicts[frozenset((one, other))] = verdict
        if verdict == "same":
            members = self.members((one, other))
            self.roots.update(dict.fromkeys(members, min(members)))


def clusters(tx: Connection, kind: Judged) -> Clusters:
    """The judgements in force about works or authors."""
    rows = store.judgements(tx, kind, ["same", "different", "unsure"])
    verdicts = {frozenset((row["left_key"], row["right_key"])): row["verdict"] for row in rows}
    return Clusters(verdicts, _joined((row["left_key"], row["right_key"]) for row in rows if row["verdict"] == "same"))


def join_works(tx: Connection, work_ids: Collection[int], run_id: str) -> int:
    """Judges the pairs of these works with works that share something, and joins those that are one; returns how many pairs.

    A pair that a person has judged is not judged again. A pair that a guard refuses is stored as a doubt.
    """
    store.one_writer(tx)
    pairs = joining.pairs(tx, work_ids)
    facts = joining.facts(tx, {each for pair in pairs for each in pair})
    return _join(tx, "work", ((facts[a], facts[b]) for a, b in pairs), judge, run_id)


def join_authors(tx: Connection, work_ids: Collection[int], run_id: str) -> int:
    """The same for the authors of these works: a name with a year of birth, or with a common work."""
    store.one_writer(tx)
    pairs = joining.author_pairs(tx, work_ids)
    facts = joining.author_facts(tx, {each for pair in pairs for each in pair})
    return _join(tx, "author", ((facts[a], facts[b]) for a, b in pairs), judge_authors, run_id)


def _join(
    tx: Connection,
    kind: Judged,
    pairs: Iterable[tuple[F, F]],
    compare: Callable[[F, F], Judgement | None],
    run_id: str,
) -> int:
    joined: set[str] = set()
    count = 0
    known = clusters(tx, kind)
    for one, other in pairs:
        before = known.verdicts.get(frozenset((one.key, other.key)))
        found = compare(one, other) if before in {None, "unsure"} else None
        if found is None:
            continue
        if found.verdict == "same" and known.are_different(one.key, other.key):
            found = Judgement("unsure", found.rule, JUDGED_DIFFERENT)
        if found.verdict == before:
            continue
        evidence = {"guard": found.guard} if found.guard else {}
        store.judge(tx, kind, one.key, other.key, found.verdict, found.rule, run_id, evidence)
        known.add(one.key, other.key, found.verdict)
        if found.verdict == "same":
            joined |= {one.key, other.key}
            count += 1
    if joined:
        apply(tx, kind, known.members(joined), run_id)
    return count


def apply(tx: Connection, kind: Judged, keys: Collection[str], run_id: str) -> list[str]:
    """Lets each member of a cluster point to the one that stands for it, every other row to none, and computes the rows.

    Returns their keys.
    """
    rows = _point(tx, kind, clusters(tx, kind), keys)
    works = (
        [row["id"] for row in rows]
        if kind == "work"
        else served.works_of_authors(tx, [str(row["key"]) for row in rows])
    )
    computing.compute_works(tx, works, run_id)
    computing.compute_authors(tx, works, run_id)
    return sorted(str(row["key"]) for row in rows)


def point_again(tx: Connection, kind: Judged) -> None:
    """Lets the members of every cluster point to the one that stands for it, as a change of the precedence needs it; computes nothing."""
    store.one_writer(tx)
    known = clusters(tx, kind)
    _point(tx, kind, known, known.roots)


def _point(tx: Connection, kind: Judged, known: Clusters, keys: Collection[str]) -> list[dict[str, Any]]:
    rows = served.keys(tx, kind, keys)
    by_root: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        key = str(row["key"])
        by_root.setdefault(known.roots.get(key, key), []).append(row)
    merged: dict[int, int | None] = {}
    for members in by_root.values():
        first = min(members, key=lambda row: precedence(kind, row["id"], row["key"]))["id"]
        merged |= {row["id"]: None if row["id"] == first else first for row in members}
    served.set_merged_into(tx, kind, merged)
    return rows


def precedence(kind: Judged, row_id: int, key: str) -> tuple[bool, str] | tuple[int]:
    """A sort key for the members of a cluster of a kind: the least stands for all."""
    return author_precedence(key) if kind == "author" else (row_id,)


def doubts(tx: Connection, kind: Judged) -> list[dict[str, Any]]:
    """The pairs that a person has to decide."""
    return joining.doubts(tx, kind)


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """key → the least key of those that are joined with it."""
    root: dict[str, str] = {}

    def top(key: str) -> str:
        while root.setdefault(key, key) != key:
            key = root[key]
        return key

    for pair in pairs:
        left, right = map(top, pair)
        root[max(left, right)] = min(left, right)
    return {key: top(key) for key in list(root)}
