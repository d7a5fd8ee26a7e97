"""The rollout on a database: what is read, what is written down, and that many who ask share one day."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.quota import QuotaLimits
from alexandria_pipeline.domain.rollout.phases import Rules
from alexandria_pipeline.domain.rollout.records import DecisionKind
from alexandria_pipeline.operations.rollout import Rollout, describe
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.world import JUNE, holder, rows

NOW = datetime(2027, 1, 10, 3, tzinfo=UTC)
LIMITS = {"isbndb": QuotaLimits(15_000, 2_000)}


@pytest.fixture
def rollout(database: Database) -> Rollout:
    return Rollout(database, Rules(), LIMITS)


def _sql(database: Database, *statements: str) -> None:
    with database.transaction() as tx:
        for statement in statements:
            tx.execute(statement.encode())


def test_reading_writes_nothing(database: Database, rollout: Rollout) -> None:
    made = rollout.plan(NOW)
    assert [str(start.month) for start in made.starts] == ["2020-12", "2020-11", "2020-10", "2020-09", "2020-08"]
    assert rows(database, "select 1 from rollout_start union all select 1 from backfill_log") == []


def test_what_is_taken_is_written_down_before_anything_runs(database: Database, rollout: Rollout) -> None:
    rollout.request_starts("rollout_sensor", NOW)
    kept = rows(database, "select * from rollout_start order by year desc, month desc")
    assert [row["month"] for row in kept] == [12, 11, 10, 9, 8]
    assert kept[0] == {
        "year": 2020, "month": 12, "attempt": 1, "claim": 0, "phase": "validation", "requested_by": "rollout_sensor",
        "requested_at": NOW,
    }  # fmt: skip
    assert rows(database, "select distinct status from backfill_log") == [{"status": "pending"}]


def test_the_same_question_again_has_the_same_answer_until_a_run_has_the_month(
    database: Database, rollout: Rollout
) -> None:
    first = rollout.request_starts("rollout_sensor", NOW)
    again = rollout.request_starts("rollout_sensor", NOW + timedelta(minutes=1))
    assert again.starts == first.starts
    run = holder(database)
    run.claim([Month(2020, 12)])
    assert [start.month for start in rollout.request_starts("rollout_sensor", NOW).starts] == [
        s.month for s in first.starts[1:]
    ]
    run.close("the test is over", failed=True)
    soon = rollout.request_starts("rollout_sensor", datetime.now(UTC) + timedelta(days=400))
    assert (soon.starts[0].month, soon.starts[0].attempt) == (Month(2020, 12), 2), "the retry first, under a new key"


def test_a_schedule_does_not_repeat_what_the_sensor_has_asked_for(rollout: Rollout) -> None:
    rollout.request_starts("rollout_sensor", NOW)
    other = rollout.request_starts("daily_backfill", NOW)
    assert (other.starts, other.waits) == (
        (),
        "phase validation: the 5 months of today have started; more at 00:00 UTC",
    )


def test_sixteen_planners_at_once_share_one_day(database: Database, rollout: Rollout) -> None:
    with ThreadPoolExecutor(16) as pool:
        plans = list(pool.map(lambda number: rollout.request_starts(f"planner-{number}", NOW), range(16)))
    assert sorted(len(plan.starts) for plan in plans) == [0] * 15 + [5]
    assert len(rows(database, "select 1 from rollout_start")) == 5


def test_calls_of_today_are_counted_whatever_they_were_made_for(database: Database, rollout: Rollout) -> None:
    _sql(
        database,
        "insert into quota_usage (service, day, used) values ('isbndb', '2027-01-10', 850), ('isbndb', '2027-01-09', 999)",
        "insert into api_call (service, operation, year, month, method, url, called_at)"
        " select 'isbndb', operation, 2020, 6, 'GET', 'https://host', '2027-01-10 01:00+00'"
        " from unnest(array['backfill', 'cron']) operation, generate_series(1, 70)",
    )
    made = rollout.plan(NOW)
    assert made.budget.left == 150, "1,000 a day less 850; the months' own 240 less 70 would leave 170"
    assert len(made.starts) == 3
    _sql(database, "update quota_usage set exhausted = 'the service said so'")
    out = rollout.plan(NOW)
    assert (out.starts, out.budget.left) == ((), 0)
    assert "ISBNdb has 0 calls left for today" in out.waits
    assert len(rollout.plan(NOW + timedelta(days=1)).starts) == 5


def test_a_months_need_is_learnt_from_the_last_ones_and_counted_for_those_under_way(
    database: Database, rollout: Rollout
) -> None:
    _sql(
        database,
        "insert into backfill_log (year, month, status, isbndb_calls, started_at, completed_at)"
        " values (2015, 1, 'completed', 50, now(), now()), (2015, 2, 'completed', 70, now(), now()),"
        " (2015, 3, 'completed', 0, now(), now())",
    )
    assert rollout.plan(NOW).budget.per_month == 60, "months that needed none say nothing"
    run = holder(database)
    run.claim([JUNE])
    _sql(
        database,
        "insert into api_call (service, operation, year, month, method, url)"
        " select 'isbndb', 'backfill', 2020, 6, 'GET', 'https://host' from generate_series(1, 20)",
    )
    made = rollout.plan(NOW)
    assert (made.budget.promised, len(made.starts)) == (40, 3)
    run.close("the test is over", failed=False)


def test_a_month_whose_books_wait_for_a_service_starts_when_it_is_reopened(
    database: Database, rollout: Rollout
) -> None:
    _sql(
        database,
        "insert into backfill_log (year, month, status, completed_at) values (2020, 5, 'completed', '2027-01-10 01:00+00')",
        "insert into enriched_works (work_key, title, author, title_key, author_key, primary_provider)"
        " values ('k', 'Hamnet', 'A', 'hamnet', 'a', 'test')",
        "insert into generated_book (year, month, title, author, work_id, outcome, run_id)"
        " select 2020, 5, 'Hamnet', 'A', work_id, 'deferred', 'run' from enriched_works",
        "insert into resolution_attempt (work_id, provider, outcome, run_id)"
        " select work_id, provider, outcome, 'run' from enriched_works,"
        " (values ('isbndb', 'unavailable'), ('wikidata', 'unavailable'), ('wikidata', 'not_found')) a (provider, outcome)",
        "insert into provider_health (service) values ('isbndb')",
        "insert into quota_usage (service, day, used, exhausted) values ('isbndb', '2027-01-10', 20, 'no calls left')",
    )
    waits = rollout.plan(NOW)
    assert (waits.starts, waits.waits.rpartition("; ")[2]) == ((), "1 book waits for isbndb")
    _sql(database, "update quota_usage set exhausted = null")
    assert str(rollout.plan(NOW).starts[0].month) == "2020-05"
    _sql(database, "update provider_health set breaker = 'open', retry_at = '2027-01-10 03:10+00'")
    assert "2020-05" not in [str(start.month) for start in rollout.plan(NOW).starts]
    assert str(rollout.plan(NOW + timedelta(minutes=11)).starts[0].month) == "2020-05"
    full = Rollout(database, Rules(), {"isbndb": QuotaLimits(20)})
    assert full.plan(NOW + timedelta(minutes=11)).starts == (), "our own limit of the day is reached"


def test_decisions_are_kept_with_who_when_why_and_the_state_of_the_gate(database: Database, rollout: Rollout) -> None:
    rollout.decide(DecisionKind.HOLD, "ada", "the key is being changed", now=NOW)
    assert rollout.request_starts("rollout_sensor", NOW).waits.startswith("held by ada since 2027-01-10 03:00 UTC")
    rollout.decide(DecisionKind.RELEASE, "ben", "", now=NOW)
    rollout.decide(DecisionKind.APPROVE, "ben", "seen by hand", now=NOW)
    kept = rows(
        database, "select kind, phase, decided_by, why, seen, decided_at from rollout_decision order by decision_id"
    )
    assert [(row["kind"], row["phase"], row["decided_by"]) for row in kept] == [
        ("hold", None, "ada"), ("release", None, "ben"), ("approve", "validation", "ben"),
    ]  # fmt: skip
    assert (kept[2]["seen"], kept[2]["decided_at"]) == ("0 of 12 months are done", NOW)
    assert rollout.plan(NOW).phase == "scale"
    assert [decision.kind for decision in rollout.decisions()] == ["hold", "release", "approve"]


@pytest.mark.parametrize(
    ("kind", "by", "why", "phase", "complaint"),
    [
        (DecisionKind.APPROVE, "ada", " ", None, "a decision needs a name and a reason"),
        (DecisionKind.HOLD, " ", "why", None, "a decision needs a name and a reason"),
        (
            DecisionKind.APPROVE,
            "ada",
            "why",
            "second",
            "second is not a phase of the rollout; the phases are validation, scale, historical",
        ),
    ],
)
def test_a_decision_without_a_name_a_reason_or_a_phase_is_refused(
    database: Database, rollout: Rollout, kind: DecisionKind, by: str, why: str, phase: str | None, complaint: str
) -> None:
    with pytest.raises(InvalidValue, match=complaint):
        rollout.decide(kind, by, why, phase)
    assert rows(database, "select 1 from rollout_decision") == []


def test_the_database_refuses_an_override_without_a_reason(database_url: str) -> None:
    statement = "insert into rollout_decision (kind, phase, decided_by, why, decided_at) values ('approve', 'a', 'b', '', now())"
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(statement.encode())


def test_a_plan_in_plain_values(rollout: Rollout) -> None:
    described = describe(rollout.request_starts("rollout_sensor", NOW))
    assert described["starts"][0] == {"month": "2020-12", "attempt": 1, "phase": "validation"}
    assert (described["phase"], described["waits"], described["months_a_day"], described["started_today"]) == (
        "validation",
        "",
        5,
        [],
    )
    assert described["isbndb"] == {"calls_per_month": 40, "promised": 0, "left_today": 240}
    assert described["gates"][0] == {
        "phase": "validation", "state": "ahead", "months": 12, "terminal": 0, "failed": 0, "generated": 0, "resolved": 0,
        "resolution_rate": None, "says": "0 of 12 months are done",
    }  # fmt: skip
