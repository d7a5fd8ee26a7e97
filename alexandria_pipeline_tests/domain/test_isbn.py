"""ISBNs: parsing, errors, search in text, and written forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.isbn import Isbn13, is_placeholder, resembles

VALID = st.integers(0, 10**9 - 1).flatmap(
    lambda body: st.sampled_from(["978", "979"]).map(lambda prefix: _with_check_digit(f"{prefix}{body:09d}"))
)


def _with_check_digit(stem: str) -> str:
    return stem + str(-sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(stem)) % 10)


@pytest.mark.parametrize(
    "text",
    ["9780735213180", "978-0-7352-1318-0", "978 0 7352 1318 0", "978–0–7352–1318–0", "ISBN: 9780735213180", "ISBN-13: 978-0735213180",
     "0735213186", "ISBN 0-7352-1318-6", " 0735213186 ", '="9780735213180"', '="0735213186"', "'9780735213180", "9780735213180.0"],
)  # fmt: skip
def test_every_written_form_is_read(text: str) -> None:
    assert Isbn13.parse(text) == "9780735213180"


def test_an_isbn_10_may_end_in_x() -> None:
    assert Isbn13.parse("0-8044-2957-x") == "9780804429573"
    assert Isbn13.parse("9780804429573").isbn10 == "080442957X"


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "needs 13 digits"), ("97807352131", "needs 13 digits"), ("9780735213181", "check digit is 1 and should be 0"),
     ("0735213187", "check digit is 7 and should be 6"), ("9770735213180", "starts with 977"), ("٩٧٨٠٧٣٥٢١٣١٨٠", "needs 13 digits"),
     ("9.78074E+12", "format the column as text"), ("9,78074E+12", "format the column as text"),
     ("735213186", "has removed the first 0")],
)  # fmt: skip
def test_an_error_states_what_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(InvalidValue, match=problem):
        Isbn13.parse(text)


@pytest.mark.parametrize(
    ("field", "found"),
    [("9780735213180", "9780735213180"), (9780735213180, "9780735213180"), ("urn:isbn:9780735213180", "9780735213180"),
     ("9780735213180 (hardcover)", "9780735213180"), ("pbk. 0735213186; $9.99", "9780735213180"), (None, None), (["9780735213180"], None),
     ("n/a", None), (True, None), ("9780735213181", None), (1.5, None)],
)  # fmt: skip
def test_finding_in_a_field_never_raises(field: object, found: str | None) -> None:
    assert Isbn13.find(field) == found


def test_hyphens_follow_the_range_table() -> None:
    assert Isbn13.parse("9780735213180").hyphenated == "978-0-7352-1318-0"
    assert Isbn13.parse("9791034744909").isbn10 is None


@pytest.mark.parametrize("isbn", ["9780000000019", "9780000000002", "9781234567897", "9781111111113"])
def test_placeholders_have_a_valid_check_digit(isbn: str) -> None:
    assert is_placeholder(Isbn13.parse(isbn))
    assert not is_placeholder(Isbn13.parse("9780735213180"))


@given(VALID)
def test_all_forms_of_an_isbn_are_equal(text: str) -> None:
    isbn = Isbn13.parse(text)
    assert Isbn13.parse(isbn.hyphenated) == isbn
    if isbn.isbn10 is not None:
        assert Isbn13.parse(isbn.isbn10) == isbn


@given(st.text())
def test_any_text_is_an_isbn_or_an_invalid_value(text: str) -> None:
    found = Isbn13.find(text)
    assert found is None or Isbn13.parse(found) == found


@pytest.mark.parametrize(
    ("field", "meant"),
    [("9780735213181", True), ("0735213187", True), ("9.78E+12", True), ("735213186", True), ("", False), ("n/a", False),
     ("B07XYZ1234", False), ("2020", False), ("b5e0f8a2-1c7d-4c57", False), ("not specified", False)],
)  # fmt: skip
def test_a_field_that_is_meant_as_an_isbn_is_distinguished_from_others(field: str, meant: bool) -> None:
    assert resembles(field) is meant
