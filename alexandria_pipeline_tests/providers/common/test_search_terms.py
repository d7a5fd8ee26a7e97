"""Search terms: title words, surnames and path segments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.providers.common.search_terms import path_segment, surname, title_words


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("The Martian (Series, #3)", "Martian"), ("Educated: A Memoir", "Educated"), ("Catch-22", "Catch 22"),
        ("Mistborn: The Final Empire", "Mistborn The Final Empire"), ("Les Misérables", "Misérables"), ("罪と罰", "罪と罰"),
        ("Harry Potter and the Sorcerer's Stone (Harry Potter, #1)", "Harry Potter and the Sorcerer's Stone"),
        ("Fathers & Sons: A Novel", "Fathers and Sons"), ("???", "???"), ("", ""),
    ],
)  # fmt: skip
def test_title_words_are_those_of_the_main_title(title: str, words: str) -> None:
    assert title_words(title) == words


def test_surnames() -> None:
    assert surname("Gabriel García Márquez") == "Márquez"
    assert surname("Tolkien, J. R. R.") == "Tolkien"
    assert surname("") == surname("Unknown") == ""


@given(st.text(min_size=1))
def test_a_path_segment_cannot_be_left(text: str) -> None:
    segment = path_segment(text)
    assert not set(segment) & set("/?# \\")
    assert segment not in {".", ".."}
    assert segment.isascii()
