"""Precision and recall of the matcher on the gold set, trap by trap: `make bench-matching`.

Precision: share of the accepted ISBNs that are right. Recall: share of the answerable cases that were answered rightly. The traps
are those that the gold set names, gathered by the words before their first comma.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from alexandria_pipeline.domain.matching.verdict import judge
from alexandria_pipeline_tests.domain.matching.gold import GoldCase, gold_cases


def main() -> None:
    cases = gold_cases()
    traps: dict[str, list[GoldCase]] = defaultdict(list)
    for case in cases:
        traps[case.trap.split(",")[0].strip()].append(case)
    table = Table("trap", "cases", "accepted", "right", "precision", "answerable", "recall")
    for trap in sorted(traps, key=lambda trap: (-len(traps[trap]), trap)):
        table.add_row(trap, *_figures(traps[trap]))
    started = time.perf_counter()
    table.add_section()
    table.add_row("all", *_figures(cases))
    took = time.perf_counter() - started
    Console(width=None if sys.stdout.isatty() else 130).print(table)
    candidates = sum(len(case.candidates) for case in cases)
    print(f"{len(cases)} cases, {candidates} candidates, {1e6 * took / candidates:.0f} µs a candidate")
    for case in cases:
        verdict = judge(case.query, case.candidates)
        if not case.holds(verdict):
            given = verdict.candidate.isbn13 if verdict.accepted and verdict.candidate else f"none ({verdict.reason})"
            print(
                f"wrong: {case.trap}: {case.query.title} / {case.query.author} → {given}, not {', '.join(case.right)}"
            )


def _figures(cases: Sequence[GoldCase]) -> tuple[str, ...]:
    """Cases, accepted, right, precision, answerable, recall."""
    verdicts = [(case, judge(case.query, case.candidates)) for case in cases]
    accepted = [case.holds(verdict) for case, verdict in verdicts if verdict.accepted]
    answerable = [case.holds(verdict) for case, verdict in verdicts if case.right != {"none"}]
    return (
        str(len(cases)), str(len(accepted)), str(sum(accepted)), _share(accepted), str(len(answerable)), _share(answerable)
    )  # fmt: skip


def _share(held: Sequence[bool]) -> str:
    return f"{sum(held) / len(held):.4f}" if held else "–"


if __name__ == "__main__":
    main()
