"""Responses close to faults that users have reported: none is a no, a wrong bill, or a rejected key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers.common.ai_replies import paid_reply
from alexandria_pipeline.providers.common.wire_models import read_model
from alexandria_pipeline.providers.google_books import errors as google_books
from alexandria_pipeline.providers.internet_archive.parser import parse_search as parse_archive
from alexandria_pipeline.providers.isbndb import errors as isbndb
from alexandria_pipeline.providers.open_library.models import Edition
from alexandria_pipeline.providers.transport.connection import RawResponse
from alexandria_pipeline.providers.transport.response_policy import ResponsePolicy
from alexandria_pipeline.providers.transport.secret import Secret
from alexandria_pipeline.providers.transport.types import JsonResponse, ServiceSpec
from alexandria_pipeline.providers.wikipedia.parser import parse_search as parse_wikipedia
from alexandria_pipeline.providers.xai import errors as xai
from alexandria_pipeline.providers.xai.parser import usage
from alexandria_pipeline.storage.breaker import breaker_message
from alexandria_pipeline_tests.providers.scripted_http import response


@pytest.mark.parametrize(
    ("parse", "empty", "count_only"),
    [
        (
            parse_archive,
            {"response": {"numFound": 0, "start": 0, "docs": []}},
            {"response": {"numFound": 5, "start": 0, "docs": []}},
        ),
        (
            parse_wikipedia,
            {"query": {"searchinfo": {"totalhits": 0}, "search": []}},
            {"query": {"searchinfo": {"totalhits": 7}, "search": []}},
        ),
    ],
)
def test_a_count_without_items_is_no_answer(parse: Any, empty: Any, count_only: Any) -> None:
    assert parse(response(empty)) == NotFound()
    assert isinstance(parse(response(count_only)), Failed)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Book 9781803132174", ""),
        ("Book 0525657606", ""),
        ("book 080442957X", ""),
        ("9780525657606", ""),
        ("0525657606", ""),
        ("Book 1", "Book 1"),
        ("1984", "1984"),
        ("1234567890", "1234567890"),
        ("Book 9781803132174 of the Dead", "Book 9781803132174 of the Dead"),
    ],
)
def test_an_isbn_is_no_title(title: str, shown: str) -> None:
    assert read_model(Edition, {"title": title}).title == shown


@pytest.mark.parametrize("status", [400, 403])
def test_an_unknown_location_is_one_whatever_its_status(status: int) -> None:
    body = {"error": {"code": status, "errors": [{"reason": "unknownLocation"}]}}
    assert google_books.explain(status, body) == google_books.UNKNOWN_LOCATION


def test_a_server_error_in_a_200_is_tried_again() -> None:
    found = google_books.explain(200, {"error": {"code": 503, "status": "UNAVAILABLE"}})
    assert isinstance(found, Failed)
    assert found.transient
    assert found.pause_seconds


@pytest.mark.parametrize(
    "message",
    [
        "The API key ID 1111 does not have access to the model grok-4.3",
        "Your API key has no access to this model.",
        "API key ID 1111: the model grok-4.3 is not available to your team",
    ],
)
def test_a_model_that_the_key_may_not_use_is_no_bad_key(message: str) -> None:
    found = xai.explain(403, {"error": message})
    assert isinstance(found, Failed)
    assert found.concerns_model


@pytest.mark.parametrize("message", ["API key is currently blocked: xai-1", "Incorrect API key provided"])
def test_a_bad_key_is_still_one(message: str) -> None:
    assert isinstance(xai.explain(403, {"error": message}), Unavailable)


@pytest.mark.parametrize("ticks", [26242500, "26242500"])
def test_the_bill_may_be_written_as_a_string(ticks: object) -> None:
    body = {"model": "grok-4.3", "usage": {"prompt_tokens": 1, "completion_tokens": 1, "cost_in_usd_ticks": ticks}}
    assert usage(body).cost_usd == Decimal("0.00262425")


@pytest.mark.parametrize("ticks", ["", "-1", "1e9", "9" * 400, None, 1.5, True])
def test_what_is_no_bill_is_not_used(ticks: object) -> None:
    body = {"model": "grok-4.3", "usage": {"prompt_tokens": 0, "completion_tokens": 0, "cost_in_usd_ticks": ticks}}
    assert usage(body).cost_usd == 0


@pytest.mark.parametrize(
    "body",
    [{"error": {"code": 503, "message": "overloaded"}}, {"error": "busy"}, {"error": {"x": 1}, "candidates": []}],
)
def test_an_error_without_a_reply_is_not_kept_as_one(body: Any) -> None:
    found = paid_reply(response(body))
    assert isinstance(found, Failed)
    assert found.transient


@pytest.mark.parametrize(
    "body",
    [
        {"candidates": [{}], "error": "x"},
        {"choices": [{}]},
        {"promptFeedback": {}},
        {"error": "cut off", "usage": {"completion_tokens": 900}},
        {"error": {"message": "cut off"}, "usageMetadata": {"totalTokenCount": 900}},
    ],
)
def test_what_may_have_been_paid_for_is_kept(body: Any) -> None:
    assert isinstance(paid_reply(response(body)), JsonResponse)


def test_an_ended_plan_is_named_and_counts_for_the_circuit_breaker() -> None:
    for status, body in (
        (402, {"errorMessage": "Payment required"}),
        (403, {"message": "Your subscription has expired"}),
    ):
        found = isbndb.explain(status, body)
        assert isinstance(found, Failed)
        assert "its plan has ended" in found.reason
        assert not found.transient
        spec = ServiceSpec("isbndb", isbndb.explain)
        raw = RawResponse(status, 0.1, response(body).text.encode())
        _, result = ResponsePolicy(spec, Secret(""), 1.0).decide(raw, 1, None, lambda each: each)
        assert result.healthy is False


def test_a_long_pause_has_its_day() -> None:
    now = datetime.now(UTC)
    in_a_month = now + timedelta(days=31)
    assert f"until {in_a_month:%Y-%m-%d %H:%M:%S} UTC" in breaker_message("wikidata", in_a_month, "banned")
    soon = now + timedelta(minutes=1)
    assert f"until {soon:%H:%M:%S} UTC" in breaker_message("wikidata", soon, "HTTP 500")
