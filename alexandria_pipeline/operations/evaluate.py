"""Evaluation of the matcher on labelled cases: `alexandria evaluate`, the benchmarks, and the tests of accuracy.

Reads a file with one JSON object a line, compares the matcher's answers with the labels, and counts. The matcher itself is in
`domain.matching`; nothing here changes what it answers.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.deduplication import same_book
from alexandria_pipeline.domain.matching.verdict import judge
from alexandria_pipeline.domain.matching.weights import Weights
from alexandria_pipeline.domain.records import (
    BookQuery,
    Candidate,
    Contributor,
    EditionFormat,
    PartialDate,
)

_FORMATS: Final = {member.value: member for member in EditionFormat}


@dataclass(frozen=True, slots=True)
class Case:
    """A query, the candidates of a service, and the right ISBNs; None among them: "no ISBN" is a right answer."""

    id: str
    kind: str
    query: BookQuery
    candidates: tuple[Candidate, ...]
    right: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class PairCase:
    """Two listings (title, author), and whether they are one book; None: both answers are right."""

    id: str
    kind: str
    listings: tuple[tuple[str, str], tuple[str, str]]
    same: bool | None


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be used: its number from 1, and why."""

    line: int
    reason: str


def read_cases(lines: Iterable[str]) -> tuple[list[Case | PairCase], list[BadLine]]:
    """The cases of a file, and the lines that are no case. Blank lines are ignored."""
    cases: list[Case | PairCase] = []
    bad: list[BadLine] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            cases.append(_case(json.loads(line), str(number)))
        except (ValueError, InvalidValue, KeyError, TypeError, AttributeError, RecursionError) as error:
            missing = f"no field {error}" if isinstance(error, KeyError) else str(error)
            bad.append(BadLine(number, missing))
    return cases, bad


def evaluate(cases: Sequence[Case | PairCase], weights: Weights | None = None) -> dict[str, Any]:
    """Counts, precision, recall, the same by kind, and every failure with its evidence.

    Precision: right / (right + wrong). Recall: right / all cases in which only an ISBN is right. Both are None without cases.
    `weights`: other weights of the evidence than those of the table.
    """
    total, by_kind = Counter[str](), dict[str, Counter[str]]()
    failures: list[dict[str, Any]] = []
    for case in cases:
        counts, failure = _pair(case) if isinstance(case, PairCase) else _answer(case, weights)
        total.update(counts)
        by_kind.setdefault(case.kind, Counter()).update(counts)
        if failure is not None:
            failures.append({"id": case.id, "kind": case.kind, **failure})
    figures = {kind: _figures(counts) for kind, counts in sorted(by_kind.items())}
    return {**_figures(total), "by_kind": figures, "failures": failures}


def _answer(case: Case, weights: Weights | None) -> tuple[Counter[str], dict[str, Any] | None]:
    verdict = judge(case.query, case.candidates, weights)
    answer = str(verdict.candidate.isbn13) if verdict.accepted and verdict.candidate is not None else None
    is_right = answer in case.right
    accepted = answer is not None
    outcome = {(True, True): "right", (True, False): "wrong", (False, True): "rightly_refused"}.get(
        (accepted, is_right), "missed"
    )
    counts = Counter({"cases": 1, outcome: 1})
    counts["answerable"] = int(None not in case.right or outcome == "right")
    counts["sure_and_wrong"] = int(outcome == "wrong" and verdict.sure)
    if is_right:
        return counts, None
    evidence = [{"name": line.name, "detail": line.detail, "points": line.points} for line in verdict.evidence]
    query = {"title": case.query.title, "author": case.query.author, "year": case.query.year}
    return counts, {
        "asked": {**query, "language": case.query.language},
        "answer": answer,
        "right": list(case.right),
        "sure": verdict.sure,
        "confidence": verdict.confidence,
        "reason": verdict.reason.value if verdict.reason else None,
        "evidence": evidence,
    }


def _pair(case: PairCase) -> tuple[Counter[str], dict[str, Any] | None]:
    a, b = case.listings
    answer = same_book(*a, *b)
    is_right = case.same is None or answer is case.same
    counts = Counter({"pairs": 1, "pairs_right": int(is_right)})
    if is_right:
        return counts, None
    listings = [{"title": title, "author": author} for title, author in case.listings]
    return counts, {"asked": listings, "answer": answer, "right": case.same, "evidence": []}


def _figures(counts: Mapping[str, int]) -> dict[str, Any]:
    names = ("cases", "right", "wrong", "missed", "rightly_refused", "sure_and_wrong")
    return {
        **{name: counts.get(name, 0) for name in names},
        "answerable": counts.get("answerable", 0),
        "precision": _share(counts.get("right", 0), counts.get("right", 0) + counts.get("wrong", 0)),
        "recall": _share(counts.get("right", 0), counts.get("answerable", 0)),
        "pairs": counts.get("pairs", 0),
        "pairs_right": counts.get("pairs_right", 0),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _case(fields: Any, line: str) -> Case | PairCase:
    if not isinstance(fields, dict):
        raise InvalidValue("a line must hold one JSON object")
    name, kind = str(fields.get("id", f"line {line}")), str(fields.get("kind", ""))
    if "listings" in fields:
        first, second = ((_text(one, "title"), _text(one, "author")) for one in fields["listings"])
        if fields["same"] not in (True, False, None):
            raise InvalidValue("same must be true, false or null")
        return PairCase(name, kind, (first, second), fields["same"])
    asked, right = fields["asked"], fields["right"]
    if not isinstance(right, list):
        raise InvalidValue("right must be a list of ISBNs or null")
    query = BookQuery(
        _text(asked, "title"), _text(asked, "author"), _year(asked.get("year")), str(asked.get("language") or "en")
    )
    candidates = tuple(_candidate(rank, one) for rank, one in enumerate(fields["candidates"]))
    return Case(name, kind, query, candidates, tuple(None if isbn is None else str(isbn) for isbn in right))


def _candidate(rank: int, fields: Mapping[str, Any]) -> Candidate:
    published = str(fields.get("published") or "")
    year, work = _year(published[:4]), fields.get("work")
    pages, volume = fields.get("pages"), fields.get("volume")
    return Candidate(
        provider="evaluation",
        isbn13=Isbn13(str(fields["isbn13"])),
        title=_text(fields, "title"),
        subtitle=fields.get("subtitle") or None,
        contributors=_contributors(fields.get("authors") or [], fields.get("author_aliases") or []),
        published=None if year is None else PartialDate(year),
        first_published=_year(fields.get("first_published")),
        language=fields.get("language") or None,
        publisher=fields.get("publisher") or None,
        format=_FORMATS.get(str(fields.get("format") or "").lower(), EditionFormat.UNKNOWN),
        pages=int(pages) if pages else None,
        series=fields.get("series") or None,
        volume=None if volume is None else str(volume),
        identifiers=(("openlibrary_work", str(work)),) if work else (),
        rank=rank,
    )


def _contributors(authors: Sequence[str], aliases: Sequence[str]) -> tuple[Contributor, ...]:
    """The authors in order; the other names are those of the first."""
    return tuple(
        Contributor(str(name), aliases=() if place else tuple(map(str, aliases))) for place, name in enumerate(authors)
    )


def _text(fields: Mapping[str, Any], name: str) -> str:
    """A field as text; the title is required, the author may be missing."""
    value = fields["title"] if name == "title" else fields.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidValue(f"{name} must be text")
    return value or ""


def _year(value: object) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() else None
