"""Computes the served columns of editions, works and authors from claims, and writes those that differ."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.merging import hints
from alexandria_pipeline.domain.merging import served as columns
from alexandria_pipeline.domain.merging.identity import AuthorRef, authors_of_work
from alexandria_pipeline.domain.merging.merge import Merged, merge
from alexandria_pipeline.storage import claims as store
from alexandria_pipeline.storage import served
from alexandria_pipeline.storage.served import AuthorLink, Written

if TYPE_CHECKING:
    from alexandria_pipeline.domain.merging.claims import Claim, EntityKind
    from alexandria_pipeline.storage.database import Connection

# The fields of a work that claims about its editions state, too.
_FROM_EDITIONS = frozenset({"title", "authors", "description", "subjects", "series", "cover"})


def compute_editions(tx: Connection, isbns: Collection[Isbn13], run_id: str) -> Written:
    """Computes editions. Those without claims stay as they are."""
    store.one_writer(tx)
    current = served.editions(tx, isbns)
    claims, locks = store.claims_of(tx, "edition", current), store.locks_of(tx, "edition", current)
    merged = {
        isbn: merge("edition", claims[isbn], locks[isbn], hints_of("edition", row))
        for isbn, row in current.items()
        if claims[isbn] or locks[isbn]
    }
    rows = {isbn: columns.edition_columns(isbn, each, current[isbn]) for isbn, each in merged.items()}
    changed = served.write(tx, "edition", current, rows, run_id)
    served.write_ids(tx, "edition", {isbn: rows[isbn]["identifiers"] for isbn in changed})
    served.write_conflicts(tx, "edition", {isbn: each.conflicts for isbn, each in merged.items()})
    return Written(len(rows), len(changed), columns.coverage("edition", list(rows.values())))


def compute_works(tx: Connection, work_ids: Collection[int], run_id: str) -> Written:
    """Computes resolved works from the claims about them and about their editions."""
    store.one_writer(tx)
    current = served.works(tx, work_ids)
    keys = {work_id: row["work_key"] for work_id, row in current.items()}
    rows, merged = _work_rows(tx, work_ids)
    changed = served.write(tx, "work", current, rows, run_id)
    served.write_ids(tx, "work", {keys[work_id]: rows[work_id]["identifiers"] for work_id in changed})
    served.write_conflicts(tx, "work", {keys[work_id]: each.conflicts for work_id, each in merged.items()})
    return Written(len(rows), len(changed), columns.coverage("work", list(rows.values())))


def _work_rows(tx: Connection, work_ids: Collection[int]) -> tuple[dict[int, served.Row], dict[int, Merged]]:
    """The columns of works that have claims or locks, and the merged values."""
    current = served.works(tx, work_ids)
    claims = claims_of_works(tx, list(current))
    locks = store.locks_of(tx, "work", [row["work_key"] for row in current.values()])
    merged = {
        work_id: merge("work", claims[work_id], locks[row["work_key"]], hints_of("work", row))
        for work_id, row in current.items()
        if claims[work_id] or locks[row["work_key"]]
    }
    return {work_id: columns.work_columns(work_id, each, current[work_id]) for work_id, each in merged.items()}, merged


def differences(tx: Connection, work_ids: Collection[int]) -> list[str]:
    """The keys of works whose served columns differ from what their claims give now; writes nothing."""
    current, rows = served.works(tx, work_ids), _work_rows(tx, work_ids)[0]
    return sorted(
        current[work_id]["work_key"] for work_id, row in rows.items() if served.differs(current[work_id], row)
    )


def authors_of(tx: Connection, work_ids: Collection[int]) -> dict[int, list[AuthorRef]]:
    """The authors of resolved works, from claims."""
    current = served.works(tx, work_ids)
    editions = served.editions_of_works(tx, list(current))
    claims = claims_of_works(tx, list(current))
    of_editions = store.claims_of(tx, "edition", [isbn for each in editions.values() for isbn in each])
    locks = store.locks_of(tx, "work", [row["work_key"] for row in current.values()])
    found = {}
    for work_id, row in current.items():
        merged = merge("work", claims[work_id], locks[row["work_key"]], hints_of("work", row))
        names = merged.values.get("authors", ())
        members = [(key, of_editions[isbn]) for isbn, key in editions[work_id].items()]
        found[work_id] = authors_of_work(row["work_key"], names, members)
    return found


def compute_authors(tx: Connection, work_ids: Collection[int], run_id: str) -> Written:
    """Computes the authors of works, and links works with them."""
    store.one_writer(tx)
    refs = authors_of(tx, work_ids)
    authors = {author.key: author for each in refs.values() for author in each}
    current = served.authors(tx, authors)
    members = served.members_of_authors(tx, authors)
    claims = store.claims_of(tx, "author", {member for each in members.values() for member in each})
    locks = store.locks_of(tx, "author", authors)
    merged = {
        key: merge("author", [claim for member in members[key] for claim in claims[member]], locks[key])
        for key in authors
    }
    rows = {key: columns.author_columns(authors[key], each) for key, each in merged.items()}
    changed = served.write(tx, "author", current, rows, run_id)
    served.write_ids(tx, "author", {key: rows[key]["identifiers"] for key in changed})
    served.write_conflicts(tx, "author", {key: each.conflicts for key, each in merged.items()})
    links = [
        AuthorLink(work_id, author.key, "author", position)
        for work_id, each in refs.items()
        for position, author in enumerate(each)
    ]
    served.write_author_links(tx, list(refs), links)
    return Written(len(rows), len(changed), columns.coverage("author", list(rows.values())))


def hints_of(kind: EntityKind, row: served.Row) -> list[Claim]:
    """What decides between equally many sources of an edition or work, from its row."""
    listed = hints.of_listing(row["listed_title"], row["listed_author"])
    return [*listed, *hints.of_isbn(row["isbn13"])] if kind == "edition" else listed


def claims_of_works(tx: Connection, work_ids: Collection[int]) -> dict[int, list[Claim]]:
    """The claims about works: about the works themselves, and those about their editions that concern the work."""
    editions = served.editions_of_works(tx, work_ids)
    isbns = [isbn for each in editions.values() for isbn in each]
    of_works, of_editions = store.claims_of(tx, "work", isbns), store.claims_of(tx, "edition", isbns)
    return {
        work_id: [
            *(claim for isbn in each for claim in of_works[isbn]),
            *(claim for isbn in each for claim in of_editions[isbn] if claim.field in _FROM_EDITIONS),
        ]
        for work_id, each in editions.items()
    }
