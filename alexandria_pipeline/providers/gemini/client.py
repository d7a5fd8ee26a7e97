"""The Gemini client: requests the notable books of a month from Google's language models.

`domain.generation.prompts` writes the prompt, and `domain.generation.reply_parser` reads the list in the reply.
docs/services/gemini.md has the facts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from alexandria_pipeline.domain.ai_models import effort_of, model_names
from alexandria_pipeline.domain.generation.prompts import BOOK_LIST_SCHEMA, Prompt, prompt, registered_variant
from alexandria_pipeline.domain.generation.reply_parser import read_book_list
from alexandria_pipeline.domain.records import GenerationRequest, ParsedReply, RawReply, SkippedRow
from alexandria_pipeline.domain.service_answers import Answer, Unavailable
from alexandria_pipeline.providers.base import ProviderKit
from alexandria_pipeline.providers.common.ai_replies import first_answer, paid_reply, raw_reply
from alexandria_pipeline.providers.common.wire_models import read_model
from alexandria_pipeline.providers.gemini.declaration import DECLARATION, NAME
from alexandria_pipeline.providers.gemini.errors import explain, retry_after
from alexandria_pipeline.providers.gemini.models import Envelope
from alexandria_pipeline.providers.gemini.parser import reply_text, usage
from alexandria_pipeline.providers.transport.types import (
    PAID_REPLY_DAYS,
    JsonResponse,
    KeyPlace,
    ServiceHttp,
    ServiceSpec,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# Fifty books need about 8,000 tokens. Thinking tokens count too, and a truncated reply costs the same as a complete one.
MAX_OUTPUT_TOKENS: Final = 32_768
THINKING_TOKENS: Final = {"minimal": 0, "low": 1_024, "medium": 8_192, "high": 24_576}
_VERSION: Final = re.compile(r"(?:models/)?gemini-(\d+)(?:\.(\d+))?")

SPEC: Final = ServiceSpec(
    name=NAME,
    explain=explain,
    cache_days=PAID_REPLY_DAYS,
    usage=usage,
    key=KeyPlace(header="x-goog-api-key"),
    retry_after=retry_after,
)


def response_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON Schema in the form of `responseSchema`: OpenAPI type names, an order, and no `additionalProperties`.

    An unknown keyword causes HTTP 400. Without an order, the model writes properties alphabetically: author before title.
    """
    converted = {key: value for key, value in schema.items() if key in {"description", "required", "enum"}}
    converted["type"] = str(schema["type"]).upper()
    if "items" in schema:
        converted["items"] = response_schema(schema["items"])
    if "properties" in schema:
        converted["properties"] = {name: response_schema(member) for name, member in schema["properties"].items()}
        converted["propertyOrdering"] = list(schema["properties"])
    return converted


def thinking(model: str, effort: str = "low") -> dict[str, Any]:
    """The setting for an effort, by default little thinking: a level from version 3 on, a budget in version 2.5, nothing before.

    A setting that the version does not know causes HTTP 400 (https://ai.google.dev/gemini-api/docs/thinking).
    """
    match = _VERSION.match(model)
    version = (int(match[1]), int(match[2] or 0)) if match else (0, 0)
    if version >= (3, 0):
        return {"thinkingConfig": {"thinkingLevel": effort}}
    budget = THINKING_TOKENS.get(effort, THINKING_TOKENS["low"])
    return {"thinkingConfig": {"thinkingBudget": budget}} if version >= (2, 5) else {}


def request_body(model: str, text: Prompt, effort: str | None = None) -> dict[str, Any]:
    """The request for a prompt, with the response schema and enough output tokens for the whole list."""
    return {
        "systemInstruction": {"parts": [{"text": text.system}]},
        "contents": [{"role": "user", "parts": [{"text": text.user}]}],
        "generationConfig": {
            "responseMimeType": "application/json",
            "responseSchema": response_schema(BOOK_LIST_SCHEMA),
            "maxOutputTokens": MAX_OUTPUT_TOKENS,
            **thinking(model, effort or "low"),
        },
    }


class Gemini:
    """The client, a book generator. `model`: the configured models ("a,b": b if a does not answer); `effort`: see `effort_of`."""

    declaration = DECLARATION

    def __init__(self, http: ServiceHttp, model: str, effort: str | None = None) -> None:
        self._http = http
        self._models = model_names(model)
        self._effort = effort

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def model(self, request: GenerationRequest) -> str:  # noqa: ARG002 - the same for every month
        return self._models[0]

    async def generate(self, request: GenerationRequest) -> RawReply:
        """Makes one request for each model until one answers. Raises SourceError if none does."""
        text = prompt(registered_variant(request.prompt_variant), request.month, request.limit)

        async def ask(model: str) -> Answer[JsonResponse]:
            path = f"/models/{quote(model.removeprefix('models/'), safe='')}:generateContent"
            return await self._http.post(path, request_body(model, text, effort_of(self._effort, model)), paid_reply)

        model, response = await first_answer(self._models, ask, DECLARATION.title)
        actual = (read_model(Envelope, response.data).model or model).removeprefix("models/")
        return raw_reply(NAME, self._models[0], actual, response, usage(response.data))

    def parse(self, reply: RawReply, request: GenerationRequest) -> ParsedReply:
        return read_book_list(reply_text(reply.body), NAME, request)

    def refused_rows(self) -> tuple[SkippedRow, ...]:
        return ()


def build(kit: ProviderKit) -> Gemini:
    """The provider with its transport."""
    return Gemini(kit.service(SPEC), kit.model(NAME), kit.effort(NAME))
