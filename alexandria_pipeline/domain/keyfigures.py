"""The limits of the key figures (BEHAVIOUR, "Key figures")."""

from __future__ import annotations

RESOLUTION_RATE_AT_LEAST = 90.0  # percent of a month's generated books
SYNTHETIC_SHARE_BELOW = 5.0  # percent of works, per month and over the table


def resolution_rate_holds(rate: float | None) -> bool:
    """Whether enough of a month's books have an ISBN; a month without books has shown nothing."""
    return rate is not None and rate >= RESOLUTION_RATE_AT_LEAST


def synthetic_share_holds(share: float | None) -> bool:
    """Whether few enough works lack an ISBN; no works at all lack none."""
    return share is None or share < SYNTHETIC_SHARE_BELOW
