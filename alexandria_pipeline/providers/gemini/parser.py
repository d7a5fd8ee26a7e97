"""Gemini's replies: token usage and the text that the model wrote. Pure functions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain import ai_models
from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.tsv import excerpt
from alexandria_pipeline.providers.common.fields import MAX_NUMBER, wire
from alexandria_pipeline.providers.gemini.errors import parse_error
from alexandria_pipeline.providers.gemini.models import Envelope, Error, PromptFeedback
from alexandria_pipeline.providers.transport.types import Json, TokenUsage

if TYPE_CHECKING:
    pass


# Reasons to stop after which what is there is not an answer; others (MAX_TOKENS, RECITATION) may leave usable books.
_REFUSALS: Final = frozenset({"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY"})


def usage(body: Json) -> TokenUsage:
    """Tokens and their price; thinking is billed as output. No cost where the answering model's price is not known."""
    envelope = wire(Envelope, body)
    asked = envelope.used.prompt or 0
    answered = min((envelope.used.candidates or 0) + (envelope.used.thoughts or 0), MAX_NUMBER)
    return TokenUsage(asked, answered, ai_models.cost(envelope.model or "", asked, answered))


def answer_text(body: str) -> str:
    """What the model wrote, out of a stored envelope. Raises SourceError when it wrote nothing, or refused."""
    try:
        data = json.loads(body.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise SourceError("the stored reply of Gemini is not JSON") from error
    envelope = wire(Envelope, data)
    if not envelope.candidates:
        raise SourceError(_why_no_candidates(envelope.feedback, parse_error(data)))
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


def _why_no_candidates(feedback: PromptFeedback, error: Error) -> str:
    if feedback.block_reason:
        return f"Gemini blocks the prompt ({_joined(feedback.block_reason, feedback.block_message)})"
    return f"Gemini's reply is an error ({error.said})" if error.said else "Gemini's reply holds no candidates"


def _joined(reason: str, message: str | None) -> str:
    return excerpt(f"{reason}: {message}" if message else reason)
