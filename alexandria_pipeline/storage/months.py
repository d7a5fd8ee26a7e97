"""Who works on which month: claims, fences and endings, decided by single statements of PostgreSQL.

A run is alive as long as the connection that holds its advisory locks is. So a killed owner is noticed the moment
anybody asks, without waiting for a lease to run out. Safety does not rest on the locks, though: every claim has a
number, and `fence` refuses a writer whose number is no longer the month's.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.types.json import Jsonb

from alexandria_pipeline.domain.errors import OwnershipLost, StorageError
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection, Database

_SQL = Queries("months")

MAX_RETRIES = 5
FIRST_BACKOFF_SECONDS = 300
KEEP_ALIVE_SECONDS = 5.0
LOOK_SECONDS, LOOK_AGAIN_SECONDS = 2.0, 0.05


@dataclass(frozen=True, slots=True)
class _Claim:
    number: int
    begun: bool


def _keys(months: Collection[Month]) -> dict[str, list[int]]:
    return {"years": [m.year for m in months], "months": [m.month for m in months]}


def _month(row: Mapping[str, Any]) -> Month:
    return Month(row["year"], row["month"])


class MonthHolder:
    """The months that one run owns. `owner` says in words who that is (process, host), for the message to a second run."""

    def __init__(self, database: Database, run_id: str, owner: str) -> None:
        self._database = database
        self.run_id = run_id
        self._who = {"run_id": run_id, "owner": owner}
        self._session: Connection | None = None
        self._held: dict[Month, _Claim] = {}
        self._lock = threading.RLock()

    @property
    def held(self) -> tuple[Month, ...]:
        return tuple(self._held)

    def claim(self, months: Sequence[Month], *, patience: float = LOOK_SECONDS) -> dict[Month, str]:
        """Takes the months; returns those that somebody else has, each with a sentence that names the owner.

        A month that no run owns, but somebody looks at (a recount, a review), is asked for again for `patience` seconds.
        """
        deadline = time.monotonic() + patience
        while True:
            wanted = [month for month in months if month not in self._held]
            self._take(wanted)
            refused = self._owners([month for month in wanted if month not in self._held])
            if all(row["owner_run"] for row in refused) or time.monotonic() > deadline:
                return {_month(row): _sentence(row) for row in refused}
            time.sleep(LOOK_AGAIN_SECONDS)

    def fence(self, tx: Connection, months: Collection[Month]) -> None:
        """Before writing: makes sure, until `tx` ends, that these months are this run's. Raises OwnershipLost."""
        lost = set(months) - self.owned(tx, months)
        if lost:
            raise OwnershipLost(
                f"run {self.run_id} no longer owns {', '.join(map(str, sorted(lost)))}: another run took over"
            )

    def owned(self, tx: Connection, months: Collection[Month]) -> set[Month]:
        """Those of the months that are still this run's, and stay so until `tx` ends; a completed one is opened again."""
        with self._lock:
            for month in sorted(months):
                if month in self._held and not self._held[month].begun:
                    self._reopen(tx, month)
            held = sorted(month for month in months if month in self._held)
            claims = [self._held[month].number for month in held]
            rows = tx.execute(_SQL["fence"], {**_keys(held), "claims": claims}).fetchall()
        return {_month(row) for row in rows}

    def begun(self, month: Month) -> bool:
        """Whether this run has changed the month; a completed month with nothing new to do stays as it is."""
        claim = self._held.get(month)
        return claim is not None and claim.begun

    def complete(self, month: Month) -> bool:
        """The month is done; False, and nothing changed, when it was never listed or has books that are not kept.

        Without effect when it was completed before and nothing had to be done.
        """
        return self._end(month, "complete", {})

    def give_back(self, month: Month, reason: str, *, failed: bool) -> None:
        """The month goes to `retry`; with `failed`, this counts as an attempt, and the fifth one is the last."""
        policy = {"error": reason[:2000], "counts": failed, "most": MAX_RETRIES, "first_wait": FIRST_BACKOFF_SECONDS}
        self._end(month, "give_back", policy)

    def note_stage(
        self, month: Month, stage: str, started_at: datetime, counts: Mapping[str, Any], error: str | None
    ) -> None:
        """How a stage ended for a month, for people and for the run's verdict."""
        row = {
            "year": month.year,
            "month": month.month,
            "stage": stage,
            "run_id": self.run_id,
            "started_at": started_at,
        }
        status = "failed" if error else "done"
        with self._database.transaction() as tx:
            tx.execute(_SQL["note_stage"], {**row, "status": status, "error": error, "counts": Jsonb(counts)})

    def keep_alive(self) -> None:
        """Makes sure that the locks are held; after a lost connection, takes them back where nobody else has.

        Months that another run has by now are no longer held: the next fence says so. Raises DatabaseUnavailable.
        """
        with self._lock:
            if not self._held or (self._session is not None and _alive(self._session)):
                return
            session = self._connected()
            claims = [claim.number for claim in self._held.values()]
            with self._database.translated():
                rows = session.execute(_SQL["relock"], {**_keys(self._held), "claims": claims}).fetchall()
            for month in set(self._held) - {_month(row) for row in rows}:
                del self._held[month]

    @contextlib.contextmanager
    def kept_alive(self, seconds: float = KEEP_ALIVE_SECONDS) -> Iterator[None]:
        """Looks every so often, beside the block, whether the locks are still held: a month's work may take minutes.

        So a run that lives and has lost its connection has its locks back before anybody takes its months for orphans.
        """
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(seconds):
                with contextlib.suppress(StorageError):  # no server now; the next look may find it
                    self.keep_alive()

        watcher = threading.Thread(target=watch, name=f"locks of {self.run_id}", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()

    def close(self, reason: str, *, failed: bool) -> None:
        """Gives back what is still held, and the locks with it."""
        with contextlib.suppress(StorageError):
            for month in list(self._held):
                if self.begun(month):
                    self.give_back(month, reason, failed=failed)
        if self._session is not None:
            self._session.close()
            self._session = None
        self._held.clear()

    def _take(self, wanted: Sequence[Month]) -> None:
        if not wanted:
            return
        with self._lock:
            session = self._connected()
            with self._database.translated():
                session.execute(_SQL["ensure"], _keys(wanted))
                taken = session.execute(_SQL["claim"], {**_keys(wanted), **self._who}).fetchall()
            self._held |= {_month(row): _Claim(row["claim"], row["begun"]) for row in taken}

    def _connected(self) -> Connection:
        if self._session is not None and not _alive(self._session):
            self._session.close()
            self._session = None
        if self._session is None:
            self._session = self._database.session()
        return self._session

    def _reopen(self, tx: Connection, month: Month) -> None:
        position = {"year": month.year, "month": month.month, "claim": self._held[month].number}
        row = tx.execute(_SQL["reopen"], {**position, **self._who}).fetchone()
        if row is not None:
            self._held[month] = _Claim(row["claim"], begun=True)
        else:
            del self._held[month]

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
        return f"{month} is being checked by another run at this moment; try again when that run has ended"
    since = f"{row['started_at']:%Y-%m-%d %H:%M:%S} UTC"
    return f"{month} is owned by run {row['owner_run']} ({row['owner']}) since {since}; it is not processed twice"


def owners(tx: Connection, months: Collection[Month]) -> dict[Month, str]:
    """For each of these months, which its caller could not have: a sentence that names the owner."""
    return {_month(row): _sentence(row) for row in tx.execute(_SQL["owners"], _keys(months))}


def failures(tx: Connection, run_id: str, stage: str, months: Collection[Month]) -> dict[Month, str]:
    """Those of the months that a stage could not finish, in this run or in its last one, with the reason."""
    asked = {**_keys(months), "run_id": run_id, "stage": stage}
    return {_month(row): row["error"] for row in tx.execute(_SQL["failures"], asked)}


def overlapping_claims(tx: Connection) -> tuple[list[dict[str, Any]], int]:
    """Pairs of runs that held the same month at the same time, ever (there must be none), and months ever claimed."""
    rows = tx.execute(_SQL["overlapping_claims"]).fetchall()
    claimed = tx.execute(_SQL["claimed_months"]).fetchone()
    return rows, claimed["months"] if claimed else 0
