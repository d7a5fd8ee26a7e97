"""Checks the ISBNs that lists state, when no search has found the book: looks them up in every catalogue at hand.

A catalogue that has another book under the ISBN shows that the list is wrong: the ISBN is not taken. A catalogue that has the
book confirms it. If none has it, the ISBN is taken from the list, with a confidence of its own. A catalogue that cannot answer now leaves
the book deferred. The rules are in `domain/matching/listed_isbns.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from alexandria_pipeline.domain.errors import StorageError
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.deduplication import same_book
from alexandria_pipeline.domain.matching.listed_isbns import (
    LIST,
    Check,
    candidate_of,
    check_record,
    listed_edition,
    listed_verdict,
    wanted_isbns,
)
from alexandria_pipeline.domain.metadata import EditionMetadata
from alexandria_pipeline.domain.records import BookQuery, Candidate
from alexandria_pipeline.domain.service_answers import (
    Answer,
    Failed,
    Found,
    Rejected,
    StepOutcome,
    Unavailable,
)
from alexandria_pipeline.providers.base import MetadataSource, ProviderKind
from alexandria_pipeline.stages.promotion import ISBN_REJECTED, is_same_work
from alexandria_pipeline.storage import resolution as store
from alexandria_pipeline.storage import review
from alexandria_pipeline.storage.database import Database

log = logging.getLogger(__name__)

Steps = list[tuple[str, StepOutcome]]


@dataclass(slots=True)
class _Looked:
    """What the catalogues have under one ISBN."""

    confirmed: Found | None = None
    contradiction: str = ""
    silent: list[str] = field(default_factory=list)
    unanswered: Steps = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ListedIsbns:
    """The catalogues in which listed ISBNs are looked up, free ones first."""

    database: Database
    catalogues: Sequence[MetadataSource]

    async def check(self, query: BookQuery, offered: Sequence[Candidate], work_id: int | None) -> Steps:
        """The result for a book that no search has found: found, rejected with the reasons, or the catalogues that owe an answer.

        `offered`: the records with one of the ISBNs that the search has shown. Raises StorageError.
        """
        reasons: list[str] = []
        for isbn in wanted_isbns(query):
            if problem := await asyncio.to_thread(self._refused, query, isbn, work_id):
                reasons.append(f"{isbn}: {problem}")
                continue
            looked = await self._look_up(query, isbn, [each for each in offered if each.isbn13 == isbn])
            if looked.contradiction:
                reasons.append(f"{isbn}: {looked.contradiction}")
                continue
            if looked.unanswered and looked.confirmed is None:
                return looked.unanswered
            found = looked.confirmed or _stated(query, isbn, looked.silent)
            if problem := await asyncio.to_thread(self._taken, query, found, work_id):
                reasons.append(f"{isbn}: {problem}")
                continue
            return [(found.candidate.provider, found)]
        return [(LIST, Rejected("; ".join(reasons)))]

    def _refused(self, query: BookQuery, isbn: Isbn13, work_id: int | None) -> str:
        """Why our own tables speak against the ISBN for this work; "" if they do not."""
        with self.database.transaction() as tx:
            if work_id is not None and isbn in review.rejected_isbns(tx, work_id):
                return ISBN_REJECTED
            others = store.other_listings(tx, isbn, work_id)
        other = next((each for each in others if not same_book(query.title, query.author, *each)), None)
        return f"a list has it for {_named(*other)}, too" if other else ""

    def _taken(self, query: BookQuery, found: Found, work_id: int | None) -> str:
        """Whose ISBN it is, if another work has it."""
        with self.database.transaction() as tx:
            owner = store.edition_owner(tx, found.candidate.isbn13)
        if owner is None or owner.work_id == work_id or is_same_work(query, found.verdict.confidence, owner):
            return ""
        return f"it belongs to {_named(owner.title, owner.author)}"

    async def _look_up(self, query: BookQuery, isbn: Isbn13, offered: Sequence[Candidate]) -> _Looked:
        """Asks the catalogues, until one contradicts. Paid ones are asked only if no free one has confirmed the ISBN."""
        looked = _Looked()
        for record in offered:
            _compare(query, record, looked)
        seen = {record.provider for record in offered}
        for catalogue in self.catalogues:
            if looked.contradiction:
                break
            name = catalogue.declaration.name
            if name in seen or (looked.confirmed and catalogue.declaration.kind is ProviderKind.PAID):
                continue
            match await _metadata(catalogue, isbn):
                case EditionMetadata() as metadata if metadata.isbn13 == isbn:
                    _compare(query, candidate_of(metadata), looked)
                case Unavailable(temporary=True) | Failed(transient=True) as outcome:
                    looked.unanswered.append((name, outcome))
                case Unavailable() | Failed():
                    continue
                case _:
                    looked.silent.append(name)
        return looked


def _stated(query: BookQuery, isbn: Isbn13, silent: Sequence[str]) -> Found:
    """The ISBN as the list alone states it."""
    edition = listed_edition(query, isbn)
    return Found(edition, listed_verdict(edition, silent))


def _compare(query: BookQuery, record: Candidate, looked: _Looked) -> None:
    check, verdict = check_record(query, record)
    if check is Check.CONTRADICTED:
        names = " and ".join(one.name for one in record.contributors)
        looked.contradiction = f"{record.provider} has it for {_named(record.title, names)}"
    elif check is Check.CONFIRMED and looked.confirmed is None:
        looked.confirmed = Found(record, verdict)
    elif check is Check.SILENT:
        looked.silent.append(record.provider)


async def _metadata(catalogue: MetadataSource, isbn: Isbn13) -> Answer[EditionMetadata]:
    unavailable = catalogue.unavailable()
    if unavailable is not None:
        return unavailable
    try:
        return await catalogue.metadata(isbn)
    except StorageError:
        raise
    except Exception as error:  # a fault in one client costs its own answer, not the run
        log.exception("%s: unexpected %s", catalogue.declaration.name, type(error).__name__)
        return Failed(f"unexpected {type(error).__name__}")


def _named(title: str, author: str) -> str:
    return f"“{title}” by {author}" if author else f"“{title}”"
