"""Gemini as a book generator: the request, the returned reply, the parsing of replies, and the error table."""

from __future__ import annotations

import dataclasses
import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.errors import InvalidValue, SourceError
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import GenerationRequest, RawReply
from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.base import BookGenerator, Capability, ProviderKind
from alexandria_pipeline.providers.gemini.client import SPEC, Gemini, thinking
from alexandria_pipeline.providers.gemini.errors import explain, retry_after
from alexandria_pipeline.providers.gemini.parser import usage
from alexandria_pipeline.providers.transport.types import JsonResponse
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline_tests.providers.scripted_http import JSON, ScriptedHttp, json_with, payload, response, run

DEFAULT_MODEL = load_settings().service("gemini").model or ""
JUNE = GenerationRequest(Month(2020, 6), limit=20, prompt_variant="baseline")
THREE = ["The Vanishing Half", "Mexican Gothic", "The City We Became"]

SERVICE_JSON = json_with(
    "candidates", "content", "parts", "text", "finishReason", "error", "details", "violations", "usageMetadata"
)


def stored(name: str) -> Any:
    return payload("gemini", name)


def transport(answer: Any, closed: Unavailable | None = None) -> ScriptedHttp:
    """Returns a JSON value or an answer for every request."""
    scripted = answer if isinstance(answer, JsonResponse | Unavailable | Failed) else response(answer)
    return ScriptedHttp(SPEC, scripted, closed=closed)


def generated(data: Any, model: str = DEFAULT_MODEL) -> RawReply:
    return run(Gemini(transport(data), model).generate(JUNE))


def parse(body: str) -> list[str]:
    generator = Gemini(transport(Failed("no request is expected")), DEFAULT_MODEL)
    return [x.title for x in generator.parse(RawReply("gemini", DEFAULT_MODEL, body), JUNE).listings]


def test_the_client_is_an_ai_book_generator() -> None:
    closed = Unavailable("GEMINI_API_KEY is not set")
    generator = Gemini(transport(Failed("x"), closed), "some-model")
    assert isinstance(generator, BookGenerator)
    assert (generator.declaration.name, generator.declaration.kind) == ("gemini", ProviderKind.AI)
    assert generator.declaration.capabilities == {Capability.BOOK_GENERATION}
    assert generator.unavailable() is closed
    assert generator.model(JUNE) == "some-model"
    assert generator.model(dataclasses.replace(JUNE, month=Month(1999, 1))) == "some-model"
    assert generator.refused_rows() == ()
    assert (SPEC.name, SPEC.cache_days, SPEC.key and SPEC.key.header) == ("gemini", 365, "x-goog-api-key")


def test_the_request_has_prompt_schema_and_output_limit() -> None:
    http = transport(stored("answer"))
    run(Gemini(http, DEFAULT_MODEL).generate(JUNE))
    (path, body), *others = http.requests
    assert (path, others) == ("/models/gemini-3.5-flash-lite:generateContent", [])
    config = body["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["maxOutputTokens"] > 20_000
    assert config["thinkingConfig"] == {"thinkingLevel": "low"}
    assert "June 2020" in body["contents"][0]["parts"][0]["text"]
    assert "Do not invent" in body["systemInstruction"]["parts"][0]["text"]
    schema = config["responseSchema"]
    assert "additionalProperties" not in json.dumps(schema)
    assert (schema["type"], schema["properties"]["books"]["type"]) == ("OBJECT", "ARRAY")
    book = schema["properties"]["books"]["items"]
    assert book["propertyOrdering"] == ["title", "author", "publisher", "genre", "significance"]
    assert book["properties"]["title"]["type"] == "STRING"
    json.dumps(body)


def test_an_unregistered_prompt_is_rejected() -> None:
    http = transport(stored("answer"))
    with pytest.raises(InvalidValue, match="not a registered prompt"):
        run(Gemini(http, DEFAULT_MODEL).generate(dataclasses.replace(JUNE, prompt_variant="any books")))
    assert http.requests == []


@pytest.mark.parametrize(
    ("model", "config"),
    [
        ("gemini-2.5-flash", {"thinkingConfig": {"thinkingBudget": 1024}}),
        ("models/gemini-3-flash-preview", {"thinkingConfig": {"thinkingLevel": "low"}}),
        ("gemini-2.0-flash", {}),
        ("gemini-flash-latest", {}),
    ],
)
def test_thinking_setting_of_each_version(model: str, config: dict[str, Any]) -> None:
    assert thinking(model) == config


def test_a_reply_is_returned_unchanged_with_its_cost() -> None:
    data = stored("answer")
    reply = generated(data)
    assert (reply.provider, reply.model, reply.body) == ("gemini", DEFAULT_MODEL, json.dumps(data))
    assert (reply.input_tokens, reply.output_tokens) == (400, 1200)
    assert reply.cost_usd == Decimal("0.00312")
    assert reply.source == ""


def test_the_actual_model_is_recorded_if_it_is_another(caplog: pytest.LogCaptureFixture) -> None:
    assert generated(stored("answer"), "gemini-2.5-flash").source == "gemini-3.5-flash-lite"
    assert generated(stored("answer"), "models/gemini-3.5-flash-lite").source == ""
    assert not caplog.messages
    reply = generated({**stored("answer"), "modelVersion": "gemini-9"})
    assert (reply.source, reply.cost_usd, reply.output_tokens) == ("gemini-9", None, 1200)
    assert caplog.messages == ["no price is known for gemini-9: the cost of its reply is unknown"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Unavailable("closed for today", temporary=True), "closed for today"),
        (Failed("no connection"), "no connection"),
        (JsonResponse(302, {}, "{}"), "HTTP 302"),
    ],
)
def test_a_request_without_reply_is_a_source_error(answer: JsonResponse | Unavailable | Failed, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        run(Gemini(transport(answer), DEFAULT_MODEL).generate(JUNE))


def test_thoughts_are_left_out_and_parts_joined() -> None:
    assert parse(json.dumps(stored("answer"))) == THREE


def test_complete_books_of_a_truncated_reply_are_used() -> None:
    generator = Gemini(transport(Failed("")), DEFAULT_MODEL)
    parsed = generator.parse(generated(stored("cut")), JUNE)
    assert [(x.position, x.title) for x in parsed.listings] == [(1, THREE[0]), (2, THREE[1])]
    assert [(x.position, x.reason) for x in parsed.skipped] == [(3, "the reply is cut off within this book")]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("max_tokens_no_parts", r"token limit before it wrote any text \(32,768 tokens spent on thinking\)"),
        ("safety", r"refuses to reply \(SAFETY\)"),
        ("prompt_blocked", r"blocks the prompt \(PROHIBITED_CONTENT\)"),
        ("error_400", "is an error"),
    ],
)
def test_refusals_and_replies_without_text_state_the_reason(name: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        parse(json.dumps(stored(name)))


@pytest.mark.parametrize(
    "body", ["", "null", "[]", '"x"', "<html>", "{}", '{"candidates": {}}', '{"candidates": [null]}']
)
def test_a_body_that_is_not_an_envelope_is_a_source_error(body: str) -> None:
    with pytest.raises(SourceError):
        parse(body)


@given(st.text() | (JSON | SERVICE_JSON).map(json.dumps))
def test_parsing_raises_only_source_errors(body: str) -> None:
    with suppress(SourceError):
        assert parse(body)


@given(st.text() | (JSON | SERVICE_JSON).map(json.dumps))
def test_any_text_of_the_model_is_a_list_or_a_source_error(text: str) -> None:
    with suppress(SourceError):
        assert parse(json.dumps({"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}]}))


def test_a_daily_quota_makes_the_service_unavailable_despite_a_delay() -> None:
    outcome = explain(429, stored("error_429_day"))
    assert isinstance(outcome, Unavailable)
    assert outcome.temporary
    assert "unavailable until midnight" in outcome.reason


def test_a_model_without_free_quota_names_the_ways_out() -> None:
    outcome = explain(429, stored("error_429_limit_zero"))
    assert isinstance(outcome, Failed)
    assert (outcome.transient, outcome.refusal) == (False, True)
    assert (
        "no free quota: enable billing for the key in GEMINI_API_KEY, or set ALEXANDRIA_GEMINI_MODEL" in outcome.reason
    )


def test_used_up_credits_are_named_with_the_command_that_reopens() -> None:
    outcome = explain(429, stored("error_429_credits"))
    assert isinstance(outcome, Unavailable)
    assert outcome.temporary
    assert "credits" in outcome.reason
    assert "alexandria services reopen gemini" in outcome.reason
    assert "midnight" not in outcome.reason


@pytest.mark.parametrize(("name", "words"), [("error_429_wait", "0.4s"), ("error_429_bare", "fewer calls")])
def test_other_limits_are_transient(name: str, words: str) -> None:
    outcome = explain(429, stored(name))
    assert isinstance(outcome, Failed)
    assert outcome.transient
    assert words in outcome.reason


def test_the_delay_is_read_from_the_body() -> None:
    assert retry_after(stored("error_429_wait")) == 0.4
    assert retry_after([stored("error_429_wait")]) == 0.4


@pytest.mark.parametrize("delay", [None, "", "s", "-5s", "1e9s", "5m", "37", 37, [], "9" * 400 + "s", "٣s", "nans"])
def test_an_invalid_delay_is_none(delay: object) -> None:
    body = {"error": {"code": 429, "details": [{"retryDelay": delay}]}}
    assert retry_after(body) is None
    assert retry_after(None) is None


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_rejected_key_names_its_variable_and_not_its_value(status: int) -> None:
    outcome = explain(status, stored("error_400_key"))
    assert isinstance(outcome, Unavailable)
    assert not outcome.temporary
    assert "GEMINI_API_KEY" in outcome.reason
    assert "canary" not in outcome.reason


@pytest.mark.parametrize(
    ("status", "name", "words"),
    [
        (400, "error_400", "Unknown name"),
        (404, "error_404", "ALEXANDRIA_GEMINI_MODEL"),
        (404, None, "ALEXANDRIA_GEMINI_MODEL"),
    ],
)
def test_a_wrong_request_is_permanent(status: int, name: str | None, words: str) -> None:
    outcome = explain(status, stored(name) if name else None)
    assert isinstance(outcome, Failed)
    assert not outcome.transient
    assert words in outcome.reason


@pytest.mark.parametrize("status", [200, 408, 425, 500, 503])
def test_other_statuses_are_left_to_the_transport(status: int) -> None:
    assert explain(status, stored("error_429_day")) is None


@given(st.sampled_from([400, 401, 403, 404, 418, 429]), (JSON | SERVICE_JSON))
def test_every_error_body_is_explained(status: int, body: Any) -> None:
    assert isinstance(explain(status, body), (Unavailable, Failed))


@given(JSON | SERVICE_JSON)
def test_usage_is_never_negative(body: Any) -> None:
    used = usage(body)
    assert used.input_tokens >= 0
    assert used.output_tokens >= 0
