"""Trials of the catalogue's import: kills, a full disk, two imports at once, and questions while a new catalogue takes the old one's place.

    .venv/bin/python benchmarks/catalog_trials.py --kills 20 --editions 100000

Each trial has a database server of its own. The full disk is a small tmpfs, which only root can mount; otherwise it is left out.
Exits with 1 when something does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from alexandria_pipeline.domain.errors import AlexandriaError, StorageError
from alexandria_pipeline.domain.records import BookQuery
from alexandria_pipeline.operations.catalog_lookup import look_up
from alexandria_pipeline.operations.dump_import.importer import import_dump
from alexandria_pipeline.operations.dump_import.reader import DumpFile
from alexandria_pipeline.storage.catalog import Catalog
from alexandria_pipeline.storage.catalog_lookup import catalog_reader
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.migrate import migrate
from alexandria_pipeline_tests import dumps

CONTENT = """
select count(*) as rows, sum(hashtextextended(d::text, 0))::text as sum,
       (select sum(hashtextextended(w::text, 0))::text from catalog_dump_work w) as works
from catalog_dump_edition d
"""
STAGING = (
    "select count(*) as tables from pg_class where relname like 'catalog_import%' or relname like 'catalog_dump%new'"
)


_addresses: dict[Database, str] = {}
_servers: dict[Database, int] = {}


@contextmanager
def database_in(folder: Path) -> Iterator[Database]:
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "home")
    try:
        address = server.ensure()
        with Database(address) as database:
            migrate(database)
            _addresses[database], _servers[database] = address, server.status().pid or 0
            yield database
    finally:
        server.stop()


def files_of(dump: dumps.Dump) -> list[DumpFile]:
    return [DumpFile(role, str(getattr(dump, role))) for role in ("authors", "works", "editions")]


def command(dump: dumps.Dump, database: Database, folder: Path) -> subprocess.Popen[str]:
    given = [part for role in ("editions", "works", "authors") for part in (f"--{role}", str(getattr(dump, role)))]
    return subprocess.Popen(  # noqa: S603 - a command of ours
        [sys.executable, "-m", "alexandria_pipeline.cli.app", "catalog", "import", *given],
        env={**os.environ, "ALEXANDRIA_DATABASE_URL": _addresses[database], "ALEXANDRIA_HOME": str(folder)},
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def content(database: Database) -> dict[str, Any]:
    """Rows and checksums of the catalogue; waits for a server that is starting again."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with database.transaction(timeout=0) as tx:
                row = tx.execute(CONTENT).fetchone()
            assert row is not None
            return dict(row)
        except StorageError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def kills(folder: Path, total: int, count: int, seed: int) -> dict[str, Any]:
    """Kills the importer, a worker or a server process at random moments; the catalogue must be the old or the new one."""
    rng = random.Random(seed)  # noqa: S311 - a seed, no secrecy
    old, new = dumps.make(folder / "old", 500, seed=9), dumps.make(folder / "new", total)
    with database_in(folder) as database:
        import_dump(database, files_of(new))
        expected = content(database)
        Catalog(database).drop("open-library")
        import_dump(database, files_of(old))
        before = content(database)
        done: Counter[str] = Counter()
        longest = 6.0
        while sum(done[each] for each in ("importer", "worker", "server process")) < count:
            process = command(new, database, folder)
            victim = rng.choices(("importer", "worker", "server process"), (12, 5, 3))[0]
            started, moment = time.monotonic(), rng.uniform(0.8, longest)
            while process.poll() is None and time.monotonic() - started < moment:
                time.sleep(0.02)
            if process.poll() is None and kill(process, victim, _servers[database]):
                done[victim] += 1
            output = process.communicate()[0]
            if process.returncode == 0:
                done["finished"] += 1
                longest = max(3.0, time.monotonic() - started)
                if (found := content(database)) != expected:
                    raise SystemExit(f"another content after {dict(done)}: {found}, not {expected}")
                import_dump(database, files_of(old))
            elif "Another import" in output:
                done["still locked"] += 1
                time.sleep(0.3)
            elif content(database) not in (before, expected):
                raise SystemExit(f"neither the old nor the new catalogue after {dict(done)}")
        waits = import_in_the_end(database, new)
        assert content(database) == expected
        assert count_of(database, STAGING) == 0
        return {**done, "waited_for_lock": waits, "holds": True}


def kill(process: subprocess.Popen[str], victim: str, server: int) -> bool:
    importer = psutil.Process(process.pid)
    if victim == "importer":
        victims = [importer]
    elif victim == "worker":
        victims = [each for each in importer.children() if "resource_tracker" not in " ".join(each.cmdline())]
    else:
        victims = [each for each in psutil.Process(server).children() if "127.0.0.1(" in " ".join(each.cmdline())][::-1]
    if not victims:
        return False
    victims[0].send_signal(signal.SIGKILL)
    return True


def import_in_the_end(database: Database, dump: dumps.Dump) -> int:
    for waits in range(200):
        try:
            import_dump(database, files_of(dump))
        except StorageError as error:
            if "Another import" not in str(error):
                raise
            time.sleep(0.2)
        else:
            return waits
    raise SystemExit("the lock of a dead import is never released")


def count_of(database: Database, statement: str) -> int:
    with database.transaction() as tx:
        row = tx.execute(statement).fetchone()
    return int(next(iter(row.values()))) if row else 0


def two_at_once(folder: Path, total: int) -> dict[str, Any]:
    """The second import is refused with a sentence; the first one ends as if alone."""
    dump = dumps.make(folder / "dump", total)
    with database_in(folder) as database:
        first = command(dump, database, folder)
        time.sleep(2.5)
        second = command(dump, database, folder)
        message = second.communicate()[0].strip()
        first.communicate()
        rows = count_of(database, "select count(*) from catalog_dump_edition")
        return {
            "first": first.returncode, "second": second.returncode, "second message": message[-120:], "rows": rows,
            "holds": first.returncode == 0 and second.returncode != 0 and "Another import" in message and rows >= total,
        }  # fmt: skip


def questions_during(folder: Path, total: int) -> dict[str, Any]:
    """Questions all the time while the catalogue is replaced by one that holds the same books, twice."""
    dump = dumps.make(folder / "dump", total)
    with database_in(folder) as database:
        import_dump(database, files_of(dump))
        catalog = Catalog(database)
        known = [each[0] for number in range(1, 400) if (each := catalog.editions_of_work(f"OL{number}W"))]
        asked = [BookQuery(each.title, each.author) for each in known if each.language == "en" and each.author][:100]
        times: list[float] = []
        wrong, ended, failures = [0], threading.Event(), []

        def ask() -> None:
            try:
                with Database(database.conninfo) as own, catalog_reader(own) as reader:
                    while not ended.is_set():
                        for query in asked:
                            start = time.perf_counter()
                            answer = look_up(reader, [query])[0]
                            times.append(time.perf_counter() - start)
                            wrong[0] += answer.isbn13 is None
            except AlexandriaError as error:
                failures.append(str(error))

        thread = threading.Thread(target=ask)
        thread.start()
        for _ in range(2):
            import_dump(database, files_of(dump))
        ended.set()
        thread.join()
        times.sort()
        return {
            "questions": len(times), "unanswered": wrong[0], "failures": failures, "p99_ms": round(times[int(len(times) * 0.99)] * 1e3, 1),
            "longest_ms": round(times[-1] * 1e3), "holds": not wrong[0] and not failures and len(times) > 100,
        }  # fmt: skip


def full_disk(folder: Path, total: int, megabytes: int) -> dict[str, Any]:
    """The database on a disk that is too small: the old catalogue stays, other tables can be written, the space is free again."""
    small, large = dumps.make(folder / "small", 500, seed=9), dumps.make(folder / "large", total, packed=False)
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(disk)], check=True)  # noqa: S603, S607 - a command of ours
    try:
        with database_in(disk) as database:
            import_dump(database, files_of(small))
            before, free = content(database), os.statvfs(disk)
            try:
                import_dump(database, files_of(large))
                message = "it fitted"
            except AlexandriaError as error:
                message = str(error)
            after = content(database)
            left = os.statvfs(disk)
            again = import_dump(database, files_of(small)).editions
            return {
                "megabytes": megabytes, "message": message[:300], "free_before_mb": free.f_bavail * free.f_bsize >> 20,
                "free_after_mb": left.f_bavail * left.f_bsize >> 20, "small_again": again,
                "holds": again >= 500 and (message == "it fitted" or (before == after and "disk" in message)),
            }  # fmt: skip
    finally:
        subprocess.run(["umount", str(disk)], check=True)  # noqa: S603, S607 - a command of ours


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--editions", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--disks", type=int, nargs="*", default=[150, 200, 280], help="Sizes of full disks in MB.")
    parser.add_argument("--only", choices=("kills", "two", "questions", "disk"))
    given = parser.parse_args()
    trials: dict[str, Any] = {
        "kills": lambda folder: kills(folder, given.editions, given.kills, given.seed),
        "two": lambda folder: two_at_once(folder, given.editions),
        "questions": lambda folder: questions_during(folder, given.editions),
    }
    if os.geteuid() == 0:
        trials |= {
            f"disk {size}": lambda folder, size=size: full_disk(folder, given.editions, size) for size in given.disks
        }
    holds = True
    for name, trial in trials.items():
        if given.only is None or name.startswith(given.only):
            with tempfile.TemporaryDirectory(prefix="catalog-trial-") as folder:
                Path(folder).chmod(0o755)  # the account of the server walks through it
                result = trial(Path(folder))
            holds &= bool(result["holds"])
            print(name, json.dumps(result), flush=True)
    sys.exit(not holds)


if __name__ == "__main__":
    main()
