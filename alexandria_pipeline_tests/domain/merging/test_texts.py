"""Texts of claims: the fast way past ftfy gives what ftfy gives."""

from __future__ import annotations

import ftfy
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.merging.texts import clean_description, identifier, repaired

PLAIN = st.text("ab Z9.,:!?'\"()&<>\n—–…éèêñöüàßÉ“”‘’", max_size=14)


def _damaged(text: str) -> str:
    return text.encode().decode("cp1252", errors="replace")


@given(st.one_of(PLAIN, PLAIN.map(_damaged), st.text(max_size=8)))
def test_a_text_is_repaired_as_by_ftfy(text: str) -> None:
    assert repaired(text).split() == ftfy.fix_text(text).split()


def test_a_description_without_markup_is_kept() -> None:
    text = "It’s the winter of the “long letters”, and nobody leaves the café — 3 < 4 & more."
    assert (
        clean_description(text) == 'It\'s the winter of the "long letters", and nobody leaves the café — 3 < 4 & more.'
    )


def test_an_isni_is_checked_and_other_identifiers_stay_as_they_are() -> None:
    assert identifier("isni", "0000 0001 2281 955X") == "000000012281955X"
    assert identifier("isni", "0000 0001 2281 9551") == identifier("isni", "unknown") == ""
    assert identifier("viaf", "007") == "007"
