"""Gemini: the books of a month from Google's language models (`models/{model}:generateContent`).

Here a question gets Google's form, and Google's envelope, refusals and errors are read. What is asked is
`domain.prompts`' business; how the list inside the answer is read, `domain.booklist`'s.
"""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

from pydantic import Field, PlainValidator

from alexandria_pipeline.domain import ai_models
from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.generation.prompts import BOOK_LIST_SCHEMA, Prompt, prompt, registered_variant
from alexandria_pipeline.domain.generation.reply_parser import read_book_list
from alexandria_pipeline.domain.records import GenerationRequest, ParsedReply, RawReply, RejectedRow
from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.domain.tsv import excerpt
from alexandria_pipeline.providers.base import Capability, ProviderInfo, ProviderKind
from alexandria_pipeline.providers.common.fields import MAX_NUMBER, Number, Text, Wire, wire, wires
from alexandria_pipeline.providers.transport.types import Json, KeyPlace, ServiceHttp, ServiceSpec, TokenUsage

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

NAME: Final = "gemini"
DEFAULT_MODEL: Final = "gemini-3.5-flash-lite"
KEY: Final = "GEMINI_API_KEY"

# Fifty books take about 8,000 tokens; tokens spent on thinking count too, and a cut answer is paid for all the same.
_MOST_OUTPUT_TOKENS: Final = 32_768
_THINKING_TOKENS: Final = 1_024
_GENERATION: Final = re.compile(r"(?:models/)?gemini-(\d+)(?:\.(\d+))?")

# Reasons to stop after which what is there is not an answer; others (MAX_TOKENS, RECITATION) may leave usable books.
_REFUSALS: Final = frozenset({"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY"})
_SPENT: Final = re.compile(
    r"credits? (?:are|is|have been) (?:depleted|used)|spending (?:cap|limit)|per day", re.IGNORECASE
)
_SECONDS: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s", re.ASCII)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


class _Part(Wire):
    text: Annotated[str, PlainValidator(_text)] = ""
    thought: Annotated[bool, PlainValidator(lambda value: value is True)] = False


class _Content(Wire):
    parts: Annotated[tuple[_Part, ...], PlainValidator(lambda value: wires(_Part, value))] = ()


class _Candidate(Wire):
    content: Annotated[_Content, PlainValidator(lambda value: wire(_Content, value))] = _Content()
    finish_reason: Text = Field(None, alias="finishReason")
    finish_message: Text = Field(None, alias="finishMessage")

    def answer(self) -> str:
        """The text without the model's thoughts."""
        return "".join(part.text for part in self.content.parts if not part.thought)


class _PromptFeedback(Wire):
    block_reason: Text = Field(None, alias="blockReason")
    block_message: Text = Field(None, alias="blockReasonMessage")


class _UsageMetadata(Wire):
    prompt: Number = Field(None, alias="promptTokenCount")
    candidates: Number = Field(None, alias="candidatesTokenCount")
    thoughts: Number = Field(None, alias="thoughtsTokenCount")


class _Envelope(Wire):
    candidates: Annotated[tuple[_Candidate, ...], PlainValidator(lambda value: wires(_Candidate, value))] = ()
    feedback: Annotated[_PromptFeedback, PlainValidator(lambda value: wire(_PromptFeedback, value))] = Field(
        _PromptFeedback(), alias="promptFeedback"
    )
    used: Annotated[_UsageMetadata, PlainValidator(lambda value: wire(_UsageMetadata, value))] = Field(
        _UsageMetadata(), alias="usageMetadata"
    )
    model: Text = Field(None, alias="modelVersion")


class _Violation(Wire):
    quota_id: Text = Field(None, alias="quotaId")


class _Detail(Wire):
    violations: Annotated[tuple[_Violation, ...], PlainValidator(lambda value: wires(_Violation, value))] = ()
    retry_delay: Text = Field(None, alias="retryDelay")
    reason: Text = None


class _Error(Wire):
    message: Text = None
    status: Text = None
    details: Annotated[tuple[_Detail, ...], PlainValidator(lambda value: wires(_Detail, value))] = ()

    @property
    def said(self) -> str:
        """The vendor's words; not when they are about the key, for they may repeat it."""
        known = [self.status or "", excerpt(self.message or "") if "key" not in (self.message or "").lower() else ""]
        return ": ".join(part for part in known if part)

    @property
    def blames_key(self) -> bool:
        return any(d.reason == "API_KEY_INVALID" for d in self.details) or "api key" in (self.message or "").lower()


def _error(body: Json) -> _Error:
    """The error of a body; some of Google's front-ends put it in a list of one."""
    body = body[0] if isinstance(body, list) and body else body
    return wire(_Error, body.get("error") if isinstance(body, dict) else None)


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """Google's error table (https://ai.google.dev/gemini-api/docs/troubleshooting). 400, 403 and 404 do not heal."""
    if status < 400 or status in {408, 425} or status >= 500:
        return None
    error = _error(body)
    told = f"HTTP {status} {error.said}".strip()
    if status == 429:
        return _too_many(error, told)
    if status in {401, 403} or error.blames_key:
        return Unavailable(f"Gemini refuses the key in {KEY} ({told})")
    if status == 404:
        setting = ai_models.GEMINI_SETTING
        return Failed(f"Gemini does not know the model: set {setting} to a current one ({told})", transient=False)
    return Failed(f"Gemini refuses the request ({told})", transient=False)


def _too_many(error: _Error, told: str) -> Unavailable | Failed:
    """429 comes with quota violations, a delay, both, or neither; a delay beside a daily quota promises nothing."""
    quotas = [violation.quota_id or "" for detail in error.details for violation in detail.violations]
    if any("perday" in quota.lower() for quota in quotas) or _SPENT.search(error.message or ""):
        return Unavailable(f"Gemini's quota of the day is used up; closed until midnight ({told})", temporary=True)
    delay = next((detail.retry_delay for detail in error.details if detail.retry_delay), None)
    wish = f"asks to wait {delay}" if delay else "asks to slow down"
    return Failed(f"Gemini {wish} ({told})", transient=True)


def retry_after(body: Json) -> float | None:
    """The seconds of a RetryInfo: Google tells them in the body ("34.4s"), not in a header."""
    told = (_SECONDS.fullmatch(detail.retry_delay or "") for detail in _error(body).details)
    return next((float(match[1]) for match in told if match), None)


def usage(body: Json) -> TokenUsage:
    """Tokens and their price; thinking is billed as output. No cost where the answering model's price is not known."""
    envelope = wire(_Envelope, body)
    asked = envelope.used.prompt or 0
    answered = min((envelope.used.candidates or 0) + (envelope.used.thoughts or 0), MAX_NUMBER)
    return TokenUsage(asked, answered, ai_models.cost(envelope.model or "", asked, answered))


SPEC: Final = ServiceSpec(
    name=NAME,
    explain=explain,
    empty=lambda _: False,
    cache_days=0,
    negative_cache_days=0,
    usage=usage,
    key=KeyPlace(header="x-goog-api-key"),
    retry_after=retry_after,
)


def response_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON Schema in the dialect of `responseSchema`: OpenAPI type names, an order, and no additionalProperties.

    An unknown keyword there is HTTP 400; without an order, properties come in alphabetical order: author before title.
    """
    out = {key: value for key, value in schema.items() if key in {"description", "required", "enum"}}
    out["type"] = str(schema["type"]).upper()
    if "items" in schema:
        out["items"] = response_schema(schema["items"])
    if "properties" in schema:
        out["properties"] = {name: response_schema(member) for name, member in schema["properties"].items()}
        out["propertyOrdering"] = list(schema["properties"])
    return out


def thinking(model: str) -> dict[str, Any]:
    """A small allowance to think with, as each generation wants it said: a level, a budget, or (before 2.5) nothing.

    Both at once, or either where it is unknown, is HTTP 400 (https://ai.google.dev/gemini-api/docs/thinking).
    """
    match = _GENERATION.match(model)
    generation = (int(match[1]), int(match[2] or 0)) if match else (0, 0)
    if generation >= (3, 0):
        return {"thinkingConfig": {"thinkingLevel": "low"}}
    return {"thinkingConfig": {"thinkingBudget": _THINKING_TOKENS}} if generation >= (2, 5) else {}


def request_body(model: str, asked: Prompt) -> dict[str, Any]:
    """The request for a prompt: JSON by schema, and room for the whole list."""
    return {
        "systemInstruction": {"parts": [{"text": asked.system}]},
        "contents": [{"role": "user", "parts": [{"text": asked.user}]}],
        "generationConfig": {
            "responseMimeType": "application/json",
            "responseSchema": response_schema(BOOK_LIST_SCHEMA),
            "maxOutputTokens": _MOST_OUTPUT_TOKENS,
            **thinking(model),
        },
    }


def answer_text(body: str) -> str:
    """What the model wrote, out of a stored envelope. Raises SourceError when it wrote nothing, or refused."""
    try:
        data = json.loads(body.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise SourceError("the stored reply of Gemini is not JSON") from error
    envelope = wire(_Envelope, data)
    if not envelope.candidates:
        raise SourceError(_why_no_candidates(envelope.feedback, _error(data)))
    candidate = next((each for each in envelope.candidates if each.answer().strip()), envelope.candidates[0])
    answer, reason = candidate.answer(), (candidate.finish_reason or "").upper()
    if reason in _REFUSALS:
        raise SourceError(f"Gemini refuses to answer ({_joined(reason, candidate.finish_message)})")
    if answer.strip():
        return answer
    if reason == "MAX_TOKENS":
        spent = envelope.used.thoughts or 0
        raise SourceError(f"Gemini reached its limit of tokens before it wrote anything ({spent:,} spent on thinking)")
    raise SourceError(
        f"Gemini's reply holds no text ({_joined(reason or 'no reason given', candidate.finish_message)})"
    )


def _why_no_candidates(feedback: _PromptFeedback, error: _Error) -> str:
    if feedback.block_reason:
        return f"Gemini blocks the prompt ({_joined(feedback.block_reason, feedback.block_message)})"
    return f"Gemini's reply is an error ({error.said})" if error.said else "Gemini's reply holds no candidates"


def _joined(reason: str, message: str | None) -> str:
    return excerpt(f"{reason}: {message}" if message else reason)


class Gemini:
    """A generator of books; `model` is the configured one, whichever answers in its place."""

    info = ProviderInfo(NAME, ProviderKind.AI, frozenset({Capability.BOOK_GENERATION}), "Gemini")

    def __init__(self, http: ServiceHttp, model: str = DEFAULT_MODEL) -> None:
        self._http = http
        self._model = model

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def model(self, request: GenerationRequest) -> str:  # noqa: ARG002 - the same for every month
        return self._model

    async def generate(self, request: GenerationRequest) -> RawReply:
        """Asks once. Raises SourceError when the service cannot be asked or gives no answer."""
        asked = prompt(registered_variant(request.prompt_variant), request.month, request.limit)
        name = quote(self._model.removeprefix("models/"), safe="")
        reply = await self._http.post(f"/models/{name}:generateContent", request_body(self._model, asked))
        if isinstance(reply, (Unavailable, Failed)):
            raise SourceError(reply.reason)
        if reply.status != 200:
            raise SourceError(f"Gemini answers with HTTP status {reply.status}")
        used = usage(reply.data)
        answering = (wire(_Envelope, reply.data).model or self._model).removeprefix("models/")
        if ai_models.price(answering) is None:
            log.warning("no price is known for %s: its cost is recorded as 0", excerpt(answering))
        source = "" if answering == self._model.removeprefix("models/") else answering
        return RawReply(NAME, self._model, reply.text, used.input_tokens, used.output_tokens, used.cost_usd, source)

    def parse(self, reply: RawReply, request: GenerationRequest) -> ParsedReply:
        return read_book_list(answer_text(reply.body), NAME, request)

    def refused_rows(self) -> tuple[RejectedRow, ...]:
        return ()
