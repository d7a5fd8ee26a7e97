"""The xAI client: requests the notable books of a month from the Grok models (`chat/completions`).

`domain.generation.prompts` writes the prompt, and `domain.generation.reply_parser` reads the list in the reply.
docs/services/xai.md has the facts.
"""

from __future__ import annotations

from typing import Any, Final

from alexandria_pipeline.domain.ai_models import effort_of, model_names
from alexandria_pipeline.domain.generation.prompts import BOOK_LIST_SCHEMA, Prompt, prompt, registered_variant
from alexandria_pipeline.domain.generation.reply_parser import read_book_list
from alexandria_pipeline.domain.records import GenerationRequest, ParsedReply, RawReply, SkippedRow
from alexandria_pipeline.domain.service_answers import Answer, Unavailable
from alexandria_pipeline.providers.base import ProviderKit
from alexandria_pipeline.providers.common.ai_replies import first_answer, paid_reply, raw_reply
from alexandria_pipeline.providers.common.wire_models import read_model
from alexandria_pipeline.providers.transport.types import (
    PAID_REPLY_DAYS,
    JsonResponse,
    KeyPlace,
    ServiceHttp,
    ServiceSpec,
)
from alexandria_pipeline.providers.xai.declaration import DECLARATION, NAME
from alexandria_pipeline.providers.xai.errors import explain
from alexandria_pipeline.providers.xai.models import Envelope
from alexandria_pipeline.providers.xai.parser import reply_text, usage

# Fifty books need about 8,000 tokens. Reasoning tokens count too, and a truncated reply costs the same as a complete one.
MAX_OUTPUT_TOKENS: Final = 32_768

SPEC: Final = ServiceSpec(
    name=NAME,
    explain=explain,
    cache_days=PAID_REPLY_DAYS,
    usage=usage,
    key=KeyPlace(header="Authorization", prefix="Bearer "),
)


def request_body(model: str, text: Prompt, effort: str | None = None) -> dict[str, Any]:
    """The request for a prompt, with the response schema. An effort is sent only if one is set: older models reject it."""
    return {
        **({"reasoning_effort": effort} if effort else {}),
        "model": model,
        "messages": [{"role": "system", "content": text.system}, {"role": "user", "content": text.user}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "book_list", "strict": True, "schema": BOOK_LIST_SCHEMA},
        },
        "max_completion_tokens": MAX_OUTPUT_TOKENS,
        "stream": False,
    }


class XAI:
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
            body = request_body(model, text, effort_of(self._effort, model))
            return await self._http.post("/chat/completions", body, paid_reply)

        model, response = await first_answer(self._models, ask, DECLARATION.title)
        actual = read_model(Envelope, response.data).model or model
        return raw_reply(NAME, self._models[0], actual, response, usage(response.data))

    def parse(self, reply: RawReply, request: GenerationRequest) -> ParsedReply:
        return read_book_list(reply_text(reply.body), NAME, request)

    def refused_rows(self) -> tuple[SkippedRow, ...]:
        return ()


def build(kit: ProviderKit) -> XAI:
    """The provider with its transport."""
    return XAI(kit.service(SPEC), kit.model(NAME), kit.effort(NAME))
