"""What happens without a rule of the matcher: `ablate.py FOLDER [--seed N --rules 10]`.

FOLDER holds labelled cases as for `estimate_weights.py`. A rule is a row of the vocabulary, which is taken out, or a weight, which
is set to that of the best level of its evidence. Each rule is printed with the answers that become wrong and right without it, on
all data. A rule without which nothing becomes wrong is a candidate for removal. Without `--rules` all rules are tried.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

from estimate_weights import load

from alexandria_pipeline.domain.matching import vocabulary
from alexandria_pipeline.domain.matching.weights import PRIOR, Weights, weights
from alexandria_pipeline.operations.evaluate import Case, PairCase, evaluate

Cases = list[Case | PairCase]


def failures(cases: Cases, in_use: Weights | None = None) -> set[str]:
    """The ids of the cases that are answered wrongly."""
    return {failure["id"] for failure in evaluate(cases, in_use)["failures"]}


def without_weights(cases: Cases) -> Iterator[tuple[str, set[str]]]:
    """Each weight below the best of its evidence, and the failures without it."""
    table = weights()
    best = {name: max(value for (other, _), value in table.items() if other == name) for name, _ in table}
    for (name, level), value in table.items():
        if (name, level) != PRIOR and value < best[name]:
            yield f"weight {name}: {level} ({value:+d})", failures(cases, {**table, (name, level): best[name]})


def without_words(cases: Cases) -> Iterator[tuple[str, set[str]]]:
    """Each row of the vocabulary, and the failures without it."""
    rows = vocabulary.entries()
    for row in rows:
        vocabulary.use([other for other in rows if other is not row])
        yield f"words {row.label}: {row.pattern}", failures(cases)
    vocabulary.use(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rules", type=int, help="so many rules drawn at random")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cases = [case for each in load(options.folder).values() for case in each]
    usual = failures(cases)
    found = [*without_weights(cases), *without_words(cases)]
    if options.rules:
        found = random.Random(options.seed).sample(found, options.rules)  # noqa: S311  # a draw, not a secret
    print("| rule | become wrong | become right |\n|---|---|---|")
    for rule, failed in sorted(found, key=lambda one: -len(one[1] - usual)):
        print(f"| {rule.replace('|', chr(92) + '|')} | {len(failed - usual)} | {len(usual - failed)} |")


if __name__ == "__main__":
    main()
