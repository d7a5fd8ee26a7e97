"""The verdict on the candidates of one service: which of them, if any, is an edition of the book in the query.

Adds the weights of the evidence, compares the best candidate with the best one of another work, and chooses among the editions
of the right work. Refuses when unsure: a missing ISBN can be found later, a wrong one stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

from alexandria_pipeline.domain.matching.edition_facts import group_language, language_of
from alexandria_pipeline.domain.matching.evidence import Finding, gather, has_another_title
from alexandria_pipeline.domain.matching.title_extras import candidate_title
from alexandria_pipeline.domain.matching.weights import PRIOR, THRESHOLDS, Weights, probability, weights
from alexandria_pipeline.domain.records import BookQuery, Candidate, EvidenceLine
from alexandria_pipeline.domain.text.person_names import NameAgreement, compare_names, people
from alexandria_pipeline.domain.text.title_comparison import TitleAgreement, compare_titles

__all__ = ["THRESHOLDS", "Certainty", "RefusalReason", "Verdict", "judge"]


class RefusalReason(StrEnum):
    """Why no candidate was accepted: the strongest evidence against the nearest one."""

    NO_CANDIDATES = "no_candidates"
    OTHER_TITLE = "other_title"
    OTHER_VOLUME = "other_volume"
    OTHER_AUTHOR = "other_author"
    NOT_THE_AUTHOR = "not_the_author"  # named, but as translator, illustrator or narrator
    OTHER_KIND = "other_kind"  # summary, box set, sampler …
    IMPLAUSIBLE_YEAR = "implausible_year"
    OTHER_LANGUAGE = "other_language"
    PLACEHOLDER_ISBN = "placeholder_isbn"
    AMBIGUOUS = "ambiguous"
    TOO_WEAK = "too_weak"


class Certainty(StrEnum):
    """How far an answer can be relied on."""

    NONE = "none"  # refused
    PROBABLE = "probable"  # the right work, as far as a title that is only alike or adds something tells
    SURE = "sure"  # title and author agree and nothing speaks against it
    SETTLED = "settled"  # sure, and no better edition is to be expected: neither in another language nor a recording


_REASONS: Final = {
    ("title", "different"): RefusalReason.OTHER_TITLE,
    ("title", "other_volume"): RefusalReason.OTHER_VOLUME,
    ("author", "different"): RefusalReason.OTHER_AUTHOR,
    ("author", "helper"): RefusalReason.NOT_THE_AUTHOR,
    ("kind", "other"): RefusalReason.OTHER_KIND,
    ("kind", "perhaps_other"): RefusalReason.OTHER_KIND,
    ("year", "implausible"): RefusalReason.IMPLAUSIBLE_YEAR,
    ("language", "other"): RefusalReason.OTHER_LANGUAGE,
    ("language", "other_and_loose"): RefusalReason.OTHER_LANGUAGE,
    ("isbn", "placeholder"): RefusalReason.PLACEHOLDER_ISBN,
}
# Levels that leave an answer sure; any other level makes it only probable.
_SURE: Final = {
    "title": frozenset({"same", "described", "misspelt"}),
    "extra": frozenset({"none", "shared"}),
    "company": frozenset({"none", "beside"}),
    "author": frozenset({"full", "alike", "initials", "misspelt", "surname", "not_first"}),
    "kind": frozenset({"book", "large_print"}),
    "language": frozenset({"asked", "unknown", "other"}),
}
_SAME_WORK: Final = frozenset(
    {TitleAgreement.SAME, TitleAgreement.SUBTITLE_ON_ONE_SIDE, TitleAgreement.SERIES_IN_FRONT, TitleAgreement.MISSPELT}
)
# Which edition of the right work is preferred: print before e-book before recording.
_FORMAT_ORDER: Final = {"print": 0, "unknown": 1, "ebook": 2, "audio": 3}
# A title that differs by so many decibans is a worse one for the choice among editions.
_WORSE_TITLE: Final = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for a query. `candidate` is the accepted edition, or the nearest one when refused."""

    accepted: bool
    candidate: Candidate | None
    confidence: int
    evidence: tuple[EvidenceLine, ...] = ()
    reason: RefusalReason | None = None
    runner_up: Candidate | None = None
    certainty: Certainty = Certainty.NONE

    @property
    def sure(self) -> bool:
        """Accepted for its title, not for one that is only alike or adds something."""
        return self.certainty in {Certainty.SURE, Certainty.SETTLED}

    @property
    def settled(self) -> bool:
        """Sure, and no better edition is to be expected."""
        return self.certainty is Certainty.SETTLED


@dataclass(frozen=True)
class _Weighed:
    """A candidate with its evidence and the weights in use."""

    candidate: Candidate
    findings: tuple[Finding, ...]
    weights: Weights

    def points(self, finding: Finding) -> int:
        return self.weights.get((finding.name, finding.level), 0)

    def points_of(self, name: str) -> int:
        return self.points(self._named[name])

    @cached_property
    def total(self) -> int:
        return self.weights[PRIOR] + sum(map(self.points, self.findings))

    @cached_property
    def confidence(self) -> int:
        return int(100 * probability(self.total))

    @property
    def acceptable(self) -> bool:
        return self.confidence >= THRESHOLDS["accept"]

    @cached_property
    def _named(self) -> dict[str, Finding]:
        return {finding.name: finding for finding in self.findings}

    def level(self, name: str) -> str:
        return self._named[name].level

    def detail(self, name: str) -> str:
        return self._named[name].detail

    @cached_property
    def is_plain(self) -> bool:
        return self.level("extra") in _SURE["extra"] and self.level("kind") in _SURE["kind"]

    def certainty(self) -> Certainty:
        if self.confidence < THRESHOLDS["high"] or any(self.level(name) not in sure for name, sure in _SURE.items()):
            return Certainty.PROBABLE
        settled = self.level("language") != "other" and self.level("format") != "audio"
        return Certainty.SETTLED if settled else Certainty.SURE

    def at(self, name: str, level: str) -> _Weighed:
        """The same candidate with another level of one evidence."""
        findings = (replace(one, level=level) if one.name == name else one for one in self.findings)
        return _Weighed(self.candidate, tuple(findings), self.weights)


def judge(query: BookQuery, candidates: Sequence[Candidate], in_use: Weights | None = None) -> Verdict:
    """The right edition among the candidates, or why there is none. Does not depend on their order.

    `in_use`: other weights than those of the table, for estimates on a part of the data.
    """
    if not candidates:
        return Verdict(accepted=False, candidate=None, confidence=0, reason=RefusalReason.NO_CANDIDATES)
    table = weights() if in_use is None else in_use
    examined = candidates
    if len(candidates) > 1:
        near = [candidate for candidate in candidates if not has_another_title(query, candidate)]
        examined = near or [min(candidates, key=_order)]
    weighed = _compared([_Weighed(candidate, gather(query, candidate), table) for candidate in examined])
    ordered = sorted(weighed, key=lambda one: (-one.total, *_order(one.candidate)))
    best = ordered[0]
    if not best.acceptable:
        return _verdict(best, _reason(best), ordered[1] if len(ordered) > 1 else None)
    fit = [one for one in ordered if one.acceptable]
    rivals = [one for one in fit if not _same_work(best.candidate, one.candidate)]
    runner_up = rivals[0] if rivals else None
    if runner_up is not None and best.total - runner_up.total < THRESHOLDS["gap"]:
        return _verdict(best, RefusalReason.AMBIGUOUS, runner_up)
    editions = [one for one in fit if one not in rivals]
    chosen = min(editions, key=lambda one: _preference(query, best, one)) if len(editions) > 1 else best
    return _verdict(chosen, None, runner_up)


def _compared(weighed: list[_Weighed]) -> list[_Weighed]:
    """What several editions add to the title is the book's own subtitle; what is made of a book adds it once."""
    adding = [one for one in weighed if not one.is_plain and one.acceptable]
    if len(adding) < 2:
        return weighed
    added = Counter(one.detail("extra") for one in adding)
    return [
        one.at("extra", "shared") if not one.is_plain and added[one.detail("extra")] > 1 else one for one in weighed
    ]


def _verdict(weighed: _Weighed, reason: RefusalReason | None, runner_up: _Weighed | None) -> Verdict:
    prior = EvidenceLine("prior", "before any evidence", weighed.weights[PRIOR])
    lines = (EvidenceLine(one.name, f"{one.level}: {one.detail}", weighed.points(one)) for one in weighed.findings)
    return Verdict(
        accepted=reason is None,
        candidate=weighed.candidate,
        confidence=weighed.confidence,
        evidence=(prior, *lines),
        reason=reason,
        runner_up=runner_up.candidate if runner_up else None,
        certainty=weighed.certainty() if reason is None else Certainty.NONE,
    )


def _reason(weighed: _Weighed) -> RefusalReason:
    """The reason that belongs to the strongest evidence against the candidate."""
    worst = min(weighed.findings, key=weighed.points)
    return _REASONS.get((worst.name, worst.level), RefusalReason.TOO_WEAK)


def _order(candidate: Candidate) -> tuple[int, str]:
    """The place in the answer of the service; decides between candidates that are otherwise equal."""
    return candidate.rank, candidate.isbn13


def _same_work(a: Candidate, b: Candidate) -> bool:
    """Whether two candidates are editions of one work, as far as their titles, authors and identifiers tell."""
    if _works(a) & _works(b):
        return True
    if compare_titles(candidate_title(a), candidate_title(b)) not in _SAME_WORK:
        return False
    persons_a = [person for one in a.contributors for name in (one.name, *one.aliases) for person in people(name)]
    persons_b = [person for one in b.contributors for name in (one.name, *one.aliases) for person in people(name)]
    if not persons_a or not persons_b:
        return True
    return any(compare_names(one, other) is not NameAgreement.DIFFERENT for one in persons_a for other in persons_b)


def _works(candidate: Candidate) -> frozenset[tuple[str, str]]:
    return frozenset(pair for pair in candidate.identifiers if pair[0].endswith("_work"))


def _preference(query: BookQuery, best: _Weighed, one: _Weighed) -> tuple[int | str | bool, ...]:
    """Best first: the language asked for, no recording, the plainest title, an ISBN of the list, print, nearest to the listing year."""
    candidate, form = one.candidate, one.level("format")
    foreign = language_of(candidate) not in {None, query.language} or one.level("language") == "other"
    grouped_abroad = group_language(candidate.isbn13) not in {None, query.language}
    worse_title = max(0, best.points_of("title") - one.points_of("title") - _WORSE_TITLE)
    year = candidate.published.year if candidate.published else None
    distance = 50 if year is None or query.year is None else min(abs(year - query.year), 50)
    return (
        foreign,
        form == "audio",
        grouped_abroad,
        worse_title,
        not one.is_plain,
        candidate.isbn13 not in query.isbns,
        _FORMAT_ORDER[form],
        one.level("kind") == "large_print",
        distance,
        *_order(candidate),
    )
