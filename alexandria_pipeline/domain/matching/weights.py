"""The weights of the evidence: how strongly each level of each piece of evidence speaks for or against a candidate.

`weights.tsv` is the table, written by `benchmarks/estimate_weights.py` from labelled cases. A weight is in decibans: ten times
the decimal logarithm of the factor by which the level changes the odds that a candidate is right. Ten decibans make the odds
ten times as high, three double them. The sum of the weights and the prior gives the probability.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

# Confidence that counts as high, as enough to accept, and as worth a person's review (BEHAVIOUR, "Resolution"); and the
# decibans by which the runner-up must be behind if it is another work.
THRESHOLDS: Final = {"high": 85, "accept": 65, "low": 10, "gap": 3}

PRIOR: Final = ("prior", "")

Weights = Mapping[tuple[str, str], int]
"""Evidence and level → decibans; `PRIOR` → the weight of no evidence."""


@dataclass(frozen=True, slots=True)
class WeightRow:
    """A row of the table: the counts behind a weight, and whether it is set by a rule instead of estimated."""

    evidence: str
    level: str
    right: int
    wrong: int
    decibans: int
    by_rule: bool


@cache
def weight_rows() -> tuple[WeightRow, ...]:
    """The rows of the table, in order."""
    table = (resources.files(__package__) / "weights.tsv").read_text("utf-8")
    cells = (line.split("\t") for line in table.splitlines()[1:])
    return tuple(
        WeightRow(evidence, level, int(right), int(wrong), int(decibans), rule == "rule")
        for evidence, level, right, wrong, decibans, rule in cells
    )


@cache
def weights() -> Weights:
    """The weights in use."""
    return {(row.evidence, row.level): row.decibans for row in weight_rows()}


def probability(decibans: int) -> float:
    """The probability of odds in decibans."""
    return 1 / (1 + 10 ** (-max(-300, min(300, decibans)) / 10))
