"""Counting answers, the least time that allowances leave, and the bars of a histogram."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.records import ResolutionAttempt
from alexandria_pipeline.domain.resolution_stats import KINDS, histogram, minimum_seconds, tally


def test_a_service_that_could_not_be_asked_was_not_asked() -> None:
    outcomes = ("found", "not_found", "rejected", "failed", "unavailable")
    counts = tally(ResolutionAttempt("isbndb", "1", outcome) for outcome in outcomes)
    assert counts == {"asked_isbndb": 4, "found_isbndb": 1, "no_isbndb": 2, "failed_isbndb": 1, "unavailable_isbndb": 1}


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(sorted(KINDS)))))
def test_every_attempt_is_counted_once(attempts: list[tuple[str, str]]) -> None:
    counts = tally(ResolutionAttempt(provider, "1", outcome) for provider, outcome in attempts)
    assert sum(count for name, count in counts.items() if not name.startswith("asked_")) == len(attempts)
    assert sum(count for name, count in counts.items() if name.startswith("asked_")) == sum(
        o != "unavailable" for _, o in attempts
    )


def test_the_slowest_service_sets_the_bound() -> None:
    assert minimum_seconds({"isbndb": 300, "google-books": 120, "gemini": 9}, {"isbndb": 3, "google-books": 1}) == (
        120,
        "google-books",
    )
    assert minimum_seconds({"local": 5}, {"isbndb": 3}) == (0.0, "")
    assert minimum_seconds({}, {}) == (0.0, "")


def test_bars_go_from_the_least_to_the_most_and_a_hundred_is_in_the_last() -> None:
    bars = histogram([65, 69, 70, 99, 100], 65)
    assert (bars[0], bars[1], bars[-1]) == (("65–69", 2), ("70–74", 1), ("95–100", 2))
    assert len(bars) == 7


@given(st.lists(st.integers(65, 100)))
def test_no_confidence_is_left_out(confidences: list[int]) -> None:
    assert sum(count for _, count in histogram(confidences, 65)) == len(confidences)
