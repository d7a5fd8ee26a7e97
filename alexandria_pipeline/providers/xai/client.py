"""The xAI client: requests the notable books of a month from the Grok models (`chat/completions`).

The prompt is written by `domain.generation.prompts`; the list in the reply is read by `domain.generation.reply_parser`.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from alexandria_pipeline.domain import ai_models
from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.generation.prompts import BOOK_LIST_SCHEMA, Prompt, prompt, registered_variant
from alexandria_pipeline.domain.generation.reply_parser import read_book_list
from alexandria_pipeline.domain.records import GenerationRequest, ParsedReply, RawReply, SkippedRow
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.domain.tsv import excerpt
from alexandria_pipeline.providers.base import ProviderKit
from alexandria_pipeline.providers.common.fields import wire
from alexandria_pipeline.providers.transport.types import KeyPlace, ServiceHttp, ServiceSpec, unparsed
from alexandria_pipeline.providers.xai.declaration import DECLARATION, NAME
from alexandria_pipeline.providers.xai.errors import explain
from alexandria_pipeline.providers.xai.models import Envelope
from alexandria_pipeline.providers.xai.parser import answer_text, usage

log = logging.getLogger(__name__)


# Fifty books take about 8,000 tokens; tokens spent on reasoning count too, and a cut answer is paid for all the same.
_MOST_OUTPUT_TOKENS: Final = 32_768
SPEC: Final = ServiceSpec(
    name=NAME,
    explain=explain,
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


class XAI:
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
        reply = await self._http.post("/chat/completions", request_body(self._model, asked), unparsed)
        if isinstance(reply, NotFound):
            raise SourceError("the service returned no reply")
        if isinstance(reply, Unavailable | Failed):
            raise SourceError(reply.reason)
        if reply.status != 200:
            raise SourceError(f"xAI answers with HTTP status {reply.status}")
        used = usage(reply.data)
        # xAI answers a retired name with its heir and says so nowhere but here.
        answering = wire(Envelope, reply.data).model or self._model
        if ai_models.price(answering) is None:
            log.warning("no price is known for %s: its cost is recorded as %s", excerpt(answering), used.cost_usd)
        source = "" if answering == self._model else answering
        return RawReply(NAME, self._model, reply.text, used.input_tokens, used.output_tokens, used.cost_usd, source)

    def parse(self, reply: RawReply, request: GenerationRequest) -> ParsedReply:
        return read_book_list(answer_text(reply.body), NAME, request)

    def refused_rows(self) -> tuple[SkippedRow, ...]:
        return ()


def build(kit: ProviderKit) -> XAI:
    """The provider with its transport."""
    return XAI(kit.service(SPEC), kit.model(NAME))
