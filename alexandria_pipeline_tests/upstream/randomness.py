"""Reproducible randomness: the same words give the same random numbers in every process."""

from __future__ import annotations

from random import Random


def seeded_random(*words: object) -> Random:
    """A random source for these words. It is independent of all other sources."""
    return Random("/".join(map(str, words)))  # noqa: S311 - repeatable is what is wanted


def random_share(*words: object) -> float:
    """A random number from 0 to 1 for these words."""
    return seeded_random(*words).random()
