"""Processes that own months and can be killed."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.errors import OwnershipLost
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import GenerationRequest, RawReply
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.generation import mark_read, store_reply
from alexandria_pipeline.storage.months import MonthHolder

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

OWNER = "a worker of the test"


def claim(connection: Connection, url: str, run_id: str, month: Month) -> None:
    """Claims a month, sends whether it has it, and keeps it until the other side ends."""
    with Database(url) as database:
        holder = MonthHolder(database, run_id, OWNER)
        connection.send(not holder.claim([month]))
        connection.poll(None)


def process(_: Connection, url: str, run_id: str, first: Month, count: int) -> None:
    """Processes so many months in random order, as a run does, but without books. Each takes a moment."""
    months = [first + number for number in range(count)]
    random.shuffle(months)
    with Database(url, pool_size=2) as database:
        for month in months:
            holder = MonthHolder(database, run_id, OWNER)
            if not holder.claim([month]) and holder.begun(month):
                with suppress(OwnershipLost):
                    _complete(database, holder, month)
            holder.close("the worker is done", failed=False)


def _complete(database: Database, holder: MonthHolder, month: Month) -> None:
    time.sleep(random.uniform(0, 0.1))  # noqa: S311 - not a secret
    request, empty = GenerationRequest(month, 20, "baseline"), RawReply("curated-list", "m", "[]")
    with database.transaction() as tx:
        holder.fence(tx, [month])
        mark_read(tx, store_reply(tx, request, empty, holder.run_id).reply_id)
    assert holder.complete(month)
