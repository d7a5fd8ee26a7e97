"""Served tables: reads and writes the columns of editions, works and authors that are computed from claims.

A row is written only when a column differs, with a line in `enrichment_log`: computing again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson
from psycopg.types.json import Jsonb

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.merging.claims import EntityKind
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("served")

Row = dict[str, Any]

_NOT_COMPARED: Final = frozenset({"enriched_at", "work_id", "isbn13", "work_key", "primary_provider", "author_id"})


@dataclass(frozen=True, slots=True)
class AuthorLink:
    """An author of a work: key, role, place in the list, and the name and identifiers (by scheme) that the work's sources give."""

    work_id: int
    author_key: str
    role: str
    position: int
    credited: str
    identifiers: Mapping[str, str]


@dataclass(slots=True)
class Written:
    """How many rows were computed and how many of them changed."""

    computed: int = 0
    changed: int = 0
    fields: dict[str, int] = field(default_factory=dict)
    """Rows that have a value, by field."""
    conflicts: int = 0
    """Fields whose sources contradict each other."""
    sample: list[Row] = field(default_factory=list)
    """Some of the rows."""


def editions(tx: Connection, isbns: Collection[Isbn13]) -> dict[str, Row]:
    """The editions by ISBN."""
    return {row["isbn13"]: row for row in tx.execute(_SQL["editions"], {"keys": sorted(isbns)}).fetchall()}


def works(tx: Connection, work_ids: Collection[int]) -> dict[int, Row]:
    """The resolved works by id."""
    return {row["work_id"]: row for row in tx.execute(_SQL["works"], {"ids": sorted(work_ids)}).fetchall()}


def resolved_works(tx: Connection) -> list[int]:
    """The ids of all resolved works."""
    return [row["work_id"] for row in tx.execute(_SQL["resolved_works"])]


def author_keys(tx: Connection, keys: Collection[str]) -> set[str]:
    """Those of the keys that have a row."""
    return {row["author_key"] for row in tx.execute(_SQL["author_keys"], {"keys": sorted(keys)}).fetchall()}


def authors(tx: Connection, keys: Collection[str]) -> dict[str, Row]:
    """The authors by key."""
    return {row["author_key"]: row for row in tx.execute(_SQL["authors"], {"keys": sorted(keys)}).fetchall()}


def editions_of_works(tx: Connection, work_ids: Collection[int]) -> dict[int, dict[str, str]]:
    """The editions of works and of those merged into them: ISBN → key of the work that it belongs to."""
    found: dict[int, dict[str, str]] = {work_id: {} for work_id in work_ids}
    for row in tx.execute(_SQL["editions_of_works"], {"ids": sorted(work_ids)}).fetchall():
        found[row["work_id"]][row["isbn13"]] = row["work_key"]
    return found


def write(
    tx: Connection, kind: EntityKind, current: Mapping[Any, Row], computed: Mapping[Any, Row], run_id: str
) -> set[Any]:
    """Writes the computed rows that differ from the current ones; returns their keys."""
    changes = {key: diff for key, row in computed.items() if (diff := _difference(current.get(key), row))}
    if not changes:
        return set()
    if kind == "work":
        tx.execute(_SQL["lock_works"], {"ids": sorted(changes)})
    tx.execute(_SQL[f"write_{kind}s"], {"rows": _json([computed[key] for key in changes])})
    log = [_log_line(kind, current.get(key), computed[key], diff) for key, diff in changes.items()]
    tx.execute(_SQL["log"], {"rows": _json(log), "run_id": run_id})
    return set(changes)


def authors_of_works(tx: Connection, work_ids: Collection[int]) -> set[str]:
    """The keys of the authors of works."""
    return {row["author_key"] for row in tx.execute(_SQL["authors_of_works"], {"ids": sorted(work_ids)}).fetchall()}


def lock_authors(tx: Connection, keys: Collection[str]) -> None:
    """Locks the rows of authors, so that no other transaction computes them from fewer works."""
    tx.execute(_SQL["lock_authors"], {"keys": sorted(keys)})


def add_authors(tx: Connection, names: Mapping[str, str], normalised: Callable[[str], str]) -> None:
    """Adds a row for each author (key → name) that has none."""
    rows = [{"author_key": key, "name": name, "name_key": normalised(name)} for key, name in names.items()]
    if rows:
        tx.execute(_SQL["add_authors"], {"rows": _json(rows)})


def write_author_links(tx: Connection, work_ids: Collection[int], links: Sequence[AuthorLink]) -> None:
    """Writes the authors of works where they differ."""
    wanted: dict[int, list[Row]] = {work_id: [] for work_id in work_ids}
    for link in links:
        wanted[link.work_id].append({name: getattr(link, name) for name in _LINK})
    stored: dict[int, list[Row]] = {work_id: [] for work_id in work_ids}
    for row in tx.execute(_SQL["authors_of_works"], {"ids": sorted(work_ids)}).fetchall():
        stored[row["work_id"]].append({name: row[name] for name in _LINK})
    changed = [work_id for work_id in wanted if _in_order(wanted[work_id]) != _in_order(stored[work_id])]
    if changed:
        rows = [{"work_id": work_id, **link} for work_id in changed for link in wanted[work_id]]
        tx.execute(_SQL["drop_authors_of_works"], {"ids": changed})
        tx.execute(_SQL["add_authors_of_works"], {"rows": _json(rows)})


def credits_of(tx: Connection, author_keys: Collection[str]) -> dict[str, list[tuple[str, dict[str, str]]]]:
    """How works name authors: key → (name, identifiers by scheme) for each work."""
    found: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for row in tx.execute(_SQL["credits"], {"keys": sorted(author_keys)}).fetchall() if author_keys else ():
        found.setdefault(row["author_key"], []).append((row["credited"], row["identifiers"]))
    return found


def write_ids(tx: Connection, kind: EntityKind, identifiers: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
    """Writes the external identifiers of subjects: scheme → values."""
    rows = [
        {"subject": subject, "scheme": scheme, "value": value}
        for subject, schemes in sorted(identifiers.items())
        for scheme, values in schemes.items()
        for value in values
    ]
    if not identifiers:
        return
    tx.execute(_SQL["drop_ids"], {"kind": kind, "subjects": list(identifiers)})
    tx.execute(_SQL["add_ids"], {"kind": kind, "rows": _json(rows)})


def write_conflicts(tx: Connection, kind: EntityKind, conflicts: Mapping[str, Mapping[str, str]]) -> int:
    """Writes the conflicts of subjects (field → detail); returns how many there are."""
    rows = [
        {"subject": subject, "field": name, "detail": detail}
        for subject, fields in conflicts.items()
        for name, detail in fields.items()
    ]
    values = {"kind": kind, "subjects": list(conflicts), "rows": _json(rows)}
    tx.execute(_SQL["drop_conflicts"], values)
    if rows:
        tx.execute(_SQL["add_conflicts"], values)
    return len(rows)


def find_works(tx: Connection, key: str) -> list[Row]:
    """Works by key or retired key."""
    return tx.execute(_SQL["find_works"], {"key": key}).fetchall()


def find_edition(tx: Connection, isbn13: str) -> Row | None:
    """The edition with this ISBN."""
    return tx.execute(_SQL["find_edition"], {"key": isbn13}).fetchone()


def find_authors(tx: Connection, key: str, name_key: str) -> list[Row]:
    """Authors by key, or by normalised name."""
    return tx.execute(_SQL["find_authors"], {"key": key, "name_key": name_key}).fetchall()


def keys(tx: Connection, kind: EntityKind, wanted: Collection[str]) -> list[Row]:
    """`id`, `key` and `merged_into` of works or authors."""
    return tx.execute(_SQL["keys"], {"kind": kind, "keys": sorted(wanted)}).fetchall()


def set_merged_into(tx: Connection, kind: EntityKind, merged: Mapping[int, int | None]) -> None:
    """Sets what each work or author is merged into."""
    rows = [{"id": each, "merged_into": into} for each, into in merged.items()]
    tx.execute(_SQL[f"merge_{kind}s_into"], {"rows": _json(rows)})


def members_of_authors(tx: Connection, author_keys: Collection[str]) -> dict[str, list[str]]:
    """The keys of authors, each with those that are merged into it and its own."""
    found: dict[str, list[str]] = {key: [key] for key in author_keys}
    for row in tx.execute(_SQL["members_of_authors"], {"keys": sorted(author_keys)}).fetchall():
        found[row["key"]].append(row["member"])
    return found


def works_of_authors(tx: Connection, author_keys: Collection[str]) -> list[int]:
    """The ids of the works of authors."""
    return [row["work_id"] for row in tx.execute(_SQL["works_of_authors"], {"keys": sorted(author_keys)}).fetchall()]


def conflicts_of(tx: Connection, kind: EntityKind, subject: str) -> dict[str, str]:
    """field → the values that contradict each other."""
    rows = tx.execute(_SQL["conflicts_of"], {"kind": kind, "subject": subject})
    return {row["field"]: row["detail"] for row in rows}


def differs(current: Row, row: Row) -> bool:
    """Whether a computed row differs from the current one."""
    return bool(_difference(current, row))


def _difference(current: Row | None, row: Row) -> dict[str, Any]:
    """The columns that differ. A row that is computed for the first time differs in its provenance at least."""
    if current is None:
        return {name: value for name, value in row.items() if name not in _NOT_COMPARED}
    if row.items() <= current.items():
        return {}
    stored = current.get
    return {name: value for name, value in row.items() if stored(name) != value and name not in _NOT_COMPARED}


_LINK: Final = ("author_key", "role", "position", "credited", "identifiers")


def _in_order(links: Sequence[Row]) -> list[Row]:
    return sorted(links, key=lambda link: (link["role"], link["position"], link["author_key"]))


def _json(rows: Sequence[Row]) -> Jsonb:
    return Jsonb(rows, dumps=orjson.dumps)


def _log_line(kind: EntityKind, current: Row | None, row: Row, diff: Mapping[str, Any]) -> Row:
    named = sorted(set(diff) - {"provenance", "completeness", "quality"})
    subject = {"edition": "isbn13", "work": "work_key", "author": "author_key"}[kind]
    return {
        "work_id": row.get("work_id") or (current or {}).get("work_id"),
        "isbn13": row.get("isbn13") if kind == "edition" else None,
        "subject": str(row.get(subject) or (current or {}).get(subject)),
        "action": f"computed {kind}",
        "fields": named,
        "before": {name: (current or {}).get(name) for name in named},
        "after": {name: diff[name] for name in named},
    }
