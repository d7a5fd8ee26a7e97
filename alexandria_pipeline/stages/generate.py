"""Generate: requests the notable books of a month from every generator, and stores their replies and books.

A reply is committed as soon as it is received, before it is parsed. It answers every later run of the same month, prompt
and model, so no list is paid for twice. Parsing, de-duplicating and storing the books is one transaction.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from alexandria_pipeline.domain.errors import GenerationFailed, SourceError
from alexandria_pipeline.domain.generation.prompts import PromptVariant, default_variant
from alexandria_pipeline.domain.matching.deduplication import deduplicate
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import GenerationRequest, ParsedReply, SkippedRow
from alexandria_pipeline.providers.base import BookGenerator
from alexandria_pipeline.providers.transport.types import call_context
from alexandria_pipeline.stages.runner import Counts, Report
from alexandria_pipeline.stages.watchdog import run_watched
from alexandria_pipeline.storage import generation as store
from alexandria_pipeline.storage import skipped_rows
from alexandria_pipeline.storage.database import Connection, Database
from alexandria_pipeline.storage.generation import StoredListing, StoredReply
from alexandria_pipeline.storage.months import MonthHolder

log = logging.getLogger(__name__)

MONTHS_IN_FLIGHT = 200  # months that wait for replies; the rate limit of each service decides how many requests leave
MAX_ROWS_LOGGED = 20
MAX_ROWS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Generate:
    """month → `generated_book` rows, from all generators at once. A failing generator does not stop the others.

    `unavailable`: why there is no generator, for the message.
    """

    database: Database
    generators: Sequence[BookGenerator]
    books_per_provider: int
    prompt_variant: PromptVariant | None = None
    unavailable: str = "see `alexandria providers`"
    name: str = "generated_books"
    last: bool = False

    def __call__(self, months: Sequence[Month], holder: MonthHolder, report: Report) -> None:
        run_watched(self._months(months, holder, report))
        with self.database.transaction() as tx:
            for generator in self.generators:
                with suppress(SourceError):  # a list that cannot be read has failed its months already
                    _store_skipped(tx, generator.refused_rows())

    def details(self, month: Month) -> Mapping[str, list[dict[str, Any]]]:
        """Tables for people: `refusals` of generators and `skipped_rows`, where there are any."""
        with self.database.transaction() as tx:
            tables = {
                "refusals": store.refusals_of(tx, month),
                "skipped_rows": skipped_rows.of_month(tx, month, MAX_ROWS_SHOWN),
            }
        return {name: rows for name, rows in tables.items() if rows}

    async def _months(self, months: Sequence[Month], holder: MonthHolder, report: Report) -> None:
        in_flight = asyncio.Semaphore(MONTHS_IN_FLIGHT)

        async def generate(month: Month) -> None:
            async with in_flight:
                try:
                    counts = await self._month(month, holder)
                except Exception as error:  # noqa: BLE001 - a bad month is reported, the others go on
                    report(month, error)
                else:
                    report(month, counts)

        await asyncio.gather(*(generate(month) for month in months))

    async def _month(self, month: Month, holder: MonthHolder) -> Counts:
        if not self.generators:
            raise GenerationFailed(f"{month}: no generator is available: {self.unavailable}")
        variant = self.prompt_variant or default_variant(month)
        request = GenerationRequest(month, self.books_per_provider, variant.value)
        # An error does not end the wait: a request that is cancelled after it was sent is paid and has no reply.
        requests = (self._reply(g, request, holder) for g in self.generators)
        answers = await asyncio.gather(*requests, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        replies = [reply for reply in answers if isinstance(reply, StoredReply)]
        refusals = {
            generator.declaration.name: answer
            for generator, answer in zip(self.generators, answers, strict=True)
            if isinstance(answer, str)
        }
        unread = [reply for reply in replies if not reply.read]
        if unread:
            refusals |= await asyncio.to_thread(self._read, unread, request, holder)
        if len(refusals) == len(self.generators):
            raise GenerationFailed(f"{month}: " + "; ".join(_with_name(*each) for each in refusals.items()))
        return await asyncio.to_thread(self._counts, month, refusals)

    async def _reply(
        self, generator: BookGenerator, request: GenerationRequest, holder: MonthHolder
    ) -> StoredReply | str:
        """The stored reply of a generator, or why there is none.

        A reply is stored even if the run has lost the month meanwhile: it is paid for. Only `_read` is fenced.
        """
        try:
            model = await asyncio.to_thread(generator.model, request)
            stored = await asyncio.to_thread(self._stored, request, generator.declaration.name, model)
            if stored is not None:
                return stored
            with call_context(run_id=holder.run_id, month=request.month, stage=self.name):
                reply = await generator.generate(request)
        except SourceError as error:
            log.warning("%s %s: %s", request.month, generator.declaration.name, error)
            return str(error)

        def store_reply() -> StoredReply:
            with self.database.transaction() as tx:
                return store.store_reply(tx, request, reply, holder.run_id)

        return await asyncio.to_thread(store_reply)

    def _stored(self, request: GenerationRequest, provider: str, model: str) -> StoredReply | None:
        with self.database.transaction() as tx:
            return store.usable_reply(tx, request, provider, model)

    def _read(self, replies: Sequence[StoredReply], request: GenerationRequest, holder: MonthHolder) -> dict[str, str]:
        """Stores the books of the replies; returns the refusals among them."""
        by_name = {generator.declaration.name: generator for generator in self.generators}
        parsed: dict[int, ParsedReply] = {}
        refusals: dict[str, str] = {}
        with self.database.transaction() as tx:
            holder.fence(tx, [request.month])
            store.record_request(tx, request)
            for stored in replies:
                name = stored.reply.provider
                try:
                    parsed[stored.reply_id] = by_name[name].parse(stored.reply, request)
                except SourceError as error:
                    refusals[name] = str(error)
                    store.refuse_reply(tx, stored.reply_id, str(error))
            _store_books(tx, request.month, parsed, holder.run_id)
            for reply_id, content in parsed.items():
                _store_skipped(tx, content.skipped)
                store.mark_read(tx, reply_id)
        return refusals

    def _counts(self, month: Month, refusals: Mapping[str, str]) -> Counts:
        with self.database.transaction() as tx:
            counts = store.book_counts(tx, month)
            by_provider = store.provider_figures(tx, month)
            skipped, isbns = skipped_rows.count(tx, month)
        by_generator = {name: value for row in by_provider for name, value in _generator_counts(row).items()}
        refused = {f"refused_by_{name}": reason for name, reason in refusals.items()}
        set_apart = {name: count for name, count in (("skipped_rows", skipped), ("unused_isbns", isbns)) if count}
        return {**counts, **by_generator, **set_apart, **refused}


def _with_name(provider: str, reason: str) -> str:
    """A reason that names its provider."""
    return reason if provider in reason.lower() else f"{provider}: {reason}"


def _generator_counts(row: Mapping[str, Any]) -> dict[str, int | float]:
    """The counts of one generator for a month, with tokens and cost (US dollars) if it has any."""
    name = row["provider"].replace("-", "_")
    counts: dict[str, int | float] = {f"{name}_books": row["books"], f"{name}_listings": row["listings"]}
    if row["input_tokens"] or row["output_tokens"]:
        counts |= {f"{name}_input_tokens": row["input_tokens"], f"{name}_output_tokens": row["output_tokens"]}
        counts[f"{name}_cost_usd"] = float(row["cost_usd"])
    if row["unpriced"]:
        counts[f"{name}_replies_of_unknown_cost"] = row["unpriced"]
    return counts


def _store_books(tx: Connection, month: Month, parsed: Mapping[int, ParsedReply], run_id: str) -> None:
    """Adds new listings to the books that they name, known or new. A listing never exists without its book."""
    known = store.listings(tx, month)
    new = [StoredListing(reply_id, 0, listing) for reply_id, content in parsed.items() for listing in content.listings]
    stored_of = {id(stored.listing): stored for stored in (*known, *new)}
    for book in deduplicate(month, [stored.listing for stored in (*known, *new)]):
        members = [stored_of[id(listing)] for listing in book.listings]
        added = [member for member in members if not member.book_id]
        if not added:
            continue
        book_id = next((m.book_id for m in members if m.book_id), 0) or store.add_book(
            tx, month, book.title, book.author, run_id
        )
        store.add_listings(tx, [StoredListing(m.reply_id, book_id, m.listing) for m in added])


def _store_skipped(tx: Connection, rows: Sequence[SkippedRow]) -> None:
    """Stores skipped rows and logs the new ones."""
    new = skipped_rows.add(tx, rows)
    for row in new[:MAX_ROWS_LOGGED]:
        skipped = "skipped" if row.part == "row" else "ISBN not used"
        log.warning("%s line %d %s: %s", row.source, row.position, skipped, row.reason)
    if len(new) > MAX_ROWS_LOGGED:
        log.warning("and %d more rows skipped; see `alexandria set-aside`", len(new) - MAX_ROWS_LOGGED)
