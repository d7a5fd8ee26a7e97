"""Show, locks, merges and splits on a real database: what changes, and that a split undoes a merge."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.merging.claims import Lock, Stated
from alexandria_pipeline.operations import library
from alexandria_pipeline.operations.recompute import recompute
from alexandria_pipeline.operations.review import Review
from alexandria_pipeline.stages import computing
from alexandria_pipeline.storage import claims
from alexandria_pipeline_tests.world import JULY, JUNE, dump, pipeline, rows, run_all

if TYPE_CHECKING:
    from pathlib import Path

    from alexandria_pipeline.storage.database import Database

GUESTS, HALF = "9780062868930", "9780525536291"
TIMES = ("updated_at",)
"""Of the columns with times, only the time of the last change may differ after a merge and its split."""


@pytest.fixture
def filled(database: Database, tmp_path: Path) -> Database:
    """Two months whose works are enriched from the local catalogue, and from what two services state."""
    world = pipeline(database, tmp_path)
    run_all(database, world, [JUNE, JULY])
    stated = [
        Stated("isbndb", "edition", "metadata", GUESTS, (("pages", 320), ("title", "THE GUEST LIST"), ("publisher", "Morrow"))),
        Stated("open-library", "edition", "metadata", GUESTS, (("pages", 330), ("title", "The Guest List"))),
        Stated("open-library", "work", "metadata", GUESTS, (("first_published", 2020), ("identifiers", [["wikidata", "Q1"]]))),
        Stated("isbndb", "work", "metadata", HALF, (("first_published", 2019), ("identifiers", [["wikidata", "Q2"]]))),
    ]  # fmt: skip
    with database.transaction() as tx:
        claims.store(tx, stated, "run-2")
    for stage in (world.enrich.editions, world.enrich.works, world.enrich.authors):
        stage([JUNE, JULY], "run-2")
    return database


def _key(database: Database, isbn: str) -> str:
    (row,) = rows(database, "select work_key from enriched_works where isbn13 = %s", isbn)
    return str(row["work_key"])


def _served(database: Database) -> dict[str, list[dict[str, Any]]]:
    tables = dump(database, ("enriched_works", "enriched_authors", "work_authors", "external_id"))
    return {
        table: [{name: value for name, value in row.items() if name not in TIMES} for row in found]
        for table, found in tables.items()
    }


def test_a_field_is_shown_with_its_source_and_what_lost(filled: Database) -> None:
    shown = library.show(filled, GUESTS)
    fields = {field["field"]: field for field in shown["fields"]}
    assert (fields["title"]["value"], fields["title"]["source"]) == ("The Guest List", "open-library")
    assert {"source": "isbndb", "value": "THE GUEST LIST", "rank": "normal"} in fields["title"]["lost"]
    assert fields["publisher"]["value"] == "Morrow"
    assert shown["completeness"] > 0
    assert library.show(filled, "Lucy Foley")["kind"] == "author"
    with pytest.raises(InvalidValue, match="'Nobody' is no ISBN"):
        library.show(filled, "Nobody")


def test_a_lock_holds_until_it_is_withdrawn(filled: Database) -> None:
    before = _served(filled)
    key = _key(filled, GUESTS)
    library.lock(filled, key, "title", Lock("My title"), "Ada")
    library.lock(filled, key, "first_published", Lock(nothing=True), "Ada")
    (work,) = rows(filled, "select title, first_published, provenance from enriched_works where work_key = %s", key)
    assert (work["title"], work["first_published"], work["provenance"]["title"]["source"]) == ("My title", None, "lock")
    with filled.transaction() as tx:
        computing.compute_works(
            tx, [row["work_id"] for row in rows(filled, "select work_id from enriched_works")], "run-3"
        )
    assert rows(filled, "select title from enriched_works where work_key = %s", key) == [{"title": "My title"}]
    with pytest.raises(InvalidValue, match="the work has no field 'titel'"):
        library.lock(filled, key, "titel", Lock("x"), "Ada")
    for field in ("title", "first_published"):
        library.lock(filled, key, field, None, "Ada")
    assert _served(filled) == before


def test_a_merge_serves_the_claims_of_both_and_a_split_undoes_it(filled: Database) -> None:
    before, guests, half = _served(filled), _key(filled, GUESTS), _key(filled, HALF)
    shown = {field["field"]: field for field in library.preview(filled, "work", guests, half)["fields"]}
    assert shown["identifiers"]["merged"] == {"wikidata": ["Q1", "Q2"]}
    assert _served(filled) == before, "a preview changes nothing"

    assert library.judge(filled, "work", guests, half, "same", "Ada") == sorted([guests, half])
    (old, new) = rows(filled, "select * from enriched_works where work_key in (%s, %s) order by work_id", guests, half)
    assert (old["merged_into"], new["merged_into"]) == (None, old["work_id"])
    assert old["identifiers"] == {"wikidata": ["Q1", "Q2"]}
    assert rows(filled, "select subject, field from field_conflict where kind = 'work'") == [
        {"subject": old["work_key"], "field": "identifiers"}
    ]

    (conflict,) = Review(filled).conflicts()
    assert (conflict["kind"], conflict["key"], conflict["field"]) == ("work", old["work_key"], "identifiers")
    assert (conflict["title"], conflict["detail"], conflict["total"]) == ("The Guest List", "wikidata Q1, Q2", 1)

    library.judge(filled, "work", half, guests, "different", "Ada")
    assert _served(filled) == before
    assert rows(filled, "select 1 from field_conflict where kind = 'work'") == []
    judged = rows(filled, "select verdict, withdrawn_at is null as holds from identity_judgement order by judgement_id")
    assert judged == [{"verdict": "same", "holds": False}, {"verdict": "different", "holds": True}]


@pytest.mark.slow("ten sequences of judgements")
def test_any_sequence_of_merges_is_undone_by_splits(filled: Database) -> None:
    before = _served(filled)
    keys = [
        row["work_key"] for row in rows(filled, "select work_key from enriched_works where not synthetic order by 1")
    ]
    dice = random.Random(13)  # noqa: S311 - repeatable
    for _ in range(10):
        pairs = [tuple(dice.sample(keys, 2)) for _ in range(dice.randint(1, 4))]
        for left, right in pairs:
            library.judge(filled, "work", left, right, "same", "Ada")
        dice.shuffle(pairs)
        for left, right in pairs:
            library.judge(filled, "work", left, right, "different", "Ada")
        assert _served(filled) == before, pairs


@pytest.mark.slow("two processes")
def test_a_recomputation_writes_what_differs_in_one_process_as_in_two(filled: Database) -> None:
    before = dump(filled, ("enriched_editions", "enriched_works", "enriched_authors", "work_authors", "external_id"))
    again = recompute(filled, "run-3")
    assert {each["changed"] for each in again.values()} == {0}
    assert again["work"]["computed"] == len(rows(filled, "select 1 from enriched_works where not synthetic"))
    rows(filled, "update enriched_works set title = 'Old rule' where not synthetic returning 1")
    rows(filled, "update enriched_editions set pages = 1 returning 1")
    counts = recompute(filled, "run-4", processes=2)
    assert counts["work"]["changed"] == counts["edition"]["changed"] == again["work"]["computed"]
    assert _served(filled)["enriched_works"] == [
        {name: value for name, value in row.items() if name not in TIMES} for row in before["enriched_works"]
    ]


def test_an_author_is_computed_from_all_works_in_any_order(filled: Database) -> None:
    """Two works name one author by different names and identifiers."""
    named = [("J. Foley", [["wikidata", "Q9"]]), ("Lucy Foley", [["wikidata", "Q9"], ["viaf", "12"]])]
    works = rows(
        filled, "select work_id, isbn13 from enriched_works where isbn13 in (%s, %s) order by work_id", GUESTS, HALF
    )
    stated = [
        Stated(
            "wikidata",
            "edition",
            "metadata",
            work["isbn13"],
            (("authors", [{"name": name, "role": "author", "ids": ids}]),),
        )
        for work, (name, ids) in zip(works, named, strict=True)
    ]
    stated += [
        Stated("isbndb", "edition", "metadata", each.subject, each.facts) for each in stated
    ]  # two sources against the local catalogue
    computed = []
    with filled.transaction() as tx:
        claims.store(tx, stated, "run-3")
    for order in (works, works[::-1]):
        with filled.transaction() as tx:
            for work in order:
                computing.compute_authors(tx, [work["work_id"]], "run-3")
        computed.append(
            rows(filled, "select name, identifiers, provenance from enriched_authors where author_key = 'wikidata:Q9'")
        )
    assert computed[0] == computed[1]
    assert (computed[0][0]["name"], computed[0][0]["identifiers"]) == (
        "Lucy Foley",
        {"viaf": ["12"], "wikidata": ["Q9"]},
    )
