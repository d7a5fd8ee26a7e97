"""What a person decides about near misses: it takes effect at once, is kept, and no run undoes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alexandria_pipeline.composition import Pipeline
from alexandria_pipeline.domain.errors import InvalidValue, MonthOwned
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.weights import THRESHOLDS, probability
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations.explain import explain
from alexandria_pipeline.operations.review import Review
from alexandria_pipeline.storage import months as month_log
from alexandria_pipeline.storage import resolution
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.world import AUGUST, JULY, JUNE, dump, holder, pipeline, rows, run_all

HEAD_CATALOGUE = "title\tauthor\tisbn13\tdate\tlanguage\tpublisher\n"
CATALOGUE = HEAD_CATALOGUE + (
    "Circe: Daughter of Helios\tMadeline Miller\t9780316556347\t2020\ten\tLittle, Brown\n"
    "Hamnet\tMaggie O'Farrell\t9780525657606\t2020\ten\tKnopf\n"
    "The Great Escape\tPaul Brickhill\t9780571359059\t2020\ten\tFaber\n"
    "The Great Escape\tKati Marton\t9780743261159\t2020\ten\tSimon & Schuster\n"
)
LIST = (
    "month\ttitle\tauthor\n"
    "2020-06\tCirce: Lord of the Lions\tMadeline Miller\n"
    "2020-06\tHamnet\tMaggie O'Farrell\n"
    "2020-06\tThe Great Escape\t\n"
    "2020-06\tA Book Nobody Ever Wrote\tNo Body\n"
    "2020-07\tCirce: Lord of the Lions\tMadeline Miller\n"
)
CIRCE, ESCAPE, HAMNET, UNHEARD = map(Isbn13, ("9780316556347", "9780571359059", "9780525657606", "9780306406157"))
DECIDED = ("generated_book", "enriched_works", "enriched_editions", "backfill_log", "review_decision")


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Pipeline:
    """June and July, run: Circe is a near miss of both, The Great Escape one of two, and one book is unknown."""
    made = pipeline(database, tmp_path, LIST, CATALOGUE)
    run_all(database, made, [JUNE, JULY])
    return made


@pytest.fixture
def review(database: Database, world: Pipeline) -> Review:
    return Review(database)


def _key(database: Database, title: str) -> str:
    return str(rows(database, "select work_key from enriched_works where title = %s", title)[0]["work_key"])


def _books(database: Database, title: str) -> list[dict[str, Any]]:
    return rows(database, "select * from generated_book where title = %s order by year, month", title)


def _log(database: Database, month: Month) -> dict[str, Any]:
    return rows(database, "select * from backfill_log where year = %s and month = %s", month.year, month.month)[0]


CIRCE_TITLE, ESCAPE_TITLE, INVENTED_TITLE = "Circe: Lord of the Lions", "The Great Escape", "A Book Nobody Ever Wrote"


def test_near_misses_are_listed_with_their_evidence_and_nothing_else_is(review: Review) -> None:
    found = {row["title"]: row for row in review.near_misses()}
    assert set(found) == {CIRCE_TITLE, ESCAPE_TITLE}
    circe, escape = found[CIRCE_TITLE], found[ESCAPE_TITLE]
    assert (circe["isbn13"], circe["reason"], circe["months"]) == (CIRCE, "too_weak", ["2020-06", "2020-07"])
    decibans = sum(line["points"] for line in circe["evidence"])
    assert circe["confidence"] == int(100 * probability(decibans)) >= THRESHOLDS["low"]
    assert circe["words"] == "local-catalog was asked; there is too little evidence for the nearest book it offered"
    assert escape["reason"] == "ambiguous"
    offered = {escape["isbn13"], escape["candidate"]["runner_up"]["isbn13"]}
    assert offered == {"9780571359059", "9780743261159"}


def test_an_accepted_isbn_promotes_the_work_in_all_its_months(review: Review, database: Database) -> None:
    review.accept(_key(database, CIRCE_TITLE), CIRCE, "Ada", "another subtitle, the same book")
    (work,) = rows(database, "select * from enriched_works where title = %s", CIRCE_TITLE)
    assert (work["synthetic"], work["isbn13"], work["resolved_by"], work["confidence"]) == (False, CIRCE, "review", 100)
    june, july = _books(database, CIRCE_TITLE)
    for book in (june, july):
        assert (book["outcome"], book["isbn13"], book["provider"], book["confidence"]) == (
            "resolved",
            CIRCE,
            "review",
            100,
        )
        assert book["reason"] == "accepted by Ada in review: another subtitle, the same book"
    (edition,) = rows(database, "select * from enriched_editions where isbn13 = %s", CIRCE)
    assert (edition["title"], edition["publisher"], edition["published"], edition["language"]) == (
        "Circe: Daughter of Helios", "Little, Brown", "2020", "en",
    )  # fmt: skip
    assert edition["authors"] == [{"name": "Madeline Miller", "role": "author"}]
    assert (_log(database, JUNE)["isbns_resolved"], str(_log(database, JUNE)["resolution_rate"])) == (2, "50.00")
    assert (_log(database, JULY)["isbns_resolved"], _log(database, JULY)["isbns_queued"]) == (1, 1)
    assert _log(database, JUNE)["status"] == "completed"
    assert [row["title"] for row in review.near_misses()] == [ESCAPE_TITLE]


def test_no_later_run_changes_what_was_accepted_or_rejected(
    review: Review, database: Database, world: Pipeline, tmp_path: Path
) -> None:
    review.accept(_key(database, CIRCE_TITLE), CIRCE, "Ada")
    review.reject(_key(database, INVENTED_TITLE), None, "Ada", "invented")
    before = dump(database, DECIDED)
    run_all(database, world, [JUNE, JULY], run_id="run-2")
    assert dump(database, DECIDED) == before
    more = CATALOGUE + "A Book Nobody Ever Wrote\tNo Body\t9780306406157\t2020\ten\t\n"
    more += f"{CIRCE_TITLE}\tMadeline Miller\t9780140449136\t2020\ten\t\n"
    later = pipeline(
        database,
        tmp_path,
        LIST + f"2020-08\t{INVENTED_TITLE}\tNo Body\n2020-08\t{CIRCE_TITLE}\tMadeline Miller\n",
        more,
    )
    run_all(database, later, [JUNE, JULY, AUGUST], run_id="run-3")
    assert [book["isbn13"] for book in _books(database, CIRCE_TITLE)] == [CIRCE] * 3
    assert [book["outcome"] for book in _books(database, INVENTED_TITLE)] == ["not_found"] * 2
    assert _books(database, INVENTED_TITLE)[1]["reason"] == "rejected in review; no service is asked"
    asked = (
        "select 1 from resolution_attempt join enriched_works using (work_id) where title = %s and run_id <> 'run-1'"
    )
    assert rows(database, asked, INVENTED_TITLE) == []
    assert rows(database, asked, CIRCE_TITLE) == []
    assert _log(database, AUGUST)["status"] == "completed"


def test_a_rejected_isbn_is_never_given_to_the_work_and_another_may_be(
    review: Review, database: Database, tmp_path: Path
) -> None:
    key = _key(database, "Hamnet")
    review.reject(key, HAMNET, "Ada", "a misprint")
    (work,) = rows(database, "select * from enriched_works where title = 'Hamnet'")
    assert (work["synthetic"], work["isbn13"], work["confidence"], work["resolved_by"]) == (True, None, None, None)
    (book,) = _books(database, "Hamnet")
    assert (book["outcome"], book["isbn13"]) == ("deferred", None)
    assert book["reason"] == f"{HAMNET} rejected by Ada in review: a misprint; a later run searches for another"
    assert rows(database, "select 1 from enriched_editions where isbn13 = %s", HAMNET) == []
    assert _log(database, JUNE)["isbns_resolved"] == 0

    run_all(database, pipeline(database, tmp_path, LIST, CATALOGUE), [JUNE], run_id="run-2")
    (book,) = _books(database, "Hamnet")
    assert (book["outcome"], book["reason"]) == ("not_found", "local-catalog: rejected-in-review")
    (explained,) = [each for each in explain(database, "2020-06") if each["title"] == "Hamnet"]
    assert "a person has rejected the ISBN" in explained["attempts"][-1]["words"]

    more = CATALOGUE + "Hamnet\tMaggie O'Farrell\t9781472223791\t2021\ten\tTinder\n"
    run_all(database, pipeline(database, tmp_path, LIST, more), [JUNE], run_id="run-3")
    assert _books(database, "Hamnet")[0]["isbn13"] == "9781472223791"


def test_a_near_miss_that_was_rejected_is_listed_no_more(review: Review, database: Database) -> None:
    review.reject(_key(database, CIRCE_TITLE), CIRCE, "Ada")
    assert [row["title"] for row in review.near_misses()] == [ESCAPE_TITLE]
    review.reject(_key(database, ESCAPE_TITLE), None, "Ada")
    assert review.near_misses() == []


def test_an_isbn_is_never_under_two_works(review: Review, database: Database) -> None:
    before = dump(database, DECIDED)
    with pytest.raises(InvalidValue, match=r"9780525657606 belongs to another work, 'Hamnet' by \"Maggie O'Farrell\""):
        review.accept(_key(database, CIRCE_TITLE), HAMNET, "Ada")
    assert dump(database, DECIDED) == before
    review.reject(_key(database, "Hamnet"), HAMNET, "Ada")
    review.accept(_key(database, CIRCE_TITLE), HAMNET, "Ada")
    owners = rows(database, "select title from enriched_works where isbn13 = %s", HAMNET)
    assert [row["title"] for row in owners] == [CIRCE_TITLE]


def test_a_work_with_an_isbn_is_not_given_another_and_not_rejected_unnamed(review: Review, database: Database) -> None:
    key = _key(database, "Hamnet")
    with pytest.raises(InvalidValue, match=r"has the ISBN 9780525657606; reject that one first"):
        review.accept(key, UNHEARD, "Ada")
    with pytest.raises(InvalidValue, match=r"has the ISBN 9780525657606; name it to reject it"):
        review.reject(key, None, "Ada")
    assert rows(database, "select 1 from review_decision") == []


def test_what_a_run_found_can_be_confirmed(review: Review, database: Database) -> None:
    review.accept(_key(database, "Hamnet"), HAMNET, "Ada")
    (work,) = rows(database, "select resolved_by, confidence, isbn13 from enriched_works where title = 'Hamnet'")
    assert work == {"resolved_by": "review", "confidence": 100, "isbn13": HAMNET}


def test_an_isbn_that_no_service_offered_is_taken_on_a_persons_word(review: Review, database: Database) -> None:
    review.accept(_key(database, INVENTED_TITLE), UNHEARD, "Ada", "it lies before me")
    (edition,) = rows(database, "select * from enriched_editions where isbn13 = %s", UNHEARD)
    assert (edition["title"], edition["primary_provider"], edition["publisher"]) == (INVENTED_TITLE, "review", None)


def test_the_second_of_two_ambiguous_works_may_be_the_one(review: Review, database: Database) -> None:
    (row,) = [row for row in review.near_misses() if row["title"] == ESCAPE_TITLE]
    second = Isbn13(row["candidate"]["runner_up"]["isbn13"])
    review.accept(_key(database, ESCAPE_TITLE), second, "Ada")
    (edition,) = rows(database, "select * from enriched_editions where isbn13 = %s", second)
    assert edition["authors"] == row["candidate"]["runner_up"]["authors"]


@pytest.mark.parametrize("of", [JUNE, JULY])
def test_a_month_that_a_run_owns_is_not_touched(
    review: Review,
    database: Database,
    world: Pipeline,
    of: Month,
) -> None:
    rows(database, "update backfill_log set status = 'retry' where month = %s returning 1", of.month)
    run = holder(database, "run-9")
    assert run.claim([of]) == {}
    before = dump(database, DECIDED)
    owned = rf"{of} is owned by run run-9 \(test process of run-9\)"
    with pytest.raises(MonthOwned, match=owned):
        review.accept(_key(database, CIRCE_TITLE), CIRCE, "Ada")
    with pytest.raises(MonthOwned, match=owned):
        review.reject(_key(database, CIRCE_TITLE), None, "Ada")
    assert dump(database, DECIDED) == before
    run.close("over", failed=False)
    review.accept(_key(database, CIRCE_TITLE), CIRCE, "Ada")
    assert _books(database, CIRCE_TITLE)[0]["isbn13"] == CIRCE


def test_a_completed_month_that_a_run_looks_at_is_not_touched_either(review: Review, database: Database) -> None:
    run = holder(database, "run-9")
    run.claim([JUNE])
    with pytest.raises(MonthOwned, match=r"2020-06 is being checked by another process at this moment"):
        review.accept(_key(database, CIRCE_TITLE), CIRCE, "Ada")
    run.close("over", failed=False)
    with database.transaction() as tx:
        assert month_log.overlapping_claims(tx)[0] == []


def test_decisions_are_kept_in_order_with_who_and_why(review: Review, database: Database) -> None:
    key = _key(database, CIRCE_TITLE)
    review.reject(key, CIRCE, "Ada", "not sure")
    review.reject(key, None, "Ada")
    review.accept(key, CIRCE, "Grace", "seen it")
    decisions = rows(database, "select isbn13, decision, decided_by, why from review_decision order by review_id")
    assert [tuple(row.values()) for row in decisions] == [
        (CIRCE, "rejected", "Ada", "not sure"), (None, "rejected", "Ada", ""), (CIRCE, "accepted", "Grace", "seen it"),
    ]  # fmt: skip
    assert rows(database, "select 1 from closed_work") == []


def test_an_unknown_key_and_a_nameless_person_are_refused(review: Review, database: Database) -> None:
    with pytest.raises(InvalidValue, match=r"there is no work 'synthetic:x:y'"):
        review.accept("synthetic:x:y", CIRCE, "Ada")
    with pytest.raises(InvalidValue, match=r"needs the name of the person"):
        review.reject(_key(database, CIRCE_TITLE), None, " ")


def test_decisions_follow_a_work_that_is_merged_into_another(review: Review, database: Database) -> None:
    key = _key(database, CIRCE_TITLE)
    review.reject(key, CIRCE, "Ada")
    (merged,), (into,) = (
        rows(database, "select work_id from enriched_works where title = %s", title)
        for title in (CIRCE_TITLE, INVENTED_TITLE)
    )
    with database.transaction() as tx:
        resolution.merge_works(tx, merged["work_id"], into["work_id"])
    assert rows(database, "select work_id from review_decision") == [into]
    review.accept(key, CIRCE, "Ada", "by its retired key")
    assert [book["isbn13"] for book in _books(database, INVENTED_TITLE)] == [CIRCE]


# Undo, and two persons.


@pytest.mark.parametrize(("isbn13", "accepted"), [(CIRCE, True), (CIRCE, False), (None, False)])
def test_an_undone_decision_leaves_books_and_work_as_they_were(
    review: Review, database: Database, isbn13: Isbn13 | None, accepted: bool
) -> None:
    tables, counted = (
        ["generated_book", "enriched_editions"],
        "select books_generated, isbns_resolved, isbns_queued from backfill_log order by month",
    )
    before, key = (dump(database, tables), rows(database, counted)), _key(database, CIRCE_TITLE)
    work = rows(
        database, "select synthetic, isbn13, confidence, resolved_by from enriched_works where work_key = %s", key
    )
    offered = review.near_misses()
    if accepted:
        review.accept(key, Isbn13(str(isbn13)), "anna")
    else:
        review.reject(key, isbn13, "anna")
    assert len(review.near_misses()) < len(offered)
    (last,) = review.last("anna")
    with pytest.raises(InvalidValue, match="only the last 10 decisions of ben"):
        review.undo(last["review_id"], "ben")

    review.undo(last["review_id"], "anna")
    assert (dump(database, tables), rows(database, counted)) == before
    assert (
        rows(database, "select synthetic, isbn13, confidence, resolved_by from enriched_works where work_key = %s", key)
        == work
    )
    assert [(row["work_key"], row["isbn13"]) for row in review.near_misses()] == [
        (row["work_key"], row["isbn13"]) for row in offered
    ]
    assert review.last("anna") == []
    assert [row["decision"] for row in rows(database, "select decision from review_decision order by review_id")] == [
        "accepted" if accepted else "rejected", "withdrawn"
    ]  # fmt: skip
    review.accept(key, CIRCE, "ben")


def test_a_decision_before_a_later_one_or_that_took_an_isbn_is_not_undone(review: Review, database: Database) -> None:
    key = _key(database, CIRCE_TITLE)
    review.accept(key, CIRCE, "anna")
    review.reject(key, CIRCE, "anna")
    second, first = review.last("anna")
    with pytest.raises(InvalidValue, match="a later decision"):
        review.undo(first["review_id"], "anna")
    with pytest.raises(InvalidValue, match="lost its ISBN by this decision"):
        review.undo(second["review_id"], "anna")


def test_of_two_persons_the_second_learns_what_the_first_decided(review: Review, database: Database) -> None:
    key = _key(database, CIRCE_TITLE)
    seen = review.near_misses()[0]["seen"]
    review.reject(key, None, "anna", seen=seen)
    for decide in (review.accept, review.reject):
        with pytest.raises(InvalidValue, match=r"anna has decided about Circe.* in the meantime: the work rejected"):
            decide(key, CIRCE, "ben", seen=seen)
    assert len(rows(database, "select from review_decision")) == 1


def test_a_decision_is_not_undone_when_another_month_lists_the_work_since(
    review: Review, database: Database, tmp_path: Path
) -> None:
    key = _key(database, CIRCE_TITLE)
    review.accept(key, CIRCE, "anna")
    later = LIST + f"2020-08\t{CIRCE_TITLE}\tMadeline Miller\n"
    run_all(database, pipeline(database, tmp_path, later, CATALOGUE), [AUGUST], "run-2")
    assert len(_books(database, CIRCE_TITLE)) == 3
    with pytest.raises(InvalidValue, match="has changed since; reject the ISBN instead"):
        review.undo(review.last("anna")[0]["review_id"], "anna")
    assert {book["isbn13"] for book in _books(database, CIRCE_TITLE)} == {CIRCE}
