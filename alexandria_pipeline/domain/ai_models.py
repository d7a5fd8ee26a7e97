"""Published facts about AI models: prices per token, and when a model ends. Each fact has a date or a source.

The configured model is a setting; the tokens of a reply are read by its provider.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

GEMINI_SETTING: Final = "ALEXANDRIA_GEMINI_MODEL"
XAI_SETTING: Final = "ALEXANDRIA_XAI_MODEL"
WARN_DAYS: Final = 30

_MILLION: Final = Decimal(1_000_000)
# Suffixes that do not change price or end: "-latest", "-001", "-0825", "-2026-04-30".
_RELEASE: Final = re.compile(r"-(?:latest|\d{3,4}|\d{4}-\d{2}-\d{2})\Z")

_GEMINI_SOURCE: Final = "https://ai.google.dev/gemini-api/docs/deprecations"
_XAI_SOURCE: Final = "https://docs.x.ai/developers/migration/may-15-retirement"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens; output includes reasoning tokens. `as_of`: the day of the fact."""

    input: Decimal
    output: Decimal
    as_of: date


@dataclass(frozen=True, slots=True)
class ModelEnd:
    """The day on which a model is shut down or replaced, its successor, and the source."""

    day: date
    successor: str
    setting: str
    source: str


_AUTUMN_2026: Final = date(2026, 11, 23)

PRICES: Final[Mapping[str, Price]] = {
    # https://ai.google.dev/gemini-api/docs/pricing, standard tier, text
    "gemini-3.8-flash": Price(Decimal("0.75"), Decimal("3.75"), _AUTUMN_2026),
    "gemini-3.5-flash-lite": Price(Decimal("0.30"), Decimal("2.50"), _AUTUMN_2026),
    "gemini-3.1-flash-lite": Price(Decimal("0.25"), Decimal("1.50"), _AUTUMN_2026),
    "gemini-2.5-flash": Price(Decimal("0.30"), Decimal("2.50"), _AUTUMN_2026),
    # https://docs.x.ai/developers/models, prompts below 200,000 tokens
    "grok-4.6": Price(Decimal("2.00"), Decimal("6.00"), _AUTUMN_2026),
    "grok-4.5": Price(Decimal("2.00"), Decimal("6.00"), _AUTUMN_2026),
    "grok-4.3": Price(Decimal("1.25"), Decimal("2.50"), _AUTUMN_2026),
}

# After their end, requests for the 2.5 models go to their successors at those prices; the 2.0 models return 404.
_GEMINI_ENDS: Final = {
    "gemini-2.5-pro": (date(2026, 12, 1), "gemini-3.8-flash"),
    "gemini-2.5-flash": (date(2026, 12, 1), "gemini-3.5-flash-lite"),
    "gemini-2.0-flash": (date(2026, 6, 1), "gemini-3.5-flash-lite"),
    "gemini-2.0-flash-lite": (date(2026, 6, 1), "gemini-3.5-flash-lite"),
    "gemini-3.1-flash-lite": (date(2027, 5, 7), "gemini-3.5-flash-lite"),
}
# Requests for these go to grok-4.3 without notice, at its price.
_GROK_ENDED: Final = (
    "grok-3", "grok-4", "grok-4-0709", "grok-4-fast", "grok-4-fast-reasoning", "grok-4-fast-non-reasoning",
    "grok-4-1", "grok-4-1-fast", "grok-4-1-fast-reasoning", "grok-4-1-fast-non-reasoning", "grok-code-fast-1",
)  # fmt: skip

MODEL_ENDS: Final[Mapping[str, ModelEnd]] = {
    **{
        name: ModelEnd(day, successor, GEMINI_SETTING, _GEMINI_SOURCE)
        for name, (day, successor) in _GEMINI_ENDS.items()
    },
    **{name: ModelEnd(date(2026, 5, 15), "grok-4.3", XAI_SETTING, _XAI_SOURCE) for name in _GROK_ENDED},
}


def price(model: str) -> Price | None:
    """The price of a model; None if it is not in the table."""
    return _entry(PRICES, model)


def cost(model: str, input_tokens: int, output_tokens: int) -> Decimal:
    """US dollars for these tokens; 0 for a model without a known price."""
    known = price(model)
    if known is None:
        return Decimal(0)
    return (known.input * input_tokens + known.output * output_tokens) / _MILLION


def model_warning(model: str, today: date) -> str | None:
    """A warning about a configured model that has ended or ends within 30 days; None otherwise."""
    end = _entry(MODEL_ENDS, model)
    days = (end.day - today).days if end else WARN_DAYS + 1
    if end is None or days > WARN_DAYS:
        return None
    when = f"ended on {end.day}" if days <= 0 else f"ends on {end.day}, in {days} day{'s' if days > 1 else ''}"
    return f"the model {model} {when}: set {end.setting} to {end.successor} or another current model (see {end.source})"


def ended(model: str, today: date) -> ModelEnd | None:
    """The end of a model that has ended by `today`; None for other models."""
    end = _entry(MODEL_ENDS, model)
    return end if end is not None and end.day <= today else None


def _entry(table: Mapping[str, T], model: str) -> T | None:
    name = model.strip().lower().removeprefix("models/")
    return table.get(name) or table.get(_RELEASE.sub("", name))
