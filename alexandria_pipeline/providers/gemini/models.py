"""Gemini's wire models: the envelope of a reply, and errors."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainValidator

from alexandria_pipeline.domain.tsv import excerpt
from alexandria_pipeline.providers.common.wire_models import Number, Text, WireModel, many, one


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


class _Part(WireModel):
    text: Annotated[str, PlainValidator(_text)] = ""
    thought: Annotated[bool, PlainValidator(lambda value: value is True)] = False


class _Content(WireModel):
    parts: Annotated[tuple[_Part, ...], many(_Part)] = ()


class _Candidate(WireModel):
    content: Annotated[_Content, one(_Content)] = _Content()
    finish_reason: Text = Field(None, alias="finishReason")
    finish_message: Text = Field(None, alias="finishMessage")

    def text(self) -> str:
        """The text of all parts that are not thoughts."""
        return "".join(part.text for part in self.content.parts if not part.thought)


class PromptFeedback(WireModel):
    """Why a prompt was blocked; the reply then has no candidates."""

    block_reason: Text = Field(None, alias="blockReason")
    block_message: Text = Field(None, alias="blockReasonMessage")


class _UsageMetadata(WireModel):
    prompt: Number = Field(None, alias="promptTokenCount")
    candidates: Number = Field(None, alias="candidatesTokenCount")
    thoughts: Number = Field(None, alias="thoughtsTokenCount")
    cached: Number = Field(None, alias="cachedContentTokenCount")


class Envelope(WireModel):
    """The response of `generateContent`."""

    candidates: Annotated[tuple[_Candidate, ...], many(_Candidate)] = ()
    feedback: Annotated[PromptFeedback, one(PromptFeedback)] = Field(PromptFeedback(), alias="promptFeedback")
    usage: Annotated[_UsageMetadata, one(_UsageMetadata)] = Field(_UsageMetadata(), alias="usageMetadata")
    model: Text = Field(None, alias="modelVersion")


class _Violation(WireModel):
    quota_id: Text = Field(None, alias="quotaId")
    value: Number = Field(None, alias="quotaValue")


class _Detail(WireModel):
    violations: Annotated[tuple[_Violation, ...], many(_Violation)] = ()
    retry_delay: Text = Field(None, alias="retryDelay")
    reason: Text = None


class Error(WireModel):
    """The `error` member of an error response."""

    message: Text = None
    status: Text = None
    details: Annotated[tuple[_Detail, ...], many(_Detail)] = ()

    @property
    def summary(self) -> str:
        """Status and message. A message that mentions a key is left out, because it may quote the key."""
        message = excerpt(self.message or "") if "key" not in (self.message or "").lower() else ""
        return ": ".join(part for part in (self.status or "", message) if part)

    @property
    def concerns_key(self) -> bool:
        """Whether the error is about the API key."""
        return any(d.reason == "API_KEY_INVALID" for d in self.details) or "api key" in (self.message or "").lower()
