"""Joining on a real database: two works that prove to be one, doubts, and judgements of people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from alexandria_pipeline.domain.merging.claims import Lock, Stated
from alexandria_pipeline.operations import library
from alexandria_pipeline.operations.recompute import recompute
from alexandria_pipeline.stages import computing
from alexandria_pipeline.stages.joining import apply, join_authors, join_works
from alexandria_pipeline.storage import claims
from alexandria_pipeline_tests.world import JULY, JUNE, pipeline, rows, run_all

if TYPE_CHECKING:
    from pathlib import Path

    from alexandria_pipeline.storage.database import Database

GUESTS, HALF = "9780062868930", "9780525536291"


@pytest.fixture
def twice(database: Database, tmp_path: Path) -> Database:
    """Two months. One book has two works, as if two lists had named it in ways that were not recognised."""
    run_all(database, pipeline(database, tmp_path), [JUNE, JULY])
    with database.transaction() as tx:
        tx.execute(
            "update enriched_works set title = 'The Guest List (Paperback)', listed_title = 'The Guest List (Paperback)',"
            " author = 'L. Foley', listed_author = 'Lucy Foley' where isbn13 = %s",
            [HALF],
        )
    return database


def _state(database: Database, **facts: Any) -> None:
    """Both works are stated to have these facts, and are computed and judged."""
    title = (("title", "The Guest List"), ("authors", [{"name": "Lucy Foley", "role": "author"}]))
    stated = [Stated("open-library", "edition", "metadata", isbn, title) for isbn in (GUESTS, HALF)]
    stated += [Stated("open-library", "work", "metadata", isbn, tuple(facts.items())) for isbn in (GUESTS, HALF)]
    with database.transaction() as tx:
        claims.store(tx, stated, "run-2")
        works = [row["work_id"] for row in tx.execute("select work_id from enriched_works where not synthetic")]
        computing.compute_works(tx, works, "run-2")
        computing.compute_authors(tx, works, "run-2")
        join_works(tx, works, "run-2")


def _merged(database: Database) -> list[bool]:
    found = rows(
        database, "select merged_into is not null as merged from enriched_works where not synthetic order by work_id"
    )
    return [row["merged"] for row in found]


def _judged(database: Database) -> list[tuple[str, str]]:
    found = rows(
        database, "select verdict, rule from identity_judgement where withdrawn_at is null order by judgement_id"
    )
    return [(row["verdict"], row["rule"]) for row in found]


def test_two_works_with_one_identifier_are_joined_once(twice: Database) -> None:
    _state(twice, identifiers=[["openlibrary_work", "OL7W"]])
    assert _judged(twice) == [("same", "shared openlibrary_work")]
    assert sum(_merged(twice)) == 1
    log = rows(twice, "select count(*) as lines from enrichment_log")
    _state(twice, identifiers=[["openlibrary_work", "OL7W"]])
    assert rows(twice, "select count(*) as lines from enrichment_log") == log, "a second run changes nothing"
    assert len(_judged(twice)) == 1


def test_a_split_is_not_repeated_by_a_run(twice: Database) -> None:
    _state(twice, first_published=2020)
    assert _judged(twice) == [("same", "likeness and year")]
    left, right = (
        row["work_key"]
        for row in rows(twice, "select work_key from enriched_works where isbn13 in (%s, %s)", GUESTS, HALF)
    )
    library.judge(twice, "work", left, right, "different", "Ada")
    _state(twice, first_published=2020, identifiers=[["openlibrary_work", "OL7W"]])
    assert _judged(twice) == [("different", "person")]
    assert not any(_merged(twice))


def test_a_pair_with_too_little_evidence_waits_for_a_person_or_for_evidence(twice: Database) -> None:
    _state(twice, subjects=["Islands"])
    assert _judged(twice) == [("unsure", "title and name")]
    (doubt,) = library.doubts(twice, "work")
    assert {doubt["left_title"], doubt["right_title"]} == {"The Guest List"}
    _state(twice, first_published=2020)
    assert _judged(twice) == [("same", "likeness and year")]
    assert library.doubts(twice, "work") == []


def _known_by(ids: dict[str, list[str] | None]) -> list[Stated]:
    """Two services know the author of each edition by an identifier, or by the name alone; all are born in one year."""
    stated = [
        Stated(
            provider,
            "edition",
            "metadata",
            isbn,
            (("authors", [{"name": "Lucy Foley", "role": "author", **({"ids": [pair]} if pair else {})}]),),
        )
        for isbn, pair in ids.items()
        for provider in ("open-library", "isbndb")
    ]
    return stated + [
        Stated("wikipedia", "author", "biography", ":".join(pair), (("born", year),))
        for pair, year in zip(filter(None, ids.values()), ("1986-01-13", "1986"), strict=False)
    ]


def test_two_authors_with_one_name_and_year_of_birth_are_joined_once(twice: Database) -> None:
    """Two services know one person by identifiers of two schemes."""
    with twice.transaction() as tx:
        claims.store(tx, _known_by({GUESTS: ["wikidata", "Q9"], HALF: ["viaf", "12"]}), "run-2")
        works = [row["work_id"] for row in tx.execute("select work_id from enriched_works where not synthetic")]
        computing.compute_authors(tx, works, "run-2")
        assert [join_authors(tx, works, "run-2") for _ in range(2)] == [1, 0]
    merged = (
        "select author_key, merged_into is not null as merged from enriched_authors"
        " where author_key in ('wikidata:Q9', 'viaf:12') order by author_key"
    )
    assert [row["merged"] for row in rows(twice, merged)] == [False, True]
    assert _judged(twice) == [("same", "name and dates")]

    turned = """update enriched_authors a set merged_into = case when a.author_key = 'viaf:12' then b.author_id end from enriched_authors b
        where (a.author_key, b.author_key) in (('viaf:12', 'wikidata:Q9'), ('wikidata:Q9', 'viaf:12')) returning 1"""
    rows(twice, turned)  # as the first found one stood for both
    recompute(twice, "run-3")
    assert [row["merged"] for row in rows(twice, merged)] == [False, True]


AUTHORS = """select a.author_key, root.author_key as stands_for_it, a.name, a.born, a.identifiers, a.biography, a.completeness,
    a.provenance #>> '{name,source}' as named_by
from enriched_authors a left join enriched_authors root on root.author_id = a.merged_into
where a.author_key in ('wikidata:Q9', 'viaf:12') or a.author_key like 'name:lucy foley:%%' order by a.author_key"""


@pytest.mark.parametrize(
    ("ids", "first"),
    [
        ({GUESTS: ["wikidata", "Q9"], HALF: ["viaf", "12"]}, "viaf:12"),
        ({GUESTS: None, HALF: ["viaf", "12"]}, "viaf:12"),
    ],
)
def test_any_order_of_arrival_gives_the_same_authors(
    twice: Database, ids: dict[str, list[str] | None], first: str
) -> None:
    """The author who was found first has the smaller id, which decides nothing. A lock holds under the key that stands for it."""
    served = []
    for order in ([GUESTS, HALF], [HALF, GUESTS]):
        with twice.transaction() as tx:
            claims.store(tx, _known_by(ids), "run-2")
            tx.execute("delete from work_authors")
            tx.execute("delete from enriched_authors")
            for isbn in order:
                works = [
                    row["work_id"] for row in tx.execute("select work_id from enriched_works where isbn13 = %s", [isbn])
                ]
                computing.compute_authors(tx, works, "run-2")
            keys = sorted(
                row["author_key"] for row in tx.execute("select author_key from enriched_authors") if row["author_key"]
            )
            pair = [key for key in keys if key != first and key.split(":")[1] in {"lucy foley", "Q9"}]
            claims.set_lock(tx, "author", pair[0], "biography", Lock("A writer."), "Ada")
            claims.judge(tx, "author", first, pair[0], "same", "person", "Ada", {})
            apply(tx, "author", [first, pair[0]], "run-2")
            served.append(tx.execute(AUTHORS).fetchall())
            raise psycopg.Rollback
    assert served[0] == served[1]
    by_key = {row["author_key"]: row for row in served[0]}
    assert [row["stands_for_it"] for row in by_key.values() if row["stands_for_it"]] == [first]
    assert by_key[first]["biography"] == "A writer."
