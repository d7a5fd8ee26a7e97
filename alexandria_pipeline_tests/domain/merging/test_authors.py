"""Identity of authors: library headings are taken apart, and a name alone is no identity."""

from __future__ import annotations

import pytest

from alexandria_pipeline.domain.merging.authors import AuthorFacts, Year, heading, judge
from alexandria_pipeline.domain.merging.texts import natural_name

TITLE = frozenset({"hamnet"})


@pytest.mark.parametrize(
    ("text", "words", "born", "died"),
    [
        ("Gregory, Saint, Bishop of Tours, 538-594", ("gregory", "tours"), Year(538, 538), Year(594, 594)),
        ("Bigod, Roger, Earl of Norfolk, d. 1221.", ("bigod", "norfolk", "roger"), None, Year(1221, 1221)),
        ("Albertus, Magnus, Saint, 1193?-1280", ("albertus", "magnus"), Year(1193, 1193, about=True), Year(1280, 1280)),
        ("Nabi, 1641 or 1642-1712", ("nabi",), Year(1641, 1642), Year(1712, 1712)),
        ("Helm, Franz, approximately 1500-1567", ("franz", "helm"), Year(1500, 1500, about=True), Year(1567, 1567)),
        ("Tardif, Guillaume, b. 1440.", ("guillaume", "tardif"), Year(1440, 1440), None),
        ("Sacro Bosco, Joannes de, active 1230", ("bosco", "joannes", "sacro"), None, None),
        ("Smith, John, 1950-", ("john", "smith"), Year(1950, 1950), None),
        ("Ursula K. Le Guin", ("guin", "k", "ursula"), None, None),
    ],
)
def test_a_heading_is_taken_apart(text: str, words: tuple[str, ...], born: Year | None, died: Year | None) -> None:
    found = heading(text)
    assert (found.words, found.born, found.died) == (words, born, died)


def _judged(one: AuthorFacts, other: AuthorFacts) -> tuple[str, str, str] | None:
    found = judge(one, other)
    assert judge(other, one) == found
    return (found.verdict, found.rule, found.guard) if found else None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (AuthorFacts("a", "Smith, John, 1950-"), AuthorFacts("b", "John Smith", 1950), ("same", "name and dates", "")),
        (AuthorFacts("a", "John Smith", 1950), AuthorFacts("b", "John Smith", 1951), None),
        (AuthorFacts("a", "John Smith", 1950), AuthorFacts("b", "John Smith"), None),
        (AuthorFacts("a", "John Smith"), AuthorFacts("b", "John Smith"), None),
        (AuthorFacts("a", "Smith, J., 1950-2001"), AuthorFacts("b", "John Smith", 1950, 2001), ("same", "name and dates", "")),
        (AuthorFacts("a", "John Smith", titles=TITLE), AuthorFacts("b", "Smith, John", titles=TITLE), ("same", "name and work", "")),
        (AuthorFacts("a", "Helm, Franz, approximately 1500-1567"), AuthorFacts("b", "Franz Helm", 1504, 1567), ("same", "name and dates", "")),
        (
            AuthorFacts("a", "John Smith", 1950, None, {"wikidata": frozenset({"Q1"})}),
            AuthorFacts("b", "John Smith", 1950, None, {"wikidata": frozenset({"Q2"})}),
            ("unsure", "name and dates", "two_identifiers"),
        ),
        (
            AuthorFacts("a", "John Smith", 1950, None, {"viaf": frozenset({"1"})}),
            AuthorFacts("b", "Jack Smith", 1851, None, {"viaf": frozenset({"1"})}),
            ("unsure", "shared viaf", "other_dates"),
        ),
    ],
)  # fmt: skip
def test_a_name_needs_dates_or_a_work(
    one: AuthorFacts, other: AuthorFacts, expected: tuple[str, str, str] | None
) -> None:
    assert _judged(one, other) == expected


def test_a_heading_is_shown_without_its_years() -> None:
    assert natural_name("Twain, Mark, 1835-1910") == "Mark Twain"
    assert natural_name("Smith, John, 1950-") == "John Smith"
    assert natural_name("1984 Collective") == "1984 Collective"
