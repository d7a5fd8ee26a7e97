"""How services answered, counted; and the least time that their allowances leave. Pure: clocks and tables are elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from alexandria_pipeline.domain.records import ResolutionAttempt

# What becomes of a question, by the outcome of its attempt: an answer is `found` or a definite `no`.
KINDS: Final = {"found": "found", "not_found": "no", "rejected": "no", "failed": "failed", "unavailable": "unavailable"}
BIN: Final = 5
"""Width of a bar of the histogram of confidences, in points."""


def tally(attempts: Iterable[ResolutionAttempt]) -> Counter[str]:
    """`asked_<service>`, `found_…`, `no_…` and `failed_…`; a service that could not be asked is `unavailable_…` only."""
    counts: Counter[str] = Counter()
    for attempt in attempts:
        kind = KINDS[attempt.outcome]
        counts[f"{kind}_{attempt.provider}"] += 1
        if kind != "unavailable":
            counts[f"asked_{attempt.provider}"] += 1
    return counts


def minimum_seconds(calls: Mapping[str, int], allowances: Mapping[str, float]) -> tuple[float, str]:
    """The least seconds in which so many calls can be made at these allowances (a second), and the slowest service.

    Services without an allowance do not count; (0, "") where none was called.
    """
    seconds = {name: count / allowances[name] for name, count in calls.items() if count and allowances.get(name)}
    slowest = max(seconds, key=lambda name: seconds[name], default="")
    return seconds.get(slowest, 0.0), slowest


def histogram(confidences: Iterable[int], low: int) -> list[tuple[str, int]]:
    """(label, count) of every bar from `low` to 100, empty ones included; 100 belongs to the last."""
    counts = Counter(min(confidence, 99) // BIN * BIN for confidence in confidences)
    return [(f"{at}–{at + BIN - 1 if at + BIN < 100 else 100}", counts[at]) for at in range(low // BIN * BIN, 100, BIN)]
