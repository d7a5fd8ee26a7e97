"""What happens without a rule of the matcher: `ablate.py FOLDER [--seed N --rules 10]`.

FOLDER holds labelled cases as for `estimate_weights.py`. A rule is a row of the vocabulary, which is taken out, or a weight, which
is set to that of the best level of its evidence. Each rule is printed with the answers that become wrong and right without it, on
all data. A rule without which nothing becomes wrong is a candidate for removal. Without `--rules` all rules are tried.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from estimate_weights import load

from alexandria_pipeline.domain.matching import vocabulary
from alexandria_pipeline.domain.matching.weights import PRIOR, Weights, weights
from alexandria_pipeline.operations.evaluate import Case, evaluate

Cases = Sequence[Case]


def failures(cases: Cases, in_use: Weights | None = None) -> set[str]:
    """The ids of the cases that are answered wrongly."""
    return {failure["id"] for failure in evaluate(cases, in_use)["failures"]}


def rules() -> list[tuple[str, Callable[[Cases], set[str]]]]:
    """Each weight below the best of its evidence and each row of the vocabulary, with the failures without it."""
    table, rows = weights(), list(vocabulary.entries())
    best = {name: max(value for (other, _), value in table.items() if other == name) for name, _ in table}
    found: list[tuple[str, Callable[[Cases], set[str]]]] = [
        (f"weight {name}: {level} ({value:+d})", partial(failures, in_use={**table, (name, level): best[name]}))
        for (name, level), value in table.items()
        if (name, level) != PRIOR and value < best[name]
    ]
    return [*found, *((f"words {row.label}: {row.pattern}", partial(_without_row, row, rows)) for row in rows)]


def _without_row(row: vocabulary.Entry, rows: list[vocabulary.Entry], cases: Cases) -> set[str]:
    vocabulary.use([other for other in rows if other is not row])
    failed = failures(cases)
    vocabulary.use(rows)
    return failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rules", type=int, help="so many rules drawn at random")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sets = load(options.folder)
    cases = [case for each in sets.values() for case in each if isinstance(case, Case)]
    usual = failures(cases)
    drawn = rules()
    if options.rules:
        drawn = random.Random(options.seed).sample(drawn, options.rules)  # noqa: S311  # a draw, not a secret
    found = [(rule, failed(cases)) for rule, failed in drawn]
    print("| rule | become wrong | become right |\n|---|---|---|")
    for rule, failed in sorted(found, key=lambda one: -len(one[1] - usual)):
        print(f"| {rule.replace('|', chr(92) + '|')} | {len(failed - usual)} | {len(usual - failed)} |")


if __name__ == "__main__":
    main()
