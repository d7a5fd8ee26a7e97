"""The verdict on a service's answer: which candidate, if any, is an edition of the book asked for.

Adds up the evidence of `domain.evidence`, compares the best with the runner-up, and chooses among the editions of the right
work. Refuses when unsure: a missing ISBN can be found tomorrow, a wrong one is believed for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from alexandria_pipeline.domain.matching.edition_facts import format_of, group_language, language_of
from alexandria_pipeline.domain.matching.evidence import SEVERITY, Finding, RefusalReason, gather
from alexandria_pipeline.domain.matching.title_extras import candidate_title
from alexandria_pipeline.domain.records import BookQuery, Candidate, EditionFormat, EvidenceLine
from alexandria_pipeline.domain.text.person_names import NameAgreement, compare_names, people
from alexandria_pipeline.domain.text.title_comparison import TitleAgreement, compare_titles

__all__ = ["THRESHOLDS", "RefusalReason", "Verdict", "judge"]

# Confidence that counts as high, as enough to accept, and as worth a person's look (docs/behaviour.md, "Resolution"); how far the
# runner-up must lie behind when it is another work; the points for language or format at which a better edition is sought, and
# those for a title under which a better one is.
THRESHOLDS: Final = {"high": 85, "accept": 65, "low": 45, "gap": 8, "wrong_dress": -10, "sure_title": 40}

# How surely a title names the work: a loosely agreeing title never competes with one that agrees.
_TIERS: Final = {
    "same": 0, "described": 1, "first_volume": 1, "misspelt": 2, "series_in_front": 2, "series_place": 3, "named_on_one_side": 2, "nearly": 3,
    "cut_long": 3, "cut": 3, "cut_record": 3, "broken_off": 3, "name_left_out": 3, "in_company": 3, "by_another": 3,
}  # fmt: skip
_LAST_TIER: Final = 9
_SAME_WORK: Final = frozenset(
    {TitleAgreement.SAME, TitleAgreement.SUBTITLE_ON_ONE_SIDE, TitleAgreement.SERIES_IN_FRONT, TitleAgreement.MISSPELT}
)
_FORMAT_RANK: Final = {
    EditionFormat.HARDCOVER: 0, EditionFormat.PAPERBACK: 0, EditionFormat.UNKNOWN: 1, EditionFormat.OTHER: 1, EditionFormat.EBOOK: 2,
    EditionFormat.AUDIO: 3,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a question. `candidate` is the accepted edition, or the nearest one when refused."""

    accepted: bool
    candidate: Candidate | None
    confidence: int
    evidence: tuple[EvidenceLine, ...] = ()
    reason: RefusalReason | None = None
    runner_up: Candidate | None = None

    @property
    def sure(self) -> bool:
        """Accepted for its title, not for one that only resembles or says more than was asked."""
        points = {line.name: line.points for line in self.evidence}
        return self.accepted and points.get("extra", 0) == 0 and points.get("title", 0) >= THRESHOLDS["sure_title"]

    @property
    def settled(self) -> bool:
        """Sure, and no better edition is to be hoped for: neither in a foreign language nor a recording."""
        dress = [line.points for line in self.evidence if line.name in ("language", "format")]
        return self.sure and all(points > THRESHOLDS["wrong_dress"] for points in dress)


@dataclass(frozen=True, slots=True)
class _Weighed:
    candidate: Candidate
    findings: tuple[Finding, ...]

    @property
    def confidence(self) -> int:
        return max(0, min(100, sum(finding.points for finding in self.findings)))

    @property
    def veto(self) -> RefusalReason | None:
        vetoes = [finding.veto for finding in self.findings if finding.veto is not None]
        return min(vetoes, key=SEVERITY.index, default=None)

    @property
    def acceptable(self) -> bool:
        return self.veto is None and self.confidence >= THRESHOLDS["accept"]

    @property
    def tier(self) -> int:
        tier = _TIERS.get(self.key("title"), _LAST_TIER)
        if self.key("extra") == "shared":
            return min(tier, _TIERS["described"])
        return max(tier, _TIERS["described"]) if self.is_loose else tier

    @property
    def is_loose(self) -> bool:
        return self.key("extra") in {"unexplained", "thin"}

    def key(self, name: str) -> str:
        return self.finding(name).key

    def finding(self, name: str) -> Finding:
        return next(finding for finding in self.findings if finding.name == name)

    def shared(self) -> _Weighed:
        findings = (replace(one, key="shared") if one.name == "extra" else one for one in self.findings)
        return _Weighed(self.candidate, tuple(findings))


def judge(query: BookQuery, candidates: Sequence[Candidate]) -> Verdict:
    """The right edition among those on offer, or why none of them will do. Does not depend on the candidates' order."""
    weighed = _corroborated([_Weighed(candidate, gather(query, candidate)) for candidate in candidates])
    if not weighed:
        return Verdict(accepted=False, candidate=None, confidence=0, reason=RefusalReason.NO_CANDIDATES)
    fit = sorted((one for one in weighed if one.acceptable), key=lambda one: (-one.confidence, *_tie_break(one)))
    fit = [one for one in fit if one.key("language") != "other" or one.tier <= 1]
    if not fit:
        return _refused(weighed)
    best = min(fit, key=lambda one: (one.tier, one.is_loose, -one.confidence, *_tie_break(one)))
    rivals = [one for one in fit if one is not best and not _same_work(best.candidate, one.candidate)]
    runner_up = rivals[0] if rivals else None
    close = [one for one in rivals if one.tier <= best.tier and best.confidence - one.confidence < THRESHOLDS["gap"]]
    if close:
        return _verdict(best, RefusalReason.AMBIGUOUS, close[0])
    editions = [one for one in fit if one is best or _same_work(best.candidate, one.candidate)]
    return _verdict(min(editions, key=lambda one: _preference(query, one)), None, runner_up)


def _corroborated(weighed: list[_Weighed]) -> list[_Weighed]:
    """What several editions add to the title is the book's own subtitle; what is made of a book says it once."""
    said = Counter(one.finding("extra").detail for one in weighed if one.acceptable and one.is_loose)
    return [one.shared() if one.is_loose and said[one.finding("extra").detail] > 1 else one for one in weighed]


def _verdict(weighed: _Weighed, reason: RefusalReason | None, runner_up: _Weighed | None) -> Verdict:
    return Verdict(
        accepted=reason is None,
        candidate=weighed.candidate,
        confidence=weighed.confidence,
        evidence=tuple(finding.line() for finding in weighed.findings),
        reason=reason,
        runner_up=runner_up.candidate if runner_up else None,
    )


def _refused(weighed: Sequence[_Weighed]) -> Verdict:
    """The nearest candidate is the one that came furthest through the reasons for refusal, then the one with most points."""

    def nearness(one: _Weighed) -> tuple[int, int, int]:
        stage = SEVERITY.index(_refusal(one))
        return -stage, -sum(finding.points for finding in one.findings), one.candidate.rank

    ordered = sorted(weighed, key=nearness)
    return _verdict(ordered[0], _refusal(ordered[0]), ordered[1] if len(ordered) > 1 else None)


def _refusal(one: _Weighed) -> RefusalReason:
    if one.veto is not None:
        return one.veto
    return RefusalReason.OTHER_LANGUAGE if one.key("language") == "other" else RefusalReason.TOO_WEAK


def _tie_break(one: _Weighed) -> tuple[int, str]:
    return one.candidate.rank, one.candidate.isbn13


def _same_work(a: Candidate, b: Candidate) -> bool:
    """Whether two candidates are editions of one work, as far as their titles, authors and identifiers tell."""
    works_a, works_b = _works(a), _works(b)
    if works_a & works_b:
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


def _preference(query: BookQuery, one: _Weighed) -> tuple[int, int, int, int, bool, int, int, int, int, str]:
    """Best first: language asked for, no recording, the very title, print, a plain edition, nearest to the listing year."""
    candidate = one.candidate
    form = _FORMAT_RANK[format_of(candidate)]
    told, grouped = language_of(candidate), group_language(candidate.isbn13)
    foreign = int(told not in {None, query.language})
    grouped_abroad = int(grouped not in {None, query.language})
    audio = int(form == _FORMAT_RANK[EditionFormat.AUDIO])
    year = candidate.published.year if candidate.published else None
    distance = 50 if year is None or query.year is None else min(abs(year - query.year), 50)
    large_print = int(one.key("kind") == "large_print")
    return foreign, audio, grouped_abroad, one.tier, one.is_loose, form, large_print, distance, *_tie_break(one)
