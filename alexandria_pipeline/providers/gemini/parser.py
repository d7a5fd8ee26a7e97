"""Gemini's replies: token usage, and the text that the model wrote. Pure functions."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from alexandria_pipeline.domain import ai_models
from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.tsv import excerpt
from alexandria_pipeline.providers.common.ai_replies import stored_envelope
from alexandria_pipeline.providers.common.text_fields import MAX_NUMBER
from alexandria_pipeline.providers.common.wire_models import read_model
from alexandria_pipeline.providers.gemini.errors import parse_error
from alexandria_pipeline.providers.gemini.models import Envelope, Error, PromptFeedback
from alexandria_pipeline.providers.transport.types import Json, TokenUsage

# Finish reasons of a refusal: text before them is not used. Others (MAX_TOKENS, RECITATION) may follow usable books.
_REFUSALS: Final = frozenset({"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY"})


def usage(body: Json, day: date | None = None) -> TokenUsage:
    """Tokens, and the cost at the prices of a day (default: today). Thinking tokens are billed as output.

    The cost is None if the model's price is unknown.
    """
    envelope = read_model(Envelope, body)
    sent = envelope.usage.prompt or 0
    written = min((envelope.usage.candidates or 0) + (envelope.usage.thoughts or 0), MAX_NUMBER)
    tokens = ai_models.Tokens(sent, written, min(envelope.usage.cached or 0, sent))
    return TokenUsage(sent, written, ai_models.cost(envelope.model or "", tokens, day or datetime.now(UTC).date()))


def reply_text(body: str) -> str:
    """The text that the model wrote, from a stored reply. Raises SourceError for a refusal or a reply without text."""
    data = stored_envelope(body, "Gemini")
    envelope = read_model(Envelope, data)
    if not envelope.candidates:
        raise SourceError(_why_no_candidates(envelope.feedback, parse_error(data)))
    candidate = next((each for each in envelope.candidates if each.text().strip()), envelope.candidates[0])
    text, reason = candidate.text(), (candidate.finish_reason or "").upper()
    if reason in _REFUSALS:
        raise SourceError(f"Gemini refuses to reply ({_with_message(reason, candidate.finish_message)})")
    if text.strip():
        return text
    if reason == "MAX_TOKENS":
        spent = envelope.usage.thoughts or 0
        raise SourceError(
            f"Gemini reached its token limit before it wrote any text ({spent:,} tokens spent on thinking)"
        )
    reason = reason or "no reason given"
    raise SourceError(f"Gemini's reply has no text ({_with_message(reason, candidate.finish_message)})")


def _why_no_candidates(feedback: PromptFeedback, error: Error) -> str:
    if feedback.block_reason:
        return f"Gemini blocks the prompt ({_with_message(feedback.block_reason, feedback.block_message)})"
    return f"Gemini's reply is an error ({error.summary})" if error.summary else "Gemini's reply has no candidates"


def _with_message(reason: str, message: str | None) -> str:
    return excerpt(f"{reason}: {message}" if message else reason)
