"""The gold set as a whole, and the rules of the verdict one by one."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.verdict import THRESHOLDS, RefusalReason, judge
from alexandria_pipeline.domain.matching.weights import probability
from alexandria_pipeline.domain.records import (
    BookQuery,
    Candidate,
    Contributor,
    ContributorRole,
    EditionFormat,
    PartialDate,
)
from alexandria_pipeline_tests.domain.matching.gold import gold_cases, precision_and_recall

CASES = gold_cases()
EMMA = BookQuery("Emma", "Jane Austen", 1815)


def candidate(
    title: str, author: str | None, year: int | None = None, isbn: str = "9780141439587", rank: int = 0
) -> Candidate:
    contributors = (Contributor(author),) if author else ()
    return Candidate(
        "test", Isbn13.parse(isbn), title, contributors, published=PartialDate(year) if year else None, rank=rank
    )


def test_the_gold_set_is_large_enough_and_its_figures_hold() -> None:
    assert len(CASES) >= 300
    precision, recall = precision_and_recall(CASES)
    assert precision >= 0.995
    assert recall >= 0.97


@pytest.mark.parametrize("trap", sorted({case.trap for case in CASES}))
def test_gold_cases(trap: str) -> None:
    judged = [(case, judge(case.query, case.candidates)) for case in CASES if case.trap == trap]
    assert [
        (case.query, verdict.candidate, verdict.confidence, verdict.reason, verdict.evidence)
        for case, verdict in judged
        if not case.holds(verdict)
    ] == []


def test_verdicts_do_not_depend_on_the_order_of_the_answer() -> None:
    shuffler = random.Random(7)  # noqa: S311  # an arbitrary order, not a secret
    for case in CASES:
        shuffled = list(case.candidates)
        shuffler.shuffle(shuffled)
        assert judge(case.query, shuffled) == judge(case.query, case.candidates), case.trap


@pytest.mark.parametrize(
    ("candidates", "reason"),
    [
        ([], RefusalReason.NO_CANDIDATES),
        ([candidate("Persuasion", "Jane Austen")], RefusalReason.OTHER_TITLE),
        ([candidate("Emma", "Alexander McCall Smith", 2014)], RefusalReason.OTHER_AUTHOR),
        ([candidate("Emma, Vol. 2", "Jane Austen", 1815)], RefusalReason.OTHER_VOLUME),
        ([candidate("Emma: Study Guide", "Jane Austen", 1815)], RefusalReason.OTHER_KIND),
        ([candidate("Emma", "Jane Austen", 9999)], RefusalReason.IMPLAUSIBLE_YEAR),
        ([candidate("Emma", "Jane Austen", 1815, "9780000000019")], RefusalReason.PLACEHOLDER_ISBN),
        ([candidate("Emma", None, 1815)], RefusalReason.TOO_WEAK),
    ],
)
def test_a_refusal_states_why(candidates: list[Candidate], reason: RefusalReason) -> None:
    verdict = judge(EMMA, candidates)
    assert not verdict.accepted
    assert verdict.reason is reason
    assert (verdict.candidate is None) is (not candidates)


def test_a_translator_is_not_the_author() -> None:
    offered = replace(
        candidate("Emma", None, 1815), contributors=(Contributor("Jane Austen", ContributorRole.TRANSLATOR),)
    )
    assert judge(EMMA, [offered]).reason is RefusalReason.NOT_THE_AUTHOR


def test_two_works_equally_good_are_ambiguous_and_both_are_named() -> None:
    verdict = judge(BookQuery("The Great Escape", "", 2000), [
        candidate("The Great Escape", "Paul Brickhill", 2000), candidate("The Great Escape", "Kati Marton", 2000, "9780743261159", 1),
    ])  # fmt: skip
    assert verdict.reason is RefusalReason.AMBIGUOUS
    assert verdict.runner_up is not None


def test_several_editions_of_one_work_are_not_ambiguous_and_the_first_print_one_is_chosen() -> None:
    editions = [
        replace(candidate("Emma", "Austen, Jane", 1816, "9780141439587", 0), format=EditionFormat.AUDIO, language="en"),
        replace(
            candidate("Emma", "Austen, Jane", 1999, "9780743261159", 1), format=EditionFormat.PAPERBACK, language="en"
        ),
        replace(
            candidate("Emma", "Austen, Jane", 1815, "9783150061565", 2), format=EditionFormat.PAPERBACK, language="de"
        ),
    ]
    verdict = judge(EMMA, editions)
    assert verdict.accepted
    assert verdict.candidate == editions[1]
    assert verdict.confidence >= THRESHOLDS["high"]


def test_the_evidence_adds_up_to_the_confidence() -> None:
    verdict = judge(EMMA, [candidate("Emma", "J. Austen", 1815)])
    assert verdict.confidence == int(100 * probability(sum(line.points for line in verdict.evidence)))
    assert [line.name for line in verdict.evidence] == [
        "prior", "title", "extra", "company", "author", "year", "language", "kind", "format",
    ]  # fmt: skip


@given(title=st.text(), author=st.text(), offered=st.text(), by=st.text(), year=st.integers(-5, 12_000))
def test_any_text_can_be_judged(title: str, author: str, offered: str, by: str, year: int) -> None:
    verdict = judge(BookQuery(title, author, 2000), [candidate(offered, by, year)])
    assert 0 <= verdict.confidence <= 100
    assert verdict.accepted is (verdict.reason is None)


def test_a_publisher_of_recordings_marks_a_recording_whose_format_is_missing() -> None:
    author = (Contributor("Greg Bear"),)
    recording = Candidate(
        "google-books", Isbn13("9780306406157"), "Halo: Silentium", author, publisher="Hachette Audio"
    )
    book = Candidate("google-books", Isbn13("9780140283334"), "Halo: Silentium", author, publisher="Tor", rank=1)
    verdict = judge(BookQuery("Halo: Silentium", "Greg Bear", 2020), [recording, book])
    assert verdict.candidate == book
    assert verdict.settled
    assert not judge(BookQuery("Halo: Silentium", "Greg Bear", 2020), [recording]).settled


def test_a_title_with_more_to_it_is_settled_only_by_a_second_edition_that_agrees() -> None:
    query = BookQuery("Anthill", "E. O. Wilson", 2010)
    first = candidate("Anthill: An Ant Story", "E. O. Wilson", 2010)
    assert judge(query, [first]).accepted
    assert not judge(query, [first]).settled
    second = replace(first, isbn13=Isbn13("9780060837365"))
    assert judge(query, [first, second]).settled
