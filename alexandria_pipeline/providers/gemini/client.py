"""The Gemini client: requests the notable books of a month from Google's language models.

The prompt is written by `domain.generation.prompts`; the list in the reply is read by `domain.generation.reply_parser`.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from alexandria_pipeline.domain import ai_models
from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.generation.prompts import BOOK_LIST_SCHEMA, Prompt, prompt, registered_variant
from alexandria_pipeline.domain.generation.reply_parser import read_book_list
from alexandria_pipeline.domain.records import GenerationRequest, ParsedReply, RawReply, SkippedRow
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.domain.tsv import excerpt
from alexandria_pipeline.providers.base import ProviderKit
from alexandria_pipeline.providers.common.fields import wire
from alexandria_pipeline.providers.gemini.declaration import DECLARATION, NAME
from alexandria_pipeline.providers.gemini.errors import explain, retry_after
from alexandria_pipeline.providers.gemini.models import Envelope
from alexandria_pipeline.providers.gemini.parser import answer_text, usage
from alexandria_pipeline.providers.transport.types import KeyPlace, ServiceHttp, ServiceSpec, unparsed

if TYPE_CHECKING:
    from collections.abc import Mapping


log = logging.getLogger(__name__)


# Fifty books take about 8,000 tokens; tokens spent on thinking count too, and a cut answer is paid for all the same.
_MOST_OUTPUT_TOKENS: Final = 32_768
_THINKING_TOKENS: Final = 1_024
_GENERATION: Final = re.compile(r"(?:models/)?gemini-(\d+)(?:\.(\d+))?")

SPEC: Final = ServiceSpec(
    name=NAME,
    explain=explain,
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


class Gemini:
    """A generator of books; `model` is the configured one, whichever answers in its place."""

    declaration = DECLARATION

    def __init__(self, http: ServiceHttp, model: str) -> None:
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
        reply = await self._http.post(f"/models/{name}:generateContent", request_body(self._model, asked), unparsed)
        if isinstance(reply, NotFound):
            raise SourceError("the service returned no reply")
        if isinstance(reply, Unavailable | Failed):
            raise SourceError(reply.reason)
        if reply.status != 200:
            raise SourceError(f"Gemini answers with HTTP status {reply.status}")
        used = usage(reply.data)
        answering = (wire(Envelope, reply.data).model or self._model).removeprefix("models/")
        if ai_models.price(answering) is None:
            log.warning("no price is known for %s: its cost is recorded as 0", excerpt(answering))
        source = "" if answering == self._model.removeprefix("models/") else answering
        return RawReply(NAME, self._model, reply.text, used.input_tokens, used.output_tokens, used.cost_usd, source)

    def parse(self, reply: RawReply, request: GenerationRequest) -> ParsedReply:
        return read_book_list(answer_text(reply.body), NAME, request)

    def refused_rows(self) -> tuple[SkippedRow, ...]:
        return ()


def build(kit: ProviderKit) -> Gemini:
    """The provider with its transport."""
    return Gemini(kit.service(SPEC), kit.model(NAME))
