"""Joining: reads which works may be one, and the judgements that a person has to make. `claims.py` stores judgements."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline.domain.merging.authors import AuthorFacts
from alexandria_pipeline.domain.merging.claims import EntityKind
from alexandria_pipeline.domain.merging.works import WORK_SCHEMES, WorkFacts
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("joining")

_SCHEMES: Final = {
    "schemes": list(WORK_SCHEMES),
    # An edition's item of Wikidata is the edition's own; these name its work.
    "edition_schemes": ["openlibrary_work", "goodreads_work", "librarything"],
}


def pairs(tx: Connection, work_ids: Collection[int]) -> list[tuple[int, int]]:
    """Pairs of resolved works, one of them among these, that share an identifier or the name of an author."""
    rows = tx.execute(_SQL["pairs"], {"ids": sorted(work_ids), **_SCHEMES})
    return [(row["one"], row["other"]) for row in rows]


def facts(tx: Connection, work_ids: Collection[int]) -> dict[int, WorkFacts]:
    """What is compared of works, by id."""
    rows = tx.execute(_SQL["facts"], {"ids": sorted(work_ids), **_SCHEMES})
    return {row["work_id"]: _facts(row) for row in rows}


def author_pairs(tx: Connection, work_ids: Collection[int]) -> list[tuple[int, int]]:
    """Pairs of authors with equal names, one of them an author of these works, that have dates or a title in common to compare."""
    rows = tx.execute(_SQL["author_pairs"], {"ids": sorted(work_ids)})
    return [(row["one"], row["other"]) for row in rows]


def author_facts(tx: Connection, author_ids: Collection[int]) -> dict[int, AuthorFacts]:
    """What is compared of authors, by id."""
    rows = tx.execute(_SQL["author_facts"], {"ids": sorted(author_ids)})
    return {
        row["author_id"]: AuthorFacts(
            row["author_key"],
            row["name"],
            row["born"],
            row["died"],
            {scheme: frozenset(values) for scheme, values in row["identifiers"].items()},
            frozenset(row["titles"]),
        )
        for row in rows
    }


def doubts(tx: Connection, kind: EntityKind) -> list[dict[str, Any]]:
    """The pairs that a person has to decide: keys, titles, the rule that speaks for one work, and the guard that refuses."""
    return tx.execute(_SQL["doubts"], {"kind": kind}).fetchall()


def conflicts(tx: Connection, limit: int | None = None) -> list[dict[str, Any]]:
    """The fields about which sources contradict each other, oldest first; `total` is their number."""
    return tx.execute(_SQL["conflicts"], {"limit": limit}).fetchall()


def _facts(row: dict[str, Any]) -> WorkFacts:
    identifiers: dict[str, set[str]] = {}
    for scheme, value in row["identifiers"]:
        identifiers.setdefault(scheme, set()).add(value)
    return WorkFacts(
        row["work_key"],
        (row["title"], *(title for title in row["stated_titles"] if title != row["title"])),
        row["author"],
        frozenset(row["authors"]),
        {scheme: frozenset(values) for scheme, values in identifiers.items()},
        row["first_published"],
        frozenset(isbn for isbn in row["isbns"] if isbn),
    )
