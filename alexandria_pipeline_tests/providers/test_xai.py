"""xAI as a book generator: the request, the returned reply, the parsing of replies, and the error table."""

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
from alexandria_pipeline.domain.generation.prompts import BOOK_LIST_SCHEMA
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import GenerationRequest, RawReply
from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.base import BookGenerator, Capability, ProviderKind
from alexandria_pipeline.providers.transport.types import JsonResponse
from alexandria_pipeline.providers.xai.client import SPEC, XAI
from alexandria_pipeline.providers.xai.errors import explain
from alexandria_pipeline.providers.xai.parser import usage
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline_tests.providers.scripted_http import JSON, ScriptedHttp, json_with, payload, response, run

DEFAULT_MODEL = load_settings().service("xai").model or ""
JUNE = GenerationRequest(Month(2020, 6), limit=20, prompt_variant="baseline")
THREE = ["The Vanishing Half", "Mexican Gothic", "The City We Became"]

SERVICE_JSON = json_with(
    "choices", "message", "content", "refusal", "finish_reason", "error", "text", "usage", "total_tokens"
)


def stored(name: str) -> Any:
    return payload("xai", name)


def transport(answer: Any, closed: Unavailable | None = None) -> ScriptedHttp:
    """Returns a JSON value or an answer for every request."""
    scripted = answer if isinstance(answer, JsonResponse | Unavailable | Failed) else response(answer)
    return ScriptedHttp(SPEC, scripted, closed=closed)


def generated(data: Any, model: str = DEFAULT_MODEL) -> RawReply:
    return run(XAI(transport(data), model).generate(JUNE))


def parse(body: str) -> list[str]:
    generator = XAI(transport(Failed("no request is expected")), DEFAULT_MODEL)
    return [x.title for x in generator.parse(RawReply("xai", DEFAULT_MODEL, body), JUNE).listings]


def test_the_client_is_an_ai_book_generator() -> None:
    closed = Unavailable("XAI_API_KEY is not set")
    generator = XAI(transport(Failed("x"), closed), "some-model")
    assert isinstance(generator, BookGenerator)
    assert (generator.declaration.name, generator.declaration.kind) == ("xai", ProviderKind.AI)
    assert generator.declaration.capabilities == {Capability.BOOK_GENERATION}
    assert generator.unavailable() is closed
    assert generator.model(JUNE) == "some-model"
    assert generator.refused_rows() == ()
    assert SPEC.key is not None
    assert (SPEC.key.header, SPEC.key.prefix, SPEC.cache_days) == ("Authorization", "Bearer ", 365)


def test_the_request_has_prompt_and_strict_schema() -> None:
    data = stored("answer")
    http = transport(data)
    run(XAI(http, DEFAULT_MODEL).generate(JUNE))
    (path, body), *others = http.requests
    assert (path, others) == ("/chat/completions", [])
    assert body["model"] == "grok-4.3"
    form = body["response_format"]
    assert form["type"] == "json_schema"
    assert (form["json_schema"]["strict"], form["json_schema"]["schema"]) == (True, BOOK_LIST_SCHEMA)
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "June 2020" in body["messages"][1]["content"]
    json.dumps(body)


def test_an_unregistered_prompt_is_rejected() -> None:
    http = transport(Failed("x"))
    with pytest.raises(InvalidValue, match="not a registered prompt"):
        run(XAI(http, DEFAULT_MODEL).generate(dataclasses.replace(JUNE, prompt_variant="any books")))
    assert http.requests == []


def test_a_reply_is_returned_unchanged_with_its_cost() -> None:
    data = stored("answer")
    reply = generated(data)
    assert (reply.provider, reply.model, reply.body) == ("xai", "grok-4.3", json.dumps(data))
    assert (reply.input_tokens, reply.output_tokens) == (400, 1300)
    assert reply.cost_usd == Decimal("0.00375")
    assert reply.source == ""


def test_the_actual_model_is_recorded_if_it_is_another() -> None:
    reply = generated(stored("redirected"), "grok-4-1")
    assert (reply.model, reply.source) == ("grok-4-1", "grok-4.3")
    assert (reply.input_tokens, reply.output_tokens, reply.cost_usd) == (12, 322, Decimal("0.00016415"))


@pytest.mark.parametrize(("name", "usd"), [("unpriced", "0.00016415"), ("cached", "0.0026242500")])
def test_the_bill_in_the_response_is_the_cost(name: str, usd: str) -> None:
    assert generated(stored(name)).cost_usd == Decimal(usd)


def test_without_bill_and_price_the_cost_is_unknown(caplog: pytest.LogCaptureFixture) -> None:
    data = {**stored("unpriced"), "usage": {"prompt_tokens": 5, "completion_tokens": 5}}
    assert generated(data).cost_usd is None
    assert caplog.messages == ["no price is known for grok-0-mini: the cost of its reply is unknown"]


def test_cached_tokens_have_their_own_price() -> None:
    data = stored("cached")
    del data["usage"]["cost_in_usd_ticks"]
    assert generated(data).cost_usd == Decimal("0.00262425")


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
        run(XAI(transport(answer), DEFAULT_MODEL).generate(JUNE))


@pytest.mark.parametrize("name", ["answer", "answer_fenced_array", "redirected"])
def test_every_form_of_the_list_is_read(name: str) -> None:
    assert parse(json.dumps(stored(name))) == THREE


def test_complete_books_of_a_truncated_reply_are_used() -> None:
    parsed = XAI(transport(Failed("")), DEFAULT_MODEL).parse(generated(stored("cut")), JUNE)
    assert [(x.position, x.title) for x in parsed.listings] == [(1, THREE[0]), (2, THREE[1])]
    assert [(x.source, x.position) for x in parsed.skipped] == [("xai 2020-06", 3)]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("error_in_content", "the model refuses: I cannot verify"),
        ("refusal", "the model refuses: I will not"),
        ("error_400_model", "is an error"),
    ],
)
def test_refusals_state_the_reason(name: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        parse(json.dumps(stored(name)))


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"message": {"content": None}, "finish_reason": "length"}, "token limit"),
        ({"message": {"content": "[]"}, "finish_reason": "content_filter"}, "content_filter"),
        ({"message": {"content": ""}, "finish_reason": "stop"}, r"has no text \(stop\)"),
        ({}, "has no text"),
    ],
)
def test_replies_without_text_state_the_reason(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        parse(json.dumps({"choices": [choice]}))


def test_content_may_have_parts() -> None:
    text = stored("answer")["choices"][0]["message"]["content"]
    parts = [{"type": "text", "text": text[:50]}, {"type": "text", "text": text[50:]}, {"type": "image"}, None]
    assert parse(json.dumps({"choices": [{"message": {"content": parts}}]})) == THREE


@pytest.mark.parametrize("body", ["", "null", "[]", '"x"', "<html>", "{}", '{"choices": {}}', '{"choices": []}'])
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
        assert parse(json.dumps({"choices": [{"message": {"content": text}}]}))


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_rejected_key_names_its_variable_and_not_its_value(status: int) -> None:
    outcome = explain(status, stored("error_400_key"))
    assert isinstance(outcome, Unavailable)
    assert not outcome.temporary
    assert "XAI_API_KEY" in outcome.reason
    assert "canary" not in outcome.reason


@pytest.mark.parametrize(("status", "name"), [(403, "error_403_credits"), (429, "error_429_credits")])
def test_missing_credits_make_the_service_unavailable(status: int, name: str) -> None:
    outcome = explain(status, stored(name))
    assert isinstance(outcome, Unavailable)
    assert outcome.temporary
    assert "credits" in outcome.reason


def test_a_refused_prompt_is_not_a_rejected_key() -> None:
    outcome = explain(403, stored("error_403_refused_prompt"))
    assert outcome == Failed(
        "xAI refuses this prompt (HTTP 403: Failed check: SAFETY_CHECK_TYPE_VIOLENCE)", transient=False, refusal=True
    )


def test_a_rate_limit_is_transient() -> None:
    assert explain(429, stored("error_429_rate")) == Failed("xAI requests fewer calls (HTTP 429)", transient=True)
    assert explain(429, None) == Failed("xAI requests fewer calls (HTTP 429)", transient=True)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"code": "x", "error": "Model not found: grok-0"}, "ALEXANDRIA_XAI_MODEL"),
        (404, None, "ALEXANDRIA_XAI_MODEL"),
        (404, {"error": {"message": "The model does not exist"}}, "ALEXANDRIA_XAI_MODEL"),
        (400, {"error": "Unsupported schema"}, "HTTP 400: Unsupported schema"),
        (422, ["x"], r"HTTP 422)"),
    ],
)
def test_a_wrong_request_is_permanent(status: int, body: Any, words: str) -> None:
    outcome = explain(status, body)
    assert isinstance(outcome, Failed)
    assert not outcome.transient
    assert words in outcome.reason


@pytest.mark.parametrize("status", [200, 408, 425, 500, 503])
def test_other_statuses_are_left_to_the_transport(status: int) -> None:
    assert explain(status, stored("error_429_credits")) is None


@given(st.sampled_from([400, 401, 402, 403, 404, 418, 429]), (JSON | SERVICE_JSON))
def test_every_error_body_is_explained(status: int, body: Any) -> None:
    assert isinstance(explain(status, body), (Unavailable, Failed))


@given(JSON | SERVICE_JSON)
def test_usage_is_never_negative(body: Any) -> None:
    used = usage(body)
    assert min(used.input_tokens, used.output_tokens) >= 0
    assert used.cost_usd is None or used.cost_usd >= 0


class Models(ScriptedHttp):
    """A service whose models answer differently."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__(SPEC, Failed("unknown model"))
        self.answers = answers

    async def post(self, path: str, body: Any, parse: Any) -> Any:
        self.otherwise = self.answers[body["model"]]
        return await super().post(path, body, parse)


@pytest.mark.parametrize(
    "failure",
    [Failed("HTTP 503"), response({"error": "Model not found: a"}, 404), response({"error": "slow down"}, 429)],
)
def test_the_next_model_is_asked_if_one_is_overloaded_or_ended(failure: Any) -> None:
    http = Models({"a": failure, "grok-4.3": response(stored("answer"))})
    generator = XAI(http, "a, grok-4.3", "grok-4.3=low,high")
    reply = run(generator.generate(JUNE))
    assert [(body["model"], body["reasoning_effort"]) for _, body in http.requests] == [
        ("a", "high"),
        ("grok-4.3", "low"),
    ]
    assert (reply.model, reply.source) == ("a", "grok-4.3"), "the answering model is recorded"
    assert generator.model(JUNE) == "a"


@pytest.mark.parametrize("failure", [Unavailable("no key"), response(payload("xai", "error_403_refused_prompt"), 403)])
def test_a_failure_of_all_models_is_not_repeated(failure: Any) -> None:
    http = Models({"a": failure, "b": failure})
    with pytest.raises(SourceError):
        run(XAI(http, "a,b").generate(JUNE))
    assert len(http.requests) == 1


def test_when_no_model_answers_all_reasons_are_given() -> None:
    with pytest.raises(SourceError, match=r"a: HTTP 503; b: HTTP 500"):
        run(XAI(Models({"a": Failed("HTTP 503"), "b": Failed("HTTP 500")}), "a,b").generate(JUNE))


def test_without_a_setting_no_effort_is_sent() -> None:
    http = transport(stored("answer"))
    run(XAI(http, DEFAULT_MODEL).generate(JUNE))
    assert "reasoning_effort" not in http.requests[0][1]
