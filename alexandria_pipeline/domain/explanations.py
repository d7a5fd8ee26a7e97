"""The outcomes and reason codes of attempts as sentences for a person."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.domain.matching.listed_isbns import LIST

REASONS: Final = {
    "no_candidates": "it offered no candidate",
    "other_title": "the nearest book it offered has another title",
    "other_volume": "the nearest book it offered is another volume of the series",
    "other_author": "the nearest book it offered is by another author",
    "not_the_author": "the listed author is the translator, illustrator or narrator of the nearest book it offered, not its author",
    "other_kind": "the nearest book it offered is a summary, study guide, box set, sampler or the like",
    "implausible_year": "the year of the nearest book it offered contradicts the list",
    "other_language": "it offered the book only in another language, and the title is not similar enough",
    "placeholder_isbn": "the nearest book it offered has a placeholder instead of an ISBN",
    "ambiguous": "it offered two works that match equally well",
    "too_weak": "there is too little evidence for the nearest book it offered",
    "isbn-of-another-work": "the ISBN of the book it offered already belongs to another work",
    "rejected-in-review": "a person has rejected the ISBN that it offered",
}

_OUTCOMES: Final = {
    "found": "{provider} has the book, and the edition was accepted",
    "not_found": "{provider} does not have the book",
    "unavailable": "{provider} could not be asked: {reason}",
    "failed": "{provider} was asked and returned no usable answer: {reason}",
    "rejected": "{provider} was asked; {reason}",
}

_OF_LIST: Final = {
    "found": "the list states this ISBN, and no catalogue contradicts it",
    "rejected": "the ISBNs that the list states were checked and are not used; {reason}",
}


def explained(outcome: str, reason: str, provider: str) -> str:
    """Returns one sentence for one attempt. A reason that is not in `REASONS` is used unchanged."""
    special = _OF_LIST.get(outcome) if provider == LIST else None
    text = special or _OUTCOMES.get(outcome, "{provider}: {reason}")
    return text.format(provider=provider, reason=REASONS.get(reason, reason or "no reason was stored"))
