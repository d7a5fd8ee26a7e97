"""The score of a pipeline's answers against the truth of the lists.

The rows are those of `alexandria books MONTH --json` (title, author, isbn13, outcome and others), and the truth is that of
`Lists.truth` or `/control/truth`. This module calls neither the stand-in nor the pipeline.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_EXAMPLES = 25


@dataclass
class Score:
    """Counts of some months; `figures` are shares of 1. An ISBN is right if it is any edition of the listed work."""

    rows: int = 0
    unknown_rows: int = 0
    given: int = 0
    right: int = 0
    right_language: int = 0
    right_print: int = 0
    right_form: int = 0
    knowable: int = 0
    knowable_found: int = 0
    invented: int = 0
    invented_synthetic: int = 0
    books: int = 0
    merged: int = 0
    several_forms: int = 0
    split: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def figures(self) -> dict[str, float | None]:
        return {
            "precision": _share(self.right, self.given),
            "recall": _share(self.knowable_found, self.knowable),
            "invented_left_synthetic": _share(self.invented_synthetic, self.invented),
            "right_language": _share(self.right_language, self.right),
            "right_print": _share(self.right_print, self.right),
            "not_audio": _share(self.right_form, self.right),
            "merged_forms": _share(self.several_forms - self.split, self.several_forms),
            "distinct_books_merged": float(self.merged),
        }

    def as_dict(self) -> dict[str, Any]:
        return {"figures": self.figures, **asdict(self)}

    def _example(self, kind: str, text: str) -> None:
        if len(listed := self.examples.setdefault(kind, [])) < MAX_EXAMPLES:
            listed.append(text)

    def add_month(self, rows: Sequence[Mapping[str, Any]], truth: Sequence[Mapping[str, Any]]) -> None:
        """Adds one month."""
        answers = {(answer["title"], answer["author"]): answer for answer in truth}
        seen: Counter[str] = Counter()
        found: set[str] = set()
        for row in rows:
            self.rows += 1
            answer = answers.get((row["title"], row["author"]))
            if answer is None:
                self.unknown_rows += 1
                self._example("rows that no list holds", f"{row['title']} / {row['author']}")
                continue
            seen[answer["identity"]] += 1
            if self._add_row(row, answer):
                found.add(answer["identity"])
        self._add_books(truth, seen, found)

    def _add_row(self, row: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
        """Adds one row. Returns whether its ISBN is right."""
        isbn = row.get("isbn13")
        label = f"{answer['month']} {row['title']} / {row['author']} → {isbn}"
        if answer["invented"]:
            self.invented += 1
            self.invented_synthetic += isbn is None
            if isbn is not None:
                self.given += 1
                self._example("invented, but given an ISBN", label)
            return False
        if isbn is None:
            return False
        self.given += 1
        if isbn not in answer["editions"]:
            self._example("wrong book", label)
            return False
        self.right += 1
        self.right_language += isbn in answer["language"] or not answer["known"]
        self.right_print += isbn in answer["right"]
        self.right_form += isbn not in answer["audio"] or not answer["known"]
        if isbn in answer["audio"]:
            self._example("right book, but a recording", label)
        elif isbn not in answer["right"]:
            self._example("right book, but not in print in the requested language", label)
        return True

    def _add_books(self, truth: Sequence[Mapping[str, Any]], seen: Counter[str], found: set[str]) -> None:
        """Adds the distinct books of a month: those that could be found, were merged into another book, or have several rows."""
        forms = Counter(answer["identity"] for answer in truth)
        for identity, answer in {answer["identity"]: answer for answer in truth}.items():
            label = f"{answer['month']} {answer['title']} / {answer['author']}"
            self.books += 1
            if not seen[identity]:
                self.merged += 1
                self._example("not in any row (merged into another book, or lost)", label)
            if forms[identity] > 1:
                self.several_forms += 1
                self.split += seen[identity] > 1
                if seen[identity] > 1:
                    self._example("in several rows", label)
            if answer["known"]:
                self.knowable += 1
                self.knowable_found += identity in found
                if identity not in found:
                    self._example(f"not found, though {', '.join(answer['known'])} have it", label)


def score(months: Iterable[tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]]) -> Score:
    """The score of several months of (rows, truth)."""
    total = Score()
    for rows, truth in months:
        total.add_month(rows, truth)
    return total


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
