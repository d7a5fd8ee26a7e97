"""Endpoints without a secret: quota, health, figures, and the answers to wrong requests."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from datetime import UTC, datetime

import httpx
from prometheus_client.parser import text_string_to_metric_families

from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.monitoring.conftest import serving
from alexandria_pipeline_tests.monitoring.months import put_all
from alexandria_pipeline_tests.world import rows, use_calls

NO_SERVER = "postgresql://someone:geheim@127.0.0.1:1/nowhere"
PUBLIC = ("/", "/healthz", "/metrics", "/api/quota/status", "/openapi.json")

COMPLETED_AT = datetime(2026, 11, 20, 11, tzinfo=UTC).timestamp()
SPENT = """
with calls as (
    insert into api_call (service, method, url, outcome, input_tokens, output_tokens, cost_usd)
    select 'gemini', 'POST', 'u', outcome, 100, 10, 0.5 from unnest(array['answered', 'failed']) outcome
), replies as (
    insert into generation_reply (year, month, provider, model, prompt_variant, body, input_tokens, output_tokens, cost_usd, run_id)
    values (2020, 6, 'gemini', 'm', 'baseline', '[]', 150, 30, 0.75, 'r'), (2020, 6, 'imported', 'm', 'baseline', '[]', 1, 2, 0.25, 'r')
), health as (
    insert into provider_health (service, breaker, retry_at) values ('xai', 'open', now() + interval '1 hour')
)
insert into enriched_works (work_key, title, author, title_key, author_key, primary_provider)
values ('k', 't', 'a', 't', 'a', 'p') returning work_id
"""


def test_the_quota_has_exactly_the_promised_fields(client: httpx.Client, database: Database) -> None:
    use_calls(database, "isbndb", 1_234)
    answer = client.get("/api/quota/status")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "max-age=60"
    reset = answer.json().pop("reset_at")
    assert reset.endswith("T00:00:00Z")
    assert {**answer.json(), "reset_at": None} == {
        "daily_limit": 15_000, "safety_limit": 13_000, "used": 1_234, "remaining": 13_766, "safety_remaining": 11_766,
        "percentage_used": 8.23, "reset_at": None, "can_make_calls": True,
    }  # fmt: skip


def test_a_quota_that_is_gone_makes_no_calls(database: Database) -> None:
    use_calls(database, "isbndb", 13_000)
    with serving(database) as client:
        body = client.get("/api/quota/status").json()
    assert (body["safety_remaining"], body["remaining"], body["can_make_calls"]) == (0, 2_000, False)


def test_many_at_once_get_the_same_answer_without_the_database(client: httpx.Client, database: Database) -> None:
    first = client.get("/api/quota/status").json()

    async def ask() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(base_url=client.base_url, limits=limits, timeout=60, trust_env=False) as many:
            return await asyncio.gather(*(many.get("/api/quota/status") for _ in range(300)))

    answers = asyncio.run(ask())
    assert Counter(answer.status_code for answer in answers) == {200: 300}
    assert {answer.text for answer in answers} == {json.dumps(first, separators=(",", ":"))}


def test_health_is_that_of_the_database(client: httpx.Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_without_a_database_everything_states_so_and_nothing_more() -> None:
    with Database(NO_SERVER) as nowhere, serving(nowhere) as client:
        client.headers["X-Cron-Secret"] = "open-sesame"
        answers = {
            path: client.get(path)
            for path in ("/", "/healthz", "/metrics", "/api/quota/status", "/api/internal/backfill-stats")
        }
        answers["post"] = client.post("/api/internal/seed-backfill-queue", json={"year_start": 2020, "year_end": 2020})
        assert client.get("/openapi.json").status_code == 200
    for answer in answers.values():
        assert answer.status_code == 503
        assert "geheim" not in answer.text
        assert "someone" not in answer.text
        assert "Traceback" not in answer.text
    assert answers["/healthz"].json() == {"status": "unavailable"}
    assert answers["/api/quota/status"].json()["error"] == "the database does not answer; see the log of this process"
    assert "max-age" not in answers["/api/quota/status"].headers["cache-control"]
    assert answers["/"].headers["content-type"].startswith("text/plain")


def test_a_mistake_of_ours_shows_nothing_of_itself(database: Database) -> None:
    def broken_clock() -> datetime:
        raise RuntimeError("geheim")

    with serving(database, now=broken_clock) as client:
        client.headers["X-Cron-Secret"] = "open-sesame"
        page = client.get("/")
        answer = client.post("/api/internal/schedule-backfill", json={})
        assert client.get("/healthz").status_code == 200
    assert (page.status_code, answer.status_code) == (500, 500)
    assert page.text == "something went wrong here; see the log of this process\n"
    assert answer.json() == {"error": "something went wrong here; see the log of this process", "problems": []}
    for each in (page, answer):
        assert each.headers["x-content-type-options"] == "nosniff"
        assert each.headers["cache-control"] == "no-store"


def test_a_database_that_is_back_is_asked_again(client: httpx.Client, database: Database) -> None:
    """The server drops all connections, as at a restart; the next question finds new ones."""
    assert client.get("/api/internal/backfill-stats", headers={"X-Cron-Secret": "open-sesame"}).status_code == 200
    with database.session() as other:
        other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )
    assert client.get("/api/internal/backfill-stats", headers={"X-Cron-Secret": "open-sesame"}).status_code == 200


def test_the_figures_for_prometheus(database: Database) -> None:
    put_all(database)
    rows(database, SPENT)
    use_calls(database, "isbndb", 7)
    with serving(database) as client:
        answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = {
        (sample.name.removeprefix("alexandria_"), *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert found == {
        ("months", "pending"): 1, ("months", "processing"): 1, ("months", "completed"): 2, ("months", "retry"): 2,
        ("months", "failed"): 1, ("books",): 60, ("books_resolved",): 39, ("books_deferred",): 0, ("works",): 1, ("works_synthetic",): 1,
        ("quota_used", "isbndb"): 7, ("quota_limit", "isbndb"): 13_000, ("breaker_open", "xai"): 1,
        ("service_on_hold", "xai"): 0, ("alerts_unsent",): 0, ("last_completed_timestamp_seconds",): COMPLETED_AT,
        ("calls_total", "answered", "gemini"): 1, ("calls_total", "failed", "gemini"): 1,
        # The ledger and the kept answers record the same money: the greater counts, not the sum.
        ("tokens_total", "gemini", "input"): 200, ("tokens_total", "gemini", "output"): 30, ("cost_usd_total", "gemini"): 1,
        ("tokens_total", "imported", "input"): 1, ("tokens_total", "imported", "output"): 2, ("cost_usd_total", "imported"): 0.25,
        ("unpriced_calls_total", "gemini"): 0, ("unpriced_calls_total", "imported"): 0,
    }  # fmt: skip


def test_head_and_options_are_understood(client: httpx.Client) -> None:
    for path in PUBLIC:
        head = client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) > 0
        options = client.options(path)
        assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


def test_other_methods_are_refused_in_the_language_of_the_path(client: httpx.Client) -> None:
    for path, method in itertools.product(PUBLIC, ("POST", "PUT", "PATCH", "DELETE", "TRACE")):
        answer = client.request(method, path)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
        kind = "application/json" if path.startswith("/api") else "text/plain"
        assert answer.headers["content-type"].startswith(kind)


def test_nothing_below_api_is_json(client: httpx.Client) -> None:
    for path in ["/api", "/api/", "/api/nothing", "/api/quota", "/api/quota/status/", "/api/%2e%2e/x"]:
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (404, {"error": "there is nothing here", "problems": []})


def test_nothing_elsewhere_is_plain(client: httpx.Client) -> None:
    for path in ["/nothing", "/healthz/", "/apis", "/%00", "/../etc/passwd", "/<script>"]:
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (404, "there is nothing here\n")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_every_answer_has_safe_headers(client: httpx.Client) -> None:
    for path in [*PUBLIC, "/api/internal/backfill-stats", "/nothing"]:
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == ("max-age=60" if path == "/api/quota/status" else "no-store")
        assert "server" not in headers


def test_only_allowed_host_names_are_answered(database: Database) -> None:
    with serving(database, hosts=("Books.Example.org",)) as client:
        for host in (
            "localhost",
            "127.0.0.1:8080",
            "[::1]:8080",
            "serve",
            "books.example.org",
            "BOOKS.example.org:443",
        ):
            assert client.get("/healthz", headers={"Host": host}).status_code == 200, host
        for host in ("evil.example", "127.0.0.1.evil.example", "books.example.org.evil.example", "", "[", "a b.c"):
            answer = client.get("/api/v1/months", headers={"Host": host})
            assert answer.status_code in (400, 403), host
        answer = client.get("/api/v1/months", headers={"Host": "evil.example"})
        assert "ALEXANDRIA_SERVE_HOSTS" in answer.json()["error"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    with serving(database, hosts=("*",)) as client:
        assert client.get("/healthz", headers={"Host": "any.example"}).status_code == 200


def test_pages_of_other_sites_change_nothing(database: Database) -> None:
    with serving(database) as client:
        target = "/api/internal/schedule-backfill"
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ):
            answer = client.post(target, json={}, headers={"X-Cron-Secret": "open-sesame", **headers})
            assert answer.status_code == 403, headers
            assert "another site" in answer.json()["error"]
