"""Month ownership: claims, fences and releases, each decided by one statement of PostgreSQL.

A run is alive as long as the connection that holds its advisory locks. So a killed owner is detected at the next query,
without a lease that must expire. Safety does not depend on the locks: every claim has a number, and `fence` refuses a
writer whose number is not the current one of the month (docs/decisions/0002-month-ownership.md).
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
from psycopg.types.json import Jsonb

from alexandria_pipeline.domain.errors import OwnershipLost, StorageError
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection, Database

log = logging.getLogger(__name__)

_SQL = Queries("months")

MAX_RETRIES = 5
FIRST_BACKOFF_SECONDS = 300  # doubles with every attempt, up to `domain.rollout.planner.MAX_BACKOFF`
LOCK_CHECK_SECONDS = 5.0
CLAIM_PATIENCE_SECONDS, CLAIM_POLL_SECONDS = 2.0, 0.05


@dataclass(frozen=True, slots=True)
class _Claim:
    """`begun`: the run has changed the month, which is `processing`."""

    number: int
    begun: bool


def _keys(months: Collection[Month]) -> dict[str, list[int]]:
    return {"years": [m.year for m in months], "months": [m.month for m in months]}


def _month(row: Mapping[str, Any]) -> Month:
    return Month(row["year"], row["month"])


class MonthHolder:
    """The months that one run owns. `owner` describes the run (process, host) in the message to a second run."""

    def __init__(self, database: Database, run_id: str, owner: str) -> None:
        self._database = database
        self.run_id = run_id
        self._who = {"run_id": run_id, "owner": owner}
        self._session: Connection | None = None
        self._session_name = f"alexandria months {uuid4().hex}"
        self._unlocked: set[Month] = set()  # held months whose lock was lost with its connection
        self._held: dict[Month, _Claim] = {}
        self._lock = threading.RLock()

    def claim(self, months: Sequence[Month], *, patience: float = CLAIM_PATIENCE_SECONDS) -> dict[Month, str]:
        """Claims the months; returns those that another run owns, each with a sentence that names the owner.

        A month that is only locked for a moment (by a recount or a review) is tried again for `patience` seconds.
        """
        deadline = time.monotonic() + patience
        while True:
            wanted = [month for month in months if month not in self._held]
            self._claim_free(wanted)
            refused = self._owners([month for month in wanted if month not in self._held])
            if all(row["owner_run"] for row in refused) or time.monotonic() > deadline:
                return {_month(row): _sentence(row) for row in refused}
            time.sleep(CLAIM_POLL_SECONDS)

    def fence(self, tx: Connection, months: Collection[Month]) -> None:
        """Ensures before a write that this run owns these months until `tx` ends. Raises OwnershipLost."""
        lost = set(months) - self.owned(tx, months)
        if lost:
            raise OwnershipLost(
                f"run {self.run_id} no longer owns {', '.join(map(str, sorted(lost)))}: another run took over"
            )

    def owned(self, tx: Connection, months: Collection[Month]) -> set[Month]:
        """The months that this run still owns, locked until `tx` ends. A completed month becomes `processing` again."""
        with self._lock:
            for month in sorted(months):
                if month in self._held and not self._held[month].begun:
                    self._reopen(tx, month)
            held = sorted(month for month in months if month in self._held)
            claims = [self._held[month].number for month in held]
            rows = tx.execute(_SQL["fence"], {**_keys(held), "claims": claims, **self._who}).fetchall()
        return {_month(row) for row in rows}

    def begun(self, month: Month) -> bool:
        """Whether this run has changed the month. A completed month without new work stays completed."""
        claim = self._held.get(month)
        return claim is not None and claim.begun

    def complete(self, month: Month) -> bool:
        """Completes the month. False, without a change, if it was never listed or has books without a work.

        Does nothing for a month that was completed before and had no new work.
        """
        return self._end(month, "complete", {})

    def release(self, month: Month, reason: str, *, failed: bool, delay_seconds: float = 0.0) -> None:
        """Sets the month to `retry`. With `failed`, this counts as an attempt; after the fifth it is `failed`.

        Without `failed`, the month is due again after `delay_seconds`.
        """
        policy = {
            "error": reason[:2000],
            "counts": failed,
            "delay": delay_seconds,
            "max_retries": MAX_RETRIES,
            "first_backoff": FIRST_BACKOFF_SECONDS,
        }
        self._end(month, "release", policy)

    def record_stage(
        self, month: Month, stage: str, started_at: datetime, counts: Mapping[str, Any], error: str | None
    ) -> None:
        """Stores how a stage ended for a month."""
        row = {
            "year": month.year,
            "month": month.month,
            "stage": stage,
            "run_id": self.run_id,
            "started_at": started_at,
        }
        status = "failed" if error else "done"
        with self._database.transaction() as tx:
            tx.execute(_SQL["record_stage"], {**row, "status": status, "error": error, "counts": Jsonb(counts)})

    def restore_locks(self) -> None:
        """Restores the locks after a lost connection, where no other run has claimed the month meanwhile.

        Months of another run are dropped: the next fence refuses them. A month whose lock another connection holds for a
        moment (a review, a recount) is kept, and its lock is taken with the next call. Raises DatabaseUnavailable.
        """
        with self._lock:
            session = self._connected()
            if not self._unlocked:
                return
            claims = [self._held[month].number for month in self._unlocked]
            with self._database.translated():
                values = {**_keys(self._unlocked), "claims": claims, **self._who}
                rows = session.execute(_SQL["relock"], values).fetchall()
            for month in self._unlocked - {_month(row) for row in rows}:
                del self._held[month]
            self._unlocked = {_month(row) for row in rows if not row["locked"]}

    @contextlib.contextmanager
    def locks_watched(self, seconds: float = LOCK_CHECK_SECONDS) -> Iterator[None]:
        """Checks the locks every `seconds` while the block runs, in a thread.

        So a live run that has lost its connection has its locks back before recovery takes its months for orphans.
        """
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(seconds):
                with contextlib.suppress(StorageError):  # no server now; the next check may find it
                    self.restore_locks()

        watcher = threading.Thread(target=watch, name=f"locks of {self.run_id}", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()

    def close(self, reason: str, *, failed: bool) -> None:
        """Releases all months that are still owned, and the locks. A month that cannot be released is left to recovery."""
        for month in [month for month in self._held if self.begun(month)]:
            try:
                self.release(month, reason, failed=failed)
            except StorageError as error:
                log.error("%s could not be released: %s", month, error)  # noqa: TRY400 - the message is enough
        if self._session is not None:
            self._session.close()
            self._session = None
        self._held.clear()
        self._unlocked.clear()

    def _claim_free(self, wanted: Sequence[Month]) -> None:
        if not wanted:
            return
        with self._lock:
            session = self._connected()
            with self._database.translated():
                session.execute(_SQL["ensure"], _keys(wanted))
                claimed = session.execute(_SQL["claim"], {**_keys(wanted), **self._who}).fetchall()
            self._held |= {_month(row): _Claim(row["claim"], row["begun"]) for row in claimed}

    def _connected(self) -> Connection:
        if self._session is not None and not _alive(self._session):
            self._session.close()
            self._session = None
        if self._session is None:
            self._session = self._database.session()
            with self._database.translated():
                self._session.execute(_SQL["end_old_session"], {"session": self._session_name})
                self._session.execute(_SQL["name_session"], {"session": self._session_name})
            self._unlocked = set(self._held)
        return self._session

    def _reopen(self, tx: Connection, month: Month) -> None:
        position = {"year": month.year, "month": month.month, "claim": self._held[month].number}
        row = tx.execute(_SQL["reopen"], {**position, **self._who}).fetchone()
        if row is not None:
            self._held[month] = _Claim(row["claim"], begun=True)
        else:
            del self._held[month]
            self._unlocked.discard(month)

    def _end(self, month: Month, query: str, values: Mapping[str, Any]) -> bool:
        claim = self._held.get(month)
        if claim is None:
            return True
        if claim.begun:
            position = {"year": month.year, "month": month.month, "claim": claim.number, "run_id": self.run_id}
            with self._database.transaction() as tx:
                if tx.execute(_SQL[query], {**position, **values}).fetchone() is None and query == "complete":
                    return False
        with self._lock:
            del self._held[month]
            self._unlocked.discard(month)
            if self._session is not None and _alive(self._session):
                self._session.execute(_SQL["unlock"], _keys([month]))
        return True

    def _owners(self, months: Sequence[Month]) -> list[dict[str, Any]]:
        if not months:
            return []
        with self._database.transaction() as tx:
            return tx.execute(_SQL["owners"], _keys(months)).fetchall()


def _alive(session: Connection) -> bool:
    try:
        session.execute("select 1")
    except psycopg.Error:
        return False
    return True


def _sentence(row: Mapping[str, Any]) -> str:
    month = _month(row)
    if row["owner_run"] is None:
        return f"{month} is being checked by another process at this moment; try again in a minute"
    since = f"{row['started_at']:%Y-%m-%d %H:%M:%S} UTC"
    return f"{month} is owned by run {row['owner_run']} ({row['owner']}) since {since}: already being processed; not started again"


def owners(tx: Connection, months: Collection[Month]) -> dict[Month, str]:
    """A sentence that names the owner, for each of these months, which could not be claimed."""
    return {_month(row): _sentence(row) for row in tx.execute(_SQL["owners"], _keys(months))}


def failures(tx: Connection, run_id: str, stage: str, months: Collection[Month]) -> dict[Month, str]:
    """The months that a stage could not finish, in this run or in its last one, with the reason."""
    values = {**_keys(months), "run_id": run_id, "stage": stage}
    return {_month(row): row["error"] for row in tx.execute(_SQL["failures"], values)}


def overlapping_claims(tx: Connection) -> tuple[list[dict[str, Any]], int]:
    """Pairs of runs that ever owned one month at the same time (there must be none), and the number of months ever claimed."""
    rows = tx.execute(_SQL["overlapping_claims"]).fetchall()
    claimed = tx.execute(_SQL["claimed_months"]).fetchone()
    return rows, claimed["months"] if claimed else 0
