"""Merges claims to the served values of one edition, work or author.

A lock decides first, then the rule of the field. The result depends only on the claims and the locks: not on their order, and
not on what was served before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alexandria_pipeline.domain.merging.claims import Choice, Claim, EntityKind, Lock, trust, usable
from alexandria_pipeline.domain.merging.doubts import DOUBTS, OF_WORKS, Beside, evidence_of_titles, weighed
from alexandria_pipeline.domain.merging.fields import FIELDS_FROM, RULES
from alexandria_pipeline.domain.merging.rules import Rule, subtitle_for

Choices = dict[tuple[Any, ...], tuple[Sequence[Claim], Choice | None]]
"""What was chosen from which claims, by the rule and the claims' places in memory; it holds the claims, so that these stay theirs."""


@dataclass(frozen=True, slots=True)
class Merged:
    """The values by field, where each is from, and what a person should check.

    `provenance` has for each field the source, the id of its stored answer, the rule, and how many claims lost.
    """

    values: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, dict[str, Any]] = field(default_factory=dict)
    conflicts: dict[str, str] = field(default_factory=dict)


def merge(
    kind: EntityKind,
    claims: Iterable[Claim],
    locks: Mapping[str, Lock] | None = None,
    hints: Sequence[Claim] = (),
    fields: Collection[str] | None = None,
    choices: Choices | None = None,
) -> Merged:
    """The served values of one thing, of all fields or of some.

    `hints` (`hints.py`) decide between values that equally many sources give. `choices` keeps what was chosen from the same claims:
    a work is mostly chosen from the claims about its edition.
    """
    by_field: dict[str, list[Claim]] = {}
    for claim in (*sorted(claims, key=trust), *hints):
        by_field.setdefault(claim.field, []).append(claim)
    kept = {name: usable(each) for name, each in by_field.items()}
    merged = Merged()
    isbn = next((claim.value for claim in by_field.get("isbn", ())), "")
    beside = Beside(isbn, "", kept)
    locked = locks or {}
    doubted = DOUBTS if kind == "edition" else OF_WORKS if kind == "work" else ()
    for name, rule in RULES[kind].items():
        if fields is None or name in fields:
            stated: Sequence[Claim] | None = kept.get(FIELDS_FROM.get(name, name))
            if stated is None and name not in locked:
                continue
            if stated and name in doubted:
                stated = _weighed(name, stated, beside)
            choice = _choose(rule, stated, choices)
            if name == "title" and choice:
                beside.title = choice.value
            _serve(name, choice, locked.get(name), merged)
    if kind == "edition" and fields is None and "title" in merged.values:
        offered = usable(sorted(_subtitles(by_field.get("title", ()), by_field.get("subtitle", ())), key=trust))
        _serve("subtitle", _choose(subtitle_for(merged.values["title"]), offered), locked.get("subtitle"), merged)
    return merged


def _weighed(name: str, stated: Sequence[Claim], beside: Beside) -> Sequence[Claim]:
    """The claims of a field with the doubts about them, and what the titles say about it."""
    stated = weighed(name, stated, beside)
    if name == "series" and len(stated) > 1:
        named = evidence_of_titles(beside.claims.get("title", ()))
        stated = [*stated, *(Claim("title", "series", value, rank="hint") for value in named)]
    return stated


def _choose(rule: Rule, kept: Sequence[Claim] | None, choices: Choices | None = None) -> Choice | None:
    if not kept:
        return None
    if choices is None:
        return rule(kept)
    key = (rule, *map(id, kept))
    if key not in choices:
        choices[key] = (kept, rule(kept))
    return choices[key][1]


def _serve(name: str, choice: Choice | None, lock: Lock | None, merged: Merged) -> None:
    if lock is not None:
        if not lock.nothing:
            merged.values[name] = lock.value
        lost = len(choice.claims) + choice.lost if choice else 0
        merged.provenance[name] = {"source": "lock", "rule": "lock", "lost": lost}
        return
    if choice is None:
        return
    merged.values[name] = choice.value
    if len(choice.claims) == 1:
        source: str | list[str] = choice.claims[0].provider
        records = [choice.claims[0].record]
    else:
        winners = {claim.provider: claim.record for claim in choice.claims}
        source = next(iter(winners)) if len(winners) == 1 else sorted(winners)
        records = sorted(winners.values())
    merged.provenance[name] = {
        "source": source,
        "records": records,
        "rule": name,
        "lost": choice.lost,
    }
    if choice.conflict:
        merged.conflicts[name] = choice.conflict


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
