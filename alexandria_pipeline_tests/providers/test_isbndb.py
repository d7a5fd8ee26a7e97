"""ISBNdb: requests, parsing of responses, and the error table."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.metadata import EditionVariant, Rating, Subjects
from alexandria_pipeline.domain.quota import ServicePlan
from alexandria_pipeline.domain.records import BookQuery, ContributorRole, EditionFormat, PartialDate
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers import base
from alexandria_pipeline.providers.isbndb.client import CHECK_SPEC, COUNTER_SPEC, MAX_QUERY_LENGTH, SPEC, IsbnDb
from alexandria_pipeline.providers.isbndb.errors import RATE_LIMIT
from alexandria_pipeline.providers.isbndb.parser import (
    parse_batch,
    parse_book,
    parse_plan,
    parse_search,
    parse_spent,
)
from alexandria_pipeline_tests.providers.scripted_http import JSON, ScriptedHttp, json_with, payload, response, run

DUNE = Isbn13("9780441172719")
QUERY = BookQuery("Dune (Dune Chronicles, #1)", "Frank Herbert", 2020)
NOTHING = response({"errorMessage": "Not Found"}, 404)
SERVICE_JSON = json_with(
    "books", "data", "book", "total", "title", "isbn13", "isbn", "authors", "related", "other_isbns", "errorMessage"
)


def stored(name: str) -> Any:
    return response(payload("isbndb", name))


def test_the_client_implements_its_capabilities() -> None:
    client = IsbnDb(ScriptedHttp(SPEC, NOTHING))
    for protocol in (
        base.IsbnResolver, base.BatchMetadataSource, base.CoverSource, base.RatingSource, base.VariantSource, base.SubjectSource,
    ):  # fmt: skip
        assert isinstance(client, protocol)
    assert (client.declaration.name, client.declaration.kind, client.revision()) == (
        "isbndb",
        base.ProviderKind.PAID,
        "1",
    )


def test_resolve_makes_one_search_for_title_words_and_surname() -> None:
    http = ScriptedHttp(SPEC, NOTHING)
    assert run(IsbnDb(http).resolve(QUERY)) == NotFound()
    assert http.requests == [("/books/Dune%20Herbert", {"page": 1, "pageSize": 100})]


@pytest.mark.parametrize("title", ["A/B: C?D#E%F & G", "x" * 400, "word " * 100, "..", "Überleben, \ud800"])
def test_a_query_is_one_path_segment_of_limited_length(title: str) -> None:
    http = ScriptedHttp(SPEC, NOTHING)
    run(IsbnDb(http).resolve(BookQuery(title, "O'Brien/Smith")))
    ((path, _),) = http.requests
    assert path.count("/") == 2
    assert len(unquote(path.removeprefix("/books/"))) <= MAX_QUERY_LENGTH


def test_a_query_without_words_makes_no_request() -> None:
    http = ScriptedHttp(SPEC, NOTHING)
    assert run(IsbnDb(http).resolve(BookQuery("", ""))) == NotFound()
    assert http.requests == []


def test_all_books_of_the_page_are_candidates_in_its_order() -> None:
    found = parse_search(stored("search_dune"))
    assert isinstance(found, list)
    assert [(each.isbn13, each.rank) for each in found] == [
        ("9798601234566", 0), ("9788497596824", 1), ("9780441172719", 2), ("9780441013593", 3),
    ]  # fmt: skip
    spanish, right, bare = found[1:]
    assert (spanish.language, spanish.published, spanish.contributors[0].name) == (
        "es",
        PartialDate(2003),
        "Herbert, Frank",
    )
    assert (right.subtitle, right.format, right.pages) == ("Deluxe Edition", EditionFormat.PAPERBACK, 535)
    assert (right.contributors[0].name, right.contributors[0].role) == ("Herbert, Frank", ContributorRole.UNKNOWN)
    assert (right.published, right.language, right.subjects) == (PartialDate(1990, 9, 1), "en", ("Science fiction",))
    assert (bare.contributors, bare.pages, bare.published) == ((), None, None)


@pytest.mark.parametrize("data", [{"total": 0, "books": []}, {"total": 0, "data": []}, {"books": []}])
def test_no_results_are_not_found(data: Any) -> None:
    assert parse_search(response(data)) == NotFound()


def test_books_without_an_isbn_are_not_found() -> None:
    assert parse_search(response({"total": 1, "books": [{"title": "Dune", "isbn13": "9780441172718"}]})) == NotFound()


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "x",
        3,
        {},
        {"books": None},
        {"books": {}},
        {"books": ["x"]},
        {"books": [{"other": 1}]},
        {"total": 4, "books": []},
    ],
)
def test_a_response_of_unexpected_shape_is_a_failure(data: Any) -> None:
    for parsed in (parse_search(response(data)), parse_book(response(data), DUNE), parse_batch(response(data), [DUNE])):
        assert isinstance(parsed, Failed)


@pytest.mark.parametrize(
    "data", [None, [], {}, {"message": "no Route matched with those values"}, {"message": "gone"}, "<html>"]
)
def test_a_404_that_is_not_from_the_service_is_a_failure(data: Any) -> None:
    assert isinstance(parse_search(response(data, 404)), Failed)
    assert isinstance(parse_book(response(data, 404), DUNE), Failed)


def test_metadata() -> None:
    http = ScriptedHttp(SPEC, NOTHING, {f"/book/{DUNE}": stored("book")})
    found = run(IsbnDb(http).metadata(DUNE))
    assert not isinstance(found, NotFound | Unavailable | Failed)
    assert (found.description, found.pages, found.published) == ("Set on Arrakis & beyond.", 535, PartialDate(1990))
    assert [cover.url for cover in found.covers] == ["https://images.isbndb.com/covers/27/19/9780441172719.jpg"]
    assert found.subjects == ("Science fiction",)


def test_covers_subjects_and_variants_of_a_record() -> None:
    client = IsbnDb(ScriptedHttp(SPEC, stored("book")))
    assert run(client.subjects(DUNE)) == Subjects("isbndb", ("Science fiction",))
    variant = EditionVariant("isbndb", Isbn13("9780441013593"), "Dune", EditionFormat.PAPERBACK)
    assert run(client.variants(DUNE)) == [variant]
    assert run(client.rating(DUNE)) == NotFound()
    assert len(run(client.covers(DUNE))) == 1  # type: ignore[arg-type]


def test_a_rating_is_read_if_there_is_one() -> None:
    book = {**payload("isbndb", "book")["book"], "rating": "4.2", "ratings_count": 7}
    assert run(IsbnDb(ScriptedHttp(SPEC, response({"book": book}))).rating(DUNE)) == Rating("isbndb", 4.2, 7)


def test_a_record_of_another_isbn_is_a_failure() -> None:
    assert isinstance(run(IsbnDb(ScriptedHttp(SPEC, stored("book"))).metadata(Isbn13("9780441569595"))), Failed)


def test_an_unknown_isbn_is_not_found_and_cached_for_a_day() -> None:
    assert run(IsbnDb(ScriptedHttp(SPEC, NOTHING)).metadata(DUNE)) == NotFound()
    assert SPEC.negative_cache_days <= 1


def test_a_batch_is_one_request_and_unknown_isbns_are_missing() -> None:
    http = ScriptedHttp(SPEC, stored("batch"))
    isbns = [DUNE, Isbn13("9780807083697"), DUNE]
    found = run(IsbnDb(http).metadata_batch(isbns))
    assert isinstance(found, dict)
    assert list(found) == [DUNE]
    assert http.requests == [("/books", {"isbns": ["9780441172719", "9780807083697"]})]


def test_an_empty_and_an_oversized_batch_make_no_request() -> None:
    http = ScriptedHttp(SPEC, NOTHING)
    assert run(IsbnDb(http).metadata_batch([])) == {}
    assert isinstance(run(IsbnDb(http, batch_size=1).metadata_batch([DUNE, Isbn13("9780807083697")])), Failed)
    assert http.requests == []
    assert run(IsbnDb(http).metadata_batch([DUNE])) == {}


def test_error_table() -> None:
    def explain_message(status: int, message: str) -> Unavailable | Failed | None:
        return SPEC.explain(status, {"errorMessage": message})

    assert SPEC.explain(200, {}) is None
    assert SPEC.explain(404, {}) is None
    daily = explain_message(429, "Daily quota exceeded")
    assert isinstance(daily, Unavailable)
    assert daily.temporary
    for message in ("Per minute rate limit exceeded", "Limit Exceeded", ""):
        slow = explain_message(429, message)
        assert isinstance(slow, Failed)
        assert slow.transient
    key = explain_message(401, "Unauthorized")
    assert isinstance(key, Failed), "a rejected key is not a definite no"
    assert "ISBNDB_API_KEY" in key.reason
    assert not key.transient
    assert isinstance(explain_message(403, "Daily quota"), Failed)
    assert SPEC.explain(503, None) == Failed("ISBNdb returned HTTP 503", transient=True)
    assert SPEC.explain(400, "x") == Failed("ISBNdb returned HTTP 400", transient=False)


@pytest.mark.parametrize("outcome", [Unavailable("no key"), Failed("timed out")])
def test_answers_of_the_transport_are_returned_unchanged(outcome: Unavailable | Failed) -> None:
    http = ScriptedHttp(SPEC, outcome)
    client = IsbnDb(http)
    assert run(client.resolve(QUERY)) == run(client.metadata(DUNE)) == run(client.metadata_batch([DUNE])) == outcome
    http.closed = Unavailable("off")
    assert client.unavailable() == Unavailable("off")


@given(JSON | SERVICE_JSON)
def test_parsers_never_raise(data: Any) -> None:
    for status in (200, 404):
        parse_search(response(data, status))
        parse_book(response(data, status), DUNE)
        parse_batch(response(data, status), [DUNE])
    SPEC.explain(429, data)


@given(JSON)
def test_json_without_the_services_members_is_never_not_found(data: Any) -> None:
    assert not isinstance(parse_search(response(data)), NotFound) or "books" in data or "data" in data
    assert not isinstance(parse_book(response(data), DUNE), NotFound)


def test_the_plan_of_the_account() -> None:
    plan = run(IsbnDb(ScriptedHttp(COUNTER_SPEC, stored("key_premium"))).plan())
    assert plan == ServicePlan("isbndb", "premium", "api.premium.isbndb.com", 3, 15_000, 14_900)


def test_a_key_with_a_limit_of_its_own_has_its_figures() -> None:
    assert parse_plan(stored("key_limited")) == ServicePlan("isbndb", "pro", "api.pro.isbndb.com", 5, 5_000, 0)
    assert parse_spent(stored("key_limited")) == 5_000


@pytest.mark.parametrize("host", ["evil.example.org", "isbndb.com.example.org", "api.isbndb.com/x", "", None, 7])
def test_a_host_outside_the_service_is_not_used(host: Any) -> None:
    plan = parse_plan(response({**stored("key_premium").data, "api_host": host}))
    assert isinstance(plan, ServicePlan)
    assert (plan.host, plan.requests_per_second) == (None, 1)


def test_a_429_that_does_not_say_what_it_means_is_looked_up() -> None:
    limited = ScriptedHttp(SPEC, response(payload("isbndb", "error_429_limit"), 429))
    spent = ScriptedHttp(CHECK_SPEC, stored("key_limited"))
    assert run(IsbnDb(limited, check=spent).rating(DUNE)) == Unavailable(
        "the daily quota of the ISBNdb key is used up", temporary=True
    )
    left = ScriptedHttp(CHECK_SPEC, stored("key_premium"))
    assert run(IsbnDb(limited, check=left).rating(DUNE)) == RATE_LIMIT
    assert (spent.paths, left.paths) == (["/key"], ["/key"])


def test_a_403_names_the_hosts_of_the_plans() -> None:
    outcome = SPEC.explain(403, {"message": "Forbidden"})
    assert isinstance(outcome, Failed)
    assert "https://api.premium.isbndb.com" in outcome.reason
    assert "ALEXANDRIA_ISBNDB_BASE_URL" in outcome.reason
