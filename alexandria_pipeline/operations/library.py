"""The library for a person: why a field has its value, locks, and which works or authors are one.

A merge is a judgement. Nothing moves: one work, the older one, is computed from the claims of both, the other one points to it. A split
withdraws the judgement and stores the opposite, so that no later run repeats the merge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.merging.claims import Claim, EntityKind, Fields, Judged, Lock
from alexandria_pipeline.domain.merging.fields import FIELDS_FROM, RULES
from alexandria_pipeline.domain.merging.merge import Merged, merge
from alexandria_pipeline.domain.merging.scores import completeness, quality
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.stages import computing, joining
from alexandria_pipeline.storage import claims as store
from alexandria_pipeline.storage import served

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection, Database


MAX_UNDO = 10  # judgements of a person


@dataclass(frozen=True, slots=True)
class Thing:
    """An edition, a work or an author: its key, and the id of its row (None for an edition)."""

    kind: EntityKind
    key: str
    row_id: int | None = None


def find(tx: Connection, text: str, kind: EntityKind | None = None) -> Thing:
    """What a person names: an ISBN, a key of a work, or a key or name of an author. Raises InvalidValue if there is none, or several."""
    isbn = Isbn13.find(text)
    if isbn is not None and kind in {None, "edition"} and served.find_edition(tx, isbn):
        return Thing("edition", isbn)
    if kind in {None, "work"} and (works := served.find_works(tx, text)):
        return Thing("work", works[0]["work_key"], works[0]["work_id"])
    authors = served.find_authors(tx, text, normalise(text)) if kind in {None, "author"} else []
    if authors and (authors[0]["author_key"] == text or len(authors) == 1):
        return Thing("author", authors[0]["author_key"], authors[0]["author_id"])
    if authors:
        listed = ", ".join(author["author_key"] for author in authors[:10])
        raise InvalidValue(f"{len(authors)} authors are called {text!r}; name one by its key: {listed}")
    raise InvalidValue(f"{text!r} is no ISBN, key of a work, or author of the library")


def show(database: Database, text: str) -> dict[str, Any]:
    """Every field of an edition, work or author: its value, its source and rule, and what lost against it."""
    with database.transaction() as tx:
        thing = find(tx, text)
        claims, locks = _claims(tx, thing), _locks(tx, thing)
        conflicts = served.conflicts_of(tx, thing.kind, thing.key)
        hints = _hints(tx, thing)
    merged = merge(thing.kind, claims, locks, hints)
    return {
        "kind": thing.kind,
        "key": thing.key,
        "completeness": completeness(thing.kind, merged),
        "quality": quality(thing.kind, merged),
        "fields": [_field(name, merged, claims) for name in _names(thing.kind, merged)],
        "conflicts": conflicts,
    }


def lock(database: Database, text: str, field: str, chosen: Lock | None, by: str) -> Thing:
    """Locks a field to a value or to nothing; None withdraws the lock. The row is computed again. Raises InvalidValue."""
    with database.transaction() as tx:
        store.one_writer(tx)
        thing = find(tx, text)
        if field not in RULES[thing.kind] and (thing.kind, field) != ("edition", "subtitle"):
            raise InvalidValue(f"the {thing.kind} has no field {field!r}; its fields: {', '.join(RULES[thing.kind])}")
        store.set_lock(tx, thing.kind, thing.key, field, chosen, by)
        _compute(tx, [thing], f"lock by {by}")
    return thing


def preview(database: Database, kind: Judged, left: str, right: str) -> dict[str, Any]:
    """Both rows of a merge and the result, field by field; changes nothing."""
    with database.transaction() as tx:
        one, other = _pair(tx, kind, left, right)
        claims = {thing.key: _claims(tx, thing) for thing in (one, other)}
        locks = {thing.key: _locks(tx, thing) for thing in (one, other)}
        hints = {thing.key: _hints(tx, thing) for thing in (one, other)}
        judgement = store.judgement_of_pair(tx, kind, one.key, other.key)
    first = min(one, other, key=lambda thing: joining.precedence(kind, thing.row_id or 0, thing.key)).key
    merged = {key: merge(kind, each, locks[key], hints[key]) for key, each in claims.items()}
    together = [claim for each in claims.values() for claim in each]
    locked = {**locks[other.key], **locks[one.key], **locks[first]} if kind == "author" else locks[first]
    both = merge(kind, together, locked, hints[first])
    names = [name for name in _names(kind, both) if any(name in each.values for each in (*merged.values(), both))]
    return {
        "kind": kind,
        "left": one.key,
        "right": other.key,
        "seen": _newest(judgement),
        "fields": [
            {
                "field": name,
                "left": merged[one.key].values.get(name),
                "right": merged[other.key].values.get(name),
                "merged": both.values.get(name),
            }
            for name in names
        ],
    }


def judge(
    database: Database,
    kind: Judged,
    left: str,
    right: str,
    verdict: Literal["same", "different"],
    by: str,
    seen: int | None = None,
) -> list[str]:
    """Joins two works or authors, or keeps them apart, and computes the rows concerned; returns their keys.

    `seen`: the judgement about them that the person has seen (0: none). Raises InvalidValue when there is another one by now.
    """
    with database.transaction() as tx:
        store.one_writer(tx)
        one, other = _pair(tx, kind, left, right)
        judgement = store.judgement_of_pair(tx, kind, one.key, other.key)
        if seen is not None and judgement and judgement["judgement_id"] != seen:
            raise InvalidValue(
                f"{judgement['decided_by']} has decided about this pair in the meantime: {judgement['verdict']}"
            )
        before = joining.clusters(tx, kind).members({one.key, other.key})
        store.judge(tx, kind, one.key, other.key, verdict, "person", by, {})
        return joining.apply(tx, kind, before | {one.key, other.key}, f"{verdict} by {by}")


def judgements(database: Database, by: str) -> list[dict[str, Any]]:
    """The newest judgements of a person that can be undone, newest first."""
    with database.transaction() as tx:
        return store.judgements_of(tx, by, MAX_UNDO)


def undo(database: Database, judgement_id: int, by: str) -> list[str]:
    """Withdraws a judgement of this person: both works or authors are as before. Returns the keys of the rows that were computed.

    Raises InvalidValue when it is not one of the person's last ten that are in force.
    """
    with database.transaction() as tx:
        store.one_writer(tx)
        own = {row["judgement_id"]: row for row in store.judgements_of(tx, by, MAX_UNDO)}
        if judgement_id not in own:
            raise InvalidValue(f"only the last {MAX_UNDO} judgements of {by} can be undone by {by}")
        found = own[judgement_id]
        kind, pair = found["kind"], {found["left_key"], found["right_key"]}
        before = joining.clusters(tx, kind).members(pair)
        store.withdraw_judgement(tx, kind, judgement_id, found["left_key"], found["right_key"])
        return joining.apply(tx, kind, before | pair, f"undone by {by}")


def doubts(database: Database, kind: Judged) -> list[dict[str, Any]]:
    """The pairs of works or authors that may be one and need a person's decision."""
    with database.transaction() as tx:
        return joining.doubts(tx, kind)


def _pair(tx: Connection, kind: Judged, left: str, right: str) -> tuple[Thing, Thing]:
    one, other = find(tx, left, kind), find(tx, right, kind)
    if one.key == other.key:
        raise InvalidValue(f"{left!r} and {right!r} are one {kind} already")
    return one, other


def _newest(judgement: Mapping[str, Any] | None) -> int:
    return int(judgement["judgement_id"]) if judgement else 0


def _compute(tx: Connection, things: Iterable[Thing], run_id: str) -> None:
    listed = list(things)
    computing.compute_editions(tx, [Isbn13(thing.key) for thing in listed if thing.kind == "edition"], run_id)
    works = [thing.row_id for thing in listed if thing.kind == "work" and thing.row_id is not None]
    works += served.works_of_authors(tx, [thing.key for thing in listed if thing.kind == "author"])
    computing.compute_works(tx, works, run_id)
    computing.compute_authors(tx, works, run_id)


def _claims(tx: Connection, thing: Thing) -> list[Claim]:
    if thing.kind == "work" and thing.row_id is not None:
        return _listed([computing.claims_of_works(tx, [thing.row_id]).get(thing.row_id, {})])
    keys = served.members_of_authors(tx, [thing.key])[thing.key] if thing.kind == "author" else [thing.key]
    found = store.claims_of(tx, thing.kind, keys)
    return _listed([found[key] for key in keys if key in found])


def _listed(stated: Iterable[Fields]) -> list[Claim]:
    return [claim for fields in stated for claims in fields.values() for claim in claims]


def _locks(tx: Connection, thing: Thing) -> Mapping[str, Lock]:
    if thing.kind == "author":
        members = served.members_of_authors(tx, [thing.key])
        return computing.locks_of_authors(tx, members)[thing.key]
    return store.locks_of(tx, thing.kind, [thing.key])[thing.key]


def _hints(tx: Connection, thing: Thing) -> list[Claim]:
    rows: Iterable[served.Row] = ()
    if thing.kind == "edition":
        rows = served.editions(tx, [Isbn13(thing.key)]).values()
    elif thing.kind == "work" and thing.row_id is not None:
        rows = served.works(tx, [thing.row_id]).values()
    return [hint for row in rows for hint in computing.hints_of(thing.kind, row)]


def _names(kind: EntityKind, merged: Merged) -> list[str]:
    extra = ["subtitle"] if kind == "edition" else []
    return [
        *RULES[kind],
        *extra,
        *(name for name in merged.provenance if name not in RULES[kind] and name not in extra),
    ]


def _field(name: str, merged: Merged, claims: Iterable[Claim]) -> dict[str, Any]:
    where: Mapping[str, Any] = merged.provenance.get(name, {})
    winners = where.get("records", ())
    lost = [
        {"source": claim.provider, "value": claim.value, "rank": claim.rank}
        for claim in claims
        if claim.field == FIELDS_FROM.get(name, name) and claim.record not in winners
    ]
    return {
        "field": name,
        "value": merged.values.get(name),
        "source": where.get("source"),
        "rule": where.get("rule"),
        "lost": lost,
    }
