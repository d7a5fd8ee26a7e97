"""Merges claims to the served values of one edition, work or author.

A lock decides first, then the rule of the field. The result depends only on the claims and the locks: not on their order, and
not on what was served before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alexandria_pipeline.domain.merging.claims import Choice, Claim, EntityKind, Lock, usable
from alexandria_pipeline.domain.merging.fields import FIELDS_FROM, RULES
from alexandria_pipeline.domain.merging.rules import Rule, subtitle_for


@dataclass(frozen=True, slots=True)
class Merged:
    """The values by field, where each is from, and what a person should check.

    `provenance` has for each field the source, the id of its stored answer, the rule, and how many claims lost.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    conflicts: Mapping[str, str] = field(default_factory=dict)


def merge(
    kind: EntityKind,
    claims: Iterable[Claim],
    locks: Mapping[str, Lock] | None = None,
    hints: Sequence[Claim] = (),
) -> Merged:
    """The served values of one thing. `hints` (`hints.py`) decide between values that equally many sources give."""
    by_field: dict[str, list[Claim]] = {}
    for claim in (*claims, *hints):
        by_field.setdefault(claim.field, []).append(claim)
    values: dict[str, Any] = {}
    provenance: dict[str, Mapping[str, Any]] = {}
    conflicts: dict[str, str] = {}
    for name, rule in RULES[kind].items():
        choice = _choose(rule, by_field.get(FIELDS_FROM.get(name, name), ()))
        _serve(name, choice, (locks or {}).get(name), values, provenance, conflicts)
    if kind == "edition" and "title" in values:
        offered = _subtitles(by_field.get("title", ()), by_field.get("subtitle", ()))
        choice = _choose(subtitle_for(values["title"]), offered)
        _serve("subtitle", choice, (locks or {}).get("subtitle"), values, provenance, conflicts)
    return Merged(values, provenance, conflicts)


def _choose(rule: Rule, claims: Sequence[Claim]) -> Choice | None:
    kept = usable(claims)
    return rule(kept) if kept else None


def _serve(
    name: str,
    choice: Choice | None,
    lock: Lock | None,
    values: dict[str, Any],
    provenance: dict[str, Mapping[str, Any]],
    conflicts: dict[str, str],
) -> None:
    if lock is not None:
        if not lock.nothing:
            values[name] = lock.value
        provenance[name] = {"source": "lock", "rule": "lock", "lost": len(choice.claims) + choice.lost if choice else 0}
        return
    if choice is None:
        return
    values[name] = choice.value
    winners = {claim.provider: claim.record for claim in choice.claims}
    provenance[name] = {
        "source": next(iter(winners)) if len(winners) == 1 else sorted(winners),
        "records": sorted(winners.values()),
        "rule": name,
        "lost": choice.lost,
    }
    if choice.conflict:
        conflicts[name] = choice.conflict


def _subtitles(titles: Sequence[Claim], subtitles: Sequence[Claim]) -> list[Claim]:
    """Subtitles beside the title of the same answer; a title with a colon has its subtitle in it."""
    title_of = {(claim.provider, claim.record): str(claim.value) for claim in titles}
    offered = []
    for claim in subtitles:
        value = {"text": str(claim.value), "title": title_of.get((claim.provider, claim.record), "")}
        offered.append(_with_value(claim, value))
    for claim in titles:
        main, colon, rest = str(claim.value).partition(": ")
        if colon and rest.strip():
            offered.append(_with_value(claim, {"text": rest, "title": main}))
    return offered


def _with_value(claim: Claim, value: Any) -> Claim:
    return Claim(claim.provider, "subtitle", value, claim.record, claim.rank, claim.fetched_at)
