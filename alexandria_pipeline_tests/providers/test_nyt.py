"""The New York Times as a book generator: one request a week, listings with ISBNs, and the error table."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given

from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import GenerationRequest, RawReply
from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.base import BookGenerator
from alexandria_pipeline.providers.nyt.client import SPEC, NewYorkTimes
from alexandria_pipeline.providers.nyt.parser import sundays
from alexandria_pipeline_tests.providers.scripted_http import JSON, ScriptedHttp, json_with, payload, response, run

MAY = GenerationRequest(Month(2021, 5), limit=20, prompt_variant="baseline")
SERVICE_JSON = json_with(
    "results", "lists", "books", "title", "author", "contributor", "isbns", "primary_isbn13", "list_name"
)
OVERVIEW = response(payload("nyt", "overview"))


def parse(body: str) -> list[Any]:
    return list(
        NewYorkTimes(ScriptedHttp(SPEC, Failed("no request is expected")))
        .parse(RawReply("nyt", "overview", body), MAY)
        .listings
    )


def test_one_request_for_each_week_of_the_month() -> None:
    http = ScriptedHttp(SPEC, OVERVIEW)
    generator = NewYorkTimes(http)
    assert isinstance(generator, BookGenerator)
    reply = run(generator.generate(MAY))
    assert {path for path, _ in http.requests} == {"/lists/overview.json"}
    dates = [params["published_date"] for _, params in http.requests]
    assert dates == ["2021-05-02", "2021-05-09", "2021-05-16", "2021-05-23", "2021-05-30"]
    assert json.loads(reply.body) == [OVERVIEW.data] * 5
    assert SPEC.key is not None
    assert SPEC.key.parameter == "api-key"


def test_every_book_is_one_listing_with_its_isbns() -> None:
    listings = parse(json.dumps([OVERVIEW.data, OVERVIEW.data]))
    assert [(each.title, each.author, each.isbns) for each in listings] == [
        ("NIGHT HARBOUR", "Mara Ellison and Tomas Reyl", ("9781998400065",)),
        ("THE GLASS HARBOUR", "Mara Ellison", ("9781998400096", "9781998400164")),
        ("SALT AND SIGNAL", "Ines Okonjo", ()),
    ]
    assert dict(listings[0].details) == {"publisher": "Harbour", "list": "Hardcover Fiction"}


def test_a_book_without_a_title_is_skipped_with_a_reason() -> None:
    generator = NewYorkTimes(ScriptedHttp(SPEC, OVERVIEW))
    parsed = generator.parse(RawReply("nyt", "overview", json.dumps([OVERVIEW.data])), MAY)
    assert [(row.source, row.reason) for row in parsed.skipped] == [("nyt 2021-05", "the title is missing")]


def test_a_month_before_the_first_lists_is_refused_without_a_request() -> None:
    http = ScriptedHttp(SPEC, OVERVIEW)
    with pytest.raises(SourceError, match="begin in 2008-06"):
        run(NewYorkTimes(http).generate(GenerationRequest(Month(2008, 5), 20, "baseline")))
    assert http.requests == []


@pytest.mark.parametrize(
    "answer",
    [response({}), response({"status": "OK", "results": {"lists": []}}), Failed("timed out"), Unavailable("off")],
)
def test_a_week_without_lists_is_a_source_error(answer: Any) -> None:
    with pytest.raises(SourceError):
        run(NewYorkTimes(ScriptedHttp(SPEC, answer)).generate(MAY))


@pytest.mark.parametrize("body", ["", "null", "[]", "{}", "[{}]", '"x"'])
def test_a_reply_without_books_is_a_source_error(body: str) -> None:
    with pytest.raises(SourceError):
        parse(body)


def test_error_table() -> None:
    key = SPEC.explain(401, payload("nyt", "error_401"))
    assert isinstance(key, Unavailable)
    assert "NYT_API_KEY" in key.reason
    assert not key.temporary
    rate = SPEC.explain(429, payload("nyt", "error_429"))
    assert isinstance(rate, Failed)
    assert rate.pause_seconds == 60
    day = SPEC.explain(429, {"fault": {"faultstring": "Quota of 500 per day exceeded"}})
    assert day == Unavailable("the daily quota of the New York Times is used up", temporary=True)
    assert isinstance(SPEC.explain(503, None), Failed)
    assert SPEC.explain(200, {}) is None


def test_the_lists_of_a_month_are_published_on_its_sundays() -> None:
    assert [day.day for day in sundays(Month(2020, 2))] == [2, 9, 16, 23]
    assert [day.day for day in sundays(Month(2020, 3))] == [1, 8, 15, 22, 29]


@given(JSON | SERVICE_JSON)
def test_parsing_raises_only_source_errors(data: Any) -> None:
    with suppress(SourceError):
        assert parse(json.dumps([data]))
