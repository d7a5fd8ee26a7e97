"""What only those with the secret may ask and do: the stats, and which months are due."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.monitoring.conftest import SECRET, serving
from alexandria_pipeline_tests.monitoring.months import put, put_all
from alexandria_pipeline_tests.world import dump, rows

STATS, SCHEDULE, SEED = (
    f"/api/internal/{name}" for name in ("backfill-stats", "schedule-backfill", "seed-backfill-queue")
)
INTERNAL = [("GET", STATS), ("POST", SCHEDULE), ("POST", SEED), ("GET", "/api/internal/nothing"), ("DELETE", STATS)]
ALL_TABLES = (
    "backfill_log",
    "month_claim",
    "rollout_start",
    "rollout_decision",
    "quota_usage",
    "api_call",
    "stage_log",
)


# Who may come in.


WRONG = (None, "", "wrong", SECRET[:-1], SECRET + "x", SECRET.upper(), f"{SECRET}, {SECRET}", "ö" * 11)


def test_a_wrong_or_missing_secret_is_401(client: httpx.Client, database: Database) -> None:
    before = dump(database, ALL_TABLES)
    for (method, path), given in itertools.product(INTERNAL, WRONG):
        headers = [] if given is None else [(b"x-cron-secret", given.encode())]
        answer = client.request(method, path, headers=headers, content=b'{"year_start": 2020, "year_end": 2020}')
        assert answer.status_code == 401
        assert answer.json() == {"error": "the header X-Cron-Secret is missing or wrong", "problems": []}
        assert answer.headers["cache-control"] == "no-store"
    assert dump(database, ALL_TABLES) == before


def test_two_secrets_are_none(client: httpx.Client) -> None:
    for pair in ((SECRET, SECRET), (SECRET, "wrong"), ("wrong", SECRET)):
        assert client.get(STATS, headers=[("X-Cron-Secret", given) for given in pair]).status_code == 401


def test_without_a_secret_of_its_own_the_server_is_closed(database: Database) -> None:
    with serving(database, secret=None) as client:
        assert client.get("/api/quota/status").status_code == 200
        for (method, path), given in itertools.product(INTERNAL, (None, "", SECRET)):
            answer = client.request(method, path, headers={} if given is None else {"X-Cron-Secret": given})
            assert answer.status_code == 403
            assert "ALEXANDRIA_CRON_SECRET" in answer.json()["error"]


def test_with_the_secret_the_usual_refusals_apply(trusted: httpx.Client) -> None:
    assert trusted.get("/api/internal/nothing").json()["error"] == "there is nothing here"
    assert (trusted.delete(STATS).status_code, trusted.get(SCHEDULE).status_code) == (405, 405)
    assert trusted.options(SEED).headers["allow"] == "OPTIONS, POST"


# The stats.


def test_the_stats_of_nothing(trusted: httpx.Client) -> None:
    assert trusted.get(STATS).json() == {
        "total_months": 0,
        "by_status": {"pending": 0, "processing": 0, "completed": 0, "retry": 0, "failed": 0},
        "progress": {"total_books_generated": 0, "total_isbns_resolved": 0, "overall_resolution_rate": 0, "total_isbns_queued": 0},
        "recent_activity": [],
    }  # fmt: skip


def test_the_stats_have_exactly_the_promised_fields(trusted: httpx.Client, database: Database) -> None:
    put_all(database)
    answer = trusted.get(STATS)
    assert answer.headers["cache-control"] == "no-store"
    stats = answer.json()
    recent = stats.pop("recent_activity")
    assert stats == {
        "total_months": 7,
        "by_status": {"pending": 1, "processing": 1, "completed": 2, "retry": 2, "failed": 1},
        "progress": {"total_books_generated": 60, "total_isbns_resolved": 39, "overall_resolution_rate": 65.0, "total_isbns_queued": 5},
    }  # fmt: skip
    assert [each["month"] for each in recent] == [7, 9, 10, 11, 12, 8]
    assert recent[-2] == {
        "year": 2020, "month": 12, "status": "completed", "books_generated": 20, "isbns_resolved": 19, "resolution_rate": 95.0,
        "retry_count": 0, "error_message": None, "started_at": "2026-11-20T10:00:00Z", "completed_at": "2026-11-20T11:00:00Z",
        "updated_at": "2026-11-20T11:00:00Z",
    }  # fmt: skip
    assert "geheim" not in answer.text


def test_the_activity_is_twenty_months_at_most(trusted: httpx.Client, database: Database) -> None:
    for number in range(25):
        put(database, f"{2000 + number // 12}-{number % 12 + 1:02d}", "completed")
    stats = trusted.get(STATS).json()
    assert (stats["total_months"], len(stats["recent_activity"])) == (25, 20)


def test_books_are_counted_as_they_are_now(trusted: httpx.Client, database: Database) -> None:
    put(database, "2020-10", "processing")
    rows(
        database,
        "insert into generated_book (year, month, title, author, run_id) values (2020, 10, 'a', 'b', 'r'), (2020, 10, 'c', 'd', 'r') returning 1",
    )
    assert trusted.get(STATS).json()["progress"]["total_books_generated"] == 2


# Scheduling.


def _months(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["count"] == len(body["months"])
    return list(body["months"])


@pytest.mark.parametrize(
    ("wanted", "months"),
    [
        ({}, ["2026-10", "2026-09", "2026-08", "2026-07", "2026-06", "2026-05", "2026-04", "2026-03", "2026-02", "2026-01"]),
        ({"batch_size": 1}, ["2026-10"]),
        ({"batch_size": 3, "year_range": {"start": 2020, "end": 2020}}, ["2020-08", "2020-06", "2020-05"]),
        ({"batch_size": 4, "force_retry": True, "year_range": {"start": 2020, "end": 2020}}, ["2020-09", "2020-08", "2020-07", "2020-06"]),
        ({"batch_size": 2, "year_range": {"start": 2019, "end": 2020}}, ["2020-08", "2020-06"]),
        ({"batch_size": 2, "year_range": {"start": 2020, "end": 2019}}, ["2020-08", "2020-06"]),
        ({"batch_size": 50, "year_range": {"start": 1, "end": 1999}}, []),
        ({"batch_size": 50, "year_range": {"start": 2027, "end": 9999}}, []),
        ({"batch_size": 50, "year_range": {"start": 2000, "end": 1990}}, [f"2000-{n:02d}" for n in range(12, 0, -1)]),
        ({"batch_size": 50, "year_range": {"start": 9999, "end": 2026}}, [f"2026-{n:02d}" for n in range(10, 0, -1)]),
    ],
)  # fmt: skip
def test_which_months_are_due(
    trusted: httpx.Client, database: Database, wanted: dict[str, Any], months: list[str]
) -> None:
    """The dry run writes nothing, and the real one takes the same months."""
    put_all(database)
    before = dump(database, ALL_TABLES)
    dry = trusted.post(SCHEDULE, json={**wanted, "dry_run": True})
    assert (_months(dry), dry.json()["dry_run"]) == (months, True)
    assert dump(database, ALL_TABLES) == before
    real = trusted.post(SCHEDULE, json=wanted)
    assert (_months(real), real.json()["dry_run"]) == (months, False)
    assert {f"{r['year']}-{r['month']:02d}" for r in rows(database, "select * from backfill_log")} >= set(months)


def test_scheduled_months_are_due_now(trusted: httpx.Client, database: Database) -> None:
    put_all(database)
    before = {row["month"]: row for row in dump(database, ["backfill_log"])["backfill_log"]}
    _months(
        trusted.post(SCHEDULE, json={"batch_size": 5, "force_retry": True, "year_range": {"start": 2020, "end": 2020}})
    )
    after = {row["month"]: row for row in dump(database, ["backfill_log"])["backfill_log"]}
    state = {month: (row["status"], row["retry_count"], row["next_attempt_at"]) for month, row in after.items()}
    assert state[9] == ("retry", 2, None)
    assert state[8] == ("retry", 0, None)
    assert state[7] == ("retry", 0, None), "a failed month gets all its attempts again"
    assert after[7]["error_message"] == "no generator answered"
    assert state[5] == ("pending", 0, None), "a month without a row gets one"
    for untouched in (6, 10, 11, 12):
        assert after[untouched] == before[untouched]


def test_a_month_that_another_run_claims_is_left_out(trusted: httpx.Client, database: Database) -> None:
    put_all(database)
    with database.transaction() as claiming:
        claiming.execute("select from backfill_log where year = 2020 and month = 8 for update")
        year = {"start": 2020, "end": 2020}
        assert _months(trusted.post(SCHEDULE, json={"batch_size": 2, "year_range": year})) == ["2020-06"]


def test_scheduling_twice_and_at_once_changes_nothing_more(trusted: httpx.Client, database: Database) -> None:
    put_all(database)

    def schedule(_: int) -> httpx.Response:
        return trusted.post(
            SCHEDULE, json={"batch_size": 50, "force_retry": True, "year_range": {"start": 2019, "end": 2021}}
        )

    with ThreadPoolExecutor(8) as several:
        answers = list(several.map(schedule, range(24)))
    assert {answer.status_code for answer in answers} == {200}
    counted = rows(database, "select status, count(*) from backfill_log group by status order by status")
    assert [(row["status"], row["count"]) for row in counted] == [
        ("completed", 2),
        ("pending", 30),
        ("processing", 1),
        ("retry", 3),
    ]
    settled = dump(database, ALL_TABLES)
    _months(schedule(0))
    assert dump(database, ALL_TABLES) == settled


# Seeding.


@pytest.mark.parametrize("years", [(2020, 2021), (2021, 2020)])
def test_seeding_adds_what_is_missing_and_nothing_else(
    trusted: httpx.Client, database: Database, years: tuple[int, int]
) -> None:
    put_all(database)
    before = dump(database, ["backfill_log"])["backfill_log"]
    asked = {"year_start": years[0], "year_end": years[1]}
    body = trusted.post(SEED, json=asked).json()
    expected = [f"2020-{n:02d}" for n in range(1, 6)] + [f"2021-{n:02d}" for n in range(1, 13)]
    assert body == {"inserted": 17, "existing": 7, "months": expected}
    after = dump(database, ["backfill_log"])["backfill_log"]
    assert [row for row in after if row in before] == before
    assert {row["status"] for row in after if row not in before} == {"pending"}
    assert trusted.post(SEED, json=asked).json() == {"inserted": 0, "existing": 24, "months": []}


def test_only_months_that_have_ended_are_seeded(trusted: httpx.Client, database: Database) -> None:
    assert trusted.post(SEED, json={"year_start": 1, "year_end": 9999}).json()["inserted"] == 26 * 12 + 10
    ends = rows(
        database,
        "select min(make_date(year, month, 1))::text as first, max(make_date(year, month, 1))::text as last from backfill_log",
    )
    assert ends == [{"first": "2000-01-01", "last": "2026-10-01"}]


# Bodies that are not what was asked for.


@pytest.mark.parametrize(
    ("path", "wanted", "problems"),
    [
        (SCHEDULE, {"batch_size": 0}, {"batch_size"}),
        (SCHEDULE, {"batch_size": 51}, {"batch_size"}),
        (SCHEDULE, {"batch_size": True}, {"batch_size"}),
        (SCHEDULE, {"batch_size": "5"}, {"batch_size"}),
        (SCHEDULE, {"batch_size": 5.5}, {"batch_size"}),
        (SCHEDULE, {"batch_size": None}, {"batch_size"}),
        (SCHEDULE, {"batch_size": 10**30}, {"batch_size"}),
        (SCHEDULE, {"dry_run": 1}, {"dry_run"}),
        (SCHEDULE, {"dry_run": "true", "force_retry": 0, "batch_size": -1, "more": 1}, {"dry_run", "force_retry", "batch_size", "more"}),
        (SCHEDULE, {"year_range": {"start": 2020}}, {"year_range.end"}),
        (SCHEDULE, {"year_range": {"start": True, "end": "2020", "x": 1}}, {"year_range.start", "year_range.end", "year_range.x"}),
        (SCHEDULE, {"year_range": [2020, 2021]}, {"year_range"}),
        (SCHEDULE, {"year_range": {"start": 0, "end": 10_000}}, {"year_range.start", "year_range.end"}),
        (SCHEDULE, [], {"body"}),
        (SCHEDULE, "text", {"body"}),
        (SCHEDULE, None, {"body"}),
        (SEED, {}, {"year_start", "year_end"}),
        (SEED, {"year_start": False, "year_end": 2020.5}, {"year_start", "year_end"}),
        (SEED, {"year_start": 2020, "year_end": 2020, "dry_run": True}, {"dry_run"}),
    ],
)  # fmt: skip
def test_a_wrong_body_is_422_and_everything_wrong_is_named(
    trusted: httpx.Client, database: Database, path: str, wanted: object, problems: set[str]
) -> None:
    put_all(database)
    before = dump(database, ALL_TABLES)
    answer = trusted.post(path, content=json.dumps(wanted), headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert {problem.split(":")[0] for problem in answer.json()["problems"]} == problems
    assert dump(database, ALL_TABLES) == before


def test_what_is_no_json_is_400(trusted: httpx.Client) -> None:
    texts = (
        b"",
        b"{",
        b"{'batch_size': 1}",
        b"\xff\xfe",
        b"batch_size=1",
        b'{"batch_size": 1,}',
        b'{"batch_size": NaN_}',
        b"[" * 10_000,
    )
    for text in texts:
        answer = trusted.post(SCHEDULE, content=text, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["error"]) == (400, "the body is not JSON")


def test_a_whole_number_may_be_written_with_a_point(trusted: httpx.Client) -> None:
    answer = trusted.post(
        SCHEDULE,
        content='{"batch_size": 2.0, "dry_run": true}',
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    assert len(_months(answer)) == 2


def test_another_content_type_is_415(trusted: httpx.Client) -> None:
    for kind in (
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "multipart/form-data",
    ):
        answer = trusted.post(SCHEDULE, content=b"{}", headers={} if kind is None else {"Content-Type": kind})
        assert (answer.status_code, answer.json()["error"]) == (415, "the body must be application/json")


@pytest.mark.parametrize("chunks", [[b" " * 20_000], [b" " * 1_000] * 20])
def test_a_huge_body_is_413(trusted: httpx.Client, chunks: list[bytes]) -> None:
    answer = trusted.post(SCHEDULE, content=iter(chunks), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert "16,384 bytes" in answer.json()["error"]


def test_a_service_is_reopened(trusted: httpx.Client, database: Database) -> None:
    rows(
        database,
        "insert into provider_health (service, breaker, failures, openings, retry_at, last_error)"
        " values ('isbndb', 'open', 5, 1, now() + interval '1 hour', 'HTTP 500') returning service",
    )
    answer = trusted.post("/api/internal/services/isbndb/reopen")
    assert answer.status_code == 200
    assert answer.json()["service"] == "isbndb"
    assert "HTTP 500" in answer.json()["ended"][0]
    assert rows(database, "select breaker from provider_health") == [{"breaker": "closed"}]
    assert trusted.post("/api/internal/services/isbndb/reopen").json() == {"service": "isbndb", "ended": []}
    assert trusted.post("/api/internal/services/nobody/reopen").status_code == 404


def test_reopening_needs_the_secret(client: httpx.Client) -> None:
    assert client.post("/api/internal/services/isbndb/reopen").status_code == 401
