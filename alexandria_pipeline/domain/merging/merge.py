"""Merges claims to the served values of one edition, work or author.

A lock decides first, then the rule of the field. The result depends only on the claims and the locks: not on their order, and
not on what was served before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from alexandria_pipeline.domain.merging.claims import Choice, Claim, EntityKind, Lock, Sheet, by_field, trust, usable
from alexandria_pipeline.domain.merging.doubts import DOUBTS, OF_WORKS, Beside, evidence_of_titles, weighed
from alexandria_pipeline.domain.merging.fields import FIELDS_FROM, RULES
from alexandria_pipeline.domain.merging.rules import Rule, subtitle_for

Chosen = tuple[Choice | None, dict[str, Any]]
"""What a rule chose, and its provenance."""
Choices = dict[tuple[Any, ...], tuple[tuple[Sequence[Claim], ...], Chosen]]
"""What was chosen from which claims, by the rule and the places of their lists in memory; it holds the lists, so that these stay theirs."""

_DOUBTED: Final[Mapping[EntityKind, Collection[str]]] = {"edition": DOUBTS, "work": OF_WORKS, "author": ()}
_FIELDS: Final[Mapping[EntityKind, Sequence[tuple[str, Rule, str, bool]]]] = {
    kind: [(name, rule, FIELDS_FROM.get(name, name), name in _DOUBTED[kind]) for name, rule in rules.items()]
    for kind, rules in RULES.items()
}
"""For each kind the fields: name, rule, the field whose claims it is chosen from, and whether there are doubts about it."""
_NOTHING: Final[Sequence[Claim]] = ()


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
) -> Merged:
    """The served values of one thing, of all fields or of some. `hints` (`hints.py`) decide between values that equally many sources give."""
    return merge_sheet(kind, Sheet(by_field(claims), hints), locks, fields)


def merge_sheet(
    kind: EntityKind,
    sheet: Sheet,
    locks: Mapping[str, Lock] | None = None,
    fields: Collection[str] | None = None,
    choices: Choices | None = None,
) -> Merged:
    """The same from claims by field. `choices` keeps what was chosen from the same claims: a work is mostly chosen from those about its edition."""
    kept, locked = sheet.kept, locks or {}
    merged = Merged()
    beside = Beside(sheet.isbn13, "", kept)
    for name, rule, given, doubted in _FIELDS[kind]:
        stated = kept.get(given)
        if (not stated and name not in locked) or (fields is not None and name not in fields):
            continue
        choice, where = _choose(name, rule, stated or (), beside if doubted else None, choices)
        if name == "title" and choice:
            beside.title = choice.value
        _serve(name, choice, where, locked.get(name), merged)
    if kind == "edition" and fields is None and "title" in merged.values:
        _serve_subtitle(sheet, locked.get("subtitle"), merged)
    return merged


def _choose(name: str, rule: Rule, stated: Sequence[Claim], beside: Beside | None, choices: Choices | None) -> Chosen:
    """What the rule chooses from claims. With `beside`, some of them may be doubted."""
    if choices is None:
        return _chosen(name, rule, stated, beside)
    lists: tuple[Sequence[Claim], ...] = (stated,)
    if beside is not None:  # doubts depend on the titles and authors, too
        lists = (stated, beside.claims.get("title", _NOTHING), beside.claims.get("authors", _NOTHING))
    key = (rule, *map(id, lists))
    if key not in choices:
        choices[key] = (lists, _chosen(name, rule, stated, beside))
    return choices[key][1]


def _chosen(name: str, rule: Rule, stated: Sequence[Claim], beside: Beside | None) -> Chosen:
    if not stated:
        return None, {}
    if beside is not None and len(stated) > 1:
        stated = weighed(name, stated, beside)
        if name == "series" and len(stated) > 1:
            named = evidence_of_titles(beside.claims.get("title", ()))
            stated = [*stated, *(Claim("title", "series", value, rank="hint") for value in named)]
    choice = rule(stated)
    return choice, _provenance(name, choice) if choice else {}


def _serve(name: str, choice: Choice | None, where: dict[str, Any], lock: Lock | None, merged: Merged) -> None:
    if lock is not None:
        if not lock.nothing:
            merged.values[name] = lock.value
        lost = len(choice.claims) + choice.lost if choice else 0
        merged.provenance[name] = {"source": "lock", "rule": "lock", "lost": lost}
    elif choice is not None:
        merged.values[name] = choice.value
        merged.provenance[name] = where
        if choice.conflict:
            merged.conflicts[name] = choice.conflict


def _provenance(name: str, choice: Choice) -> dict[str, Any]:
    if len(choice.claims) == 1:
        source: str | list[str] = choice.claims[0].provider
        records = [choice.claims[0].record]
    else:
        winners = {claim.provider: claim.record for claim in choice.claims}
        source = next(iter(winners)) if len(winners) == 1 else sorted(winners)
        records = sorted(winners.values())
    return {"source": source, "records": records, "rule": name, "lost": choice.lost}


def _serve_subtitle(sheet: Sheet, lock: Lock | None, merged: Merged) -> None:
    """The subtitle of an edition, which depends on the title that is served."""
    titles = [*sheet.stated.get("title", ()), *(each for each in sheet.kept.get("title", ()) if each.rank == "hint")]
    offered = _subtitles(titles, sheet.stated.get("subtitle", ()))
    if not offered and lock is None:
        return
    kept = usable(sorted(offered, key=trust))
    choice = subtitle_for(merged.values["title"])(kept) if kept else None
    _serve("subtitle", choice, _provenance("subtitle", choice) if choice else {}, lock, merged)


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
