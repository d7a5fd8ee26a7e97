"""Asks the services for facts about editions, works and authors, all services at once, and stores their answers as claims.

Each service has a queue of its own, so the time is set by the slowest rate limit. Services that can are asked for the records
of many editions in one call first (`Prefetcher`). A request that was answered is not made again; one that failed is owed, and
a later run makes it. Claims are stored after each batch. The answers of a batch that was cut
off are in the cache of responses, so that none is paid for twice. Of a daily quota, half of the rest is left to the search for ISBNs.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import Any, Final, NamedTuple

from alexandria_pipeline.domain.errors import SourceError, StorageError
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.merging.claims import EntityKind, Stated
from alexandria_pipeline.domain.merging.extraction import author_facts, edition_facts, work_facts
from alexandria_pipeline.domain.merging.identity import AuthorRef
from alexandria_pipeline.domain.metadata import AuthorBiography, EditionMetadata
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.quota import CallPurpose, affordable_calls
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers.base import (
    AuthorPrefetcher,
    BatchMetadataSource,
    Capability,
    Prefetcher,
    Provider,
    ProviderKind,
)
from alexandria_pipeline.providers.transport.types import call_context, calls_made
from alexandria_pipeline.stages.watchdog import run_watched
from alexandria_pipeline.storage import claims as store
from alexandria_pipeline.storage.claims import Request
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.quota import QuotaManager

log = logging.getLogger(__name__)

BATCH: Final = 50  # requests of one service that are made together; their answers are stored together
UNDER_WAY: Final = 2  # batches of one service at a time

METADATA: Final = Capability.METADATA_ENRICHMENT
BY_ISBN: Final[Mapping[Capability, Callable[[Any, Isbn13], Awaitable[Any]]]] = {
    Capability.COVER_IMAGES: lambda provider, isbn: provider.covers(isbn),
    Capability.RATINGS: lambda provider, isbn: provider.rating(isbn),
    Capability.EXTERNAL_IDS: lambda provider, isbn: provider.external_ids(isbn),
    Capability.SUBJECT_ENRICHMENT: lambda provider, isbn: provider.subjects(isbn),
    Capability.SERIES_INFO: lambda provider, isbn: provider.series(isbn),
    Capability.AWARDS: lambda provider, isbn: provider.awards(isbn),
    Capability.TRANSLATIONS: lambda provider, isbn: provider.translations(isbn),
    Capability.EDITION_VARIANTS: lambda provider, isbn: provider.variants(isbn),
    Capability.PUBLIC_DOMAIN: lambda provider, isbn: provider.public_domain(isbn),
}
"""What is asked by the ISBN of an edition. Services answer most of it from records that are cached by then."""

ABOUT_EDITIONS: Final = (Capability.COVER_IMAGES,)
ABOUT_WORKS: Final = tuple(each for each in BY_ISBN if each not in ABOUT_EDITIONS)

Months = Mapping[Any, Month]
"""The month on which the calls about a subject are booked."""


class Answered(NamedTuple):
    """The answer to a request, and the ids of the calls that were made for it."""

    answer: Any
    calls: tuple[int, ...] = ()


Ask = Callable[[Sequence[Request]], Awaitable[Mapping[Request, Answered]]]

KEPT_FOR_ISBNS: Final = Unavailable("the rest of today's quota is kept for the search for ISBNs", temporary=True)


@dataclass(slots=True)
class Asked:
    """How many requests were made, by service and outcome."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Asker:
    """Makes the requests of one stage of one run."""

    database: Database
    quota: QuotaManager
    run_id: str
    stage: str

    def editions(self, providers: Sequence[Provider], isbns: Mapping[Isbn13, Month]) -> Asked:
        """Asks every service for the facts of editions; `isbns` has the month that each call is booked on."""
        wanted = {
            provider: [Request("edition", isbn, provider.declaration.name, METADATA.value) for isbn in isbns]
            for provider in providers
        }
        return self._run(wanted, isbns, _ask_metadata)

    def details(self, providers: Mapping[Capability, Sequence[Provider]], isbns: Mapping[Isbn13, Month]) -> Asked:
        """Asks for more about editions or their works: only services that know the edition, and none that is paid."""
        wanted: dict[Provider, list[Request]] = {}
        known: dict[str, set[str]] = {}
        for capability, offering in providers.items():
            kind: EntityKind = "edition" if capability in ABOUT_EDITIONS else "work"
            for provider in offering:
                name = provider.declaration.name
                if provider.declaration.kind is ProviderKind.PAID:
                    continue
                if name not in known:
                    known[name] = self._known(name, isbns)
                requests = [Request(kind, isbn, name, capability.value) for isbn in isbns if isbn in known[name]]
                wanted.setdefault(provider, []).extend(requests)
        return self._run(wanted, isbns, _ask_by_isbn)

    def authors(
        self, providers: Sequence[Provider], refs: Mapping[str, AuthorRef], months: Mapping[str, Month]
    ) -> Asked:
        """Asks for the biographies of authors, by key."""
        wanted = {
            provider: [
                Request("author", key, provider.declaration.name, Capability.AUTHOR_BIOGRAPHY.value) for key in refs
            ]
            for provider in providers
        }

        def ask(provider: Any, months: Months) -> Ask:
            return _about_authors(provider, months, refs)

        return self._run(wanted, months, ask)

    def _known(self, name: str, isbns: Mapping[Isbn13, Month]) -> set[str]:
        with self.database.transaction() as tx:
            return store.known_to(tx, "edition", name, METADATA.value, isbns)

    def _run(
        self,
        wanted: Mapping[Provider, Sequence[Request]],
        months: Months,
        ask: Callable[[Any, Months], Ask],
    ) -> Asked:
        asked = Asked()

        async def ask_all() -> None:
            async with asyncio.TaskGroup() as tasks:
                for provider, requests in wanted.items():
                    tasks.create_task(self._service(provider, requests, months, ask(provider, months), asked))

        run_watched(ask_all())
        return asked

    async def _service(
        self, provider: Provider, requests: Sequence[Request], months: Months, ask: Ask, asked: Asked
    ) -> None:
        """The queue of one service."""
        name = provider.declaration.name
        unavailable = provider.unavailable()
        if unavailable is not None and not unavailable.temporary:
            return
        taken = await asyncio.to_thread(self._take, requests)
        taken = _in_groups(taken)
        in_one_call, size = (
            (provider.batch_size, provider.batch_size) if isinstance(provider, BatchMetadataSource) else (1, BATCH)
        )
        allowed = in_one_call * await asyncio.to_thread(self._affordable, name, math.ceil(len(taken) / in_one_call))
        await asyncio.to_thread(self._store, dict.fromkeys(taken[allowed:], Answered(KEPT_FOR_ISBNS)))
        failed = await self._in_batches(name, taken[:allowed], size, months, ask, asked)
        if failed and provider.unavailable() is None:
            # Most services fail in waves: what failed is asked again once, when all other questions are answered.
            asked.outcomes.subtract({(name, "failed"): len(failed)})
            await self._in_batches(name, failed, size, months, ask, asked)

    async def _in_batches(
        self, name: str, requests: Sequence[Request], size: int, months: Months, ask: Ask, asked: Asked
    ) -> list[Request]:
        """Asks and stores batch after batch; returns the requests whose failure may pass.

        Two batches are under way at a time: while one waits for its slowest call or is stored, the other one keeps the pace.
        """
        failed: list[Request] = []
        batches = (requests[start : start + size] for start in range(0, len(requests), size))

        async def work() -> None:
            for batch in batches:
                # A call about many editions is booked on the month of the first; single calls set their own.
                with call_context(
                    run_id=self.run_id, month=months[batch[0].subject], stage=self.stage, purpose="enrichment"
                ):
                    answers = await _safely(ask, batch, name)
                outcomes = await asyncio.to_thread(self._store, answers)
                asked.outcomes.update((name, outcome) for outcome in outcomes)
                failed.extend(
                    each for each, (answer, _) in answers.items() if isinstance(answer, Failed) and answer.transient
                )

        async with asyncio.TaskGroup() as tasks:
            for _ in range(UNDER_WAY):
                tasks.create_task(work())
        return sorted(failed)

    def _affordable(self, name: str, calls: int) -> int:
        """How many of these calls leave as many to the search for ISBNs."""
        return affordable_calls(self.quota.status(name), CallPurpose.CRON, calls)

    def _take(self, requests: Sequence[Request]) -> list[Request]:
        with self.database.transaction() as tx:
            return store.take(tx, requests, self.run_id)

    def _store(self, answers: Mapping[Request, Answered]) -> list[str]:
        """Stores the claims of answers and how the requests ended, in one transaction; returns the outcomes."""
        stated = [
            replace(each, calls=calls)
            for request, (answer, calls) in answers.items()
            for each in statements(request, answer)
        ]
        ended = {request: _outcome(answer) for request, (answer, _) in answers.items()}
        with self.database.transaction() as tx:
            store.one_writer(tx)
            store.store(tx, stated, self.run_id)
            store.finish(tx, ended)
        return [outcome for outcome, _ in ended.values()]


def statements(request: Request, answer: object) -> list[Stated]:
    """What an answer states. A record about another ISBN than the requested one states nothing."""
    part, provider, subject = request.part, request.provider, request.subject
    match answer:
        case NotFound() | Unavailable() | Failed():
            return []
        case EditionMetadata():
            if answer.isbn13 != subject:
                return []
            stated = [Stated(provider, "edition", part, subject, edition_facts(answer))]
            year = answer.first_published
            return [*stated, Stated(provider, "work", part, subject, (("first_published", year),))] if year else stated
        case AuthorBiography():
            return [Stated(provider, "author", part, subject, author_facts(answer))]
        case _:
            return [Stated(provider, request.kind, part, subject, work_facts(answer))]


def _ask_metadata(provider: Any, months: Months) -> Ask:
    if not isinstance(provider, BatchMetadataSource):
        return _about_editions(provider, months, lambda request: provider.metadata(Isbn13(request.subject)))

    async def ask(batch: Sequence[Request]) -> Mapping[Request, Answered]:
        with calls_made() as calls:
            answer = await provider.metadata_batch([Isbn13(request.subject) for request in batch])
        if isinstance(answer, NotFound | Unavailable | Failed):
            return dict.fromkeys(batch, Answered(answer, tuple(calls)))
        found = {request: answer.get(Isbn13(request.subject), NotFound()) for request in batch}
        return {request: Answered(each, tuple(calls)) for request, each in found.items()}

    return ask


def _ask_by_isbn(provider: Any, months: Months) -> Ask:
    return _about_editions(provider, months, lambda one: BY_ISBN[Capability(one.part)](provider, Isbn13(one.subject)))


def _about_editions(provider: Any, months: Months, ask: Callable[[Request], Awaitable[Any]]) -> Ask:
    """Asks about each edition of a batch, after the records of all were fetched together if the service can do that."""
    one_by_one = _one_by_one(months, ask)

    async def ask_batch(batch: Sequence[Request]) -> Mapping[Request, Answered]:
        made = await _prefetch(provider, batch) if isinstance(provider, Prefetcher) else {}
        answers = await one_by_one(batch)
        return {each: Answered(answer, (*made.get(each, ()), *calls)) for each, (answer, calls) in answers.items()}

    return ask_batch


def _in_groups(requests: Sequence[Request]) -> list[Request]:
    """The requests about some subjects, part by part, before those about the next: so their records are still at hand, and the requests
    for one part can be prefetched together.
    """
    place = {subject: at // BATCH for at, subject in enumerate(sorted({each.subject for each in requests}))}
    return sorted(requests, key=lambda each: (place[each.subject], each.part, each.subject))


def _about_authors(provider: Any, months: Months, refs: Mapping[str, AuthorRef]) -> Ask:
    """Asks for each biography of a batch, after the records of all were fetched together if the service can do that."""

    async def one(request: Request) -> Any:
        ref = refs[request.subject]
        return await provider.biography(ref.name, ref.identifiers)

    one_by_one = _one_by_one(months, one)

    async def ask_batch(batch: Sequence[Request]) -> Mapping[Request, Answered]:
        made: tuple[int, ...] = ()
        if isinstance(provider, AuthorPrefetcher):
            made = await _together(
                provider, lambda: provider.prefetch_authors([refs[each.subject].identifiers for each in batch])
            )
        answers = await one_by_one(batch)
        return {each: Answered(answer, (*made, *calls)) for each, (answer, calls) in answers.items()}

    return ask_batch


async def _together(provider: Provider, fetch: Callable[[], Awaitable[None]]) -> tuple[int, ...]:
    """Fetches for many; returns the calls. If that fails, each is asked about alone then."""
    try:
        with calls_made() as calls:
            await fetch()
        return tuple(calls)
    except StorageError:
        raise
    except Exception as error:  # a fault in one client costs its own answers, not the run
        log.exception("%s: unexpected %s", provider.declaration.name, type(error).__name__)
        return ()


async def _prefetch(provider: Prefetcher, batch: Iterable[Request]) -> dict[Request, tuple[int, ...]]:
    """Fetches the records of a batch together; returns the calls for each request."""
    made: dict[Request, tuple[int, ...]] = {}
    for part, grouped in groupby(batch, key=lambda request: request.part):
        requests = list(grouped)
        for start in range(0, len(requests), provider.prefetch_size):
            together = requests[start : start + provider.prefetch_size]
            isbns = [Isbn13(request.subject) for request in together]
            calls = await _together(provider, partial(provider.prefetch, Capability(part), isbns))
            made.update(dict.fromkeys(together, calls))
    return made


def _one_by_one(months: Months, ask: Callable[[Request], Awaitable[Any]]) -> Ask:
    """Asks about each subject of a batch by calls of its own, which are booked on its month."""

    async def one(request: Request) -> Answered:
        try:
            with call_context(month=months[request.subject]), calls_made() as calls:
                answer = await ask(request)
            return Answered(answer, tuple(calls))
        except StorageError:
            raise
        except SourceError as error:
            return Answered(Failed(str(error)))
        except Exception as error:  # a fault in one client costs its own answer, not the run
            log.exception("%s: unexpected %s", request.provider, type(error).__name__)
            return Answered(Failed(f"unexpected {type(error).__name__}"))

    async def ask_batch(batch: Sequence[Request]) -> Mapping[Request, Answered]:
        return dict(zip(batch, await asyncio.gather(*map(one, batch)), strict=True))

    return ask_batch


async def _safely(ask: Ask, batch: Sequence[Request], name: str) -> Mapping[Request, Answered]:
    try:
        return await ask(batch)
    except StorageError:
        raise
    except Exception as error:  # the same for a call of many
        log.exception("%s: unexpected %s", name, type(error).__name__)
        return dict.fromkeys(batch, Answered(Failed(f"unexpected {type(error).__name__}")))


def _outcome(answer: object) -> tuple[str, str]:
    match answer:
        case NotFound():
            return "not_found", ""
        case Unavailable(reason):
            return "unavailable", reason
        case Failed(reason):
            return "failed", reason
        case _:
            return "found", ""
