"""`alexandria` with services: fetch, quota and providers against the stand-in, and what each variable changes there.

Commands are called through the entry point in this process, as the installed script does.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest

from alexandria_pipeline.cli.app import main
from alexandria_pipeline.composition import model_warnings
from alexandria_pipeline.providers.base import Capability
from alexandria_pipeline.providers.registry import SERVICES as DECLARED
from alexandria_pipeline.settings import SERVICES, load_settings
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.upstream.model import Kind, Service
from alexandria_pipeline_tests.upstream.server import StandIn
from alexandria_pipeline_tests.world import rows

pytest_plugins = ("alexandria_pipeline_tests.upstream.fixture",)

Json = Callable[..., Any]


@pytest.fixture
def ask(
    database_url: str, upstream_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Json:  # fmt: skip
    """What a command prints as JSON; variables are given by their names, `ALEXANDRIA_` left out."""

    def type_in(*words: str, **response: str) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["alexandria", *words, "--json"])
            patch.setenv("ALEXANDRIA_DATABASE_URL", database_url)
            for name, value in response.items():
                patch.setenv(name if name.endswith("_API_KEY") else f"ALEXANDRIA_{name}", value)
            capsys.readouterr()
            try:
                main()
            except SystemExit as end:
                if end.code:
                    raise AssertionError(capsys.readouterr().err) from end
        return json.loads(capsys.readouterr().out)

    return type_in


def test_without_any_service_set_up_nothing_leaves_the_machine(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database: Database
) -> None:
    monkeypatch.setenv("ALEXANDRIA_DATABASE_URL", database_url)
    monkeypatch.setattr(sys, "argv", ["alexandria", "providers", "--json"])
    main_ends(0)
    offered = [each for each in json.loads(capsys.readouterr().out) if each["offered"]]
    assert {each["provider"] for each in offered if each["available"]} == {"curated-list", "local-catalog"}
    assert {each["reason"].partition(":")[0] for each in offered if each["provider"] == "wikidata"} == {
        "no service is set up"
    }
    monkeypatch.setattr(sys, "argv", ["alexandria", "fetch", "ratings", "--isbn", "9780316420044"])
    main_ends(2)
    assert "or name one with --provider" in capsys.readouterr().err
    assert rows(database, "select 1 from api_call") == []


def main_ends(status: int) -> None:
    with pytest.raises(SystemExit) as end:
        main()
    assert (end.value.code or 0) == status


# Every capability of every kind, asked for one item.

NEEDS = {
    Capability.ISBN_RESOLUTION: "book", Capability.SUBJECT_BROWSING: "subject", Capability.AUTHOR_BIOGRAPHY: "author",
    Capability.BOOK_GENERATION: "month",
}  # fmt: skip
FIELDS: Mapping[Capability, set[str]] = {
    Capability.ISBN_RESOLUTION: {"isbn13", "title", "contributors", "published", "provider"},
    Capability.METADATA_ENRICHMENT: {"title", "subtitle", "contributors", "publisher", "published", "pages", "language",
                                     "description", "subjects", "covers", "identifiers"},
    Capability.COVER_IMAGES: {"provider", "url"},
    Capability.RATINGS: {"provider", "average", "count"},
    Capability.EDITION_VARIANTS: {"isbn13", "title", "format"},
    Capability.PUBLIC_DOMAIN: {"status", "basis"},
    Capability.EXTERNAL_IDS: {"identifiers"},
    Capability.SUBJECT_ENRICHMENT: {"subjects"},
    Capability.SUBJECT_BROWSING: {"title", "authors"},
    Capability.SERIES_INFO: {"series", "position"},
    Capability.AWARDS: {"name", "year"},
    Capability.TRANSLATIONS: {"language", "title"},
    Capability.AUTHOR_BIOGRAPHY: {"name", "biography"},
    Capability.BOOK_GENERATION: {"title", "author", "provider", "position"},
}  # fmt: skip


def _items(upstream: StandIn, capability: Capability) -> list[list[str]]:
    """Items to ask for, in the words of the command: someone knows some of them."""
    works = [work for work in upstream.catalogue.works if work.listed and work.editions]
    match NEEDS.get(capability, "isbn"):
        case "book":
            return [["--title", work.title, "--author", work.authors[0]] for work in works]
        case "subject":
            return [["--subject", work.genre] for work in works]
        case "author":
            return [["--author", work.authors[0]] for work in works]
        case "month":
            return [["--month", "2020-03"]]
    works = [work for work in works if work.series] if capability is Capability.SERIES_INFO else works
    genuine = [edition for work in works for edition in work.editions if edition.kind is Kind.EDITION]
    return [["--isbn", edition.isbn13] for edition in genuine if edition.language == "en"]


@pytest.mark.parametrize("capability", Capability)
def test_every_capability_is_answered_by_a_service(capability: Capability, ask: Json, upstream: StandIn) -> None:
    response: dict[str, Any] = {}
    for item in _items(upstream, capability)[:30:2] or [[]]:
        response = ask("fetch", capability.value, *item)
        assert response["capability"] == capability.value
        assert {each["outcome"] for each in response["asked"]} <= {"found", "not_found", "unavailable"}, response
        if response["outcome"] == "found":
            break
    assert response["outcome"] == "found"
    assert response["asked"][-1] == {"provider": response["provider"], "outcome": "found", "reason": ""}
    answers = response["data"] if isinstance(response["data"], list) else [response["data"]]
    assert answers
    assert all(FIELDS[capability] <= answer.keys() for answer in answers), answers[0].keys()


def test_one_provider_can_be_asked_alone(ask: Json, upstream: StandIn) -> None:
    work = next(work for work in upstream.catalogue.works if work.listed)
    words = ("fetch", "isbn-resolution", "--title", work.title, "--author", work.authors[0])
    for name in ("isbndb", "google-books", "open-library", "internet-archive", "wikidata"):
        service = Service(name)
        response = ask(*words, "--provider", name)
        assert [each["provider"] for each in response["asked"]] == [name]
        asked = {service for service, gate in upstream.meters.items() if gate.counters.requests}
        assert asked == {service}
        upstream.meters[service].reset()


# What is left today.


def test_quota_shows_every_service(ask: Json, upstream: StandIn) -> None:
    ask("fetch", "isbn-resolution", "--title", "Anything", "--author", "Anybody", "--provider", "isbndb")
    upstream.faults.add({"service": "google-books", "kind": "200-html"})
    for number in range(5):
        ask(
            "fetch", "isbn-resolution", "--title", f"Book {number}", "--author", "Anybody", "--provider", "google-books"
        )
    shown = {row["service"]: row for row in ask("quota", ISBNDB_DAILY_LIMIT="1000", ISBNDB_SAFETY_BUFFER="100")}
    assert list(shown) == list(SERVICES)
    isbndb = shown["isbndb"]
    assert (isbndb["daily_limit"], isbndb["safety_limit"], isbndb["used"], isbndb["remaining"]) == (
        1000,
        900,
        2,
        998,
    ), "a search and the request for the plan"
    assert (isbndb["safety_remaining"], isbndb["percentage_used"], isbndb["can_make_calls"]) == (898, 0.2, True)
    assert isbndb["reset_at"].endswith("T00:00:00+00:00")
    assert (isbndb["breaker"], isbndb["requests_per_second"]) == ("closed", 60)
    assert (shown["google-books"]["breaker"], shown["google-books"]["used"]) == ("open", 5)
    assert shown["google-books"]["retry_at"]
    assert "HTML" in shown["google-books"]["last_error"]
    assert (shown["xai"]["used"], shown["xai"]["daily_limit"], shown["xai"]["retry_at"]) == (0, None, None)


# What is set.


def _cells(ask: Json, provider: str, **response: str) -> list[dict[str, Any]]:
    return [cell for cell in ask("providers", **response) if cell["provider"] == provider and cell["offered"]]


@pytest.mark.parametrize("service", SERVICES)
def test_each_variable_of_a_service_arrives(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for field, value in (("BASE_URL", "https://example.org/v9/"), ("REQUESTS_PER_SECOND", "7.5"), ("TIMEOUT_SECONDS", "2.5"),
                         ("ENABLED", "false"), ("MODEL", "m-1"), ("DAILY_LIMIT", "77"), ("SAFETY_BUFFER", "7")):  # fmt: skip
        monkeypatch.setenv(f"ALEXANDRIA_{DECLARED[service].prefix}_{field}", value)
    config = load_settings().service(service)
    assert (config.base_url, config.requests_per_second, config.timeout_seconds) == ("https://example.org/v9", 7.5, 2.5)
    assert (config.enabled, config.model, config.quota.daily_limit, config.quota.safe_limit) == (False, "m-1", 77, 70)


@pytest.mark.parametrize(
    ("provider", "variable"),
    [("isbndb", "ISBNDB"), ("internet-archive", "ARCHIVE_ORG"), ("wikipedia", "WIKIPEDIA"), ("xai", "XAI")],
)
def test_a_service_that_is_switched_off_states_by_what(ask: Json, provider: str, variable: str) -> None:
    cells = _cells(ask, provider, **{f"{variable}_ENABLED": "false"})
    assert cells
    assert all(not cell["available"] and f"ALEXANDRIA_{variable}_ENABLED" in cell["reason"] for cell in cells)


@pytest.mark.parametrize(
    ("provider", "key"),
    [
        ("isbndb", "ISBNDB_API_KEY"), ("google-books", "GOOGLE_BOOKS_API_KEY"), ("gemini", "GEMINI_API_KEY"),
        ("xai", "XAI_API_KEY"),
    ],
)  # fmt: skip
def test_a_service_without_its_key_names_it(ask: Json, provider: str, key: str) -> None:
    assert all(cell["available"] and not cell["reason"] for cell in _cells(ask, provider))
    cells = _cells(ask, provider, **{key: ""})
    assert cells
    assert all(not cell["available"] and key in cell["reason"] for cell in cells)


def test_the_stand_in_hears_what_was_set(ask: Json, upstream: StandIn, database: Database) -> None:
    """Contact, model, number of books and the order of the cascade, as they arrive."""
    response = {"CONTACT": "someone@example.org", "GEMINI_MODEL": "gemini-3.1-flash-lite"}
    ask("fetch", "book-generation", "--month", "2020-03", "--provider", "gemini", **response)
    (agent,) = upstream.meters[Service.GEMINI].counters.agents
    assert agent.startswith("alexandria-pipeline/")
    assert agent.endswith(" (+someone@example.org)")
    (question,) = upstream.meters[Service.GEMINI].counters.by_request
    assert "/gemini/v1beta/models/gemini-3.1-flash-lite:generateContent" in question

    asked = ask("resolve", "No Such Book At All", "--author", "Nobody", RESOLVER_ORDER="wikidata,isbndb")
    assert [attempt["provider"] for attempt in asked["attempts"]] == ["wikidata", "isbndb"]
    assert asked["outcome"] == "not_found"

    slow = {"ISBNDB_TIMEOUT_SECONDS": "0.3", "RESOLVER_ORDER": "isbndb"}
    upstream.meters[Service.ISBNDB].behaviour.latency = 1.0
    asked = ask("resolve", "Another Book", "--author", "Nobody", **slow)
    assert asked["outcome"] == "deferred"
    assert "no complete response within 0.3 s" in asked["reason"]
    (least,) = rows(database, "select min(latency_ms) as ms from api_call where outcome = 'failed'")
    assert least["ms"] >= 290


# Models that end.


@pytest.mark.parametrize(
    ("today", "expected"),
    [(date(2026, 10, 1), None), (date(2026, 11, 23), "ends on 2026-12-01, in 8 days"), (date(2027, 1, 5), "ended on 2026-12-01")],
)  # fmt: skip
def test_a_model_near_its_end_is_warned_of(monkeypatch: pytest.MonkeyPatch, today: date, expected: str | None) -> None:
    monkeypatch.setenv("ALEXANDRIA_GEMINI_MODEL", "gemini-2.5-flash")
    response = model_warnings(load_settings(), today)
    assert list(response) == (["gemini"] if expected else [])
    assert (
        expected is None or f"the model gemini-2.5-flash {expected}: set ALEXANDRIA_GEMINI_MODEL" in response["gemini"]
    )
    monkeypatch.setenv("ALEXANDRIA_GEMINI_ENABLED", "false")
    assert model_warnings(load_settings(), today) == {}


def test_providers_shows_the_warning(ask: Json, caplog: pytest.LogCaptureFixture) -> None:
    cells = _cells(ask, "xai", XAI_MODEL="grok-4-1")
    assert all("the model grok-4-1 ended on 2026-05-15" in cell["warning"] for cell in cells)
    assert caplog.text.count("grok-4-1 ended on") == 1, "and it is said once at the start"
    assert all(cell["warning"] == "" for cell in _cells(ask, "xai"))


def test_a_service_is_reopened_by_name(
    database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows(database, "insert into provider_health (service) values ('google-books') returning service")
    rows(
        database,
        "insert into quota_usage (service, day, exhausted)"
        " values ('google-books', quota_day('google-books', now()), 'the quota is used up') returning service",
    )
    monkeypatch.setenv("ALEXANDRIA_DATABASE_URL", database_url)
    monkeypatch.setattr(sys, "argv", ["alexandria", "services", "reopen", "GOOGLE_BOOKS"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert capsys.readouterr().out.splitlines() == [
        "ended: google-books had reported: the quota is used up", "google-books is open",
    ]  # fmt: skip
    assert rows(database, "select exhausted from quota_usage") == [{"exhausted": None}]
