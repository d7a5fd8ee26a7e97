"""xAI's wire models: the envelope of a reply."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, PlainValidator

from alexandria_pipeline.providers.common.fields import Number, Text, Wire, wire, wires

_MOST_TICKS: Final = 10**12


def _content(value: object) -> str:
    """The text of a message: a string, or (as newer clients see it) a list of typed parts."""
    if isinstance(value, list):
        parts = [part.get("text") for part in value if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _ticks(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TICKS else 0


class _Message(Wire):
    content: Annotated[str, PlainValidator(_content)] = ""
    refusal: Text = None


class _Choice(Wire):
    message: Annotated[_Message, PlainValidator(lambda value: wire(_Message, value))] = _Message()
    finish_reason: Text = None


class _Usage(Wire):
    prompt: Number = Field(None, alias="prompt_tokens")
    completion: Number = Field(None, alias="completion_tokens")
    total: Number = Field(None, alias="total_tokens")
    ticks: Annotated[int, PlainValidator(_ticks)] = Field(0, alias="cost_in_usd_ticks")


class Envelope(Wire):
    choices: Annotated[tuple[_Choice, ...], PlainValidator(lambda value: wires(_Choice, value))] = ()
    used: Annotated[_Usage, PlainValidator(lambda value: wire(_Usage, value))] = Field(_Usage(), alias="usage")
    model: Text = None
