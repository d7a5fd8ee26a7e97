"""Registered prompts: the text of every variant, and the response schema; also prices and ends of AI models."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.ai_models import MODEL_ENDS, PRICES, Tokens, cost, model_warning, price
from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.generation.prompts import (
    BOOK_LIST_SCHEMA,
    GENRES,
    PromptVariant,
    default_variant,
    genre,
    prompt,
    registered_variant,
)
from alexandria_pipeline.domain.month import Month

JUNE = Month(2020, 6)
months = st.builds(Month, st.integers(1450, 9998), st.integers(1, 12))


def test_the_names_of_the_variants() -> None:
    assert {variant.value for variant in PromptVariant} == {
        "baseline",
        "contemporary-notable",
        "annual",
        "diversity-emphasis",
        "overlooked-significance",
        "genre-rotation",
        "era-contextualized",
    }


def test_free_text_is_rejected() -> None:
    assert registered_variant("annual") is PromptVariant.ANNUAL
    with pytest.raises(InvalidValue, match="not a registered prompt; use one of: baseline"):
        registered_variant("List good books")


@given(variant=st.sampled_from(PromptVariant), month=months, limit=st.integers(10, 50))
def test_every_prompt_has_the_same_rules_and_requests_no_isbn(variant: PromptVariant, month: Month, limit: int) -> None:
    text = prompt(variant, month, limit)
    assert text == prompt(variant, month, limit)
    both = text.system + text.user
    assert "isbn" not in both.lower()
    assert "Do not invent" in text.system
    assert 'Leave a place empty ("") rather than guess' in text.system
    assert "in English or in English translation" in text.system
    assert str(month.year) in text.system
    assert f"up to {limit} books" in text.user
    assert not {"{period", "{when", "{genre", "{era", "{year"} & set(both.split())


def test_the_month_name_does_not_depend_on_the_locale() -> None:
    assert "June 2020" in prompt(PromptVariant.BASELINE, JUNE, 20).user
    assert "first published in June 2020" in prompt(PromptVariant.BASELINE, JUNE, 20).system


def test_variants_differ() -> None:
    assert len({prompt(variant, JUNE, 20).user for variant in PromptVariant}) == len(PromptVariant)


def test_annual_names_the_year() -> None:
    assert "Name only books first published in 2020," in prompt(PromptVariant.ANNUAL, JUNE, 20).system


def test_genres_rotate_through_the_year() -> None:
    assert len(set(GENRES)) == 12
    assert [genre(Month(2020, number)) for number in range(1, 13)] == list(GENRES)
    assert "fantasy" in prompt(PromptVariant.GENRE_ROTATION, Month(2011, 4), 20).user


@pytest.mark.parametrize(
    ("year", "words"),
    [(2000, "book clubs"), (2009, "e-reader"), (2015, "social media"), (2020, "pandemic"), (1960, "war")],
)
def test_eras_follow_the_period(year: int, words: str) -> None:
    assert words in prompt(PromptVariant.ERA_CONTEXTUALIZED, Month(year, 1), 20).user


def test_the_default_variant_depends_on_the_year() -> None:
    assert default_variant(Month(2019, 12)) is PromptVariant.BASELINE
    assert default_variant(Month(2020, 1)) is PromptVariant.CONTEMPORARY_NOTABLE


def test_the_schema_is_accepted_by_strict_modes() -> None:
    def check(schema: dict[str, Any]) -> None:
        if schema["type"] == "object":
            assert schema["additionalProperties"] is False
            assert schema["required"] == list(schema["properties"])
            for member in schema["properties"].values():
                check(member)
        if schema["type"] == "array":
            check(schema["items"])

    check(dict(BOOK_LIST_SCHEMA))
    book = BOOK_LIST_SCHEMA["properties"]["books"]["items"]
    assert set(book["properties"]) == {"title", "author", "publisher", "genre", "significance"}


def test_costs_follow_the_price_table() -> None:
    day = date(2026, 11, 23)
    million = Tokens(1_000_000, 1_000_000)
    assert cost("gemini-3.5-flash-lite", million, day) == Decimal("2.80")
    assert cost("models/gemini-3.5-flash-lite-001", Tokens(1_000_000, 0), day) == Decimal("0.30")
    assert cost("grok-4.3-latest", Tokens(400, 1300), day) == Decimal("0.00375")
    assert cost("grok-4.3", Tokens(616, 1000, cached=615), day) == Decimal("0.00262425")
    assert cost("grok-4.5", Tokens(616, 1000, cached=615), day) == Decimal("0.007232")
    assert (price("grok-0", day), cost("grok-0", million, day)) == (None, None)


def test_a_price_has_a_first_day() -> None:
    million = Tokens(1_000_000, 1_000_000)
    assert cost("gemini-3.8-flash", million, date(2026, 12, 31)) == Decimal("4.50")
    assert cost("gemini-3.8-flash", million, date(2027, 1, 1)) == Decimal("9.00")


def test_every_model_of_the_table_has_one_price_a_day() -> None:
    for steps in PRICES.values():
        assert [step.since for step in steps] == sorted({step.since for step in steps})
        assert steps[0].since == date.min


@pytest.mark.parametrize(
    ("model", "today", "words"),
    [
        ("gemini-2.5-flash", date(2026, 10, 31), None),
        ("gemini-2.5-flash", date(2026, 11, 1), "in 30 days: set ALEXANDRIA_GEMINI_MODEL to gemini-3.5-flash-lite"),
        ("gemini-2.5-flash-001", date(2026, 11, 30), "in 1 day:"),
        ("gemini-2.5-flash", date(2026, 12, 1), "ended on 2026-12-01"),
        ("grok-4-1", date(2026, 11, 23), "ended on 2026-05-15: set ALEXANDRIA_XAI_MODEL to grok-4.3"),
        ("grok-4.3", date(2026, 11, 23), None),
        ("gemini-3.8-flash", date(2026, 12, 1), None),
        (
            "gemini-3.8-flash",
            date(2026, 12, 2),
            "costs 1.50/7.50 US dollars per million tokens (in/out) from 2027-01-01",
        ),
        ("gemini-3.8-flash", date(2027, 1, 1), None),
        (
            "gemini-3.5-flash",
            date(2026, 11, 23),
            "ended on 2026-10-08: set ALEXANDRIA_GEMINI_MODEL to gemini-3.6-flash",
        ),
        ("gemini-3.5-flash-lite", date(2026, 11, 23), None),
        ("somebody-elses", date(2026, 11, 23), None),
    ],
)
def test_models_near_or_past_their_end_have_a_warning(model: str, today: date, words: str | None) -> None:
    warning = model_warning(model, today)
    assert warning is None if words is None else words in (warning or "")


def test_every_successor_is_a_model_without_an_earlier_end() -> None:
    assert {end.successor for end in MODEL_ENDS.values()}.isdisjoint(MODEL_ENDS)
    assert all(end.source.startswith("https://") for end in MODEL_ENDS.values())
    assert all(p.input > 0 and p.output > 0 for steps in PRICES.values() for p in steps)
