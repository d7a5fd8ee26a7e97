"""The stages with the stand-in of all services: services that fail, refuse, have no quota left or send wrong responses.

The pipeline is assembled as in production, with short delays between the attempts of a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from alexandria_pipeline.composition import Pipeline, assemble
from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import BookOutcome, BookQuery, GenerationRequest, Resolution
from alexandria_pipeline.providers.base import BookGenerator, IsbnResolver
from alexandria_pipeline.providers.registry import SERVICES as DECLARED
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.threads import Threads
from alexandria_pipeline_tests.upstream.environment import variable_prefix
from alexandria_pipeline_tests.upstream.faults import KINDS
from alexandria_pipeline_tests.upstream.model import Service
from alexandria_pipeline_tests.upstream.server import StandIn
from alexandria_pipeline_tests.world import rows, run_all

pytestmark = pytest.mark.slow("months over HTTP with every kind of fault")

pytest_plugins = ("alexandria_pipeline_tests.upstream.fixture",)

MONTH = Month(2020, 1)
SHORT_TIMEOUT = "1"  # seconds; only while every response is faulty, because a busy machine answers late
RESOLVERS = {
    "isbndb": Service.ISBNDB, "google-books": Service.GOOGLE_BOOKS, "open-library": Service.OPEN_LIBRARY,
    "internet-archive": Service.INTERNET_ARCHIVE, "wikidata": Service.WIKIDATA,
}  # fmt: skip
# Faults that leave the body readable.
HARMLESS = {"wrong-content-type", "utf16"}


class Pipelines:
    """Pipelines on one database, each as in a process with these environment variables."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch, threads: Threads) -> None:
        self._database, self._monkeypatch, self._threads = database, monkeypatch, threads

    def __call__(self, **variables: str) -> Pipeline:
        with self._monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name if name.endswith("_API_KEY") else f"ALEXANDRIA_{name}", value)
            for defaults in DECLARED.values():
                patch.setenv(f"ALEXANDRIA_{defaults.prefix}_BACKOFF_SECONDS", "0.02")
            return assemble(load_settings(), self._database, self._threads)


@pytest.fixture
def pipelines(
    database: Database, upstream_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipelines]:
    with closing(Threads()) as threads:
        yield Pipelines(database, monkeypatch, threads)


def _month(database: Database) -> dict[str, Any]:
    (row,) = rows(database, "select status, retry_count, error_message, owner_run from backfill_log")
    return row


def _requests(upstream: StandIn, service: Service) -> int:
    return upstream.meters[service].counters.requests


def _repair(upstream: StandIn, database: Database) -> None:
    """Ends all faults, and closes the circuit breakers as if their pauses were over."""
    upstream.faults.clear()
    with database.transaction() as tx:
        tx.execute("delete from provider_health")


# Generators.


@pytest.mark.parametrize(
    ("bad", "other", "variables", "reason"),
    [
        ("gemini", "xai", {"GEMINI_API_KEY": "wrong"}, "Gemini rejects the key in GEMINI_API_KEY"),
        ("xai", "gemini", {"XAI_API_KEY": "wrong"}, "xAI rejects the key in XAI_API_KEY"),
        ("xai", "gemini", {"XAI_MODEL": "gone-1"}, "xAI does not know the model: set ALEXANDRIA_XAI_MODEL"),
    ],
)
def test_a_generator_that_refuses_does_not_stop_the_other(
    pipelines: Pipelines, database: Database, bad: str, other: str, variables: dict[str, str], reason: str
) -> None:
    listed, *_ = run_all(database, pipelines(**variables), [MONTH])
    counts = listed.done[MONTH]
    assert str(counts[f"refused_by_{bad}"]).startswith(reason)
    assert counts[f"{other}_listings"] == 20
    assert f"{bad}_books" not in counts
    assert float(counts[f"{other}_cost_usd"]) > 0 < int(counts[f"{other}_input_tokens"])
    assert _month(database)["status"] == "completed"


def test_when_both_generators_fail_the_month_is_retried_with_the_reasons(
    pipelines: Pipelines, database: Database, upstream: StandIn
) -> None:
    upstream.faults.add({"service": "gemini", "kind": "500"})
    upstream.faults.add({"service": "xai", "kind": "200-html"})
    listed, *_ = run_all(database, pipelines(), [MONTH])
    assert not listed.done
    failed = _month(database)
    assert (failed["status"], failed["retry_count"], failed["owner_run"]) == ("retry", 1, None)
    assert failed["error_message"] == "2020-01: gemini: HTTP 500; xai: HTTP 200, the response is HTML instead of JSON"
    assert rows(database, "select 1 from generated_book") == []

    _repair(upstream, database)
    run_all(database, pipelines(), [MONTH], "run-2")
    assert (_month(database)["status"], _month(database)["error_message"]) == ("completed", None)


def test_replies_that_could_not_be_stored_with_their_month_are_not_paid_twice(
    pipelines: Pipelines, database: Database, upstream: StandIn
) -> None:
    with database.transaction() as tx:
        tx.execute("alter table generation_reply add constraint disk_is_full check (false) not valid")
    run_all(database, pipelines(), [MONTH])
    assert _month(database)["status"] == "retry"
    paid = [_requests(upstream, service) for service in (Service.GEMINI, Service.XAI)]

    with database.transaction() as tx:
        tx.execute("alter table generation_reply drop constraint disk_is_full")
    run_all(database, pipelines(), [MONTH], "run-2")
    assert _month(database)["status"] == "completed"
    assert [_requests(upstream, service) for service in (Service.GEMINI, Service.XAI)] == paid
    assert rows(database, "select 1 from http_cache where service in ('gemini', 'xai')") == []


def test_paused_generators_are_not_replaced_by_the_curated_list(pipelines: Pipelines, database: Database) -> None:
    with database.transaction() as tx:
        for name in ("gemini", "xai"):
            tx.execute(
                "insert into provider_health (service, breaker, retry_at) values (%s, 'open', now() + interval '1 hour')",
                [name],
            )
    run_all(database, pipelines(), [MONTH])
    assert _month(database)["status"] == "retry"
    assert "gemini is paused until" in _month(database)["error_message"]
    assert rows(database, "select 1 from generation_reply") == []


def test_unusable_replies_and_skipped_rows_are_shown(
    pipelines: Pipelines, database: Database, upstream: StandIn
) -> None:
    """An unusable reply is stored with its cost and its reason, and is not read again."""
    upstream.faults.add({"service": "gemini", "kind": "200-html"})
    world = pipelines()
    listed, *_ = run_all(database, world, [MONTH])
    assert "refused_by_gemini" in listed.done[MONTH]
    with database.transaction() as tx:
        tx.execute(
            "insert into generation_reply (year, month, provider, model, prompt_variant, body, run_id, refusal) "
            "values (2020, 1, 'gemini', 'm', 'baseline', '{}', 'r', 'the model refuses: no')"
        )
        tx.execute(
            "insert into set_aside (source, digest, position, year, month, reason, excerpt) "
            "values ('xai 2020-01', 'd', 3, 2020, 1, 'it has no title', '{}')"
        )
    tables = world.generate.details(MONTH)
    assert [row["refusal"] for row in tables["refusals"]] == ["the model refuses: no"]
    assert [(row["source"], row["position"], row["reason"]) for row in tables["skipped_rows"]] == [
        ("xai 2020-01", 3, "it has no title")
    ]
    assert world.generate.details(MONTH + 1) == {}


# Quota.


def test_books_without_quota_are_deferred_and_a_later_run_requests_only_these(
    pipelines: Pipelines, database: Database, upstream: StandIn
) -> None:
    """The second run has a larger limit, which has the same effect as the next day."""
    by_outcome = "select outcome, count(*) as n from generated_book group by outcome"
    variables = {"RESOLVER_ORDER": "isbndb", "ISBNDB_SAFETY_BUFFER": "0"}
    run_all(database, pipelines(**variables, ISBNDB_DAILY_LIMIT="10"), [MONTH])
    first = {row["outcome"]: row["n"] for row in rows(database, by_outcome)}
    assert _requests(upstream, Service.ISBNDB) == 10
    assert first["deferred"] >= 10
    reasons = rows(database, "select distinct reason from generated_book where outcome = 'deferred'")
    assert all("the daily quota of isbndb" in row["reason"] and "00:00 UTC" in row["reason"] for row in reasons)
    assert _month(database)["status"] == "completed", "a quota that is used up is no error"
    answered = rows(database, "select * from generated_book where outcome = 'resolved' order by book_id")
    assert rows(database, "select 1 from enriched_works w join generated_book using (work_id) "
                          "where outcome = 'deferred' and not synthetic") == []  # fmt: skip

    run_all(database, pipelines(**variables, ISBNDB_DAILY_LIMIT="10000"), [MONTH], "run-2")
    assert "deferred" not in {row["outcome"] for row in rows(database, by_outcome)}
    counters = upstream.meters[Service.ISBNDB].counters
    assert max(counters.by_request.values()) == 1, "no request is repeated"
    now = rows(database, "select * from generated_book where outcome = 'resolved' order by book_id")
    assert [row for row in now if row["book_id"] in {each["book_id"] for each in answered}] == answered
    assert len(now) > len(answered)


# Wrong responses.


def _resolve(world: Pipeline, resolver: IsbnResolver, title: str, author: str) -> Awaitable[Resolution]:
    alone = replace(world.resolve.cascade, resolvers=[resolver])
    return alone.ask(BookQuery(title, author, None, "en"), alone.revisions())


def _known_books(world: Pipeline, upstream: StandIn) -> dict[str, dict[str, Any]]:
    """For each resolver a listed book that it resolves, with the book's right ISBNs."""
    truth = [row for month in ("2020-05", "2020-06") for row in upstream.lists.truth(month) if not row["invented"]]

    async def first(resolver: IsbnResolver) -> dict[str, Any]:
        for row in truth:
            if RESOLVERS[resolver.declaration.name] in row["known"]:
                resolution = await _resolve(world, resolver, row["title"], row["author"])
                if resolution.candidate is not None and resolution.candidate.isbn13 in row["editions"]:
                    return row
        raise AssertionError(f"{resolver.declaration.name} knows no book of these months")

    async def of_all() -> dict[str, dict[str, Any]]:
        found = await asyncio.gather(*map(first, world.registry.resolvers()))
        return dict(zip(RESOLVERS, found, strict=True))

    return asyncio.run(of_all())


def _resolve_all(world: Pipeline, books: dict[str, dict[str, Any]]) -> dict[str, Resolution]:
    async def scenario() -> Sequence[Resolution]:
        return await asyncio.gather(
            *(
                _resolve(world, r, books[r.declaration.name]["title"], books[r.declaration.name]["author"])
                for r in world.registry.resolvers()
            )
        )

    return dict(zip(RESOLVERS, asyncio.run(scenario()), strict=True))


def _clear(database: Database) -> None:
    """Empties the cache, the ledger, the circuit breakers and the quota."""
    with database.transaction() as tx:
        tx.execute("truncate http_cache, api_call, provider_health, quota_usage")


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_is_neither_a_find_nor_a_definite_no(
    kind: str, pipelines: Pipelines, database: Database, upstream: StandIn
) -> None:
    """Every response of every resolver has the fault. Without it, the same books are resolved: nothing of it is stored."""
    world = pipelines()
    impatient = pipelines(**{f"{variable_prefix(service)}_TIMEOUT_SECONDS": SHORT_TIMEOUT for service in Service})
    assert [resolver.declaration.name for resolver in world.registry.resolvers()] == list(RESOLVERS)
    books = _known_books(world, upstream)
    _clear(database)
    upstream.faults.add({"service": "*", "kind": kind, "retry_after": "0"})
    for name, resolution in _resolve_all(impatient, books).items():
        if kind in HARMLESS and resolution.outcome is BookOutcome.RESOLVED:
            assert resolution.candidate is not None
            assert resolution.candidate.isbn13 in books[name]["editions"], name
        else:
            assert resolution.outcome is BookOutcome.DEFERRED, (name, resolution)
            assert 0 < len(resolution.reason) < 300, (name, resolution.reason)
            assert {attempt.outcome for attempt in resolution.attempts} <= {"failed", "unavailable"}
    calls = rows(database, "select service, outcome from api_call")
    assert {row["service"] for row in calls} == set(RESOLVERS.values())
    assert "sent" not in {row["outcome"] for row in calls}
    assert len(calls) <= 5 * 4, "three attempts, or four redirects, for each"
    assert rows(database, "select 1 from http_cache where negative") == []

    _repair(upstream, database)
    for name, resolution in _resolve_all(world, books).items():
        assert resolution.outcome is BookOutcome.RESOLVED, (name, resolution)
        assert resolution.candidate is not None
        assert resolution.candidate.isbn13 in books[name]["editions"], name


@pytest.mark.parametrize("kind", KINDS)
def test_a_faulty_response_of_a_model_is_no_list(
    kind: str, pipelines: Pipelines, database: Database, upstream: StandIn
) -> None:
    world = pipelines(GEMINI_TIMEOUT_SECONDS=SHORT_TIMEOUT, XAI_TIMEOUT_SECONDS=SHORT_TIMEOUT)
    upstream.faults.add({"service": "*", "kind": kind, "retry_after": "0"})
    request = GenerationRequest(MONTH, 20, "baseline")

    async def list_of(generator: BookGenerator) -> int | str:
        try:
            return len(generator.parse(await generator.generate(request), request).listings)
        except SourceError as error:
            return str(error)

    async def scenario() -> list[int | str]:
        return await asyncio.gather(*map(list_of, world.registry.generators()))

    answers = asyncio.run(scenario())
    assert len(answers) == 2
    for answer in answers:
        assert answer == 20 if kind in HARMLESS and isinstance(answer, int) else 0 < len(str(answer)) < 300
        assert isinstance(answer, str) or kind in HARMLESS
    calls = rows(database, "select service, outcome from api_call")
    assert {row["service"] for row in calls} == {"gemini", "xai"}
    assert "sent" not in {row["outcome"] for row in calls}
