"""Identity of works: what speaks for one work, and each guard that refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.merging.works import GUARDS, Judgement, WorkFacts, judge

AUTHOR = frozenset({"openlibrary_author:OL1A"})


def _work(title: str, *, author: str = "George Martin", **more: Any) -> WorkFacts:
    return WorkFacts(title, (title,), author, **more)


def _ids(**values: str) -> dict[str, frozenset[str]]:
    return {scheme: frozenset(text.split()) for scheme, text in values.items()}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        # A shared identifier, also where the author is spelt otherwise.
        (_work("Dune", identifiers=_ids(openlibrary_work="OL1W")), _work("Dune: A Novel", identifiers=_ids(openlibrary_work="OL1W")),
         Judgement("same", "shared openlibrary_work")),
        (_work("Dune", authors=AUTHOR), _work("DUNE (Paperback)", authors=AUTHOR), Judgement("same", "title and author")),
        (_work("Dune", first_published=1965), _work("Dune: A Novel", first_published=1965), Judgement("same", "likeness and year")),
        (_work("Dune", isbns=frozenset({"9780441013593"})), _work("Dune", isbns=frozenset({"9780441013593"})),
         Judgement("same", "likeness and edition")),
        # Equal in title and name only: for a person.
        (_work("Dune"), _work("Dune"), Judgement("unsure", "title and name")),
        (_work("Dune"), _work("Emma"), None),
        (_work("Crash", first_published=1973), _work("Clash", first_published=1973),
         Judgement("unsure", "misspelling and year")),
        (_work("Crash"), _work("Clash"), None),
        (_work("Dune", authors=AUTHOR), _work("Dune Messiah", authors=AUTHOR), None),
    ],
)  # fmt: skip
def test_what_speaks_for_one_work(one: WorkFacts, other: WorkFacts, expected: Judgement | None) -> None:
    assert judge(one, other) == judge(other, one) == expected


@pytest.mark.parametrize(
    ("guard", "one", "other"),
    [
        (
            "two_identifiers",
            _work("Dune", identifiers=_ids(wikidata="Q1")),
            _work("Dune", identifiers=_ids(wikidata="Q2")),
        ),
        ("other_numbers", _work("Henry IV"), _work("Henry V")),
        ("other_numbers", _work("Seven Husbands"), _work("Eight Husbands")),
        ("other_place", _work("Lock (Keys, #1)"), _work("Lock (Keys, #2)")),
        ("range_of_volumes", _work("Thrones (Ice, #1-4)"), _work("Thrones (Ice, #1)")),
        ("range_of_volumes", _work("Thrones (Ice, #1-4)"), _work("Thrones (Ice, #1-5)")),
        ("range_of_volumes", _work("Thrones Box Set"), _work("Thrones")),
        ("other_part", _work("Swords (Ice, #3: Part 1 of 2)"), _work("Swords (Ice, #3)")),
        ("several_titles", _work("Emma / Persuasion"), _work("Emma")),
        ("other_kind", _work("Stormbreaker: The Graphic Novel"), _work("Stormbreaker")),
        ("other_title", _work("Emma"), _work("Persuasion")),
    ],
)
def test_guards(guard: str, one: WorkFacts, other: WorkFacts) -> None:
    assert GUARDS[guard](one, other)
    assert GUARDS[guard](other, one)
    assert not GUARDS[guard](one, one)
    shared = _ids(goodreads_work="7") | dict(one.identifiers or {})
    marked = [
        WorkFacts(work.key, work.titles, work.author, identifiers={**shared, **(work.identifiers or {})})
        for work in (one, other)
    ]
    found = judge(*marked)
    assert found is not None
    assert (found.verdict, found.rule) == ("unsure", "shared goodreads_work")
    assert found.guard, "a shared identifier does not override a guard"


TITLES = st.sampled_from(
    ["Dune", "Dune: A Novel", "Dune (Saga, #1)", "Dune (Saga, #2)", "Dune / Emma", "Emma", "Dune II", "Dune #1-3"]
)
WORKS = st.builds(
    lambda title, ids, year: _work(title, identifiers=_ids(**ids), first_published=year),
    TITLES,
    st.dictionaries(st.sampled_from(["openlibrary_work", "wikidata"]), st.sampled_from(["a", "b"])),
    st.sampled_from([None, 1965, 1966]),
)


@given(WORKS, WORKS)
def test_a_judgement_is_symmetric_and_no_guard_is_passed(one: WorkFacts, other: WorkFacts) -> None:
    found = judge(one, other)
    assert found == judge(other, one)
    if found is not None and found.verdict == "same":
        assert not any(guard(one, other) for guard in GUARDS.values())
