"""The phases of the rollout: months, months per day, budgets and gates (docs/behaviour.md, "Rollout"). No planning."""

from __future__ import annotations

import functools
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from alexandria_pipeline.domain.key_figures import ATTEMPTS_A_DAY, RESOLUTION_RATE_AT_LEAST
from alexandria_pipeline.domain.month import Month


def _span(text: str) -> tuple[Month, Month | None]:
    """Returns the first and last month of a span; None stands for the last finished month."""
    first, dots, last = text.partition("...")
    return Month.parse(first), (Month.parse(last) if last else None) if dots else Month.parse(first)


@functools.lru_cache(maxsize=64)
def _expanded(spans: tuple[str, ...], newest: Month, whole: bool) -> tuple[Month, ...]:
    months: list[Month] = []
    for text in spans:
        first, last = _span(text)
        month = newest if last is None else last if whole else min(last, newest)
        while month >= first:
            months.append(month)
            month -= 1
    return tuple(dict.fromkeys(months))


class Phase(BaseModel):
    """One phase.

    `months` are spans such as "2021-01...2023-12", processed in order, each from its newest month to its oldest;
    "2025-01..." has no end. `then_per_day` replaces `per_day` once the figures of a full day hold. `gate` is the
    percentage of resolved books that the next phase requires; null requires only that all months are terminal.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=50)
    months: tuple[str, ...] = Field(min_length=1)
    per_day: int = Field(ge=1, le=1000)
    then_per_day: int | None = Field(None, ge=1, le=1000)
    isbndb_a_day: int | None = Field(None, ge=0)
    gate: float | None = Field(None, ge=0, le=100, allow_inf_nan=False)

    @field_validator("months")
    @classmethod
    def _spans(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            first, last = _span(text)
            if last is not None and last < first:
                raise ValueError(f"{text} ends before it begins")
        return value

    @property
    def endless(self) -> bool:
        return any(_span(text)[1] is None for text in self.months)

    @property
    def day_holds_at(self) -> float:
        """Percent of a day's books that must be resolved for `then_per_day`: the gate, or the key figure."""
        return RESOLUTION_RATE_AT_LEAST if self.gate is None else self.gate

    def months_until(self, newest: Month, *, whole: bool = False) -> tuple[Month, ...]:
        """Returns its months up to `newest` in starting order; `whole` includes future months of a phase with an end."""
        return _expanded(self.months, newest, whole)


# The specification has "about 200" calls for five months; 240 allows 48 calls for each month.
PHASES = (
    Phase(name="validation", months=("2020-01...2020-12",), per_day=5, isbndb_a_day=240, gate=RESOLUTION_RATE_AT_LEAST),
    Phase(
        name="scale",
        months=("2021-01...2023-12",),
        per_day=10,
        then_per_day=15,
        isbndb_a_day=600,
        gate=RESOLUTION_RATE_AT_LEAST,
    ),
    Phase(
        name="historical",
        months=("2024-01...2024-12", "2000-01...2019-12"),
        per_day=15,
        then_per_day=20,
        isbndb_a_day=ATTEMPTS_A_DAY,
    ),
    Phase(name="current", months=("2025-01...",), per_day=1),
)


_FAR = Month(2100, 12)


class Rules(BaseModel):
    """The settings `ALEXANDRIA_ROLLOUT_<FIELD>`; `phases` is JSON."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    phases: tuple[Phase, ...] = Field(PHASES, description="The phases as a JSON list; see docs/rollout.md.")
    isbndb_a_day: int = Field(
        ATTEMPTS_A_DAY, ge=0, description="ISBNdb calls per day, for any purpose, above which no month starts."
    )
    calls_per_month: float = Field(
        40,
        gt=0,
        le=10_000,
        allow_inf_nan=False,
        description="ISBNdb calls expected per month until measured.",
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if not self.phases:
            raise ValueError("there is no phase")
        names = [phase.name for phase in self.phases]
        if len(set(names)) < len(names):
            raise ValueError("two phases have the same name")
        if any(phase.endless for phase in self.phases[:-1]):
            raise ValueError("only the last phase may have no end")
        months = [month for phase in self.phases for month in phase.months_until(_FAR, whole=True)]
        if len(set(months)) < len(months):
            raise ValueError("a month belongs to two phases")
        return self
