"""Google Books: requests, parsing of responses, and the error table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.metadata import ExternalIds, PublicDomainStatus, Rating, Subjects
from alexandria_pipeline.domain.records import BookQuery, EditionFormat, PartialDate
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers import base
from alexandria_pipeline.providers.google_books.client import SPEC, GoogleBooks
from alexandria_pipeline.providers.google_books.parser import parse_edition, parse_search
from alexandria_pipeline_tests.providers.scripted_http import JSON, ScriptedHttp, json_with, payload, response, run

KINDRED = Isbn13("9780807083697")
QUERY = BookQuery('The "Kindred" Ones: A Novel', "Octavia E. Butler", 2003)
EMPTY = response({"kind": "books#volumes", "totalItems": 0})
SERVICE_JSON = json_with(
    "items", "totalItems", "volumeInfo", "title", "industryIdentifiers", "type", "identifier", "imageLinks", "error"
)


def stored(name: str) -> Any:
    return response(payload("google_books", name))


def edition(**changes: Any) -> Any:
    volume = payload("google_books", "volumes")["items"][1]
    return response({"totalItems": 1, "items": [{**volume, **changes}]})


def test_the_client_implements_its_capabilities() -> None:
    client = GoogleBooks(ScriptedHttp(SPEC, EMPTY))
    for protocol in (
        base.IsbnResolver, base.MetadataSource, base.CoverSource, base.RatingSource, base.PublicDomainSource,
        base.ExternalIdSource, base.SubjectSource,
    ):  # fmt: skip
        assert isinstance(client, protocol)
    assert (client.declaration.name, client.declaration.kind, client.revision()) == (
        "google-books",
        base.ProviderKind.FREE,
        "1",
    )


def test_resolve_searches_for_phrases_without_quotation_marks() -> None:
    http = ScriptedHttp(SPEC, EMPTY)
    assert run(GoogleBooks(http).resolve(QUERY)) == NotFound()
    ((path, params),) = http.requests
    assert (path, params["q"]) == ("/volumes", 'intitle:"Kindred Ones" inauthor:"Butler"')
    assert (params["maxResults"], params["printType"]) == (40, "books")
    assert "key" not in params


def test_each_isbn_of_the_result_is_one_candidate() -> None:
    found = parse_search(stored("volumes"))
    assert isinstance(found, list)
    assert [(each.isbn13, each.rank) for each in found] == [("9781419709470", 0), ("9780807083697", 1)]
    graphic, novel = found
    assert (graphic.subtitle, graphic.format) == ("A Graphic Novel Adaptation", EditionFormat.UNKNOWN)
    assert (novel.published, novel.pages, novel.language) == (PartialDate(2004, 2), 264, "en")
    assert novel.identifiers == (("google_books", "bbb"), ("oclc", "52047562"))


def test_a_count_of_zero_is_not_found() -> None:
    assert parse_search(EMPTY) == NotFound()


@pytest.mark.parametrize(
    "data",
    [None, [], "x", 0, {}, {"kind": "books#volumes"}, {"totalItems": 3}, {"totalItems": 3, "items": []}, {"totalItems": False},
     {"items": {}}, {"items": ["x"]}, {"items": [{}]}, {"items": [{"volumeInfo": "x"}]}, {"totalItems": "0"}],
)  # fmt: skip
def test_a_response_of_unexpected_shape_is_a_failure(data: Any) -> None:
    assert isinstance(parse_search(response(data)), Failed)
    assert isinstance(parse_edition(response(data), KINDRED), Failed)


def test_volumes_without_isbns_are_not_found() -> None:
    assert (
        parse_search(response({"totalItems": 1, "items": [{"id": "x", "volumeInfo": {"title": "Kindred"}}]}))
        == NotFound()
    )


@pytest.mark.parametrize(("kind", "offered"), [("BOOK", 1), (None, 1), ("PRINT_TYPE_NEW", 1), (7, 1), ("MAGAZINE", 0)])
def test_only_magazines_are_left_out(kind: Any, offered: int) -> None:
    info = {
        "title": "Kindred",
        "printType": kind,
        "industryIdentifiers": [{"type": "ISBN_13", "identifier": str(KINDRED)}],
    }
    found = parse_search(response({"totalItems": 1, "items": [{"id": "x", "volumeInfo": info}]}))
    assert len(found if isinstance(found, list) else []) == offered


def test_volumes_with_other_isbns_are_not_found_by_two_searches() -> None:
    http = ScriptedHttp(SPEC, stored("volumes"))
    assert run(GoogleBooks(http).metadata(Isbn13("9780441013593"))) == NotFound()
    assert [params["q"] for _, params in http.requests] == ["isbn:9780441013593", "9780441013593"]


def test_a_search_result_with_gaps_is_completed_from_the_record_of_the_volume() -> None:
    volume = payload("google_books", "volumes")["items"][1]
    short = {name: value for name, value in volume["volumeInfo"].items() if name not in {"description", "publisher"}}
    http = ScriptedHttp(
        SPEC,
        response({"totalItems": 1, "items": [{**volume, "volumeInfo": short}]}),
        {"/volumes/bbb": response(volume)},
    )
    found = run(GoogleBooks(http).metadata(KINDRED))
    assert http.paths == ["/volumes", "/volumes/bbb"]
    assert (getattr(found, "publisher", None), getattr(found, "pages", None)) == ("Beacon Press", 264)


@pytest.mark.parametrize("record", [response({"error": {"code": 404}}, 404), response({}), Failed("HTTP 503")])
def test_without_the_record_the_search_result_is_the_answer(record: Any) -> None:
    volume = payload("google_books", "volumes")["items"][1]
    short = {name: value for name, value in volume["volumeInfo"].items() if name != "publisher"}
    http = ScriptedHttp(
        SPEC, response({"totalItems": 1, "items": [{**volume, "volumeInfo": short}]}), {"/volumes/bbb": record}
    )
    assert getattr(run(GoogleBooks(http).metadata(KINDRED)), "title", None) == "Kindred"


def test_the_country_that_is_set_is_sent() -> None:
    http = ScriptedHttp(SPEC, EMPTY)
    run(GoogleBooks(http, "DE").rating(KINDRED))
    assert [params["country"] for _, params in http.requests] == ["DE", "DE"]


def test_an_unknown_location_is_asked_again_with_a_country() -> None:
    http = ScriptedHttp(SPEC, stored_error("error_403_unknown_location"))
    client = GoogleBooks(http)
    found = run(client.resolve(QUERY))
    assert isinstance(found, Failed)
    assert "set ALEXANDRIA_GOOGLE_BOOKS_COUNTRY" in found.reason
    run(client.resolve(QUERY))
    assert [params.get("country") for _, params in http.requests] == [None, "US", "US"]
    configured = GoogleBooks(ScriptedHttp(SPEC, stored_error("error_403_unknown_location")), "DE")
    assert isinstance(run(configured.resolve(QUERY)), Failed)


def stored_error(name: str) -> Any:
    body = payload("google_books", name)
    return response(body, body["error"]["code"])


def test_metadata() -> None:
    http = ScriptedHttp(SPEC, stored("volumes"))
    found = run(GoogleBooks(http).metadata(KINDRED))
    assert not isinstance(found, NotFound | Unavailable | Failed)
    assert http.requests[0][1]["q"] == "isbn:9780807083697"
    assert (found.title, found.publisher, found.description) == (
        "Kindred",
        "Beacon Press",
        "Dana 'is' pulled back.\nAgain.",
    )
    assert [cover.url for cover in found.covers] == [
        "https://books.google.com/books/content?id=bbb&zoom=1", "https://books.google.com/books/content?id=bbb&zoom=5",
    ]  # fmt: skip


def test_rating_subjects_covers_and_identifiers_of_a_volume() -> None:
    client = GoogleBooks(ScriptedHttp(SPEC, edition()))
    assert run(client.rating(KINDRED)) == Rating("google-books", 4.5, 31)
    assert run(client.subjects(KINDRED)) == Subjects("google-books", ("Fiction",))
    assert run(client.external_ids(KINDRED)) == ExternalIds(
        "google-books", (("google_books", "bbb"), ("oclc", "52047562"))
    )
    assert len(run(client.covers(KINDRED))) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("access", "status"),
    [
        ({"accessViewStatus": "FULL_PUBLIC_DOMAIN", "publicDomain": True}, PublicDomainStatus.YES),
        ({"accessViewStatus": "FULL_PUBLIC_DOMAIN"}, PublicDomainStatus.YES),
        ({"accessViewStatus": "SAMPLE", "publicDomain": False}, PublicDomainStatus.NO),
        ({"accessViewStatus": "NONE"}, PublicDomainStatus.UNKNOWN),
        (None, PublicDomainStatus.UNKNOWN),
    ],
)
def test_public_domain_follows_access_info(access: Any, status: PublicDomainStatus) -> None:
    found = run(GoogleBooks(ScriptedHttp(SPEC, edition(accessInfo=access))).public_domain(KINDRED))
    assert getattr(found, "status", None) is status


def explained(name: str) -> Any:
    body = payload("google_books", name)
    return SPEC.explain(body["error"]["code"], body)


def test_error_table() -> None:
    assert SPEC.explain(200, {}) is None
    day, minute, key = explained("error_429_day"), explained("error_429_minute"), explained("error_400_key")
    assert isinstance(day, Unavailable)
    assert day.temporary
    assert isinstance(minute, Failed)
    assert minute.transient
    assert isinstance(key, Failed), "a rejected key is not a definite no"
    assert "GOOGLE_BOOKS_API_KEY" in key.reason
    assert not key.transient
    assert explained("error_503") == Failed("Google Books returned HTTP 503", transient=True)


@pytest.mark.parametrize(
    ("status", "reason"), [(403, "dailyLimitExceeded"), (403, "quotaExceeded"), (400, "quotaExceeded")]
)
def test_daily_quota_reasons_make_the_service_unavailable(status: int, reason: str) -> None:
    explained_error = SPEC.explain(status, {"error": {"errors": [{"reason": reason}]}})
    assert isinstance(explained_error, Unavailable)
    assert explained_error.temporary


@pytest.mark.parametrize(
    ("status", "body", "transient"),
    [(403, {"error": {"errors": [{"reason": "userRateLimitExceeded"}]}}, True), (429, None, True), (429, "fewer calls", True),
     (400, {"error": {"errors": [{"reason": "invalidParameter"}]}}, False), (404, None, False), (500, None, True),
     (401, None, False), (403, {"error": {"errors": [{"reason": "keyInvalid"}]}}, False),
     (403, {"error": {"errors": [{"reason": "accessNotConfigured"}]}}, False),
     (200, {"error": {"code": 503}}, True)],
)  # fmt: skip
def test_other_reasons_are_failures(status: int, body: Any, transient: bool) -> None:
    explained_error = SPEC.explain(status, body)
    assert isinstance(explained_error, Failed)
    assert explained_error.transient is transient


@pytest.mark.parametrize("outcome", [Unavailable("no key"), Failed("timed out")])
def test_answers_of_the_transport_are_returned_unchanged(outcome: Unavailable | Failed) -> None:
    http = ScriptedHttp(SPEC, outcome)
    client = GoogleBooks(http)
    assert run(client.resolve(QUERY)) == run(client.metadata(KINDRED)) == run(client.rating(KINDRED)) == outcome
    http.closed = Unavailable("off")
    assert client.unavailable() == Unavailable("off")


@given(JSON | SERVICE_JSON)
def test_parsers_never_raise(data: Any) -> None:
    parse_search(response(data))
    parse_edition(response(data), KINDRED)
    for status in (200, 400, 429):
        SPEC.explain(status, data)


@given(JSON)
def test_json_without_the_services_members_is_never_not_found(data: Any) -> None:
    assert isinstance(parse_search(response(data)), Failed)
