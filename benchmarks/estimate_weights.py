"""Estimates the weights of the matcher from labelled cases: `estimate_weights.py FOLDER [--write]`.

FOLDER holds labelled cases in the format of `alexandria evaluate`, in any number of `.jsonl` files; the project's gold set is
always added. Cases are split by the hash of their id into five parts. Each part is answered with weights from the other four,
so no figure of the table is of a case that its weights have seen. `--write` writes the table from all cases.

The estimate. With w0 the Fellegi–Sunter weight of a level, log(P(level | right) / P(level | wrong)), the weights minimise the
logistic loss over all candidates plus RIDGE · Σ (w − w0)². Pieces of evidence depend on each other (a study guide has the right
title and author), which Fellegi–Sunter does not see; levels with few cases stay near w0.
"""

from __future__ import annotations

import argparse
import hashlib
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from alexandria_pipeline.domain.matching.evidence import Finding, gather
from alexandria_pipeline.domain.matching.weights import PRIOR, Weights
from alexandria_pipeline.operations.evaluate import Case, PairCase, evaluate, read_cases
from alexandria_pipeline_tests.domain.matching.gold import gold_cases

FOLDS: Final = 5
RIDGE: Final = 0.3
STEPS: Final = 30
DECIBANS: Final = 10 / math.log(10)
TABLE: Final = Path(__file__).parents[1] / "alexandria_pipeline/domain/matching/weights.tsv"
# Set by rule: what no number of other agreements may outweigh, and what only chooses among editions.
BY_RULE: Final = {
    ("isbn", "placeholder"): -60, ("year", "implausible"): -60, ("author", "helper"): -60, ("author", "missing"): -40,
    ("author", "not_asked_generic"): -40, ("format", "print"): 0, ("format", "unknown"): 0, ("format", "ebook"): 0, ("format", "audio"): 0,
    ("language", "other"): -8, ("language", "translated"): -35, ("author", "other_partner"): -20, ("company", "before_more"): -30,
    ("title", "word_in_front"): -10, ("title", "cut_record"): -10, ("extra", "shared"): 0,
    ("kind", "other"): -40, ("kind", "perhaps_other"): -20, ("title", "different"): -40, ("author", "different"): -40, ("title", "other_volume"): -40,
}  # fmt: skip

# The level of an evidence that is neutral: the other levels are measured against it.
NEUTRAL: Final = {
    ("company", "none"): 0, ("extra", "none"): 0, ("kind", "book"): 0, ("language", "unknown"): 0, ("year", "unknown"): 0,
}  # fmt: skip

# The best level of an evidence: no other level may count for more, whatever a few cases say.
BEST: Final = {
    "title": ("title", "same"), "author": ("author", "full"), "company": ("company", "none"), "extra": ("extra", "none"),
    "kind": ("kind", "book"),
}  # fmt: skip

Level = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate of a case: its levels, and whether it is right."""

    levels: tuple[Level, ...]
    right: bool
    data: str


def fold(case: Case | PairCase) -> int:
    """The part of a case, from the hash of its id."""
    return int(hashlib.sha256(case.id.encode()).hexdigest(), 16) % FOLDS


def rows_of(case: Case, data: str) -> list[Row]:
    """The candidates, without other editions of the right work, whose evidence is neutral about the work."""
    gathered = [(gather(case.query, one), one.isbn13 in case.right) for one in case.candidates]
    right = {_about_the_work(findings) for findings, is_right in gathered if is_right}
    return [
        Row(tuple((finding.name, finding.level) for finding in findings), is_right, data)
        for findings, is_right in gathered
        if is_right or _about_the_work(findings) not in right
    ]


def _about_the_work(findings: Sequence[Finding]) -> tuple[Level, ...]:
    return tuple(
        (one.name, one.level) for one in findings if one.name in {"title", "author", "kind", "extra", "company"}
    )


def estimate(rows: Sequence[Row]) -> tuple[dict[Level, int], dict[Level, tuple[int, int]]]:
    """The weights in decibans, the prior among them, and the counts (right, wrong) of each level."""
    counts: dict[Level, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        for level in row.levels:
            counts[level][0 if row.right else 1] += 1
    right = sum(row.right for row in rows)
    wrong = len(rows) - right
    start = {
        level: math.log(((yes + 0.5) / (right + 1)) / ((no + 0.5) / (wrong + 1))) for level, (yes, no) in counts.items()
    }
    for name, _ in NEUTRAL:
        neutral = next(start.get(level, 0.0) for level in NEUTRAL if level[0] == name)
        start |= {level: value - neutral for level, value in start.items() if level[0] == name}
    fixed = {**BY_RULE, **NEUTRAL}
    free = sorted(level for level in counts if level not in fixed)
    place = {level: number for number, level in enumerate(free, 1)}
    sources = sorted({row.data for row in rows})
    matrix = np.zeros((len(rows), len(free) + 1 + len(sources)))
    matrix[:, 0] = 1
    offset = np.zeros(len(rows))
    for number, row in enumerate(rows):
        matrix[number, len(free) + 1 + sources.index(row.data)] = 1
        for level in row.levels:
            if level in place:
                matrix[number, place[level]] = 1
            else:
                offset[number] += fixed[level] / DECIBANS
    prior = math.log((right + 0.5) / (wrong + 0.5))
    centre = np.array([prior, *(start[level] for level in free), *(0.0 for _ in sources)])
    fitted = _fit(matrix, np.array([row.right for row in rows], dtype=float), offset, centre)
    found = {level: round(float(fitted[number]) * DECIBANS) for level, number in place.items()}
    found = {level: min(value, found.get(BEST.get(level[0], level), 0)) for level, value in found.items()}
    return (
        {PRIOR: round(float(fitted[0]) * DECIBANS), **fixed, **found},
        {level: (yes, no) for level, (yes, no) in counts.items()},
    )


def _fit(matrix: Any, right: Any, offset: Any, centre: Any) -> Any:
    """Newton's method for the logistic loss with the ridge around `centre`."""
    weights = centre.copy()
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(matrix @ weights + offset, -30, 30)))
        slope = matrix.T @ (chance - right) + 2 * RIDGE * (weights - centre)
        curve = (matrix * (chance * (1 - chance))[:, None]).T @ matrix + 2 * RIDGE * np.eye(len(weights))
        weights = weights - np.linalg.solve(curve, slope)
    return weights


def load(folder: Path) -> dict[str, list[Case | PairCase]]:
    """The cases of every file by its name, and the gold set."""
    sets: dict[str, list[Case | PairCase]] = {}
    for path in sorted(folder.rglob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            sets[path.stem] = read_cases(lines)[0]
    gold = [
        Case(
            f"gold-{number}",
            one.trap,
            one.query,
            one.candidates,
            tuple(None if isbn == "none" else isbn for isbn in one.right),
        )
        for number, one in enumerate(gold_cases())
    ]
    return {**sets, "gold set": list(gold)}


def cross_validated(sets: dict[str, list[Case | PairCase]]) -> dict[str, dict[str, int]]:
    """The counts of `evaluate` for each set, each part answered with weights from the other parts."""
    rows = {
        part: [
            row
            for name, cases in sets.items()
            for case in cases
            if isinstance(case, Case) and fold(case) == part
            for row in rows_of(case, name)
        ]
        for part in range(FOLDS)
    }
    totals: dict[str, dict[str, int]] = {name: defaultdict(int) for name in sets}
    for part in range(FOLDS):
        weights, _ = estimate([row for other in range(FOLDS) if other != part for row in rows[other]])
        for name, cases in sets.items():
            answer = evaluate([case for case in cases if fold(case) == part], weights)
            for key, value in answer.items():
                if isinstance(value, int):
                    totals[name][key] += value
    return totals


def interval(part: int, whole: int) -> str:
    """A share with its 95 % interval after Wilson."""
    if not whole:
        return "–"
    share, z = part / whole, 1.96
    middle = (share + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole)) / (1 + z * z / whole)
    return f"{share:.3f} ({middle - half:.3f}–{min(1.0, middle + half):.3f})"


def show(title: str, sets: dict[str, list[Case | PairCase]], totals: dict[str, dict[str, int]]) -> None:
    """A table of Markdown with precision, recall and answers that are right, by data set."""
    print(f"\n### {title}\n\n| data | cases | precision | recall | answers right | sure and wrong | pairs right |")
    print("|---|---|---|---|---|---|---|")
    for name in sets:
        one = totals[name]
        answered = one["right"] + one["wrong"]
        print(
            f"| {name} | {one['cases'] + one['pairs']} | {interval(one['right'], answered)} | {interval(one['right'], one['answerable'])} "
            f"| {interval(one['right'] + one['rightly_refused'], one['cases'])} | {one['sure_and_wrong']} "
            f"| {interval(one['pairs_right'], one['pairs'])} |"
        )


def write(weights: Weights, counts: dict[Level, tuple[int, int]], rows: Sequence[Row]) -> None:
    """Writes the table: the prior first, then the levels by evidence."""
    right = sum(row.right for row in rows)
    lines = ["evidence\tlevel\tright\twrong\tdecibans\tsource"]
    lines.append(f"prior\t\t{right}\t{len(rows) - right}\t{weights[PRIOR]}\testimate")
    for level in sorted(set(weights) - {PRIOR}):
        yes, no = counts.get(level, (0, 0))
        lines.append(
            f"{level[0]}\t{level[1]}\t{yes}\t{no}\t{weights[level]}\t{'rule' if level in BY_RULE or level in NEUTRAL else 'estimate'}"
        )
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true", help="write the table from all cases")
    options = parser.parse_args()
    sets = load(options.folder)
    show("Held out: five-fold cross-validation", sets, cross_validated(sets))
    rows = [
        row for name, cases in sets.items() for case in cases if isinstance(case, Case) for row in rows_of(case, name)
    ]
    weights, counts = estimate(rows)
    show("Development: all cases", sets, {name: evaluate(cases, weights) for name, cases in sets.items()})
    if options.write:
        write(weights, counts, rows)


if __name__ == "__main__":
    main()
