"""Months: parsing, arithmetic, order."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.month import Month

MONTHS = st.builds(Month, st.integers(1500, 9000), st.integers(1, 12))


def test_a_month_is_read_and_written() -> None:
    assert Month.parse("2020-06") == Month(2020, 6)
    assert str(Month(2020, 6)) == "2020-06"
    assert Month.of(date(2020, 6, 30)) == Month(2020, 6)
    assert Month(2020, 6).first_day == date(2020, 6, 1)
    assert Month(2020, 6).lock_key == 202006


@pytest.mark.parametrize(
    "key", ["2020-13", "2020-00", "2020-6", "20-06", "2020-06-01", "", "２０２０-06", "2020-06\n", "1449-01"]
)
def test_anything_else_is_refused_with_the_value_named(key: str) -> None:
    with pytest.raises(InvalidValue, match="is not a month"):
        Month.parse(key)


def test_arithmetic_crosses_years() -> None:
    assert Month(2019, 12) + 1 == Month(2020, 1)
    assert Month(2020, 1) - 1 == Month(2019, 12)
    assert Month(2000, 1) + 299 == Month(2024, 12)


@given(MONTHS, st.integers(-500, 500))
def test_adding_and_subtracting_undo_each_other(month: Month, months: int) -> None:
    assert month + months - months == month
    assert Month.parse(str(month)) == month


@given(MONTHS, MONTHS)
def test_months_sort_as_their_keys_do(a: Month, b: Month) -> None:
    assert (a < b) == (str(a) < str(b)) == (a.lock_key < b.lock_key)
