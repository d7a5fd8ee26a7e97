"""xAI's wire models: the envelope of a reply."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, PlainValidator

from alexandria_pipeline.providers.common.wire_models import Number, Text, WireModel, many, one

MAX_TICKS: Final = 10**12


def _content(value: object) -> str:
    """The text of a message: a string or a list of typed parts, which newer clients receive."""
    if isinstance(value, list):
        parts = [part.get("text") for part in value if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _ticks(value: object) -> int | None:
    """The ticks of the bill; int64 numbers may be written as strings (protobuf's JSON)."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(MAX_TICKS)):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TICKS else None


class _Message(WireModel):
    content: Annotated[str, PlainValidator(_content)] = ""
    refusal: Text = None


class _Choice(WireModel):
    message: Annotated[_Message, one(_Message)] = _Message()
    finish_reason: Text = None


class _PromptDetails(WireModel):
    cached: Number = Field(None, alias="cached_tokens")


class _Usage(WireModel):
    prompt: Number = Field(None, alias="prompt_tokens")
    completion: Number = Field(None, alias="completion_tokens")
    total: Number = Field(None, alias="total_tokens")
    ticks: Annotated[int | None, PlainValidator(_ticks)] = Field(None, alias="cost_in_usd_ticks")
    prompt_details: Annotated[_PromptDetails, one(_PromptDetails)] = Field(
        _PromptDetails(), alias="prompt_tokens_details"
    )


class Envelope(WireModel):
    """The response of `chat/completions`."""

    choices: Annotated[tuple[_Choice, ...], many(_Choice)] = ()
    usage: Annotated[_Usage, one(_Usage)] = _Usage()
    model: Text = None
