"""Reads the gold set of matching: facts about books, the editions a service could offer, and the right answer.

`gold_matching.jsonl` holds one case a line: trap, title, author, year, the candidates, and the ISBNs that are right
(["none"] when every candidate must be refused). Contributors are lists: name, then role, then aliases. Real ISBNs are of the
books named; those from 978-1-99 on are made up for editions that serve as decoys.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.verdict import Verdict, judge
from alexandria_pipeline.domain.records import (
    BookQuery,
    Candidate,
    Contributor,
    ContributorRole,
    EditionFormat,
    PartialDate,
)

GOLD = Path(__file__).with_name("gold_matching.jsonl")


@dataclass(frozen=True, slots=True)
class GoldCase:
    trap: str
    query: BookQuery
    candidates: tuple[Candidate, ...]
    right: frozenset[str]

    def holds(self, verdict: Verdict) -> bool:
        answer = verdict.candidate.isbn13 if verdict.accepted and verdict.candidate else "none"
        return answer in self.right


def gold_cases() -> list[GoldCase]:
    return [_case(json.loads(line)) for line in GOLD.read_text(encoding="utf-8").splitlines()]


def precision_and_recall(cases: Sequence[GoldCase]) -> tuple[float, float]:
    """Share of the accepted that is right, and share of the answerable that was answered rightly."""
    verdicts = [(case, judge(case.query, case.candidates)) for case in cases]
    accepted = [case.holds(verdict) for case, verdict in verdicts if verdict.accepted]
    answerable = [case.holds(verdict) for case, verdict in verdicts if case.right != {"none"}]
    return sum(accepted) / len(accepted), sum(answerable) / len(answerable)


def _case(fields: dict[str, Any]) -> GoldCase:
    query = BookQuery(fields["title"], fields["author"], fields["year"])
    candidates = tuple(_candidate(rank, offered) for rank, offered in enumerate(fields["candidates"]))
    return GoldCase(fields["trap"], query, candidates, frozenset(fields["answer"]))


def _candidate(rank: int, fields: dict[str, Any]) -> Candidate:
    return Candidate(
        provider="gold",
        isbn13=Isbn13.parse(fields["isbn"]),
        title=fields["title"],
        subtitle=fields.get("subtitle"),
        contributors=tuple(_contributor(*entry) for entry in fields["authors"]),
        published=PartialDate(fields["year"]) if fields["year"] else None,
        language=fields["language"],
        format=EditionFormat(fields["format"]),
        pages=fields.get("pages"),
        volume=fields.get("volume"),
        rank=rank,
    )


def _contributor(name: str, role: str = "unknown", *aliases: str) -> Contributor:
    return Contributor(name, ContributorRole(role), aliases)
