"""Gemini's wire models: the envelope of a reply, and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, PlainValidator

from alexandria_pipeline.domain.tsv import excerpt
from alexandria_pipeline.providers.common.fields import Number, Text, Wire, wire, wires

if TYPE_CHECKING:
    pass


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


class _Part(Wire):
    text: Annotated[str, PlainValidator(_text)] = ""
    thought: Annotated[bool, PlainValidator(lambda value: value is True)] = False


class _Content(Wire):
    parts: Annotated[tuple[_Part, ...], PlainValidator(lambda value: wires(_Part, value))] = ()


class _Candidate(Wire):
    content: Annotated[_Content, PlainValidator(lambda value: wire(_Content, value))] = _Content()
    finish_reason: Text = Field(None, alias="finishReason")
    finish_message: Text = Field(None, alias="finishMessage")

    def answer(self) -> str:
        """The text without the model's thoughts."""
        return "".join(part.text for part in self.content.parts if not part.thought)


class PromptFeedback(Wire):
    block_reason: Text = Field(None, alias="blockReason")
    block_message: Text = Field(None, alias="blockReasonMessage")


class _UsageMetadata(Wire):
    prompt: Number = Field(None, alias="promptTokenCount")
    candidates: Number = Field(None, alias="candidatesTokenCount")
    thoughts: Number = Field(None, alias="thoughtsTokenCount")


class Envelope(Wire):
    candidates: Annotated[tuple[_Candidate, ...], PlainValidator(lambda value: wires(_Candidate, value))] = ()
    feedback: Annotated[PromptFeedback, PlainValidator(lambda value: wire(PromptFeedback, value))] = Field(
        PromptFeedback(), alias="promptFeedback"
    )
    used: Annotated[_UsageMetadata, PlainValidator(lambda value: wire(_UsageMetadata, value))] = Field(
        _UsageMetadata(), alias="usageMetadata"
    )
    model: Text = Field(None, alias="modelVersion")


class _Violation(Wire):
    quota_id: Text = Field(None, alias="quotaId")


class _Detail(Wire):
    violations: Annotated[tuple[_Violation, ...], PlainValidator(lambda value: wires(_Violation, value))] = ()
    retry_delay: Text = Field(None, alias="retryDelay")
    reason: Text = None


class Error(Wire):
    message: Text = None
    status: Text = None
    details: Annotated[tuple[_Detail, ...], PlainValidator(lambda value: wires(_Detail, value))] = ()

    @property
    def said(self) -> str:
        """The vendor's words; not when they are about the key, for they may repeat it."""
        known = [self.status or "", excerpt(self.message or "") if "key" not in (self.message or "").lower() else ""]
        return ": ".join(part for part in known if part)

    @property
    def blames_key(self) -> bool:
        return any(d.reason == "API_KEY_INVALID" for d in self.details) or "api key" in (self.message or "").lower()
