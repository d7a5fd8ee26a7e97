"""The stages against the stand-in of all services: services that fail, refuse, run dry or answer nonsense.

The pipeline is the composition's own; only the pauses between the attempts of one question are shorter than in life.
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
from alexandria_pipeline_tests.world import dump, rows, run_all

pytest_plugins = ("alexandria_pipeline_tests.upstream.fixture",)

MONTH = Month(2020, 1)
TIMEOUT = 1.0
RESOLVERS = {
    "isbndb": Service.ISBNDB, "google-books": Service.GOOGLE_BOOKS, "open-library": Service.OPEN_LIBRARY,
    "internet-archive": Service.INTERNET_ARCHIVE, "wikidata": Service.WIKIDATA,
}  # fmt: skip
# What can be read all the same: the body is good, or says itself how it is written.
HARMLESS = {"wrong-content-type", "utf16"}


class Worlds:
    """Pipelines on one database, each as a process started with these variables would have it."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch, threads: Threads) -> None:
        self._database, self._monkeypatch, self._threads = database, monkeypatch, threads

    def __call__(self, **told: str) -> Pipeline:
        with self._monkeypatch.context() as patch:
            for name, value in told.items():
                patch.setenv(name if name.endswith("_API_KEY") else f"ALEXANDRIA_{name}", value)
            for defaults in DECLARED.values():
                patch.setenv(f"ALEXANDRIA_{defaults.prefix}_BACKOFF_SECONDS", "0.02")
            return assemble(load_settings(), self._database, self._threads)


@pytest.fixture
def worlds(
    database: Database, upstream_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Worlds]:
    with closing(Threads()) as threads:
        yield Worlds(database, monkeypatch, threads)


def _month(database: Database) -> dict[str, Any]:
    (row,) = rows(database, "select status, retry_count, error_message, owner_run from backfill_log")
    return row


def _requests(upstream: StandIn, service: Service) -> int:
    return upstream.meters[service].counters.requests


def _well_again(upstream: StandIn, database: Database) -> None:
    """The services are themselves again, and half a minute has passed for the breakers."""
    upstream.faults.clear()
    with database.transaction() as tx:
        tx.execute("delete from provider_health")


# Lists.


@pytest.mark.parametrize(
    ("bad", "other", "told", "reason"),
    [
        ("gemini", "xai", {"GEMINI_API_KEY": "wrong"}, "Gemini rejects the key in GEMINI_API_KEY"),
        ("xai", "gemini", {"XAI_API_KEY": "wrong"}, "xAI rejects the key in XAI_API_KEY"),
        ("xai", "gemini", {"XAI_MODEL": "gone-1"}, "xAI does not know the model: set ALEXANDRIA_XAI_MODEL"),
    ],
)
def test_one_generator_that_refuses_does_not_stop_the_other(
    worlds: Worlds, database: Database, bad: str, other: str, told: dict[str, str], reason: str
) -> None:
    listed, *_ = run_all(database, worlds(**told), [MONTH])
    counts = listed.done[MONTH]
    assert str(counts[f"refused_by_{bad}"]).startswith(reason)
    assert counts[f"{other}_listings"] == 20
    assert f"{bad}_books" not in counts
    assert float(counts[f"{other}_cost_usd"]) > 0 < int(counts[f"{other}_input_tokens"])
    assert _month(database)["status"] == "completed"


def test_both_failing_is_a_retry_that_says_why_and_then_works(
    worlds: Worlds, database: Database, upstream: StandIn
) -> None:
    upstream.faults.add({"service": "gemini", "kind": "500"})
    upstream.faults.add({"service": "xai", "kind": "200-html"})
    listed, *_ = run_all(database, worlds(), [MONTH])
    assert not listed.done
    failed = _month(database)
    assert (failed["status"], failed["retry_count"], failed["owner_run"]) == ("retry", 1, None)
    assert failed["error_message"] == "2020-01: gemini: HTTP 500; xai: HTTP 200, the response is HTML instead of JSON"
    assert rows(database, "select 1 from generated_book") == []

    _well_again(upstream, database)
    run_all(database, worlds(), [MONTH], "run-2")
    assert (_month(database)["status"], _month(database)["error_message"]) == ("completed", None)


def test_services_that_pause_are_waited_for_not_replaced_by_the_curated_list(
    worlds: Worlds, database: Database
) -> None:
    with database.transaction() as tx:
        for name in ("gemini", "xai"):
            tx.execute(
                "insert into provider_health (service, breaker, retry_at) values (%s, 'open', now() + interval '1 hour')",
                [name],
            )
    run_all(database, worlds(), [MONTH])
    assert _month(database)["status"] == "retry"
    assert "gemini is paused until" in _month(database)["error_message"]
    assert rows(database, "select 1 from generation_reply") == []


def test_a_model_that_writes_nonsense_is_told_in_tables(worlds: Worlds, database: Database, upstream: StandIn) -> None:
    """The answer is kept with its cost, is not used again, and is shown with the reason."""
    upstream.faults.add({"service": "gemini", "kind": "200-html"})
    world = worlds()
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


def test_a_quota_that_runs_out_defers_and_the_next_day_asks_only_what_was_left(
    worlds: Worlds, database: Database, upstream: StandIn
) -> None:
    """The day is not waited for: the second run has a larger limit, which comes to the same."""
    by_outcome = "select outcome, count(*) as n from generated_book group by outcome"
    told = {"RESOLVER_ORDER": "isbndb", "ISBNDB_SAFETY_BUFFER": "0"}
    run_all(database, worlds(**told, ISBNDB_DAILY_LIMIT="10"), [MONTH])
    first = {row["outcome"]: row["n"] for row in rows(database, by_outcome)}
    assert _requests(upstream, Service.ISBNDB) == 10
    assert first["deferred"] >= 10
    reasons = rows(database, "select distinct reason from generated_book where outcome = 'deferred'")
    assert all("the daily quota of isbndb" in row["reason"] and "00:00 UTC" in row["reason"] for row in reasons)
    assert _month(database)["status"] == "completed", "a quota that is used up is no error"
    answered = rows(database, "select * from generated_book where outcome = 'resolved' order by book_id")
    assert rows(database, "select 1 from enriched_works w join generated_book using (work_id) "
                          "where outcome = 'deferred' and not synthetic") == []  # fmt: skip

    run_all(database, worlds(**told, ISBNDB_DAILY_LIMIT="10000"), [MONTH], "run-2")
    assert "deferred" not in {row["outcome"] for row in rows(database, by_outcome)}
    counters = upstream.meters[Service.ISBNDB].counters
    assert max(counters.by_request.values()) == 1, "nothing was asked twice"
    now = rows(database, "select * from generated_book where outcome = 'resolved' order by book_id")
    assert [row for row in now if row["book_id"] in {each["book_id"] for each in answered}] == answered
    assert len(now) > len(answered)


# Nonsense on the wire.


def _ask(world: Pipeline, resolver: IsbnResolver, title: str, author: str) -> Awaitable[Resolution]:
    alone = replace(world.resolve.cascade, resolvers=[resolver])
    return alone.ask(BookQuery(title, author, None, "en"), alone.revisions())


def _known_books(world: Pipeline, upstream: StandIn) -> dict[str, dict[str, Any]]:
    """For each resolver a listed book that it resolves when it is well, with the book's right ISBNs."""
    truth = [row for month in ("2020-05", "2020-06") for row in upstream.lists.truth(month) if not row["invented"]]

    async def first(resolver: IsbnResolver) -> dict[str, Any]:
        for row in truth:
            if RESOLVERS[resolver.declaration.name] in row["known"]:
                resolution = await _ask(world, resolver, row["title"], row["author"])
                if resolution.candidate is not None and resolution.candidate.isbn13 in row["editions"]:
                    return row
        raise AssertionError(f"{resolver.declaration.name} knows no book of these months")

    async def of_all() -> dict[str, dict[str, Any]]:
        found = await asyncio.gather(*map(first, world.registry.resolvers()))
        return dict(zip(RESOLVERS, found, strict=True))

    return asyncio.run(of_all())


def _ask_all(world: Pipeline, books: dict[str, dict[str, Any]]) -> dict[str, Resolution]:
    async def scenario() -> Sequence[Resolution]:
        return await asyncio.gather(
            *(
                _ask(world, r, books[r.declaration.name]["title"], books[r.declaration.name]["author"])
                for r in world.registry.resolvers()
            )
        )

    return dict(zip(RESOLVERS, asyncio.run(scenario()), strict=True))


def _forget(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute("truncate http_cache, api_call, provider_health, quota_usage")


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_is_neither_a_yes_nor_a_no(kind: str, worlds: Worlds, database: Database, upstream: StandIn) -> None:
    """Every resolver in turn answers with the fault, for ever; afterwards it is well, and nothing of it has stayed."""
    world = worlds(**{f"{variable_prefix(service)}_TIMEOUT_SECONDS": str(TIMEOUT) for service in Service})
    assert [resolver.declaration.name for resolver in world.registry.resolvers()] == list(RESOLVERS)
    books = _known_books(world, upstream)
    _forget(database)
    upstream.faults.add({"service": "*", "kind": kind, "retry_after": "0"})
    for name, resolution in _ask_all(world, books).items():
        if kind in HARMLESS and resolution.outcome is BookOutcome.RESOLVED:
            assert resolution.candidate is not None
            assert resolution.candidate.isbn13 in books[name]["editions"], name
        else:
            assert resolution.outcome is BookOutcome.DEFERRED, (name, resolution)
            assert 0 < len(resolution.reason) < 300, (name, resolution.reason)
            assert {attempt.outcome for attempt in resolution.attempts} <= {"failed", "unavailable"}
    calls = rows(database, "select service, outcome, latency_ms from api_call")
    assert {row["service"] for row in calls} == set(RESOLVERS.values())
    assert "sent" not in {row["outcome"] for row in calls}
    assert len(calls) <= 5 * 4, "three attempts, or four redirects, for each"
    assert max(row["latency_ms"] for row in calls) < 1000 * TIMEOUT + 500
    assert rows(database, "select 1 from http_cache where negative") == []

    _well_again(upstream, database)
    for name, resolution in _ask_all(world, books).items():
        assert resolution.outcome is BookOutcome.RESOLVED, (name, resolution)
        assert resolution.candidate is not None
        assert resolution.candidate.isbn13 in books[name]["editions"], name


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_a_model_is_no_list(kind: str, worlds: Worlds, database: Database, upstream: StandIn) -> None:
    world = worlds(GEMINI_TIMEOUT_SECONDS=str(TIMEOUT), XAI_TIMEOUT_SECONDS=str(TIMEOUT))
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
    before = dump(database, ["api_call"])["api_call"]
    assert {row["service"] for row in before} == {"gemini", "xai"}
    assert max(row["latency_ms"] for row in before) < 1000 * TIMEOUT + 500
