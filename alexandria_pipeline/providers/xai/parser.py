"""xAI's replies: token usage, cost, and the text that the model wrote. Pure functions."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Final

from alexandria_pipeline.domain import ai_models
from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.tsv import excerpt
from alexandria_pipeline.providers.common.fields import wire
from alexandria_pipeline.providers.transport.types import Json, TokenUsage
from alexandria_pipeline.providers.xai.errors import parse_error
from alexandria_pipeline.providers.xai.models import Envelope

# What the vendor says of its own bill: 10¹⁰ ticks are one US dollar (checked against a recorded answer and its price).
_TICKS: Final = Decimal(10) ** 10


def usage(body: Json) -> TokenUsage:
    """Tokens and their price. What the total exceeds the sum by was spent on reasoning, and is billed as output.

    Where the answering model's price is not known, the vendor's own figure serves, if it gives one.
    """
    envelope = wire(Envelope, body)
    asked = envelope.used.prompt or 0
    answered = max(envelope.used.completion or 0, (envelope.used.total or 0) - asked)
    model = envelope.model or ""
    if ai_models.price(model) is None:
        return TokenUsage(asked, answered, Decimal(envelope.used.ticks) / _TICKS)
    return TokenUsage(asked, answered, ai_models.cost(model, asked, answered))


def answer_text(body: str) -> str:
    """What the model wrote, out of a stored envelope. Raises SourceError when it wrote nothing, or refused."""
    try:
        data = json.loads(body.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise SourceError("the stored reply of xAI is not JSON") from error
    choices = wire(Envelope, data).choices
    if not choices:
        said = parse_error(data)
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
