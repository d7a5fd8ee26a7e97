"""Computes the served columns of editions, works and authors from claims, and writes those that differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.merging import hints
from alexandria_pipeline.domain.merging import served as columns
from alexandria_pipeline.domain.merging.claims import Sheet, together, usable
from alexandria_pipeline.domain.merging.identity import AuthorRef, authors_of_work, credited, precedence
from alexandria_pipeline.domain.merging.merge import Choices, Merged, merge_sheet
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.storage import claims as store
from alexandria_pipeline.storage import served
from alexandria_pipeline.storage.served import AuthorLink, Written

if TYPE_CHECKING:
    from alexandria_pipeline.domain.merging.claims import Claim, EntityKind, Fields, Lock
    from alexandria_pipeline.storage.database import Connection

# The fields of a work that claims about its editions state, too.
_FROM_EDITIONS: Final = frozenset({"title", "authors", "description", "subjects", "series", "cover"})
_AUTHORS: Final = frozenset({"authors"})


@dataclass(slots=True)
class Given:
    """What the rows of works are computed from.

    `works`: their rows; `editions`: ISBN → key of the work that it belongs to, by work; the claims are by ISBN, the locks by key.
    """

    works: Mapping[int, served.Row]
    editions: Mapping[int, Mapping[str, str]]
    of_editions: Mapping[str, Fields]
    of_works: Mapping[str, Fields]
    locks: Mapping[str, Mapping[str, Lock]]
    choices: Choices = field(default_factory=dict)
    of_work: dict[int, Merged | None] = field(default_factory=dict)
    sheets: dict[str, Sheet] = field(default_factory=dict)
    """The sheets of editions, by ISBN."""

    def claims(self, work_id: int) -> Fields:
        """The claims about a work: about the work itself, and those about its editions that concern the work."""
        isbns = self.editions[work_id]
        stated = [self.of_works[isbn] for isbn in isbns if isbn in self.of_works]
        stated += [_concerning_works(self.of_editions[isbn]) for isbn in isbns if isbn in self.of_editions]
        return together(stated)

    def merged(self, work_id: int, fields: Collection[str] | None = None) -> Merged | None:
        """The values of a work; None without claims and locks."""
        if work_id not in self.of_work:
            row = self.works[work_id]
            claims, locks = self.claims(work_id), self.locks.get(row["work_key"])
            sheet = Sheet(claims, hints_of("work", row), self._of_only_edition(work_id))
            self.of_work[work_id] = merge_sheet("work", sheet, locks, fields, self.choices) if claims or locks else None
        return self.of_work[work_id]

    def _of_only_edition(self, work_id: int) -> Sheet | None:
        """The sheet of a work's only edition, if it is computed already: what was chosen from the same claims is not chosen again."""
        editions = self.editions[work_id]
        isbn = next(iter(editions), "")
        own = len(editions) == 1 and editions[isbn] == self.works[work_id]["work_key"]
        return self.sheets.get(isbn) if own else None

    def authors(self, isbn: str) -> Sequence[Claim]:
        """The claims about the authors of an edition."""
        if isbn in self.sheets:
            return [claim for claim in self.sheets[isbn].kept.get("authors", ()) if claim.rank != "hint"]
        return usable(self.of_editions.get(isbn, {}).get("authors", ()))


def _concerning_works(fields: Fields) -> Fields:
    return {name: claims for name, claims in fields.items() if name in _FROM_EDITIONS}


def compute_editions(tx: Connection, isbns: Collection[Isbn13], run_id: str, given: Given | None = None) -> Written:
    """Computes editions. Those without claims stay as they are."""
    if given is None:
        store.one_writer(tx)
    current = served.editions(tx, isbns)
    claims = given.of_editions if given else store.claims_of(tx, "edition", current)
    choices = given.choices if given else None
    locks = store.locks_of(tx, "edition", current)
    sheets = given.sheets if given else {}
    merged = {}
    for isbn, row in current.items():
        if isbn in claims or locks.get(isbn):
            sheets[isbn] = Sheet(claims.get(isbn, {}), hints_of("edition", row))
            merged[isbn] = merge_sheet("edition", sheets[isbn], locks.get(isbn), choices=choices)
    rows = {isbn: columns.edition_columns(isbn, each, current[isbn]) for isbn, each in merged.items()}
    changed = served.write(tx, "edition", current, rows, run_id)
    served.write_ids(tx, "edition", {isbn: rows[isbn]["identifiers"] for isbn in changed})
    conflicts = served.write_conflicts(tx, "edition", {isbn: each.conflicts for isbn, each in merged.items()})
    return _written("edition", rows, changed, conflicts, given)


def compute_works(tx: Connection, work_ids: Collection[int], run_id: str, given: Given | None = None) -> Written:
    """Computes resolved works from the claims about them and about their editions."""
    if given is None:
        store.one_writer(tx)
    known = given or _given(tx, work_ids)
    rows, merged = _work_rows(known)
    keys = {work_id: row["work_key"] for work_id, row in known.works.items()}
    changed = served.write(tx, "work", known.works, rows, run_id)
    served.write_ids(tx, "work", {keys[work_id]: rows[work_id]["identifiers"] for work_id in changed})
    conflicts = served.write_conflicts(tx, "work", {keys[work_id]: each.conflicts for work_id, each in merged.items()})
    return _written("work", rows, changed, conflicts, given)


def recompute(tx: Connection, work_ids: Collection[int], run_id: str) -> dict[EntityKind, Written]:
    """Computes works with their editions and authors; the claims are read once. Other works may be computed at the same time."""
    store.no_writer(tx)
    given = _given(tx, work_ids, fields=None)
    isbns = [Isbn13(isbn) for each in given.editions.values() for isbn in each]
    return {
        "edition": compute_editions(tx, isbns, run_id, given),
        "work": compute_works(tx, work_ids, run_id, given),
        "author": compute_authors(tx, work_ids, run_id, given),
    }


def _given(tx: Connection, work_ids: Collection[int], fields: Collection[str] | None = _FROM_EDITIONS) -> Given:
    """What works are computed from; of the claims about editions, those about these fields, or all."""
    works = served.works(tx, work_ids)
    editions = served.editions_of_works(tx, list(works))
    isbns = [isbn for each in editions.values() for isbn in each]
    return Given(
        works,
        editions,
        store.claims_of(tx, "edition", isbns, fields),
        store.claims_of(tx, "work", isbns, None if fields is None or fields == _FROM_EDITIONS else fields),
        store.locks_of(tx, "work", [row["work_key"] for row in works.values()]),
    )


def _work_rows(given: Given) -> tuple[dict[int, served.Row], dict[int, Merged]]:
    """The columns of works that have claims or locks, and the merged values."""
    merged = {work_id: each for work_id in given.works if (each := given.merged(work_id)) is not None}
    return {
        work_id: columns.work_columns(work_id, each, given.works[work_id]) for work_id, each in merged.items()
    }, merged


def differences(tx: Connection, work_ids: Collection[int]) -> list[str]:
    """The keys of works whose served columns differ from what their claims give now; writes nothing."""
    given = _given(tx, work_ids)
    rows = _work_rows(given)[0]
    return sorted(
        given.works[work_id]["work_key"] for work_id, row in rows.items() if served.differs(given.works[work_id], row)
    )


def authors_of(tx: Connection, work_ids: Collection[int], given: Given | None = None) -> dict[int, list[AuthorRef]]:
    """The authors of resolved works, from claims."""
    given = given or _given(tx, work_ids, _AUTHORS)
    found = {}
    for work_id, row in given.works.items():
        merged = given.merged(work_id, _AUTHORS)
        names = merged.values.get("authors", ()) if merged else ()
        members = [(key, given.authors(isbn)) for isbn, key in given.editions[work_id].items()]
        found[work_id] = authors_of_work(row["work_key"], names, members)
    return found


def compute_authors(tx: Connection, work_ids: Collection[int], run_id: str, given: Given | None = None) -> Written:
    """Computes the authors of works, and links works with them."""
    if given is None:
        store.one_writer(tx)
    refs = authors_of(tx, work_ids, given)
    named = {author.key: author.name for each in refs.values() for author in each}
    known = served.author_keys(tx, named)
    served.add_authors(tx, {key: name for key, name in named.items() if key not in known}, normalise)
    left = served.authors_of_works(tx, list(refs)) - named.keys()
    served.lock_authors(tx, named.keys() | left)
    links = [
        AuthorLink(work_id, author.key, "author", position, author.name, dict(author.identifiers))
        for work_id, each in refs.items()
        for position, author in enumerate(each)
    ]
    served.write_author_links(tx, list(refs), links)
    current = {key: row for key, row in served.authors(tx, named.keys() | left).items() if key in known or key in left}
    authors = {key: credited(key, each) for key, each in served.credits_of(tx, named.keys() | left).items()}
    members = served.members_of_authors(tx, authors)
    claims = store.claims_of(tx, "author", {member for each in members.values() for member in each})
    locks = locks_of_authors(tx, members)
    merged = {
        key: merge_sheet(
            "author", Sheet(together([claims[member] for member in members[key] if member in claims])), locks[key]
        )
        for key in authors
    }
    rows = {key: columns.author_columns(authors[key], each) for key, each in merged.items()}
    changed = served.write(tx, "author", current, rows, run_id)
    served.write_ids(tx, "author", {key: rows[key]["identifiers"] for key in changed})
    conflicts = served.write_conflicts(tx, "author", {key: each.conflicts for key, each in merged.items()})
    return _written("author", rows, changed, conflicts, given)


def locks_of_authors(tx: Connection, members: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Lock]]:
    """The locks of authors, each with those of the authors that are merged into it. Its own come first."""
    stored = store.locks_of(tx, "author", {member for each in members.values() for member in each})
    return {
        key: {
            name: lock
            for member in [*sorted(set(joined) - {key}, key=precedence, reverse=True), key]
            for name, lock in stored.get(member, {}).items()
        }
        for key, joined in members.items()
    }


def _written(
    kind: EntityKind, rows: Mapping[Any, served.Row], changed: Collection[Any], conflicts: int, given: Given | None
) -> Written:
    """The counts; coverage and sample only for a stage, which shows them. `given` is of a recomputation."""
    if given is not None:
        return Written(len(rows), len(changed), conflicts=conflicts)
    listed = list(rows.values())
    return Written(len(rows), len(changed), columns.coverage(kind, listed), conflicts, columns.sample(kind, listed))


def hints_of(kind: EntityKind, row: served.Row) -> Sequence[Claim]:
    """What decides between equally many sources of an edition or work, from its row."""
    listed = hints.of_listing(row["listed_title"], row["listed_author"])
    return (*listed, *hints.of_isbn(row["isbn13"])) if kind == "edition" else listed


def claims_of_works(tx: Connection, work_ids: Collection[int]) -> dict[int, Fields]:
    """The claims about works: about the works themselves, and those about their editions that concern the work."""
    given = _given(tx, work_ids)
    return {work_id: given.claims(work_id) for work_id in given.works}
