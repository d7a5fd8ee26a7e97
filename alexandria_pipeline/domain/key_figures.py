"""The limits of the key figures (docs/behaviour.md, "Key figures")."""

from __future__ import annotations

from typing import Literal

RESOLUTION_RATE_AT_LEAST = 90.0  # percent of a month's generated books
SYNTHETIC_SHARE_BELOW = 5.0  # percent of works, per month and over the table
BUDGETED_SERVICE = "isbndb"
ATTEMPTS_A_DAY = 1_000  # the rollout's most on any day, all runs together
SHARE_OF_SAFE_LIMIT = 50.0  # percent of the daily safe limit, from where somebody should look
DRIFT_AT_MOST = 1.0  # percent between our count of calls and the service's own


def resolution_rate_holds(rate: float | None) -> bool:
    """Whether enough of a month's books have an ISBN; a month without books has shown nothing."""
    return rate is not None and rate >= RESOLUTION_RATE_AT_LEAST


def synthetic_share_holds(share: float | None) -> bool:
    """Whether few enough works lack an ISBN; no works at all lack none."""
    return share is None or share < SYNTHETIC_SHARE_BELOW


def budget_broken(attempts: int, safe_limit: int | None) -> Literal["error", "warn"] | None:
    """How badly the attempts of a day exceed the budget; None when they keep to it."""
    if attempts > ATTEMPTS_A_DAY:
        return "error"
    return "warn" if safe_limit is not None and 100 * attempts > SHARE_OF_SAFE_LIMIT * safe_limit else None


def accounting_holds(drift: float) -> bool:
    """Whether our count of calls (`drift` in percent, either way) agrees with the service's own."""
    return abs(drift) <= DRIFT_AT_MOST
