"""Published facts about AI models: prices per token, from which day they apply, and when a model ends.

The configured model is a setting; the tokens of a reply are read by its provider.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

from alexandria_pipeline.domain.errors import InvalidValue

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
    """US dollars per million tokens; output includes reasoning tokens. `since`: the first day of the price, if known.

    `cached`: the price of input tokens that the service had cached; None if it is unknown, then `input` applies.
    """

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    since: date = date.min


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a reply. `input` includes `cached`; `output` includes reasoning tokens."""

    input: int
    output: int
    cached: int = 0


@dataclass(frozen=True, slots=True)
class ModelEnd:
    """The day on which a model is shut down or replaced, its successor, and the source."""

    day: date
    successor: str
    setting: str
    source: str


def _price(usd_in: str, usd_out: str, cached: str | None = None, since: date = date.min) -> Price:
    return Price(Decimal(usd_in), Decimal(usd_out), Decimal(cached) if cached else None, since)


def _gemini(usd_in: str, usd_out: str, since: date = date.min) -> Price:
    """Gemini charges a tenth of the input price for cached tokens."""
    return Price(Decimal(usd_in), Decimal(usd_out), Decimal(usd_in) / 10, since)


_PRICE_STEP: Final = date(2027, 1, 1)
_FLASH: Final = (_gemini("0.75", "3.75"), _gemini("1.50", "7.50", _PRICE_STEP))

PRICES: Final[Mapping[str, tuple[Price, ...]]] = {
    # https://ai.google.dev/gemini-api/docs/pricing, standard tier, text; read in November 2026
    "gemini-3.8-flash": _FLASH,
    "gemini-3.7-flash": _FLASH,
    "gemini-3.6-flash": _FLASH,
    "gemini-3.5-flash": (_gemini("1.50", "9.00"),),
    "gemini-3.5-flash-lite": (_gemini("0.30", "2.50"),),
    "gemini-3.1-pro-preview": (_gemini("2.00", "12.00"),),
    "gemini-3.1-flash-lite": (_gemini("0.25", "1.50"),),
    "gemini-3-flash-preview": (_gemini("0.50", "3.00"),),
    "gemini-2.5-pro": (_gemini("1.25", "10.00"),),
    "gemini-2.5-flash": (_gemini("0.30", "2.50"),),
    "gemini-2.5-flash-lite": (_gemini("0.10", "0.40"),),
    # https://docs.x.ai/developers/models, prompts below 200,000 tokens; read in November 2026. The price of cached tokens
    # follows from a published bill (docs/services/xai.md).
    "grok-4.6": (_price("2.00", "6.00"),),
    "grok-4.5": (_price("2.00", "6.00"),),
    "grok-4.3": (_price("1.25", "2.50", "0.20"),),
    "grok-4.20": (_price("1.25", "2.50", "0.20"),),
    "grok-4.20-reasoning": (_price("1.25", "2.50", "0.20"),),
    "grok-4.20-non-reasoning": (_price("1.25", "2.50", "0.20"),),
    "grok-4.20-multi-agent": (_price("1.25", "2.50", "0.20"),),
}
"""The prices of each model, the earliest first."""

# After their end, requests for the 2.5 models go to their successors at those prices; the 2.0 models return 404.
_GEMINI_ENDS: Final = {
    "gemini-3.7-flash": (date(2026, 10, 8), "gemini-3.8-flash"),
    "gemini-3.5-flash": (date(2026, 10, 8), "gemini-3.6-flash"),
    "gemini-2.5-pro": (date(2026, 12, 1), "gemini-3.8-flash"),
    "gemini-2.5-flash": (date(2026, 12, 1), "gemini-3.5-flash-lite"),
    "gemini-2.0-flash": (date(2026, 6, 1), "gemini-3.5-flash-lite"),
    "gemini-2.0-flash-lite": (date(2026, 6, 1), "gemini-3.5-flash-lite"),
    "gemini-3.1-flash-lite": (date(2027, 5, 7), "gemini-3.5-flash-lite"),
}
# Requests for these go to grok-4.3 without notice, at its price.
_GROK_ENDED: Final = (
    "grok-3",
    "grok-4",
    "grok-4-0709",
    "grok-4-fast",
    "grok-4-fast-reasoning",
    "grok-4-fast-non-reasoning",
    "grok-4-1",
    "grok-4-1-fast",
    "grok-4-1-fast-reasoning",
    "grok-4-1-fast-non-reasoning",
    "grok-code-fast-1",
)

MODEL_ENDS: Final[Mapping[str, ModelEnd]] = {
    **{
        name: ModelEnd(day, successor, GEMINI_SETTING, _GEMINI_SOURCE)
        for name, (day, successor) in _GEMINI_ENDS.items()
    },
    **{name: ModelEnd(date(2026, 5, 15), "grok-4.3", XAI_SETTING, _XAI_SOURCE) for name in _GROK_ENDED},
}


def price(model: str, day: date) -> Price | None:
    """The price of a model on a day; None if it is not in the table."""
    steps = _entry(PRICES, model) or ()
    return next((step for step in reversed(steps) if step.since <= day), None)


def cost(model: str, tokens: Tokens, day: date) -> Decimal | None:
    """US dollars for these tokens; None for a model without a known price."""
    known = price(model, day)
    if known is None:
        return None
    cached = known.input if known.cached is None else known.cached
    fresh = tokens.input - tokens.cached
    return (known.input * fresh + cached * tokens.cached + known.output * tokens.output) / _MILLION


def price_step(model: str, today: date) -> Price | None:
    """The next price of a model (US dollars per million tokens), if it applies within 30 days; None otherwise."""
    steps = _entry(PRICES, model) or ()
    return next((step for step in steps if 0 < (step.since - today).days <= WARN_DAYS), None)


def model_warning(model: str, today: date) -> str | None:
    """A warning about a configured model that has ended, or ends or changes its price within 30 days; None otherwise."""
    warnings = (_end_warning(model, today), _price_warning(model, today))
    return "; ".join(warning for warning in warnings if warning) or None


def _end_warning(model: str, today: date) -> str | None:
    end = _entry(MODEL_ENDS, model)
    days = (end.day - today).days if end else WARN_DAYS + 1
    if end is None or days > WARN_DAYS:
        return None
    when = f"ended on {end.day}" if days <= 0 else f"ends on {end.day}, in {days} day{'s' if days > 1 else ''}"
    return f"the model {model} {when}: set {end.setting} to {end.successor} or another current model (see {end.source})"


def _price_warning(model: str, today: date) -> str | None:
    step = price_step(model, today)
    if step is None:
        return None
    return (
        f"the model {model} costs {step.input}/{step.output} US dollars per million tokens (in/out) from {step.since}"
    )


def ended(model: str, today: date) -> ModelEnd | None:
    """The end of a model that has ended by `today`; None for other models."""
    end = _entry(MODEL_ENDS, model)
    return end if end is not None and end.day <= today else None


def _entry(table: Mapping[str, T], model: str) -> T | None:
    name = model.strip().lower().removeprefix("models/")
    return table.get(name) or table.get(_RELEASE.sub("", name))


def model_names(setting: str) -> tuple[str, ...]:
    """The models of a setting such as "a,b", in the order in which they are used. Raises InvalidValue without a name."""
    names = tuple(dict.fromkeys(name for part in setting.split(",") if (name := part.strip())))
    if not names:
        raise InvalidValue("name at least one model")
    return names


def effort_of(setting: str | None, model: str) -> str | None:
    """The reasoning effort of a model: of a setting such as "low", or "grok-4.6=low,medium" (the rest: medium)."""
    general: str | None = None
    for part in (setting or "").split(","):
        name, equals, effort = (text.strip() for text in part.partition("="))
        if equals and name == model:
            return effort
        if not equals and name:
            general = name
    return general


def default_effort(model: str) -> str | None:
    """The effort of a model without a setting, where it is known to be high (https://docs.x.ai/developers/models)."""
    return "high" if _RELEASE.sub("", model.strip().lower()) in {"grok-4.5", "grok-4.6"} else None
