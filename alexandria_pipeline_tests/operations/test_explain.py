"""Why a book has its ISBN, or none: from the tables, by month and by work, and as the command prints it."""

from __future__ import annotations

from pathlib import Path

import pytest

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.explanations import REASONS, explained
from alexandria_pipeline.domain.matching.verdict import RefusalReason
from alexandria_pipeline.domain.matching.weights import probability
from alexandria_pipeline.operations.explain import explain
from alexandria_pipeline.operations.review import Review
from alexandria_pipeline.stages.promotion import ISBN_REJECTED, ISBN_TAKEN
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.world import CATALOGUE, JULY, JUNE, pipeline, rows, run_all


@pytest.fixture
def filled(database: Database, tmp_path: Path) -> Database:
    run_all(database, pipeline(database, tmp_path), [JUNE, JULY])
    return database


def test_every_book_of_a_month_is_explained_in_order(filled: Database) -> None:
    books = explain(filled, "2020-06")
    assert [book["title"] for book in books] == [
        "THE VANISHING HALF",
        "The Guest List: A Novel",
        "A Book Nobody Ever Wrote",
    ]
    found, _, unknown = books
    (attempt,) = found["attempts"]
    assert (attempt["provider"], attempt["outcome"], attempt["isbn13"]) == ("local-catalog", "found", "9780525536291")
    assert attempt["words"] == "local-catalog has the book, and the edition was accepted"
    decibans = sum(line["points"] for line in attempt["evidence"])
    assert attempt["confidence"] == found["confidence"] == int(100 * probability(decibans))
    assert {line["name"] for line in attempt["evidence"]} >= {"title", "author", "year"}
    assert attempt["candidate"]["title"] == "The Vanishing Half"
    (nothing,) = unknown["attempts"]
    assert (nothing["outcome"], nothing["candidate"], nothing["evidence"]) == ("not_found", None, [])
    assert nothing["words"] == "local-catalog does not have the book"


def test_a_work_is_explained_with_all_its_months(filled: Database) -> None:
    (key,) = [book["work_key"] for book in explain(filled, "2020-06") if book["title"] == "THE VANISHING HALF"]
    assert [book["month"] for book in explain(filled, key)] == ["2020-06", "2020-07"]


def test_attempts_of_several_runs_are_shown_in_order(filled: Database, tmp_path: Path) -> None:
    more = CATALOGUE + "A Book Nobody Ever Wrote\tNo Body\t9780306406157\t2020\ttest\t9\n"
    run_all(filled, pipeline(filled, tmp_path, catalogue=more), [JUNE], run_id="run-2")
    book = explain(filled, "2020-06")[2]
    assert [(each["run_id"], each["outcome"]) for each in book["attempts"]] == [
        ("run-1", "not_found"),
        ("run-2", "found"),
    ]


def test_the_key_of_a_merged_work_leads_to_the_book(filled: Database) -> None:
    rows(
        filled,
        "insert into work_alias select 'synthetic:old:key', work_id from enriched_works where title = 'Hamnet' returning 1",
    )
    assert [book["title"] for book in explain(filled, "synthetic:old:key")] == ["Hamnet"]


def test_decisions_of_persons_are_part_of_it(filled: Database) -> None:
    key = explain(filled, "2020-06")[2]["work_key"]
    Review(filled).reject(key, None, "Ada", "invented")
    (decision,) = explain(filled, key)[0]["decisions"]
    assert {name: decision[name] for name in ("decision", "isbn13", "by", "why")} == {
        "decision": "rejected", "isbn13": None, "by": "Ada", "why": "invented",
    }  # fmt: skip


def test_calls_are_shown_with_the_attempt_that_they_were_made_for(filled: Database) -> None:
    """The ledger names the book of a call; two attempts of one service in different runs have their own calls."""
    rows(
        filled,
        """
        insert into resolution_attempt (work_id, provider, outcome, run_id, attempted_at)
        select work_id, 'internet-archive', 'not_found', run, now() + make_interval(mins => nr)
        from enriched_works, (values ('run-2', 1), ('run-3', 3)) as r (run, nr) where title = 'Hamnet' returning 1""",
    )
    rows(
        filled,
        """
        insert into api_call (service, work_id, run_id, method, url, status, outcome, called_at)
        select service, work_id, run, 'GET', 'https://host/' || nr, 200, 'answered', now() + make_interval(secs => nr)
        from enriched_works, (values ('internet-archive', 'run-2', 1), ('internet-archive', 'run-2', 2), ('internet-archive', 'run-3', 100),
                                     ('wikidata', 'run-3', 101)) as c (service, run, nr) where title = 'Hamnet' returning 1""",
    )
    (book,) = [each for each in explain(filled, "2020-07") if each["title"] == "Hamnet"]
    calls = [[call["url"] for call in each["calls"]] for each in book["attempts"]]
    assert calls == [[], ["https://host/1", "https://host/2"], ["https://host/100"]]


def test_a_month_without_books_has_nothing_to_explain_and_a_wrong_key_is_refused(filled: Database) -> None:
    assert explain(filled, "2019-01") == []
    with pytest.raises(
        InvalidValue, match=r"'synthetic:x' is neither a month such as 2020-08 nor the key of a listed work"
    ):
        explain(filled, "synthetic:x")


def test_every_reason_there_is_has_words() -> None:
    codes = {*(reason.value for reason in RefusalReason), ISBN_TAKEN, ISBN_REJECTED}
    assert set(REASONS) == codes
    for outcome in ("found", "not_found", "unavailable", "failed", "rejected"):
        assert explained(outcome, "why", "isbndb").startswith("isbndb ")
    assert explained("failed", "", "isbndb").endswith("no reason was stored")
