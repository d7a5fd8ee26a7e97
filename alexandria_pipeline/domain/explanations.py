"""What outcomes and reason codes of attempts mean, in words for a person."""

from __future__ import annotations

from typing import Final

REASONS: Final = {
    "no_candidates": "it offered nothing",
    "other_title": "the nearest book it offered has another title",
    "other_volume": "the nearest book it offered is another volume of the series",
    "other_author": "the nearest book it offered is by somebody else",
    "not_the_author": "the person asked for is not the author of the nearest book it offered, but its translator, illustrator or narrator",
    "other_kind": "the nearest book it offered is a summary, study guide, box set, sampler or the like",
    "implausible_year": "the year of the nearest book it offered cannot be right",
    "other_language": "it offered the book in another language only, and the title does not fit surely enough",
    "placeholder_isbn": "the nearest book it offered has a placeholder for an ISBN",
    "ambiguous": "two works that it offered fit equally well",
    "too_weak": "too little speaks for the nearest book it offered",
    "isbn-of-another-work": "the ISBN of the book it offered belongs to another work already",
    "rejected-in-review": "a person has rejected the ISBN that it offered",
}

_OUTCOMES: Final = {
    "found": "{provider} knows the book, and the edition was accepted",
    "not_found": "{provider} knows no such book",
    "unavailable": "{provider} could not be asked: {reason}",
    "failed": "{provider} was asked and gave no usable answer: {reason}",
    "rejected": "{provider} was asked; {reason}",
}


def explained(outcome: str, reason: str, provider: str) -> str:
    """One sentence for one attempt. A reason without an entry is repeated as it is."""
    text = _OUTCOMES.get(outcome, "{provider}: {reason}")
    return text.format(provider=provider, reason=REASONS.get(reason, reason or "no reason was kept"))
