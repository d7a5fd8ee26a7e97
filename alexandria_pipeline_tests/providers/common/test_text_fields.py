"""Text and number fields: cleaning of text, counts, and values of any type."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.providers.common.contributors import contributors
from alexandria_pipeline.providers.common.dates import partial_date
from alexandria_pipeline.providers.common.edition_formats import edition_format
from alexandria_pipeline.providers.common.languages import language
from alexandria_pipeline.providers.common.text_fields import (
    decimal_number,
    plain_text,
    text,
    texts,
    web_address,
    whole_number,
)
from alexandria_pipeline.providers.common.wire_models import isbns
from alexandria_pipeline_tests.providers.scripted_http import JSON


def test_a_text_is_one_clean_line() -> None:
    assert text("  Tom &amp;#39;s\x00\n Cabin \ud800") == "Tom 's Cabin"
    assert text(1984) == "1984"
    placeholders: tuple[Any, ...] = ("~autofilled~", "", "null", None, True, 1.5, [])
    assert [text(placeholder) for placeholder in placeholders] == [None] * 7
    assert texts(["a", None, "a", "~autofilled~", " b"]) == ("a", "b")
    assert texts("a") == ("a",)
    assert texts(10**5000) == ()


def test_plain_text_has_paragraphs_and_no_mark_up() -> None:
    assert plain_text("<p>A &lt;i&gt;b&lt;/i&gt; &amp; c</p><br>1 < 2<!-- x -->") == "A b & c\n1 < 2"
    assert plain_text({"value": "x"}) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [(397, 397), (397.0, 397), ("397", 397), ("397 p.", 397), ("397 pages", 397), (0, 0), (-1, None), (1.5, None),
     ("xii, 397 p.", None), (2**31, None), ("9" * 5000, None), (True, None), (float("nan"), None), (None, None)],
)  # fmt: skip
def test_numbers(value: Any, number: int | None) -> None:
    assert whole_number(value) == number


@given(JSON)
def test_readers_never_raise(value: Any) -> None:
    for read in (
        text, texts, plain_text, whole_number, decimal_number, language,
        partial_date, edition_format, isbns, web_address, contributors,
    ):  # fmt: skip
        read(value)
    contributors(value, split_names=True)


@given(st.text())
def test_texts_can_be_stored(value: str) -> None:
    for line in (text(value), plain_text(value)):
        assert line is None or "\x00" not in line
        assert line is None or line.encode()
