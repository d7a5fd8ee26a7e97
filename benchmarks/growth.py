"""How much each table grows: for a month of the backfill, for a day of the schedules, and for a tick; and what a year costs.

    python benchmarks/growth.py --months 12 --days 4

A stand-in of all services, a database server, and runs of Dagster as the rollout and the schedules start them. A year is added up
from these figures; README.md has the assumptions.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.migrate import migrate
from alexandria_pipeline.storage.queries import Query

PROJECT = Path(__file__).parents[1]
SIZES = Query(
    "sizes", "bytes of each table with its indexes",
    "select relname as name, pg_total_relation_size(oid)::bigint as bytes from pg_class"
    " where relkind = 'r' and relnamespace = 'public'::regnamespace",
)  # fmt: skip
BOOKS = Query("books", "books so far", "select count(*) as n from generated_book")
TICKS = Query(
    "ticks", "the size of a tick", "select coalesce(avg(pg_column_size(t.*)), 0)::int as bytes from job_ticks t"
)
METADATA = Query(
    "metadata", "the size of the newest materialization of the report",
    "select octet_length(event) as bytes from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'"
    " and asset_key like '%%backfill_report%%' order by id desc limit 1",
)  # fmt: skip
DAILY = ("enhanced_synthetic_works", "backfill_report", "pruned_tables")
MONTHS_OF_A_BACKFILL, DAYS = 300, 365
# Ticks a day of the sensors that run every 30 and 60 seconds; skipped ticks are kept for 2 days (dagster.yaml). The indexes of a row take
# about 150 bytes.
TICKS_A_DAY, TICK_DAYS, TICK_INDEXES = 2 * 2880 + 2 * 1440, 2, 150


def main() -> None:
    options = _arguments()
    with tempfile.TemporaryDirectory() as name, _stand_in(options.months, options.scale) as upstream:
        folder = Path(name)
        shutil.copy(PROJECT / "dagster.yaml", folder)
        server = EmbeddedServer(folder / "home")
        try:
            with Database(server.ensure()) as database:
                migrate(database)
                kept = {
                    key: value for key, value in os.environ.items() if not key.startswith(("ALEXANDRIA_", "DAGSTER_"))
                }
                environment = kept | upstream["environment"] | {
                    "ALEXANDRIA_HOME": str(folder / "home"), "DAGSTER_HOME": str(folder), "PYTHONPATH": str(PROJECT),
                    "ALEXANDRIA_ALERT_URLS": "",
                }  # fmt: skip
                print(json.dumps(_measure(database, environment, folder, options), indent=2))
        finally:
            server.stop()
            shutil.rmtree(server.home, ignore_errors=True)


def _measure(
    database: Database, environment: dict[str, str], folder: Path, options: argparse.Namespace
) -> dict[str, Any]:
    def dagster(*words: str) -> None:
        command = [
            sys.executable,
            "-m",
            "dagster",
            "asset",
            "materialize",
            "-m",
            "alexandria_pipeline.definitions",
            *words,
        ]
        log = folder / "run.log"
        with log.open("ab") as output:
            done = subprocess.run(command, cwd=folder, env=environment, stdout=output, stderr=output, check=False)  # noqa: S603
        print(" ".join(words), done.returncode, file=sys.stderr, flush=True)

    months = [f"{2000 + at // 12}-{at % 12 + 1:02d}" for at in range(options.months)]
    dagster("--select", "pruned_tables")  # Dagster's tables
    start = _sizes(database)
    for month in months:
        dagster(
            "--select",
            "key:generated_books or key:persisted_works or key:resolved_isbns or key:enriched_*",
            "--partition",
            month,
        )
    after_months = _sizes(database)
    for _ in range(options.days):
        dagster("--select", ",".join(DAILY))
    after_days = _sizes(database)
    books = _one(database, BOOKS, "n")
    _run_daemon(environment, folder, options.tick_seconds)
    tick = _one(database, TICKS, "bytes") + TICK_INDEXES
    by_month = _each(after_months - start, options.months)
    by_day = _each(after_days - after_months, options.days)
    year = Counter({name: round(size * MONTHS_OF_A_BACKFILL) for name, size in by_month.items()})
    year.update({name: round(size * DAYS) for name, size in by_day.items()})
    return {
        "books_a_month": round(books / options.months, 1),
        "kb_a_month": _kb(by_month),
        "kb_a_day": _kb(by_day),
        "bytes_a_tick": tick,
        "ticks_mb": round(TICKS_A_DAY * TICK_DAYS * tick / 1e6, 1),
        "report_bytes": _one(database, METADATA, "bytes"),
        "output_kb": sum(each.stat().st_size for each in (folder / "storage").rglob("*") if each.is_file()) // 1000,
        "year_mb": {name: round(size / 1e6, 1) for name, size in year.most_common() if size >= 1e5},
        "year_mb_in_all": round(sum(year.values()) / 1e6),
    }


def _run_daemon(environment: dict[str, str], folder: Path, seconds: float) -> None:
    """Runs the daemon for this time; its sensors and schedules leave their ticks."""
    command = [sys.executable, "-m", "dagster._daemon", "run", "-m", "alexandria_pipeline.definitions"]
    with (folder / "daemon.log").open("ab") as log:
        daemon = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)  # noqa: S603
        time.sleep(seconds)
        daemon.send_signal(signal.SIGINT)
        daemon.wait(timeout=60)
    shutil.copy(folder / "daemon.log", Path(tempfile.gettempdir()) / "growth-daemon.log")


def _sizes(database: Database) -> Counter[str]:
    return Counter({row["name"]: row["bytes"] for row in database.fetch_all(SIZES)})


def _one(database: Database, query: Query, column: str) -> int:
    row = database.fetch_one(query)
    return int(row[column]) if row else 0


def _each(total: Counter[str], count: int) -> dict[str, float]:
    return {name: size / count for name, size in total.items()}


def _kb(sizes: dict[str, float]) -> dict[str, float]:
    shown = sorted(sizes.items(), key=lambda each: -each[1])
    return {name: round(size / 1000, 1) for name, size in shown if size >= 500}


@contextmanager
def _stand_in(months: int, scale: float) -> Iterator[dict[str, Any]]:
    words = {"works": months * 25, "first": "2000-01", "months": months, "time-scale": scale, "daily": 10_000_000}
    command = [
        sys.executable,
        "-m",
        "alexandria_pipeline_tests.upstream",
        "--json",
        *(f"--{k}={v}" for k, v in words.items()),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        try:
            if process.stdout is None:
                raise AssertionError("a pipe was asked for")
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def _arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--tick-seconds", type=float, default=240, help="how long the daemon runs")
    parser.add_argument("--scale", type=float, default=40, help="how much faster the services allow requests")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
