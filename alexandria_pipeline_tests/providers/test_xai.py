"""xAI as a generator: the request it sends, the replies it keeps, what it reads in them, and what errors mean."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.errors import InvalidValue, SourceError
from alexandria_pipeline.domain.generation.prompts import BOOK_LIST_SCHEMA
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import GenerationRequest, RawReply
from alexandria_pipeline.domain.service_answers import Answer, Failed, Unavailable
from alexandria_pipeline.providers.base import BookGenerator, Capability, ProviderKind
from alexandria_pipeline.providers.transport.types import JsonResponse, Params, Parse
from alexandria_pipeline.providers.xai.client import SPEC, XAI
from alexandria_pipeline.providers.xai.errors import explain
from alexandria_pipeline.providers.xai.parser import usage
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline_tests.providers.service import T, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_MODEL = load_settings().service("xai").model or ""
PAYLOADS = Path(__file__).parent.parent / "payloads" / "xai"
JUNE = GenerationRequest(Month(2020, 6), limit=20, prompt_variant="baseline")
THREE = ["The Vanishing Half", "Mexican Gothic", "The City We Became"]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "refusal", "finish_reason", "error", "text", "usage", "total_tokens"]
            ),
            inner,
        )
    ),
    max_leaves=15,
)


class InMemoryHttp:
    """A service that always gives the same answer, and remembers what it was asked."""

    name = "xai"

    def __init__(self, answer: JsonResponse | Unavailable | Failed, closed: Unavailable | None = None) -> None:
        self.answer = answer
        self.closed = closed
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def unavailable(self) -> Unavailable | None:
        return self.closed

    async def get(self, path: str, parse: Parse[T], params: Params | None = None) -> Answer[T]:
        raise AssertionError(path, params, parse)

    async def post(self, path: str, body: Mapping[str, Any], parse: Parse[T]) -> Answer[T]:
        self.asked.append((path, body))
        return parsed(self.answer, parse)


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def kept(data: Any, model: str = DEFAULT_MODEL) -> RawReply:
    return asyncio.run(XAI(InMemoryHttp(JsonResponse(200, data, json.dumps(data))), model).generate(JUNE))


def parse(body: str) -> list[str]:
    generator = XAI(InMemoryHttp(Failed("parsing asks nobody")), DEFAULT_MODEL)
    return [x.title for x in generator.parse(RawReply("xai", DEFAULT_MODEL, body), JUNE).listings]


def test_it_is_an_ai_generator_of_books() -> None:
    closed = Unavailable("XAI_API_KEY is not set")
    generator = XAI(InMemoryHttp(Failed("x"), closed), "some-model")
    assert isinstance(generator, BookGenerator)
    assert (generator.declaration.name, generator.declaration.kind) == ("xai", ProviderKind.AI)
    assert generator.declaration.capabilities == {Capability.BOOK_GENERATION}
    assert generator.unavailable() is closed
    assert generator.model(JUNE) == "some-model"
    assert generator.refused_rows() == ()
    assert SPEC.key is not None
    assert (SPEC.key.header, SPEC.key.prefix, SPEC.cache_days) == ("Authorization", "Bearer ", 0)


def test_the_request_asks_for_json_of_the_schema_strictly() -> None:
    data = payload("answer")
    http = InMemoryHttp(JsonResponse(200, data, json.dumps(data)))
    asyncio.run(XAI(http, DEFAULT_MODEL).generate(JUNE))
    (path, body), *others = http.asked
    assert (path, others) == ("/chat/completions", [])
    assert body["model"] == "grok-4.3"
    asked = body["response_format"]
    assert asked["type"] == "json_schema"
    assert (asked["json_schema"]["strict"], asked["json_schema"]["schema"]) == (True, BOOK_LIST_SCHEMA)
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "June 2020" in body["messages"][1]["content"]
    json.dumps(body)


def test_free_text_is_no_prompt() -> None:
    http = InMemoryHttp(Failed("x"))
    with pytest.raises(InvalidValue, match="not a registered prompt"):
        asyncio.run(XAI(http, DEFAULT_MODEL).generate(dataclasses.replace(JUNE, prompt_variant="any books")))
    assert http.asked == []


def test_a_reply_is_kept_as_it_arrived_with_its_cost() -> None:
    data = payload("answer")
    reply = kept(data)
    assert (reply.provider, reply.model, reply.body) == ("xai", "grok-4.3", json.dumps(data))
    assert (reply.input_tokens, reply.output_tokens) == (400, 1300)
    assert reply.cost_usd == Decimal("0.00375")
    assert reply.source == ""


def test_a_silent_redirection_is_recorded() -> None:
    reply = kept(payload("redirected"), "grok-4-1")
    assert (reply.model, reply.source) == ("grok-4-1", "grok-4.3")
    assert (reply.input_tokens, reply.output_tokens, reply.cost_usd) == (12, 322, Decimal("0.00082"))


def test_a_model_without_a_price_costs_what_the_vendor_says(caplog: pytest.LogCaptureFixture) -> None:
    assert kept(payload("unpriced")).cost_usd == Decimal("0.00016415")
    assert caplog.messages == ["no price is known for grok-0-mini: its cost is recorded as 0.00016415"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Unavailable("closed for today", temporary=True), "closed for today"),
        (Failed("no connection"), "no connection"),
        (JsonResponse(302, {}, "{}"), "HTTP status 302"),
    ],
)
def test_no_answer_is_a_source_error(answer: JsonResponse | Unavailable | Failed, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        asyncio.run(XAI(InMemoryHttp(answer), DEFAULT_MODEL).generate(JUNE))


@pytest.mark.parametrize("name", ["answer", "answer_fenced_array", "redirected"])
def test_every_dress_of_a_list_is_read(name: str) -> None:
    assert parse(json.dumps(payload(name))) == THREE


def test_a_cut_answer_keeps_its_complete_books() -> None:
    parsed = XAI(InMemoryHttp(Failed("")), DEFAULT_MODEL).parse(kept(payload("cut")), JUNE)
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
def test_refusals_say_why(name: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        parse(json.dumps(payload(name)))


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"message": {"content": None}, "finish_reason": "length"}, "limit of tokens"),
        ({"message": {"content": "[]"}, "finish_reason": "content_filter"}, "content_filter"),
        ({"message": {"content": ""}, "finish_reason": "stop"}, r"holds no text \(stop\)"),
        ({}, "holds no text"),
    ],
)
def test_silence_says_why(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        parse(json.dumps({"choices": [choice]}))


def test_content_may_come_in_parts() -> None:
    text = payload("answer")["choices"][0]["message"]["content"]
    parts = [{"type": "text", "text": text[:50]}, {"type": "text", "text": text[50:]}, {"type": "image"}, None]
    assert parse(json.dumps({"choices": [{"message": {"content": parts}}]})) == THREE


@pytest.mark.parametrize("body", ["", "null", "[]", '"x"', "<html>", "{}", '{"choices": {}}', '{"choices": []}'])
def test_what_is_no_envelope_is_a_source_error(body: str) -> None:
    with pytest.raises(SourceError):
        parse(body)


@given(st.text() | json_values.map(json.dumps))
def test_parsing_raises_nothing_but_source_errors(body: str) -> None:
    with suppress(SourceError):
        assert parse(body)


@given(st.text() | json_values.map(json.dumps))
def test_any_text_of_the_model_is_a_list_or_a_source_error(text: str) -> None:
    with suppress(SourceError):
        assert parse(json.dumps({"choices": [{"message": {"content": text}}]}))


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_bad_key_is_named_and_not_repeated(status: int) -> None:
    outcome = explain(status, payload("error_400_key"))
    assert isinstance(outcome, Unavailable)
    assert not outcome.temporary
    assert "XAI_API_KEY" in outcome.reason
    assert "canary" not in outcome.reason


@pytest.mark.parametrize(("status", "name"), [(403, "error_403_credits"), (429, "error_429_credits")])
def test_no_credits_closes_the_service_for_now(status: int, name: str) -> None:
    outcome = explain(status, payload(name))
    assert isinstance(outcome, Unavailable)
    assert outcome.temporary
    assert "credits" in outcome.reason


def test_a_rate_limit_heals() -> None:
    assert explain(429, payload("error_429_rate")) == Failed("xAI asks to slow down", transient=True)
    assert explain(429, None) == Failed("xAI asks to slow down", transient=True)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"code": "x", "error": "Model not found: grok-0"}, "ALEXANDRIA_XAI_MODEL"),
        (404, None, "ALEXANDRIA_XAI_MODEL"),
        (404, {"error": {"message": "The model does not exist"}}, "ALEXANDRIA_XAI_MODEL"),
        (400, {"error": "Unsupported schema"}, "HTTP 400: Unsupported schema"),
        (403, {"error": "Content violates usage guidelines"}, "HTTP 403: Content"),
        (422, ["x"], r"HTTP 422)"),
    ],
)
def test_a_wrong_request_is_not_tried_again(status: int, body: Any, words: str) -> None:
    outcome = explain(status, body)
    assert isinstance(outcome, Failed)
    assert not outcome.transient
    assert words in outcome.reason


@pytest.mark.parametrize("status", [200, 408, 425, 500, 503])
def test_the_rest_is_left_to_the_transport(status: int) -> None:
    assert explain(status, payload("error_429_credits")) is None


@given(st.sampled_from([400, 401, 402, 403, 404, 418, 429]), json_values)
def test_any_error_body_is_explained(status: int, body: Any) -> None:
    assert isinstance(explain(status, body), (Unavailable, Failed))


@given(json_values)
def test_usage_is_never_nonsense(body: Any) -> None:
    used = usage(body)
    assert min(used.input_tokens, used.output_tokens) >= 0
    assert used.cost_usd >= 0
