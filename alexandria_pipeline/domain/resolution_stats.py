"""Statistics of resolution: outcomes per service, a histogram of confidences, and the minimum time of a set of calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from alexandria_pipeline.domain.records import ResolutionAttempt

# The kind of answer for each outcome of an attempt; `no` is a definite no.
KINDS: Final = {"found": "found", "not_found": "no", "rejected": "no", "failed": "failed", "unavailable": "unavailable"}
BIN: Final = 5
"""Width of one bar of the histogram, in points of confidence."""


def tally(attempts: Iterable[ResolutionAttempt]) -> Counter[str]:
    """Counts `asked_<service>`, `found_…`, `no_…`, `failed_…` and `unavailable_…`; an unavailable service was not asked."""
    counts: Counter[str] = Counter()
    for attempt in attempts:
        kind = KINDS[attempt.outcome]
        counts[f"{kind}_{attempt.provider}"] += 1
        if kind != "unavailable":
            counts[f"asked_{attempt.provider}"] += 1
    return counts


def minimum_seconds(calls: Mapping[str, int], allowances: Mapping[str, float]) -> tuple[float, str]:
    """Returns the minimum seconds for these calls at these rates (calls per second), and the slowest service.

    Services without a rate are ignored. Returns (0, "") when no service with a rate was called.
    """
    seconds = {name: count / allowances[name] for name, count in calls.items() if count and allowances.get(name)}
    slowest = max(seconds, key=lambda name: seconds[name], default="")
    return seconds.get(slowest, 0.0), slowest


def histogram(confidences: Iterable[int], low: int) -> list[tuple[str, int]]:
    """Returns (label, count) of every bar from `low` to 100, including empty ones; 100 belongs to the last bar."""
    counts = Counter(min(confidence, 99) // BIN * BIN for confidence in confidences)
    return [(f"{at}–{at + BIN - 1 if at + BIN < 100 else 100}", counts[at]) for at in range(low // BIN * BIN, 100, BIN)]
