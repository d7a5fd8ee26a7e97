"""Chance that can be repeated: the same seed and the same words give the same throws, in every process."""

from __future__ import annotations

from random import Random


def seeded_random(*words: object) -> Random:
    """A source of throws of its own for these words; what is thrown elsewhere does not move it."""
    return Random("/".join(map(str, words)))  # noqa: S311 - repeatable is what is wanted


def random_share(*words: object) -> float:
    """One rng between 0 and 1."""
    return seeded_random(*words).random()
