"""Dates: the forms in which services write them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.records import PartialDate
from alexandria_pipeline.providers.common.dates import partial_date


@pytest.mark.parametrize(
    ("value", "date"),
    [
        (1992, "1992"), ("1992", "1992"), (1992.0, "1992"), ("1992-06", "1992-06"), ("1992-06-05", "1992-06-05"),
        ("1992-06-05T00:00:00+02:00", "1992-06-05"), ("2013-08-20 00:00:00", "2013-08-20"), ("19920605", "1992-06-05"),
        ("+1965-08-01T00:00:00Z", "1965-08-01"), ("Jul 24, 2019", "2019-07-24"), ("July 2019", "2019-07"),
        ("24 July 2019", "2019-07-24"), ("September 2, 2002", "2002-09-02"), ("2001 May 3", "2001-05-03"),
        ("c1995", "1995"), ("[1995]", "1995"), ("1995?", "1995"), ("1998, c1995", "1998"), ("Spring 2001", "2001"),
        ("06/2015", "2015-06"), ("6/1/2015", "2015"), ("13/1/2015", "2015-01-13"), ("1/13/2015", "2015-01-13"),
        ("2015-00-00", "2015"), ("2015-02-30", "2015-02"), ("0354-11-13", "0354-11-13"), ("1940's", None), ("199?", None),
        ("19--", None), ("0000-00-00", None), ("0101-01-01", None), ("1900-01-01", None), ("9999", None),
        (1420070400, None), ("-0044-03-15", None), ("", None), (True, None), ([1992], None), (float("inf"), None),
    ],
)  # fmt: skip
def test_dates(value: Any, date: str | None) -> None:
    found = partial_date(value)
    assert (str(found) if found else None) == date


@given(st.from_regex(r"[0-9]{4}[-/ ~?]?[0-9]{0,2}[-/ ~?]?[0-9]{0,2}", fullmatch=True))
def test_what_is_made_of_any_text_is_a_date_of_edtf_level_0(text: str) -> None:
    found = partial_date(text)
    if found is not None:
        dt.date.fromisoformat((f"{found}-01-01")[:10])  # raises for a day that does not exist


@given(st.dates())
def test_every_day_is_read(day: Any) -> None:
    found = partial_date(day.isoformat())
    assert found in {PartialDate(day.year, day.month, day.day), None}
    assert found is not None or not 200 <= day.year <= 2199 or (day.month, day.day) == (1, 1)
