"""The vocabulary and the table of weights: every row is true of its own example."""

from __future__ import annotations

import re

import pytest

from alexandria_pipeline.domain.matching.evidence import Finding, gather
from alexandria_pipeline.domain.matching.verdict import judge
from alexandria_pipeline.domain.matching.vocabulary import Entry, entries, kind_words, lists_several_titles
from alexandria_pipeline.domain.matching.weights import PRIOR, probability, weight_rows, weights
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline_tests.domain.matching.gold import gold_cases


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.example)
def test_an_entry_matches_its_example_and_not_its_counter_example(entry: Entry) -> None:
    pattern = re.compile(rf"\b(?:{entry.pattern})\b")
    assert pattern.search(entry.example)
    assert not pattern.search(entry.counter_example)
    assert normalise(entry.example) == entry.example, "patterns are for normalised text"
    assert entry.strength in {"strong", "weak", "series", "publisher"}


def test_words_are_found_with_their_label_and_place() -> None:
    (word,) = kind_words("emma the graphic novel")
    assert (word.label, word.strength) == ("adaptation", "weak")
    assert "emma the graphic novel"[word.start : word.end] == "graphic novel"
    assert kind_words("catching fire book two of the hunger games trilogy") == ()


def test_titles_strung_together() -> None:
    assert lists_several_titles("Emma / Persuasion", frozenset())
    assert not lists_several_titles("Emma / Jane Austen", frozenset({"austen"}))
    assert not lists_several_titles("Emma ; a novel", frozenset())


def test_every_level_that_the_gold_set_shows_has_a_weight() -> None:
    known = set(weights())
    seen = {
        (one.name, one.level) for case in gold_cases() for each in case.candidates for one in gather(case.query, each)
    }
    assert seen <= known


def test_the_table_keeps_its_counts_and_no_level_beats_the_best_of_its_evidence() -> None:
    rows = weight_rows()
    assert len({(row.evidence, row.level) for row in rows}) == len(rows)
    assert sum(row.right + row.wrong for row in rows if not row.by_rule) > 0
    table = weights()
    for evidence, best in (
        ("title", "same"),
        ("author", "full"),
        ("company", "none"),
        ("extra", "none"),
        ("kind", "book"),
    ):
        assert table[evidence, best] == max(row.decibans for row in rows if row.evidence == evidence)


def test_decibans_are_odds() -> None:
    assert probability(0) == 0.5
    assert probability(10) == pytest.approx(10 / 11)
    assert probability(-10) == pytest.approx(1 / 11)


def test_other_weights_give_another_verdict() -> None:
    case = next(case for case in gold_cases() if case.right != {"none"})
    assert judge(case.query, case.candidates).accepted
    assert not judge(case.query, case.candidates, {**weights(), PRIOR: -100}).accepted


def test_a_finding_names_what_it_was_seen_in() -> None:
    case = gold_cases()[0]
    for finding in gather(case.query, case.candidates[0]):
        assert isinstance(finding, Finding)
        assert finding.detail
