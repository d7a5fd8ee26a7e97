"""xAI's replies: token usage, cost, and the text that the model wrote. Pure functions."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from alexandria_pipeline.domain import ai_models
from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.tsv import excerpt
from alexandria_pipeline.providers.common.ai_replies import stored_envelope
from alexandria_pipeline.providers.common.wire_models import read_model
from alexandria_pipeline.providers.transport.types import Json, TokenUsage
from alexandria_pipeline.providers.xai.errors import error_message
from alexandria_pipeline.providers.xai.models import Envelope

# The unit of `cost_in_usd_ticks`: 10¹⁰ ticks are one US dollar (checked against a published response and its price).
TICKS_PER_USD: Final = Decimal(10) ** 10


def usage(body: Json, day: date | None = None) -> TokenUsage:
    """Tokens and cost. If the total exceeds the sum, the difference is reasoning tokens, which are billed as output.

    `cost_in_usd_ticks` is the bill of the service and is preferred to our table. Without it, the cost follows from the
    prices of a day (default: today); it is None if the price is unknown.
    """
    envelope = read_model(Envelope, body)
    sent = envelope.usage.prompt or 0
    written = max(envelope.usage.completion or 0, (envelope.usage.total or 0) - sent)
    if envelope.usage.ticks is not None:
        return TokenUsage(sent, written, Decimal(envelope.usage.ticks) / TICKS_PER_USD)
    tokens = ai_models.Tokens(sent, written, min(envelope.usage.prompt_details.cached or 0, sent))
    return TokenUsage(sent, written, ai_models.cost(envelope.model or "", tokens, day or datetime.now(UTC).date()))


def reply_text(body: str) -> str:
    """The text that the model wrote, from a stored reply. Raises SourceError for a refusal or a reply without text."""
    data = stored_envelope(body, "xAI")
    choices = read_model(Envelope, data).choices
    if not choices:
        message = error_message(data)
        raise SourceError(f"xAI's reply is an error ({excerpt(message)})" if message else "xAI's reply has no choices")
    choice = choices[0]
    if choice.message.refusal:
        raise SourceError(f"the model refuses: {excerpt(choice.message.refusal)}")
    if choice.finish_reason == "content_filter":
        raise SourceError("xAI refuses to reply (content_filter)")
    if choice.message.content.strip():
        return choice.message.content
    if choice.finish_reason == "length":
        raise SourceError("xAI reached its token limit before it wrote any text")
    raise SourceError(f"xAI's reply has no text ({excerpt(choice.finish_reason or 'no reason given')})")
