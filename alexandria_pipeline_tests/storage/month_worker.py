"""Processes that own months and can be killed: `python -m alexandria_pipeline_tests.storage.month_worker TASK …`."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import suppress

from alexandria_pipeline.domain.errors import OwnershipLost
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import GenerationRequest, RawReply
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.generation import mark_read, store_reply
from alexandria_pipeline.storage.months import MonthHolder

OWNER = "a worker of the test"


def claim(url: str, run_id: str, month: str) -> None:
    """Claims a month, prints it, and keeps it until standard input ends."""
    with Database(url) as database:
        holder = MonthHolder(database, run_id, OWNER)
        refused = holder.claim([Month.parse(month)])
        sys.stdout.write(f"{'refused' if refused else month}\n")
        sys.stdout.flush()
        sys.stdin.read()


def process(url: str, run_id: str, first: str, count: str) -> None:
    """Processes so many months in random order, as a run does, but without books. Each takes a moment."""
    months = [Month.parse(first) + number for number in range(int(count))]
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


def start(task: str, *arguments: object) -> subprocess.Popen[str]:
    """Starts one process."""
    command = [sys.executable, "-m", __name__, task, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


if __name__ == "__main__":
    if sys.argv[1] == "claim":
        claim(*sys.argv[2:])
    else:
        process(*sys.argv[2:])
