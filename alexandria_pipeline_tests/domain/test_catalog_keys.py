"""The keys of the catalogue: the quick ways give the same keys as the full rules."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.catalog_keys import author_hash, title_keys
from alexandria_pipeline.domain.text.normalise import normalise

NAMES = "Ursula K. Le Guin Von Smith Jr III Dr And Bishop Author Unknown By Illustrated Ma Saint King Lee No Read O Mac".split()


@given(st.text(string.ascii_letters + string.digits + " '`-_.,!?\"/\\", max_size=20))
def test_signs_and_case_do_not_change_the_keys_of_an_ascii_title(title: str) -> None:
    assert title_keys(f"Zq {title}") == title_keys(f"Zq {normalise(title)}")


WORDS = "The a an A novel memoir of Is to Zq by - -- ' ` . , ! ? \" : ; & + # ( ) [ ] = / _ é".split()


@given(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join))
def test_a_usual_title_has_the_same_keys_by_all_rules(title: str) -> None:
    assert title_keys(title) == title_keys(f"{title}\xa0")  # not ASCII: read by all rules


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(" ".join))
def test_a_name_that_needs_no_full_reading_has_the_same_key(name: str) -> None:
    assert author_hash(name) == author_hash(f" {name}")  # a space in front: read by all rules


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Glass Orchard: A Novel", "Glass orchard"),
        ("Glass Orchard (Large Print)", "glass-orchard"),
        ("Glass Orchard / by M. Okonedo", "The Glass Orchard, a novel"),
        ("Café Society", "Cafe Society"),
        ("Dogs & Cats", "Dogs and Cats"),
    ],
)
def test_titles_of_one_book_have_the_same_keys(one: str, other: str) -> None:
    assert title_keys(one) == title_keys(other)


def test_other_titles_have_other_keys() -> None:
    assert title_keys("C++").title != title_keys("C").title
    assert title_keys("A is for Alibi").title != title_keys("Is for Alibi").title
