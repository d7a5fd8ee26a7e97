"""Months in every state, as the pipeline leaves them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alexandria_pipeline.storage.database import Database

NEXT_ATTEMPT = datetime.now(UTC) + timedelta(hours=1)
HOSTILE = '<script>alert(1)</script> & "quotes" at postgresql://me:geheim@host/db'


def put(database: Database, month: str, status: str, *, books: int = 0, resolved: int = 0, **columns: object) -> None:
    """One row of `backfill_log`."""
    year, number = map(int, month.split("-"))
    values: dict[str, object] = {
        "year": year, "month": number, "status": status, "books_generated": books, "isbns_resolved": resolved,
        "resolution_rate": round(100 * resolved / books, 2) if books else 0,
    }  # fmt: skip
    if status in ("completed", "processing"):
        values["started_at"] = "2026-11-20T10:00:00Z"
    if status == "completed":
        values["completed_at"] = "2026-11-20T11:00:00Z"
    if status == "processing":
        values |= {"owner_run": f"run-of-{month}", "owner": "process 7 on <b>there</b>"}
    values |= columns
    names = ", ".join(values)
    places = ", ".join(["%s"] * len(values))
    with database.transaction() as tx:
        tx.execute(f"insert into backfill_log ({names}) values ({places})".encode(), list(values.values()))  # noqa: S608


def put_all(database: Database) -> None:
    """One month of every kind; 2020 has figures."""
    put(database, "2020-12", "completed", books=20, resolved=19, isbns_queued=4, updated_at="2026-11-20T11:00:00Z")
    put(database, "2020-11", "completed", books=40, resolved=20, isbns_queued=1, updated_at="2026-11-20T12:00:00Z")
    put(database, "2020-10", "processing", updated_at="2026-11-20T13:00:00Z")
    put(
        database, "2020-09", "retry", error_message=HOSTILE, retry_count=2, next_attempt_at=NEXT_ATTEMPT,
        updated_at="2026-11-20T14:00:00Z",
    )  # fmt: skip
    put(database, "2020-08", "retry", next_attempt_at="2020-01-01T00:00:00Z", updated_at="2026-11-20T09:00:00Z")
    put(
        database,
        "2020-07",
        "failed",
        error_message="no generator answered",
        retry_count=5,
        updated_at="2026-11-20T15:00:00Z",
    )
    put(database, "2020-06", "pending", updated_at="2026-11-20T16:00:00Z")
