"""A whole backfill against the stand-in of all services, with its clocks sped up: how near it comes to what the services allow.

    python benchmarks/backfill.py --months 24 120 300 --scale 20 --books FACTS.tsv

Each backfill has a stand-in, a database server and a process of its own, so that nothing of one is in the figures of another.
The process under measurement runs the stages as a Dagster run does (`MonthRunner`), without Dagster. What is measured how is in README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import psutil

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations.dump_import.importer import import_dump
from alexandria_pipeline.operations.dump_import.reader import DumpFile
from alexandria_pipeline.storage import figures
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.migrate import migrate
from alexandria_pipeline.storage.queries import Query
from alexandria_pipeline_tests import dumps
from alexandria_pipeline_tests.upstream.books_file import BUNDLED_BOOKS
from alexandria_pipeline_tests.upstream.catalogue import Spec, build
from alexandria_pipeline_tests.upstream.dump import append_dump
from alexandria_pipeline_tests.upstream.score import score
from alexandria_pipeline_tests.world import pipeline_and_runner

RESOLVERS = ("isbndb", "google-books", "open-library", "internet-archive", "wikidata")
WORKS_A_MONTH = 23  # the stand-in's lists are full from about here on
AGAIN = 20  # how often lists that failed are asked for again
BREAKER_SECONDS = 5.0
NO_LIMIT = 10_000_000  # a backfill of years in minutes: the day's quota is not what is measured
COMMITS = Query(
    "commits", "transactions so far", "select xact_commit from pg_stat_database where datname = current_database()"
)
DELAYED = Query("delayed", "by how much late requests moved the slots", "select service, delayed from provider_health")
# Books by the provider of their ISBN, and how many of these works other services were asked about.
PROVIDERS = Query(
    "providers", "books and works asked about elsewhere, by provider",
    """
    select provider, count(*) as books, count(*) filter (where exists (
        select from resolution_attempt a where a.work_id = b.work_id and a.provider <> b.provider
    )) as asked_elsewhere
    from generated_book b where provider is not null group by provider
    """,
)  # fmt: skip
# Calls of enrichment, by stage and service.
ENRICHMENT = Query(
    "enrichment",
    "calls of enrichment",
    "select stage, service, count(*) as calls from api_call where stage like 'enriched%' group by stage, service",
)
STATEMENT = re.compile(rb"LOG:  (?:statement|execute [^:]+): ")


def main() -> None:
    options = _arguments()
    if options.child:
        _child(Path(options.child))
        return
    results = []
    for months in options.months:
        results.append(measure(months, options))
        print(json.dumps(results[-1], indent=2), flush=True)
    if len(results) > 1:
        print(_growth(results[0], results[-1]))


def measure(months: int, options: argparse.Namespace) -> dict[str, Any]:
    """One backfill, in a child process; its figures, the stand-in's counters, and the score of its answers."""
    with tempfile.TemporaryDirectory() as folder, _stand_in(months, options) as upstream:
        server = EmbeddedServer(Path(folder) / "home")
        try:
            url = server.ensure()
            if options.catalogue is not None:
                _fill_catalogue(url, Path(folder), months, options)
            ran = _run(upstream, url, Path(folder), months, count_statements=options.statements, enrich=options.enrich)
            stats, truth = _control(upstream, "stats"), _control(upstream, "truth")
            answers = _answers(url)
            statements = _statements(server.home) if options.statements else None
        finally:
            server.stop()
            # A server of root lives elsewhere, outside of folders that only root may enter.
            shutil.rmtree(server.home, ignore_errors=True)
    return _figures(ran, stats, _score(answers, truth), statements, options.scale)


def _fill_catalogue(url: str, folder: Path, months: int, options: argparse.Namespace) -> None:
    """Imports the stand-in's editions, and invented ones, as a dump."""
    spec = Spec(options.works or months * WORKS_A_MONTH, options.seed, "2000-01", months, options.books)
    dump = dumps.make(folder / "dump", options.catalogue, packed=False)
    append_dump(build(spec), dump)
    with Database(url) as database:
        migrate(database)
        import_dump(database, [DumpFile(role, str(getattr(dump, role))) for role in ("authors", "works", "editions")])


def _figures(
    ran: dict[str, Any], stats: dict[str, Any], scored: dict[str, Any], statements: int | None, scale: float
) -> dict[str, Any]:
    books = ran["books"]
    later: Counter[str] = Counter()
    for _, service, count in ran["enrichment"]:
        later[service] += count
    seconds = {name: (stats[name]["requests"] - later[name]) / stats[name]["rate"] for name in RESOLVERS}
    slowest = max(seconds, key=lambda name: seconds[name])
    return {
        "months": ran["months"], "books": books, "scale": scale,
        "wall_seconds": ran["wall"], "wall_by_stage": ran["stages"], "bound_seconds": round(seconds[slowest], 1), "bound_by": slowest,
        "wall_over_bound": round(ran["stages"]["resolved_isbns"] / seconds[slowest], 3),
        "cpu_seconds_per_1000_books": round(1000 * ran["cpu"] / books, 1), "peak_rss_mib": ran["rss"], "rss_before_mib": ran["rss_before"],
        "transactions_per_book": round(ran["commits"] / books, 1),
        "statements_per_book": round(statements / books, 1) if statements is not None else None,
        "books_and_asked_elsewhere_by_provider": ran["providers"],
        "calls_per_book": {name: round((stats[name]["requests"] - later[name]) / books, 3) for name in RESOLVERS},
        "allowance_used": {name: stats[name]["used_share"] for name in RESOLVERS},
        "late_seconds": {name: ran["delayed"].get(name, 0.0) for name in RESOLVERS},
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "breaches": {name: options["breaches"] for name, options in stats.items() if options["breaches"]},
        "repeats": {name: options["repeats"] for name, options in stats.items() if options["repeats"]},
        "score": {name: round(value, 4) for name, value in scored["figures"].items() if value is not None},
        **_enrichment(ran, stats),
        "examples": scored["examples"], "failed": ran["failed"],
    }  # fmt: skip


def _enrichment(ran: dict[str, Any], stats: dict[str, Any]) -> dict[str, Any]:
    """What enrichment added: its time over the time that the slowest service of each stage takes at its allowance."""
    if not ran["enrichment"]:
        return {}
    bounds: dict[str, float] = {}
    calls: Counter[str] = Counter()
    for stage, service, count in ran["enrichment"]:
        calls[service] += count
        bounds[stage] = max(bounds.get(stage, 0.0), count / stats[service]["rate"])
    wall = sum(seconds for stage, seconds in ran["stages"].items() if stage.startswith("enriched"))
    books = ran["books"]
    return {
        "enrichment_wall_over_bound": round(wall / sum(bounds.values()), 3),
        "enrichment_bound_seconds": {stage: round(seconds, 1) for stage, seconds in bounds.items()},
        "enrichment_calls_per_book": {service: round(count / books, 3) for service, count in calls.items()},
        "paid_calls_per_book_in_all": round(stats["isbndb"]["requests"] / books, 3),
        "cpu_ms_per_book": {
            "resolution": round(1000 * ran["resolved_cpu"] / books, 1),
            "enrichment": round(1000 * (ran["cpu"] - ran["resolved_cpu"]) / books, 1),
        },
        "peak_rss_mib_before_enrichment": ran["resolved_rss"],
    }


def _growth(first: dict[str, Any], last: dict[str, Any]) -> str:
    lines = [
        f"From {first['months']} to {last['months']} months ({last['books'] / first['books']:.1f} times the books):"
    ]
    names = ("wall_over_bound", "cpu_seconds_per_1000_books", "peak_rss_mib", "transactions_per_book")
    lines += [f"  {name}: {first[name]} → {last[name]} (× {last[name] / first[name]:.2f})" for name in names]
    return "\n".join(lines)


@contextmanager
def _stand_in(months: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    words = {
        "works": options.works or months * WORKS_A_MONTH, "seed": options.seed, "first": "2000-01", "months": months, "books": options.books,
        "time-scale": options.scale, "daily": NO_LIMIT, "latency": options.latency,
    }  # fmt: skip
    command = [sys.executable, "-m", "alexandria_pipeline_tests.upstream", "--json"]
    command += [f"--{name}={value}" for name, value in words.items()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        try:
            if process.stdout is None:
                raise AssertionError("a pipe was asked for")
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def _run(
    upstream: dict[str, Any], url: str, folder: Path, months: int, *, count_statements: bool, enrich: bool
) -> dict[str, Any]:
    """The child's figures. `count_statements`: the server writes each statement of the child into its log."""
    logged = url + ("&" if "?" in url else "?") + "options=" + quote("-c log_statement=all")
    environment = {**os.environ, **upstream["environment"], "ALEXANDRIA_HOME": str(folder / "home")}
    environment |= {
        "ALEXANDRIA_DATABASE_URL": logged if count_statements else url,
        "ALEXANDRIA_GOOGLE_BOOKS_DAILY_LIMIT": str(NO_LIMIT),
    }
    spec = folder / "spec.json"
    spec.write_text(json.dumps({"months": months, "enrich": enrich}))
    command = [sys.executable, __file__, "--child", str(spec)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - this file
    ran: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return ran


def _child(spec: Path) -> None:
    """Runs the stages and prints what they took, as one line of JSON."""
    asked = json.loads(spec.read_text())
    count = asked["months"]
    months = [Month(2000 + at // 12, at % 12 + 1) for at in range(count)]
    with pipeline_and_runner("benchmark") as (pipeline, runner):
        database = pipeline.database
        before, commits, started = _cpu(), _commits(database), time.monotonic()
        with _rss() as rss:
            stages: dict[str, float] = {}
            failed: dict[str, str] = {}
            for stage in (pipeline.generate, pipeline.persist, pipeline.resolve):
                began = time.monotonic()
                report = runner.run(stage, months)
                for _ in range(AGAIN if stage is pipeline.generate else 0):  # a busy machine sends late, and is refused
                    if not report.failed:
                        break
                    time.sleep(BREAKER_SECONDS)
                    report = runner.run(stage, months)
                stages[stage.name] = round(time.monotonic() - began, 2)
                failed |= {str(month): why for month, why in report.failed.items()}
            resolved_cpu, resolved_rss = _cpu() - before, max(rss)
            for step in (
                (pipeline.enrich.editions, pipeline.enrich.works, pipeline.enrich.authors) if asked["enrich"] else ()
            ):
                began = time.monotonic()
                step(months, "benchmark")
                stages[f"enriched_{step.__name__}"] = round(time.monotonic() - began, 2)
        with database.transaction() as tx:
            books = sum(each.generated for each in figures.of_months(tx, months).values())
        measured = {
            "months": count, "books": books, "wall": round(time.monotonic() - started, 2), "stages": stages,
            "cpu": round(_cpu() - before, 2), "resolved_cpu": round(resolved_cpu, 2), "resolved_rss": round(resolved_rss),
            "enrichment": [[row["stage"], row["service"], row["calls"]] for row in database.fetch_all(ENRICHMENT)],
            "commits": _commits(database) - commits, "failed": failed,
            "rss": round(max(rss)), "rss_before": round(rss[0]),
            "providers": {row["provider"]: [row["books"], row["asked_elsewhere"]] for row in database.fetch_all(PROVIDERS)},
            "delayed": {row["service"]: round(row["delayed"], 1) for row in database.fetch_all(DELAYED)},
        }  # fmt: skip
    print(json.dumps(measured))


@contextmanager
def _rss() -> Iterator[list[float]]:
    """Resident memory in MiB, measured ten times a second: first at the start, so that the libraries can be subtracted."""
    process, over = psutil.Process(), threading.Event()
    seen = [process.memory_info().rss / 2**20]

    def look() -> None:
        while not over.wait(0.1):
            seen.append(process.memory_info().rss / 2**20)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _commits(database: Database) -> int:
    time.sleep(1.2)  # a backend reports its counts when it is idle for a second
    row = database.fetch_one(COMMITS)
    return int(row["xact_commit"]) if row else 0


def _statements(home: Path) -> int:
    """Statements in the server's log, BEGIN and COMMIT and the pool's empty question included."""
    return sum(len(STATEMENT.findall(log.read_bytes())) for log in home.rglob("*.log"))


def _answers(url: str) -> dict[str, list[dict[str, Any]]]:
    """month → its books, as `alexandria books MONTH --json` prints them."""
    with Database(url) as database, database.transaction() as tx:
        return {str(f.month): figures.books_of(tx, f.month) for f in figures.of_all_months(tx)}


def _score(answers: dict[str, list[dict[str, Any]]], truth: Sequence[dict[str, Any]]) -> dict[str, Any]:
    by_month: dict[str, list[dict[str, Any]]] = {}
    for row in truth:
        by_month.setdefault(row["month"], []).append(row)
    return score((answers.get(month, []), rows) for month, rows in by_month.items()).as_dict()


def _control(upstream: dict[str, Any], path: str) -> Any:
    with urlopen(f"{upstream['control']}/{path}", timeout=60) as answer:  # noqa: S310 - our own stand-in
        return json.load(answer)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--months", type=int, nargs="+", default=[24, 120, 300])
    parser.add_argument("--scale", type=float, default=20.0, help="how many times as fast as in life the services are")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--works", type=int, help="real works in the catalogue; unset: as many as the lists need")
    parser.add_argument(
        "--books", type=Path, default=BUNDLED_BOOKS, help="facts about books; the stand-in's own are 620"
    )
    parser.add_argument(
        "--statements", action="store_true", help="count statements by the server's log; slower, so without times"
    )
    parser.add_argument(
        "--catalogue", type=int, help="fills the local catalogue with the stand-in's editions and so many invented ones"
    )
    parser.add_argument("--enrich", action="store_true", help="then enriches the months, and measures that, too")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
