"""Measures the guards of `domain/merging/works.py` on labelled pairs of works.

    PYTHONPATH=. .venv/bin/python benchmarks/work_identity.py DIFFERENT.jsonl SAME.jsonl

DIFFERENT has lines {"listings": [{"title", "author"}, {"title", "author"}]} of two works by one author. SAME has lines
{"asked": {"title", "author"}, "right": [ISBN], "candidates": [{"isbn13", "title", "authors"}]}: one book in two shops.
All pairs are compared as if the author had one identifier, so that only titles and guards decide. A second table has the cost of each guard
on the pairs with an equal title key: the wrong ones that it stops and the right ones that it refuses, and of both those that no other guard does.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from alexandria_pipeline.domain.merging.works import GUARDS, WorkFacts, judge
from alexandria_pipeline.domain.text.titles import title_key

Pair = tuple[WorkFacts, WorkFacts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("different", type=Path)
    parser.add_argument("same", type=Path)
    options = parser.parse_args()
    different, same = list(_different(options.different)), list(_same(options.same))
    for name, pairs in (("different", different), ("same", same)):
        _show(name, pairs)
    _costs(*([pair for pair in pairs if _is_equal(*pair)] for pairs in (different, same)))


def _costs(wrong: list[Pair], right: list[Pair]) -> None:
    print(
        f"\n| guard | stops of {len(wrong)} wrong | alone | refuses of {len(right)} right | alone |\n|---|---|---|---|---|"
    )
    for name in GUARDS:
        cells = [
            f"{_refused(pairs, [name])} | {_refused(pairs, GUARDS) - _refused(pairs, GUARDS.keys() - {name})}"
            for pairs in (wrong, right)
        ]
        print(f"| `{name}` | {' | '.join(cells)} |")
    print(f"| all | {_refused(wrong, GUARDS)} | | {_refused(right, GUARDS)} | |")


def _refused(pairs: list[Pair], guards: Iterable[str]) -> int:
    names = list(guards)
    return sum(any(GUARDS[name](*pair) for name in names) for pair in pairs)


def _is_equal(one: WorkFacts, other: WorkFacts) -> bool:
    return title_key(one.title) == title_key(other.title)


def _show(name: str, pairs: list[Pair]) -> None:
    judged = [judgement for one, other in pairs if (judgement := judge(one, other))]
    joined = sum(judgement.verdict == "same" for judgement in judged)
    print(f"{name}: {len(pairs)} pairs, {len(judged)} with evidence, {joined} joined")
    first = Counter(judgement.guard for judgement in judged if judgement.guard)
    for guard, check in GUARDS.items():
        with_evidence = [pair for pair in pairs if judge(*pair)]
        print(f"  {guard}: refuses {sum(check(*pair) for pair in with_evidence)}, as the first {first[guard]}")


def _different(path: Path) -> Iterator[Pair]:
    for row in _rows(path):
        one, other = row["listings"]
        yield _facts(one["title"], one["author"], "1"), _facts(other["title"], other["author"], "2")


def _same(path: Path) -> Iterator[Pair]:
    for row in _rows(path):
        for offered in row["candidates"]:
            if offered["isbn13"] in row["right"]:
                asked = row["asked"]
                yield (
                    _facts(asked["title"], asked["author"], "1"),
                    _facts(offered["title"], ", ".join(offered["authors"]), "2"),
                )


def _facts(title: str, author: str, key: str) -> WorkFacts:
    return WorkFacts(key, (title,), author, frozenset({"author"}))


def _rows(path: Path) -> Iterator[Any]:
    return map(json.loads, path.read_text(encoding="utf-8").splitlines())


if __name__ == "__main__":
    main()
