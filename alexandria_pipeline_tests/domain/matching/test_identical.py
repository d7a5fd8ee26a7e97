"""The quick verdict about a candidate with title and author of the question is that of the judge."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.identical import quick_verdict
from alexandria_pipeline.domain.matching.verdict import judge
from alexandria_pipeline.domain.matching.vocabulary import entries, maker_words
from alexandria_pipeline.domain.records import (
    BookQuery,
    Candidate,
    Contributor,
    ContributorRole,
    EditionFormat,
    PartialDate,
)

# Words that rules look at: of the vocabulary, of volumes, languages, forms and series.
WORDS = sorted({word for row in entries() for word in row.example.split() if word.isalpha()}) + (
    "The A a An Glass Orchard of by By and or In Volume Part Book Two II First Emma Persuasion Play Novel Memoir Story Stories Trilogy "
    "Spanish Edition Deutsche Ausgabe En Espanol Large Print Type Unabridged Audio Books On Tape Mp Disc Okonedo Mira Life Notes No Number".split()
)
NAMES = [
    "Mira Okonedo",
    "Mira J. Okonedo",
    "Emma Life",
    "Anna Notes",
    "Paul Rags",
    "Tom Media",
    "Ann Glass",
    "Jane Worth",
    "Shmoop Books",
    "X Y",
]
PUBLISHERS = [
    None,
    "",
    "Quill Press",
    "Spark",
    "Super",
    "Cliffs",
    "SparkNotes",
    "Recorded Books",
    "Penguin Audio",
    "Book",
    "Worth",
    "Fast",
    "Must Read",
]

titles = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
years = st.one_of(st.none(), st.sampled_from([1200, 1899, 1980, 1995, 1999, 2000, 2001, 2010, 2045, 2150]))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[BookQuery, Candidate]:
    title, name = draw(titles), draw(st.sampled_from(NAMES))
    asked = (
        title
        if draw(st.booleans())
        else draw(st.sampled_from([title.upper(), title.lower(), title.title(), f"{title}s"]))
    )
    published = draw(years)
    candidate = Candidate(
        "local-catalog",
        Isbn13.parse(draw(st.sampled_from(["9781402894626", "9782070368228", "9780000000002"]))),
        title,
        (Contributor(name, draw(st.sampled_from([ContributorRole.AUTHOR] * 4 + [ContributorRole.ILLUSTRATOR]))),),
        draw(st.sampled_from([None, None, None, "A Novel"])),
        PartialDate(published) if published else None,
        draw(years),
        draw(st.sampled_from([None, "en", "en", "de"])),
        draw(st.sampled_from(PUBLISHERS)),
        draw(st.sampled_from(EditionFormat)),
        draw(st.sampled_from([None, 48, 300])),
        draw(st.sampled_from([None, None, "Orchards", "Orchards, 2"])),
    )
    return BookQuery(asked, draw(st.sampled_from([name, name, name, "Mira Okonedo"])), draw(years)), candidate


@settings(max_examples=400)
@given(pairs())
def test_a_quick_verdict_is_that_of_the_judge(pair: tuple[BookQuery, Candidate]) -> None:
    query, candidate = pair
    quick = quick_verdict(query, candidate)
    if quick is not None:
        verdict = judge(query, [candidate])
        assert verdict.accepted
        assert (verdict.confidence, verdict.settled) == quick


def test_the_usual_case_is_quick() -> None:
    people = (Contributor("Mira Okonedo", ContributorRole.AUTHOR),)
    candidate = Candidate("local-catalog", Isbn13("9781402894626"), "The Glass Orchard", people, language="en")
    assert quick_verdict(BookQuery("The Glass Orchard", "Mira Okonedo"), candidate) == (99, True)


@pytest.mark.parametrize("word", sorted(maker_words()))
def test_words_of_publishers_of_books_about_books_are_left_to_the_judge(word: str) -> None:
    people = (Contributor(f"Mira {word.title()}", ContributorRole.AUTHOR),)
    candidate = Candidate("local-catalog", Isbn13("9781402894626"), "The Glass Orchard", people, language="en")
    assert quick_verdict(BookQuery("The Glass Orchard", people[0].name), candidate) is None
