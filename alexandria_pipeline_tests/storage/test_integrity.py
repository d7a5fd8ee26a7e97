"""The rules of the library: each counts the rows that break it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alexandria_pipeline.stages import computing
from alexandria_pipeline.storage import integrity
from alexandria_pipeline.storage.integrity import Counted
from alexandria_pipeline_tests.world import JULY, JUNE, pipeline, rows, run_all

if TYPE_CHECKING:
    from pathlib import Path

    from alexandria_pipeline.storage.database import Database

GUESTS = "9780062868930"

NO_AUTHOR = (
    "delete from work_authors where work_id = (select work_id from enriched_editions where isbn13 = %s) returning 1"
)
OWED = (
    "insert into enrichment_request (kind, subject, provider, part, outcome, reason, run_id)"
    " values ('edition', %s, 'isbndb', 'metadata', 'failed', 'no connection', 'run-1') returning 1"
)
BROKEN = [
    (
        "fields_have_a_source",
        "update enriched_editions set pages = 3 where isbn13 = %s returning 1",
        f"{GUESTS}: pages",
    ),
    ("works_have_authors", NO_AUTHOR, "synthetic:the guest list"),
    ("answers_owed", OWED, "isbndb: no connection"),
]


@pytest.fixture
def filled(database: Database, tmp_path: Path) -> Database:
    world = pipeline(database, tmp_path)
    run_all(database, world, [JUNE, JULY])
    for stage in (world.enrich.editions, world.enrich.works, world.enrich.authors):
        stage([JUNE, JULY], "run-2")
    author = (
        """update claim set value = '[{"name": "Lucy Foley", "role": "author"}]' where field = 'authors' returning 1"""
    )
    rows(database, author)
    return database


@pytest.mark.parametrize(("rule", "fault", "named"), BROKEN)
def test_a_broken_rule_is_counted_and_named(filled: Database, rule: str, fault: str, named: str) -> None:
    with filled.transaction() as tx:
        assert integrity.count(tx, rule).broken == 0
    rows(filled, fault, GUESTS)
    with filled.transaction() as tx:
        counted = integrity.count(tx, rule)
    assert (counted.broken, len(counted.sample)) == (1, 1)
    assert counted.sample[0].startswith(named)
    assert counted.of > 0


def test_the_constraints_keep_the_other_rules(filled: Database) -> None:
    with filled.transaction() as tx:
        rules = ("editions_have_a_work", "one_work_per_isbn", "no_resolved_work_is_synthetic")
        assert {integrity.count(tx, rule).broken for rule in rules} == {0}
        assert integrity.count(tx, "isbns_per_paid_call") == Counted(0, 0)
        assert integrity.runs_with_paid_calls(tx) == 0


def test_a_row_that_is_not_current_is_found(filled: Database) -> None:
    with filled.transaction() as tx:
        works = integrity.some_works(tx, 50)
        computing.compute_works(tx, works, "run-3")
        assert computing.differences(tx, works) == []
    rows(filled, "update enriched_works set title = 'Another' where isbn13 = %s returning 1", GUESTS)
    with filled.transaction() as tx:
        (changed,) = computing.differences(tx, works)
    assert changed.startswith("synthetic:the guest list")
