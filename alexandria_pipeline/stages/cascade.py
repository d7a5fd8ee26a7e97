"""The cascade: asks the resolvers in order for the ISBN of one book. Used by the stages that search for ISBNs.

A resolver with a valid definite no is not asked again. A service that could not answer leaves the book deferred, never
"not found". Which books are searched for, and when, is decided by the stages; `promotion.py` stores the result.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from alexandria_pipeline.domain.errors import StorageError
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.listed_isbns import LIST, revision_of
from alexandria_pipeline.domain.matching.verdict import judge
from alexandria_pipeline.domain.records import (
    BookOutcome,
    BookQuery,
    Candidate,
    OpenBook,
    Resolution,
    ResolutionAttempt,
)
from alexandria_pipeline.domain.service_answers import (
    Failed,
    Found,
    NotFound,
    Rejected,
    StepOutcome,
    Unavailable,
    is_our_fault,
)
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.spelling import is_misspelling
from alexandria_pipeline.providers.base import IsbnResolver, MetadataSource, ProviderKind
from alexandria_pipeline.stages.listed import ListedIsbns
from alexandria_pipeline.stages.promotion import ISBN_REJECTED, ISBN_TAKEN, is_same_work
from alexandria_pipeline.storage import resolution as store
from alexandria_pipeline.storage import review
from alexandria_pipeline.storage.database import Database

Answers = Mapping[str, tuple[str, str]]
"""Valid definite noes: resolver → (revision, reason; "" for not found)."""

MAX_CANDIDATES = 500  # of one answer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cascade:
    """The resolvers in order, and the catalogues in which the ISBNs of lists are checked when no resolver has the book."""

    database: Database
    resolvers: Sequence[IsbnResolver]
    catalogues: Sequence[MetadataSource] = ()

    def revisions(self) -> Mapping[str, str]:
        """The current revision of every resolver's answers."""
        return {resolver.declaration.name: resolver.revision() for resolver in self.resolvers}

    async def ask(
        self, query: BookQuery, revisions: Mapping[str, str], answers: Answers | None = None, work_id: int | None = None
    ) -> Resolution:
        """Asks for one book. `answers`: valid definite noes of earlier runs.

        The right book in an unwanted edition (foreign language, audio book) is kept as the best so far while the other
        resolvers are asked for a better edition. So is a title that is only similar; the book then also waits for services
        that could not answer. What one service knows about an ISBN completes the next service's candidate.
        """
        known: dict[Isbn13, Candidate] = {}
        records: list[Candidate] = []  # of ISBNs that the list states
        attempts: list[ResolutionAttempt] = []
        steps: list[tuple[str, StepOutcome]] = []
        best: Found | None = None
        for resolver in _in_order(self.resolvers, query):
            name, revision = resolver.declaration.name, revisions[resolver.declaration.name]
            cached = (answers or {}).get(name)
            if cached is not None and cached[0] == revision:
                steps.append((name, Rejected(cached[1]) if cached[1] else NotFound()))
                continue
            outcome = await self._step(resolver, query, best, work_id, known)
            records += [each for each in known.values() if each.isbn13 in query.isbns and each not in records]
            steps.append((name, outcome))
            if not (isinstance(outcome, Unavailable) and not outcome.temporary):
                attempts.append(_attempt(name, revision, outcome))
            if isinstance(outcome, Found):
                best = _better(best, outcome)
                if best.verdict.settled:
                    break
        if best is None and query.isbns and not _waits(steps):
            best = await self._check_list(query, records, work_id, (answers or {}).get(LIST), attempts, steps)
        elif best is not None and not best.verdict.sure and _unanswered(steps):
            best = None
        if best is None:
            return _unresolved(tuple(attempts), steps)
        verdict = best.verdict
        return Resolution(BookOutcome.RESOLVED, tuple(attempts), best.candidate, verdict.confidence, verdict.evidence)

    async def _check_list(
        self,
        query: BookQuery,
        records: Sequence[Candidate],
        work_id: int | None,
        cached: tuple[str, str] | None,
        attempts: list[ResolutionAttempt],
        steps: list[tuple[str, StepOutcome]],
    ) -> Found | None:
        """Checks the ISBNs that the list states; adds the attempts and steps."""
        revision = revision_of(query.isbns)
        if cached is not None and cached[0] == revision:
            steps.append((LIST, Rejected(cached[1])))
            return None
        for name, outcome in await ListedIsbns(self.database, self.catalogues).check(query, records, work_id):
            steps.append((name, outcome))
            attempts[:] = [each for each in attempts if each.provider != name]
            known = {resolver.declaration.name: resolver for resolver in self.resolvers}
            attempts.append(_attempt(name, known[name].revision() if name in known else revision, outcome))
            if isinstance(outcome, Found):
                return outcome
        return None

    async def _step(
        self,
        resolver: IsbnResolver,
        query: BookQuery,
        best: Found | None,
        work_id: int | None,
        known: dict[Isbn13, Candidate],
    ) -> StepOutcome:
        unavailable = resolver.unavailable()
        if unavailable is not None:
            return unavailable
        try:
            answer = await resolver.resolve(_respelt(query, best))
        except StorageError:  # our own database is down: this is no answer of the service
            raise
        except Exception as error:  # a fault in one client costs its own answer, not the run
            log.exception("%s: unexpected %s", resolver.declaration.name, type(error).__name__)
            return Failed(f"unexpected {type(error).__name__}")
        if isinstance(answer, NotFound | Unavailable | Failed):
            return answer
        offered = [candidate.completed(known.get(candidate.isbn13)) for candidate in answer[:MAX_CANDIDATES]]
        known.update((candidate.isbn13, candidate) for candidate in offered)
        # In a thread: judging a page takes milliseconds, in which other requests would miss their send slots.
        return await asyncio.to_thread(self._judge, query, offered, work_id)

    def _judge(self, query: BookQuery, offered: Sequence[Candidate], work_id: int | None) -> Found | Rejected:
        outcome = _verdict(query, offered)
        if isinstance(outcome, Found) and work_id is not None:
            return self._check_tables(outcome, query, offered, work_id)
        return outcome

    def _check_tables(
        self, found: Found, query: BookQuery, offered: Sequence[Candidate], work_id: int
    ) -> Found | Rejected:
        """Excludes ISBNs that a person has rejected for this work, and ISBNs of another work."""
        with self.database.transaction() as tx:
            rejected = review.rejected_isbns(tx, work_id)
            outcome: Found | Rejected = found
            if found.candidate.isbn13 in rejected:
                left = [candidate for candidate in offered if candidate.isbn13 not in rejected]
                outcome = _verdict(query, left) if left else Rejected(ISBN_REJECTED, found.candidate, found.verdict)
            if isinstance(outcome, Rejected):
                return outcome
            owner = store.edition_owner(tx, outcome.candidate.isbn13)
        if owner is None or owner.work_id == work_id or is_same_work(query, outcome.verdict.confidence, owner):
            return outcome
        return Rejected(ISBN_TAKEN, outcome.candidate, outcome.verdict)


def worth_asking(books: Sequence[OpenBook], answers: Answers, revisions: Mapping[str, str]) -> bool:
    """Whether a search can change anything: an undecided book, a resolved work, or a resolver without a valid no.

    For a work that a person has closed, only books without an outcome: they get it without a search.
    """
    if books[0].closed:
        return any(book.outcome is BookOutcome.PENDING for book in books)
    if books[0].known is not None or any(book.outcome is BookOutcome.PENDING for book in books):
        return True
    isbns = listed_isbns(books)
    if isbns and answers.get(LIST, ("",))[0] != revision_of(isbns):
        return True
    return any(name not in answers or answers[name][0] != revision for name, revision in revisions.items())


def listed_isbns(books: Sequence[OpenBook]) -> tuple[Isbn13, ...]:
    """The ISBNs that lists state for a work, in their order."""
    return tuple(dict.fromkeys(isbn for book in books for isbn in book.isbns))


def _in_order(resolvers: Sequence[IsbnResolver], query: BookQuery) -> Sequence[IsbnResolver]:
    """The resolvers in order. For a query with an ISBN, the free ones come first: they verify it without a paid call."""
    if not query.isbns:
        return resolvers
    return sorted(resolvers, key=lambda resolver: resolver.declaration.kind is ProviderKind.PAID)


def _respelt(query: BookQuery, best: Found | None) -> BookQuery:
    """The query with the title of the best edition so far, if the listing misspells it: other services may not find it."""
    if best is None or not is_misspelling(normalise(query.title), normalise(best.candidate.title)):
        return query
    return replace(query, title=best.candidate.title)


def _verdict(query: BookQuery, offered: Sequence[Candidate]) -> Found | Rejected:
    verdict = judge(query, offered)
    if not verdict.accepted or verdict.candidate is None:
        return Rejected(verdict.reason.value if verdict.reason else "rejected", verdict.candidate, verdict)
    return Found(verdict.candidate, verdict)


def _better(best: Found | None, found: Found) -> Found:
    """The first settled edition; among unsettled ones, the one with the higher confidence."""
    if best is None or found.verdict.settled or found.verdict.confidence > best.verdict.confidence:
        return found
    return best


def _attempt(provider: str, revision: str, outcome: StepOutcome) -> ResolutionAttempt:
    match outcome:
        case Found(candidate, verdict):
            return ResolutionAttempt(
                provider, revision, "found", candidate.isbn13, verdict.confidence, "", verdict.evidence, candidate
            )
        case Rejected(reason, nearest, verdict):
            isbn13, confidence = nearest.isbn13 if nearest else None, verdict.confidence if verdict else None
            evidence, runner_up = (verdict.evidence, verdict.runner_up) if verdict else ((), None)
            return ResolutionAttempt(
                provider, revision, "rejected", isbn13, confidence, reason, evidence, nearest, runner_up
            )
        case NotFound():
            return ResolutionAttempt(provider, revision, "not_found")
        case Unavailable(reason):
            return ResolutionAttempt(provider, revision, "unavailable", reason=reason)
        case Failed(reason):
            return ResolutionAttempt(provider, revision, "failed", reason=reason)


def _unanswered(steps: Sequence[tuple[str, StepOutcome]]) -> list[str]:
    """The services that could not answer and may do so later, with their reasons."""
    return [
        f"{name}: {outcome.reason}"
        for name, outcome in steps
        if isinstance(outcome, Failed) or (isinstance(outcome, Unavailable) and outcome.temporary)
    ]


def _may_pass(outcome: StepOutcome) -> bool:
    """Whether the service may answer later in the same run: a failure of one request, or a pause after several."""
    return (isinstance(outcome, Failed) and outcome.transient) or (
        isinstance(outcome, Unavailable) and outcome.retry_at is not None
    )


def _waits(steps: Sequence[tuple[str, StepOutcome]]) -> bool:
    """Whether the book waits for a service, or for us: only then the list is not asked yet."""
    ours = any(isinstance(outcome, Unavailable) and is_our_fault(outcome.reason) for _, outcome in steps)
    return ours or bool(_unanswered(steps))


def _unresolved(attempts: tuple[ResolutionAttempt, ...], steps: Sequence[tuple[str, StepOutcome]]) -> Resolution:
    """Not found needs a definite no of every service that counts; anything else defers the book."""
    rejected = [f"{name}: {outcome.reason}" for name, outcome in steps if isinstance(outcome, Rejected)]
    unavailable = [
        f"{name}: {outcome.reason}"
        for name, outcome in steps
        if isinstance(outcome, Unavailable) and not outcome.temporary
    ]
    if unanswered := _unanswered(steps):
        again = tuple(name for name, outcome in steps if _may_pass(outcome))
        return Resolution(BookOutcome.DEFERRED, attempts, reason="; ".join(unanswered), again=again)
    if len(unavailable) == sum(name != LIST for name, _ in steps):
        reason = "no service is available: " + ("; ".join(unavailable) or "none is configured")
        return Resolution(BookOutcome.DEFERRED, attempts, reason=reason)
    unknown = [name for name, outcome in steps if isinstance(outcome, NotFound)]
    reason = "; ".join([*rejected, *([f"unknown to {', '.join(unknown)}"] if unknown else [])])
    return Resolution(BookOutcome.NOT_FOUND, attempts, reason=reason)
