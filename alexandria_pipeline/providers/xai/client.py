"""xAI: the books of a month from the Grok models (`chat/completions`, the wire format that OpenAI made common).

Here a question gets xAI's form, and xAI's envelope, refusals and errors are read. What is asked is `domain.prompts`'
business; how the list inside the answer is read, `domain.booklist`'s.
"""

from __future__ import annotations

import json
import logging
import re
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import Field, PlainValidator

from alexandria_pipeline.domain import ai_models
from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.generation.prompts import BOOK_LIST_SCHEMA, Prompt, prompt, registered_variant
from alexandria_pipeline.domain.generation.reply_parser import read_book_list
from alexandria_pipeline.domain.records import GenerationRequest, ParsedReply, RawReply, RejectedRow
from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.domain.tsv import excerpt
from alexandria_pipeline.providers.base import Capability, ProviderInfo, ProviderKind
from alexandria_pipeline.providers.common.fields import Number, Text, Wire, wire, wires
from alexandria_pipeline.providers.transport.types import Json, KeyPlace, ServiceHttp, ServiceSpec, TokenUsage

log = logging.getLogger(__name__)

NAME: Final = "xai"
DEFAULT_MODEL: Final = "grok-4.3"
KEY: Final = "XAI_API_KEY"

# Fifty books take about 8,000 tokens; tokens spent on reasoning count too, and a cut answer is paid for all the same.
_MOST_OUTPUT_TOKENS: Final = 32_768
# What the vendor says of its own bill: 10¹⁰ ticks are one US dollar (checked against a recorded answer and its price).
_TICKS: Final = Decimal(10) ** 10
_MOST_TICKS: Final = 10**12

_BAD_KEY: Final = re.compile(r"api[ -]?key", re.IGNORECASE)
_NO_CREDITS: Final = re.compile(r"credits|spending limit|billing", re.IGNORECASE)
_NO_MODEL: Final = re.compile(
    r"model\b.*(?:not found|not exist|not available|no access)|(?:unknown|no such) model", re.IGNORECASE
)


def _content(value: object) -> str:
    """The text of a message: a string, or (as newer clients see it) a list of typed parts."""
    if isinstance(value, list):
        parts = [part.get("text") for part in value if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _ticks(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TICKS else 0


class _Message(Wire):
    content: Annotated[str, PlainValidator(_content)] = ""
    refusal: Text = None


class _Choice(Wire):
    message: Annotated[_Message, PlainValidator(lambda value: wire(_Message, value))] = _Message()
    finish_reason: Text = None


class _Usage(Wire):
    prompt: Number = Field(None, alias="prompt_tokens")
    completion: Number = Field(None, alias="completion_tokens")
    total: Number = Field(None, alias="total_tokens")
    ticks: Annotated[int, PlainValidator(_ticks)] = Field(0, alias="cost_in_usd_ticks")


class _Envelope(Wire):
    choices: Annotated[tuple[_Choice, ...], PlainValidator(lambda value: wires(_Choice, value))] = ()
    used: Annotated[_Usage, PlainValidator(lambda value: wire(_Usage, value))] = Field(_Usage(), alias="usage")
    model: Text = None


def _error(body: Json) -> str:
    """The words of an error body, whose `error` is a string here and an object elsewhere; "" where there are none."""
    error = body.get("error") if isinstance(body, dict) else None
    error = error.get("message") if isinstance(error, dict) else error
    return error.strip() if isinstance(error, str) else ""


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """xAI's error table (https://docs.x.ai/docs/key-information/debugging), read with what it answers in fact.

    A bad key is 400, and no credits 429 or 403. The words about a key or an account are not repeated: they quote both.
    """
    if status < 400 or status in {408, 425} or status >= 500:
        return None
    said = _error(body)
    if status in {402, 403, 429} and (status == 402 or _NO_CREDITS.search(said)):
        return Unavailable(f"the xAI account of {KEY} is out of credits or at its spending limit", temporary=True)
    if status == 401 or (status in {400, 403} and _BAD_KEY.search(said)):
        return Unavailable(f"xAI refuses the key in {KEY} (HTTP {status})")
    if status == 429:
        return Failed("xAI asks to slow down", transient=True)
    if status == 404 or _NO_MODEL.search(said):
        setting = ai_models.XAI_SETTING
        return Failed(f"xAI does not know the model: set {setting} to a current one (HTTP {status})", transient=False)
    return Failed(f"xAI refuses the request (HTTP {status}{': ' if said else ''}{excerpt(said)})", transient=False)


def usage(body: Json) -> TokenUsage:
    """Tokens and their price. What the total exceeds the sum by was spent on reasoning, and is billed as output.

    Where the answering model's price is not known, the vendor's own figure serves, if it gives one.
    """
    envelope = wire(_Envelope, body)
    asked = envelope.used.prompt or 0
    answered = max(envelope.used.completion or 0, (envelope.used.total or 0) - asked)
    model = envelope.model or ""
    if ai_models.price(model) is None:
        return TokenUsage(asked, answered, Decimal(envelope.used.ticks) / _TICKS)
    return TokenUsage(asked, answered, ai_models.cost(model, asked, answered))


SPEC: Final = ServiceSpec(
    name=NAME,
    explain=explain,
    empty=lambda _: False,
    cache_days=0,
    negative_cache_days=0,
    usage=usage,
    key=KeyPlace(header="Authorization", prefix="Bearer "),
)


def request_body(model: str, asked: Prompt) -> dict[str, Any]:
    """The request for a prompt: JSON by schema. How hard to reason is left to the model: older ones refuse the word."""
    return {
        "model": model,
        "messages": [{"role": "system", "content": asked.system}, {"role": "user", "content": asked.user}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "book_list", "strict": True, "schema": BOOK_LIST_SCHEMA},
        },
        "max_completion_tokens": _MOST_OUTPUT_TOKENS,
        "stream": False,
    }


def answer_text(body: str) -> str:
    """What the model wrote, out of a stored envelope. Raises SourceError when it wrote nothing, or refused."""
    try:
        data = json.loads(body.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise SourceError("the stored reply of xAI is not JSON") from error
    choices = wire(_Envelope, data).choices
    if not choices:
        said = _error(data)
        raise SourceError(f"xAI's reply is an error ({excerpt(said)})" if said else "xAI's reply holds no choices")
    choice = choices[0]
    if choice.message.refusal:
        raise SourceError(f"the model refuses: {excerpt(choice.message.refusal)}")
    if choice.finish_reason == "content_filter":
        raise SourceError("xAI refuses to answer (content_filter)")
    if choice.message.content.strip():
        return choice.message.content
    if choice.finish_reason == "length":
        raise SourceError("xAI reached its limit of tokens before it wrote anything")
    raise SourceError(f"xAI's reply holds no text ({excerpt(choice.finish_reason or 'no reason given')})")


class XAI:
    """A generator of books; `model` is the configured one, whichever answers in its place."""

    info = ProviderInfo(NAME, ProviderKind.AI, frozenset({Capability.BOOK_GENERATION}), "xAI")

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
        reply = await self._http.post("/chat/completions", request_body(self._model, asked))
        if isinstance(reply, (Unavailable, Failed)):
            raise SourceError(reply.reason)
        if reply.status != 200:
            raise SourceError(f"xAI answers with HTTP status {reply.status}")
        used = usage(reply.data)
        # xAI answers a retired name with its heir and says so nowhere but here.
        answering = wire(_Envelope, reply.data).model or self._model
        if ai_models.price(answering) is None:
            log.warning("no price is known for %s: its cost is recorded as %s", excerpt(answering), used.cost_usd)
        source = "" if answering == self._model else answering
        return RawReply(NAME, self._model, reply.text, used.input_tokens, used.output_tokens, used.cost_usd, source)

    def parse(self, reply: RawReply, request: GenerationRequest) -> ParsedReply:
        return read_book_list(answer_text(reply.body), NAME, request)

    def refused_rows(self) -> tuple[RejectedRow, ...]:
        return ()
