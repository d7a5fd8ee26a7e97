"""The phases of the rollout as rules: months, paces, budgets and gates (docs/behaviour.md, "Rollout"). Only the table, no plan."""

from __future__ import annotations

import functools
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from alexandria_pipeline.domain.key_figures import ATTEMPTS_A_DAY, RESOLUTION_RATE_AT_LEAST
from alexandria_pipeline.domain.month import Month


def _span(text: str) -> tuple[Month, Month | None]:
    """First and last month; None: whichever has ended last."""
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
    """One line of the table.

    `months`: spans such as "2021-01...2023-12", done one after the other, each from its most recent month back;
    "2025-01..." goes on for ever. `then_per_day` is the pace once a full day's figures hold. `gate`: percent of the
    phase's books that must be resolved before the next phase; null: its months must only be done.
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
        """Percent of a day's books that must be resolved for the faster pace: the gate, or the key figure."""
        return RESOLUTION_RATE_AT_LEAST if self.gate is None else self.gate

    def months_until(self, newest: Month, *, whole: bool = False) -> tuple[Month, ...]:
        """Its months up to `newest` in the order in which they are started; `whole`: those to come as well, if it has an end."""
        return _expanded(self.months, newest, whole)


# The specification says "about 200" calls for five months; 240 allows 48 calls for each month.
PHASES = (
    Phase(name="validation", months=("2020-01...2020-12",), per_day=5, isbndb_a_day=240, gate=RESOLUTION_RATE_AT_LEAST),
    Phase(name="scale", months=("2021-01...2023-12",), per_day=10, then_per_day=15, isbndb_a_day=600, gate=RESOLUTION_RATE_AT_LEAST),
    Phase(name="historical", months=("2024-01...2024-12", "2000-01...2019-12"), per_day=15, then_per_day=20, isbndb_a_day=ATTEMPTS_A_DAY),
    Phase(name="current", months=("2025-01...",), per_day=1),
)  # fmt: skip


_FAR = Month(2100, 12)


class Rules(BaseModel):
    """How the rollout goes, as `ALEXANDRIA_ROLLOUT_<FIELD>`; `phases` is JSON."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    phases: tuple[Phase, ...] = Field(PHASES, description="The table, as a JSON list; see docs/rollout.md.")
    isbndb_a_day: int = Field(
        ATTEMPTS_A_DAY, ge=0, description="ISBNdb calls a day, whatever for, above which no month is started."
    )
    calls_per_month: float = Field(
        40,
        gt=0,
        le=10_000,
        allow_inf_nan=False,
        description="ISBNdb calls a month is taken to need until some have run.",
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if not self.phases:
            raise ValueError("there is no phase")
        names = [phase.name for phase in self.phases]
        if len(set(names)) < len(names):
            raise ValueError("two phases have the same name")
        if any(phase.endless for phase in self.phases[:-1]):
            raise ValueError("only the last phase can go on for ever")
        months = [month for phase in self.phases for month in phase.months_until(_FAR, whole=True)]
        if len(set(months)) < len(months):
            raise ValueError("a month belongs to two phases")
        return self
