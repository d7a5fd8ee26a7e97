"""Precision and recall of joining authors by library headings whose person is known.

    PYTHONPATH=. .venv/bin/python benchmarks/author_identity.py NAMES.csv --half held-out

NAMES.csv has the columns name_as_recorded, role, instance_of, structured_value (a Wikidata item): the names dictionary of Digital Scriptorium,
training-data/names-dictionary-20251126.csv of DigitalScriptorium/ds-open-refine (read where it lies on 2026-11-27;
no licence stated). Names of authors that
share a word are compared. Every second person, by a hash, is for development (`dev`).
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from hashlib import sha256
from itertools import combinations
from pathlib import Path

from alexandria_pipeline.domain.merging.authors import AuthorFacts, heading, judge

LONGEST = 100  # longer texts are notes and no names
FREQUENT = 80  # a word of more names distinguishes none


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", type=Path)
    parser.add_argument("--half", choices=("dev", "held-out"), default="held-out")
    options = parser.parse_args()
    records = [(name, person) for name, person in _records(options.names) if _is_dev(person) == (options.half == "dev")]
    by_word: dict[str, list[int]] = defaultdict(list)
    for number, (name, _) in enumerate(records):
        for word in set(heading(name).words):
            by_word[word].append(number)
    near = (each for word, each in by_word.items() if len(word) > 2 and len(each) <= FREQUENT)
    pairs = {pair for each in near for pair in combinations(each, 2)}
    joined = [pair for pair in pairs if _are_joined(records[pair[0]][0], records[pair[1]][0])]
    right = sum(records[one][1] == records[other][1] for one, other in joined)
    same = sum(records[one][1] == records[other][1] for one, other in pairs)
    print(
        f"{options.half}: {len(records)} names, {len(pairs)} pairs, {same} of one person; joined {len(joined)}, of these right {right}"
    )
    print(f"precision {right / len(joined):.4f}, recall {right / same:.3f}")


def _are_joined(one: str, other: str) -> bool:
    found = judge(AuthorFacts("one", one), AuthorFacts("other", other))
    return found is not None and found.verdict == "same"


def _records(path: Path) -> list[tuple[str, str]]:
    persons: dict[str, set[str]] = defaultdict(set)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name, person = row["name_as_recorded"].strip(), row["structured_value"]
            one_person = row["instance_of"] == "human" and person.startswith("Q") and ";" not in person
            if one_person and row["role"] == "author" and len(name) <= LONGEST:
                persons[name].add(person)
    return [(name, min(found)) for name, found in persons.items() if len(found) == 1]


def _is_dev(person: str) -> bool:
    return sha256(person.encode()).digest()[0] % 2 == 0


if __name__ == "__main__":
    main()
