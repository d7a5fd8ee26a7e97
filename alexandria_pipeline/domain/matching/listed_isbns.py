"""The ISBNs of a list: what a catalogue's record shows about one of them, and the edition that a list alone states.

A list states which ISBN a book has, so a record of this ISBN needs less evidence than one that a search by title finds. But a
record of another book under this ISBN shows that the list is wrong. Which catalogues are asked: `stages/listed.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.edition_facts import group_language
from alexandria_pipeline.domain.matching.evidence import gather
from alexandria_pipeline.domain.matching.verdict import Certainty, Verdict, judge
from alexandria_pipeline.domain.metadata import EditionMetadata
from alexandria_pipeline.domain.records import BookQuery, Candidate, Contributor, ContributorRole, EvidenceLine

LIST: Final = "list"
"""The provider of an ISBN that only a list states."""

LISTED_CONFIDENCE: Final = 75
"""The confidence of an ISBN that a list states, and that no catalogue confirms or contradicts: accepted, but not high."""

MAX_LISTED: Final = 3
"""How many ISBNs of a book are looked up: lists of best-sellers name a dozen."""

# The levels of evidence beside which a record with little else to say is no other book.
_AGREES: Final = {
    "title": frozenset({"same", "described", "misspelt"}),
    "extra": frozenset({"none", "shared"}),
    "company": frozenset({"none", "beside"}),
    "author": frozenset(
        {"full", "alike", "initials", "misspelt", "surname", "not_first", "missing", "not_asked", "not_asked_generic"}
    ),
    "kind": frozenset({"book", "large_print", "own_words"}),
}


class Check(StrEnum):
    """What the record of a listed ISBN shows."""

    CONFIRMED = "confirmed"  # the record is accepted
    SILENT = "silent"  # it is the same title, without enough to be accepted
    CONTRADICTED = "contradicted"  # it is another book, or there is reason to doubt it


def check_record(query: BookQuery, record: Candidate) -> tuple[Check, Verdict]:
    """Compares the book with a catalogue's record of an ISBN that the list states."""
    verdict = judge(query, [record])
    if verdict.accepted:
        return Check.CONFIRMED, verdict
    levels = {finding.name: finding.level for finding in gather(query, record)}
    agrees = "isbn" not in levels and all(levels[name] in allowed for name, allowed in _AGREES.items())
    return Check.SILENT if agrees else Check.CONTRADICTED, verdict


def wanted_isbns(query: BookQuery) -> list[Isbn13]:
    """The ISBNs to look up, those of the asked language's country first, else in the order of the list."""
    abroad = sorted(query.isbns, key=lambda isbn: group_language(isbn) not in {None, query.language})
    return abroad[:MAX_LISTED]


def revision_of(isbns: Sequence[Isbn13]) -> str:
    """The version of what lists state about a book: the check is made again when it changes."""
    return hashlib.sha256(" ".join(sorted(isbns)).encode()).hexdigest()[:16]


def listed_edition(query: BookQuery, isbn13: Isbn13) -> Candidate:
    """The edition that the list alone states."""
    authors = (Contributor(query.author, ContributorRole.AUTHOR),) if query.author else ()
    return Candidate(LIST, isbn13, query.title, authors)


def listed_verdict(edition: Candidate, asked: Sequence[str]) -> Verdict:
    """The verdict on an ISBN that only the list states; `asked`: the catalogues without a record that contradicts it."""
    detail = f"only the list states it; not contradicted by {', '.join(asked)}" if asked else "only the list states it"
    return Verdict(
        accepted=True,
        candidate=edition,
        confidence=LISTED_CONFIDENCE,
        evidence=(EvidenceLine("listed", detail, 0),),
        certainty=Certainty.PROBABLE,
    )


def candidate_of(record: EditionMetadata) -> Candidate:
    """A catalogue's record of an ISBN, as the matcher judges it."""
    return Candidate(
        record.provider,
        record.isbn13,
        record.title,
        record.contributors,
        record.subtitle,
        record.published,
        record.first_published,
        record.language,
        record.publisher,
        record.format,
        record.pages,
        record.series,
        record.volume,
        record.subjects,
        record.identifiers,
    )
