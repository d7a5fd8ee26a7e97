"""Gemini as a generator: the request it sends, the replies it keeps, what it reads in them, and what errors mean."""

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
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import GenerationRequest, RawReply
from alexandria_pipeline.domain.service_answers import Answer, Failed, Unavailable
from alexandria_pipeline.providers.base import BookGenerator, Capability, ProviderKind
from alexandria_pipeline.providers.gemini.client import SPEC, Gemini, thinking
from alexandria_pipeline.providers.gemini.errors import explain, retry_after
from alexandria_pipeline.providers.gemini.parser import usage
from alexandria_pipeline.providers.transport.types import JsonResponse, Params, Parse
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline_tests.providers.service import T, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_MODEL = load_settings().service("gemini").model or ""
PAYLOADS = Path(__file__).parent.parent / "payloads" / "gemini"
JUNE = GenerationRequest(Month(2020, 6), limit=20, prompt_variant="baseline")
THREE = ["The Vanishing Half", "Mexican Gothic", "The City We Became"]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                [
                    "candidates",
                    "content",
                    "parts",
                    "text",
                    "finishReason",
                    "error",
                    "details",
                    "violations",
                    "usageMetadata",
                ]
            ),
            inner,
        )
    ),
    max_leaves=15,
)


class InMemoryHttp:
    """A service that always gives the same answer, and remembers what it was asked."""

    name = "gemini"

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


def reply_of(data: Any, status: int = 200) -> JsonResponse:
    return JsonResponse(status, data, json.dumps(data))


def kept(data: Any, model: str = DEFAULT_MODEL) -> RawReply:
    return asyncio.run(Gemini(InMemoryHttp(reply_of(data)), model).generate(JUNE))


def parse(body: str) -> list[str]:
    generator = Gemini(InMemoryHttp(Failed("parsing asks nobody")), DEFAULT_MODEL)
    return [x.title for x in generator.parse(RawReply("gemini", DEFAULT_MODEL, body), JUNE).listings]


def test_it_is_an_ai_generator_of_books() -> None:
    closed = Unavailable("GEMINI_API_KEY is not set")
    generator = Gemini(InMemoryHttp(Failed("x"), closed), "some-model")
    assert isinstance(generator, BookGenerator)
    assert (generator.declaration.name, generator.declaration.kind) == ("gemini", ProviderKind.AI)
    assert generator.declaration.capabilities == {Capability.BOOK_GENERATION}
    assert generator.unavailable() is closed
    assert generator.model(JUNE) == "some-model"
    assert generator.model(dataclasses.replace(JUNE, month=Month(1999, 1))) == "some-model"
    assert generator.refused_rows() == ()
    assert (SPEC.name, SPEC.cache_days, SPEC.key and SPEC.key.header) == ("gemini", 0, "x-goog-api-key")


def test_the_request_asks_for_json_of_the_schema_with_room_to_answer() -> None:
    http = InMemoryHttp(reply_of(payload("answer")))
    asyncio.run(Gemini(http, DEFAULT_MODEL).generate(JUNE))
    (path, body), *others = http.asked
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


def test_free_text_is_no_prompt() -> None:
    http = InMemoryHttp(reply_of(payload("answer")))
    with pytest.raises(InvalidValue, match="not a registered prompt"):
        asyncio.run(Gemini(http, DEFAULT_MODEL).generate(dataclasses.replace(JUNE, prompt_variant="any books")))
    assert http.asked == []


@pytest.mark.parametrize(
    ("model", "config"),
    [
        ("gemini-2.5-flash", {"thinkingConfig": {"thinkingBudget": 1024}}),
        ("models/gemini-3-flash-preview", {"thinkingConfig": {"thinkingLevel": "low"}}),
        ("gemini-2.0-flash", {}),
        ("gemini-flash-latest", {}),
    ],
)
def test_each_generation_is_told_to_think_little_in_its_own_words(model: str, config: dict[str, Any]) -> None:
    assert thinking(model) == config


def test_a_reply_is_kept_as_it_arrived_with_its_cost() -> None:
    data = payload("answer")
    reply = kept(data)
    assert (reply.provider, reply.model, reply.body) == ("gemini", DEFAULT_MODEL, json.dumps(data))
    assert (reply.input_tokens, reply.output_tokens) == (400, 1200)
    assert reply.cost_usd == Decimal("0.00312")
    assert reply.source == ""


def test_the_answering_model_is_recorded_where_it_is_another(caplog: pytest.LogCaptureFixture) -> None:
    assert kept(payload("answer"), "gemini-2.5-flash").source == "gemini-3.5-flash-lite"
    assert kept(payload("answer"), "models/gemini-3.5-flash-lite").source == ""
    assert not caplog.messages
    reply = kept({**payload("answer"), "modelVersion": "gemini-9"})
    assert (reply.source, reply.cost_usd, reply.output_tokens) == ("gemini-9", Decimal(0), 1200)
    assert caplog.messages == ["no price is known for gemini-9: its cost is recorded as 0"]


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
        asyncio.run(Gemini(InMemoryHttp(answer), DEFAULT_MODEL).generate(JUNE))


def test_thoughts_are_skipped_and_parts_joined() -> None:
    assert parse(json.dumps(payload("answer"))) == THREE


def test_a_cut_answer_keeps_its_complete_books() -> None:
    generator = Gemini(InMemoryHttp(Failed("")), DEFAULT_MODEL)
    parsed = generator.parse(kept(payload("cut")), JUNE)
    assert [(x.position, x.title) for x in parsed.listings] == [(1, THREE[0]), (2, THREE[1])]
    assert [(x.position, x.reason) for x in parsed.skipped] == [(3, "the reply is cut off within this book")]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("max_tokens_no_parts", r"limit of tokens before it wrote anything \(32,768 spent on thinking\)"),
        ("safety", r"refuses to answer \(SAFETY\)"),
        ("prompt_blocked", r"blocks the prompt \(PROHIBITED_CONTENT\)"),
        ("error_400", "is an error"),
    ],
)
def test_refusals_and_silence_say_why(name: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        parse(json.dumps(payload(name)))


@pytest.mark.parametrize(
    "body", ["", "null", "[]", '"x"', "<html>", "{}", '{"candidates": {}}', '{"candidates": [null]}']
)
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
        assert parse(json.dumps({"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}]}))


def test_a_daily_quota_closes_the_service_even_where_a_delay_is_promised() -> None:
    outcome = explain(429, payload("error_429_day"))
    assert isinstance(outcome, Unavailable)
    assert outcome.temporary
    assert "closed until midnight" in outcome.reason


@pytest.mark.parametrize(("name", "words"), [("error_429_wait", "34.4s"), ("error_429_bare", "slow down")])
def test_other_limits_heal(name: str, words: str) -> None:
    outcome = explain(429, payload(name))
    assert isinstance(outcome, Failed)
    assert outcome.transient
    assert words in outcome.reason


def test_the_delay_is_told_in_the_body() -> None:
    assert retry_after(payload("error_429_wait")) == 34.4
    assert retry_after([payload("error_429_wait")]) == 34.4


@pytest.mark.parametrize("delay", [None, "", "s", "-5s", "1e9s", "5m", "37", 37, [], "9" * 400 + "s", "٣s", "nans"])
def test_what_is_no_delay_is_none(delay: object) -> None:
    body = {"error": {"code": 429, "details": [{"retryDelay": delay}]}}
    assert retry_after(body) is None
    assert retry_after(None) is None


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_bad_key_is_named_and_not_repeated(status: int) -> None:
    outcome = explain(status, payload("error_400_key"))
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
def test_a_wrong_request_is_not_tried_again(status: int, name: str | None, words: str) -> None:
    outcome = explain(status, payload(name) if name else None)
    assert isinstance(outcome, Failed)
    assert not outcome.transient
    assert words in outcome.reason


@pytest.mark.parametrize("status", [200, 408, 425, 500, 503])
def test_the_rest_is_left_to_the_transport(status: int) -> None:
    assert explain(status, payload("error_429_day")) is None


@given(st.sampled_from([400, 401, 403, 404, 418, 429]), json_values)
def test_any_error_body_is_explained(status: int, body: Any) -> None:
    assert isinstance(explain(status, body), (Unavailable, Failed))


@given(json_values)
def test_usage_is_never_nonsense(body: Any) -> None:
    used = usage(body)
    assert used.input_tokens >= 0
    assert used.output_tokens >= 0
