"""The xAI client: requests the notable books of a month from the Grok models (`chat/completions`).

`domain.generation.prompts` writes the prompt, and `domain.generation.reply_parser` reads the list in the reply.
docs/services/xai.md has the facts.
"""

from __future__ import annotations

from typing import Any, Final

from alexandria_pipeline.domain.generation.prompts import BOOK_LIST_SCHEMA, Prompt, prompt, registered_variant
from alexandria_pipeline.domain.generation.reply_parser import read_book_list
from alexandria_pipeline.domain.records import GenerationRequest, ParsedReply, RawReply, SkippedRow
from alexandria_pipeline.domain.service_answers import Unavailable
from alexandria_pipeline.providers.base import ProviderKit
from alexandria_pipeline.providers.common.ai_replies import paid_reply, raw_reply, successful
from alexandria_pipeline.providers.common.wire_models import read_model
from alexandria_pipeline.providers.transport.types import (
    PAID_REPLY_DAYS,
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


def request_body(model: str, text: Prompt) -> dict[str, Any]:
    """The request for a prompt, with the response schema. It sets no reasoning effort: older models reject the member."""
    return {
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
    """The client, a book generator. `model` is the configured model."""

    declaration = DECLARATION

    def __init__(self, http: ServiceHttp, model: str) -> None:
        self._http = http
        self._model = model

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def model(self, request: GenerationRequest) -> str:  # noqa: ARG002 - the same for every month
        return self._model

    async def generate(self, request: GenerationRequest) -> RawReply:
        """Makes one request. Raises SourceError if the service cannot be called or returns no reply."""
        text = prompt(registered_variant(request.prompt_variant), request.month, request.limit)
        answer = await self._http.post("/chat/completions", request_body(self._model, text), paid_reply)
        response = successful(answer, DECLARATION.title)
        actual = read_model(Envelope, response.data).model or self._model
        return raw_reply(NAME, self._model, actual, response, usage(response.data))

    def parse(self, reply: RawReply, request: GenerationRequest) -> ParsedReply:
        return read_book_list(reply_text(reply.body), NAME, request)

    def refused_rows(self) -> tuple[SkippedRow, ...]:
        return ()


def build(kit: ProviderKit) -> XAI:
    """The provider with its transport."""
    return XAI(kit.service(SPEC), kit.model(NAME))
