"""The limits of the key figures (docs/behaviour.md, "Key figures")."""

from __future__ import annotations

from typing import Literal

RESOLUTION_RATE_AT_LEAST = 90.0  # percent of a month's generated books
SYNTHETIC_SHARE_BELOW = 5.0  # percent of works, per month and over the table
BUDGETED_SERVICE = "isbndb"
ATTEMPTS_A_DAY = 1_000  # the most calls of the rollout on one day, over all runs
SHARE_OF_SAFE_LIMIT = 50.0  # percent of the daily safe limit; a warning above
DRIFT_AT_MOST = 1.0  # percent between our count of calls and the count of the service


def resolution_rate_holds(rate: float | None) -> bool:
    """Returns whether enough books of a month have an ISBN; False for a month without books."""
    return rate is not None and rate >= RESOLUTION_RATE_AT_LEAST


def synthetic_share_holds(share: float | None) -> bool:
    """Returns whether few enough works lack an ISBN; True without works."""
    return share is None or share < SYNTHETIC_SHARE_BELOW


def budget_broken(attempts: int, safe_limit: int | None) -> Literal["error", "warn"] | None:
    """Returns the severity when the calls of a day exceed the budget; None within it."""
    if attempts > ATTEMPTS_A_DAY:
        return "error"
    return "warn" if safe_limit is not None and 100 * attempts > SHARE_OF_SAFE_LIMIT * safe_limit else None


def accounting_holds(drift: float) -> bool:
    """Returns whether our count of calls agrees with that of the service; `drift` in percent, positive or negative."""
    return abs(drift) <= DRIFT_AT_MOST
