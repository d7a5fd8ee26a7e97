"""Asks every generator for the notable books of a month, and keeps what they say.

A reply is committed the moment it arrives, before anyone reads it, and serves every later run of the same month, prompt
and model: what was paid for once is never asked again. Reading, de-duplicating and storing the books is one transaction.
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
from alexandria_pipeline.stages.runner import Counts, Done
from alexandria_pipeline.storage import generation as store
from alexandria_pipeline.storage.database import Connection, Database
from alexandria_pipeline.storage.generation import StoredListing, StoredReply
from alexandria_pipeline.storage.months import MonthHolder

log = logging.getLogger(__name__)

MONTHS_AT_ONCE = 8
MAX_SKIPPED_ROWS_LOGGED = 20
MAX_ROWS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Generate:
    """month → `generated_book` rows, from all generators at once. One of them failing does not stop the others."""

    database: Database
    generators: Sequence[BookGenerator]
    books_per_provider: int
    prompt_variant: PromptVariant | None = None
    name: str = "generated_books"
    last: bool = False

    def __call__(self, months: Sequence[Month], holder: MonthHolder, done: Done) -> None:
        asyncio.run(self._months(months, holder, done))
        with self.database.transaction() as tx:
            for generator in self.generators:
                with suppress(SourceError):  # a list that cannot be read at all has failed its months already
                    _record_skipped(tx, generator.refused_rows())

    def details(self, month: Month) -> Mapping[str, list[dict[str, Any]]]:
        """Tables for people, where there is anything in them: `refusals` of generators, and `rows_set_aside`."""
        with self.database.transaction() as tx:
            tables = {
                "refusals": store.refusals_of(tx, month),
                "rows_set_aside": store.skipped_rows_of(tx, month, MAX_ROWS_SHOWN),
            }
        return {name: rows for name, rows in tables.items() if rows}

    async def _months(self, months: Sequence[Month], holder: MonthHolder, done: Done) -> None:
        turn = asyncio.Semaphore(MONTHS_AT_ONCE)

        async def one(month: Month) -> None:
            async with turn:
                try:
                    counts = await self._month(month, holder)
                except Exception as error:  # noqa: BLE001 - a bad month is reported, its neighbours go on
                    done(month, error)
                else:
                    done(month, counts)

        await asyncio.gather(*(one(month) for month in months))

    async def _month(self, month: Month, holder: MonthHolder) -> Counts:
        if not self.generators:
            raise GenerationFailed(f"{month}: no generator is available; see `alexandria providers`")
        variant = self.prompt_variant or default_variant(month)
        request = GenerationRequest(month, self.books_per_provider, variant.value)
        answers = await asyncio.gather(*(self._reply(g, request, holder) for g in self.generators))
        replies = [reply for reply in answers if isinstance(reply, StoredReply)]
        refusals = {
            g.declaration.name: answer
            for g, answer in zip(self.generators, answers, strict=True)
            if isinstance(answer, str)
        }
        unread = [reply for reply in replies if not reply.read]
        if unread:
            refusals |= await asyncio.to_thread(self._read, unread, request, holder)
        if len(refusals) == len(self.generators):
            raise GenerationFailed(f"{month}: " + "; ".join(_said(*each) for each in refusals.items()))
        return await asyncio.to_thread(self._counts, month, refusals)

    async def _reply(
        self, generator: BookGenerator, request: GenerationRequest, holder: MonthHolder
    ) -> StoredReply | str:
        """The reply of a generator, kept; or why there is none.

        It is kept without a look at who owns the month by now: it is paid for. What it changes of the month is fenced (`_read`).
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

        def keep() -> StoredReply:
            with self.database.transaction() as tx:
                return store.keep_reply(tx, request, reply, holder.run_id)

        return await asyncio.to_thread(keep)

    def _stored(self, request: GenerationRequest, provider: str, model: str) -> StoredReply | None:
        with self.database.transaction() as tx:
            return store.usable_reply(tx, request, provider, model)

    def _read(self, replies: Sequence[StoredReply], request: GenerationRequest, holder: MonthHolder) -> dict[str, str]:
        """Stores the books of kept replies; returns the refusals among them."""
        by_name = {generator.declaration.name: generator for generator in self.generators}
        parsed: dict[int, ParsedReply] = {}
        refusals: dict[str, str] = {}
        with self.database.transaction() as tx:
            holder.fence(tx, [request.month])
            for stored in replies:
                name = stored.reply.provider
                try:
                    parsed[stored.reply_id] = by_name[name].parse(stored.reply, request)
                except SourceError as error:
                    refusals[name] = str(error)
                    store.refuse_reply(tx, stored.reply_id, str(error))
            _store_books(tx, request.month, parsed, holder.run_id)
            for reply_id, content in parsed.items():
                _record_skipped(tx, content.skipped)
                store.mark_read(tx, reply_id)
        return refusals

    def _counts(self, month: Month, refusals: Mapping[str, str]) -> Counts:
        with self.database.transaction() as tx:
            counts = store.book_counts(tx, month)
            by_provider = store.provider_figures(tx, month)
            skipped = store.skipped_row_count(tx, month)
        of_each = {name: value for row in by_provider for name, value in _of_provider(row).items()}
        refused = {f"refused_by_{name}": why for name, why in refusals.items()}
        return {**counts, **of_each, **({"set_aside": skipped} if skipped else {}), **refused}


def _said(provider: str, why: str) -> str:
    """A reason that names its provider, which most do themselves."""
    return why if provider in why.lower() else f"{provider}: {why}"


def _of_provider(row: Mapping[str, Any]) -> dict[str, int | float]:
    """A generator's figures of a month; tokens and cost (US dollars) of those that have them."""
    name = row["provider"].replace("-", "_")
    told: dict[str, int | float] = {f"{name}_books": row["books"], f"{name}_listings": row["listings"]}
    if row["input_tokens"] or row["output_tokens"]:
        told |= {f"{name}_input_tokens": row["input_tokens"], f"{name}_output_tokens": row["output_tokens"]}
        told[f"{name}_cost_usd"] = float(row["cost_usd"])
    return told


def _store_books(tx: Connection, month: Month, parsed: Mapping[int, ParsedReply], run_id: str) -> None:
    """New listings join the book they repeat, known or new; a listing is never without its book."""
    known = store.listings(tx, month)
    new = [StoredListing(reply_id, 0, listing) for reply_id, content in parsed.items() for listing in content.listings]
    at = {id(stored.listing): stored for stored in (*known, *new)}
    for book in deduplicate(month, [stored.listing for stored in (*known, *new)]):
        members = [at[id(listing)] for listing in book.listings]
        fresh = [member for member in members if not member.book_id]
        if not fresh:
            continue
        book_id = next((m.book_id for m in members if m.book_id), 0) or store.add_book(
            tx, month, book.title, book.author, run_id
        )
        store.add_listings(tx, [StoredListing(m.reply_id, book_id, m.listing) for m in fresh])


def _record_skipped(tx: Connection, rows: Sequence[SkippedRow]) -> None:
    """Keeps rows that could not be used, and says so for those that were not known yet."""
    new = store.add_skipped_rows(tx, rows)
    for row in new[:MAX_SKIPPED_ROWS_LOGGED]:
        log.warning("%s line %d skipped: %s", row.source, row.position, row.reason)
    if len(new) > MAX_SKIPPED_ROWS_LOGGED:
        log.warning("and %d more rows skipped; see `alexandria set-aside`", len(new) - MAX_SKIPPED_ROWS_LOGGED)
