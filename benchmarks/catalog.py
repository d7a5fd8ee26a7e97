"""The local catalogue: import of dumps, size on disk, look-ups and their recall, at one or more sizes.

    .venv/bin/python benchmarks/catalog.py --editions 100000 1000000

Makes the dumps (alexandria_pipeline_tests/dumps.py) in a temporary folder, and has a database server of its own there.
Figures are CPU seconds and wall seconds, and ratios of them; on a busy machine only CPU seconds and ratios of them count.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import psutil

from alexandria_pipeline.domain.records import BookQuery, Candidate
from alexandria_pipeline.operations.catalog_lookup import answers, look_up
from alexandria_pipeline.operations.dump_import.importer import import_dump
from alexandria_pipeline.operations.dump_import.reader import DumpFile
from alexandria_pipeline.operations.processes import available_cores
from alexandria_pipeline.storage.catalog import Catalog
from alexandria_pipeline.storage.catalog_lookup import catalog_reader
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.migrate import migrate
from alexandria_pipeline_tests import dumps

QUESTIONS = 10_000
SINGLE = 500
POINTS = Path(__file__).parent / "catalog_points.jsonl"
BATCH = 250


def measure_import(database: Database, server: int, dump: dumps.Dump) -> dict[str, Any]:
    """`server`: the process whose children are the server's."""
    files = [DumpFile(role, str(getattr(dump, role))) for role in ("authors", "works", "editions")]
    peak, looked = 0.0, 0.0
    started = copied = time.perf_counter()

    def watch(_: object) -> None:
        nonlocal peak, looked, copied
        copied = time.perf_counter()
        if copied - looked > 1:
            looked = copied
            team = [*psutil.Process().children(recursive=True), psutil.Process()]
            peak = max(peak, sum(each.memory_info().rss for each in team if each.name() != "postgres") / 2**20)

    own, children, served = (cpu(resource.RUSAGE_SELF), cpu(resource.RUSAGE_CHILDREN), server_cpu(server))
    total = import_dump(database, files, on_progress=watch).editions
    wall = time.perf_counter() - started
    spent = cpu(resource.RUSAGE_SELF) - own, cpu(resource.RUSAGE_CHILDREN) - children, server_cpu(server) - served
    parse_s, parse_cpu = measure_parsing(files)
    return {
        "editions": total, "wall_s": round(wall, 1), "editions_a_second": round(total / wall), "copy_s": round(copied - started, 1),
        "build_s": round(wall - (copied - started), 1), "import_cpu_us": round(sum(spent) / total * 1e6, 1),
        "cpu_us_of_importer_workers_server": [round(each / total * 1e6, 1) for each in spent],
        "read_unzip_parse_cpu_us": round(parse_cpu * 1e6, 1), "wall_over_read_unzip_parse": round(wall / (parse_s * total), 2),
        "cpu_over_read_unzip_parse": round(sum(spent) / total / parse_cpu, 2),
        "peak_rss_mib": round(peak), "bytes_an_edition": round(Catalog(database).sizes()["dump"] / total),
        "json_bytes_a_line": line_width(dump.editions),
    }  # fmt: skip


def measure_parsing(files: Sequence[DumpFile]) -> tuple[float, float]:
    """Wall and CPU seconds per edition to read and unzip the files and parse their JSON, by gzip and orjson in one process."""
    start, cpu_start = time.perf_counter(), time.process_time()
    for file in files:
        lines = 0
        with gzip.open(file.path) as opened:
            for line in opened:
                lines += 1
                with suppress(IndexError, orjson.JSONDecodeError):
                    orjson.loads(line.split(b"\t", 4)[4])
    return (time.perf_counter() - start) / lines, (time.process_time() - cpu_start) / lines


def cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def server_cpu(server: int) -> float:
    """CPU seconds of the server's processes, also of those that have ended."""
    process = psutil.Process(server)
    ended = process.cpu_times()
    alive = [each.cpu_times() for each in process.children()]
    return float(ended.children_user + ended.children_system + sum(each.user + each.system for each in alive))


def line_width(path: Path) -> int:
    with gzip.open(path) as lines:
        some = [next(lines) for _ in range(1_000)]
    return sum(map(len, some)) // len(some)


def questions(catalog: Catalog, total: int) -> tuple[list[BookQuery], list[BookQuery], list[str]]:
    """Books with an English edition, the same with one slip in title or author, and their works."""
    rng = random.Random(5)  # noqa: S311 - a seed, no secrecy
    exact: list[BookQuery] = []
    slipped: list[BookQuery] = []
    works: list[str] = []
    while len(exact) < QUESTIONS:
        work = max(1, int(rng.randint(1, total) / 1.4))
        found = [each for each in catalog.editions_of_work(f"OL{work}W") if each.language == "en" and each.author]
        if not found:
            continue
        title, author = found[0].title, found[0].author
        exact.append(BookQuery(title, author))
        slipped.append(
            BookQuery(slip(title, rng), author) if rng.random() < 0.7 else BookQuery(title, slip(author, rng))
        )
        works.append(f"OL{work}W")
    return exact, slipped, works


def slip(text: str, rng: random.Random) -> str:
    """One letter left out, replaced, added or exchanged with the next."""
    at = rng.randrange(1, len(text) - 1)
    letter = rng.choice("abcdefghijklmnopqrstuvwxyz")
    forms = (text[:at] + text[at + 1 :], text[:at] + letter + text[at + 1 :], text[:at] + letter + text[at:],
             text[:at] + text[at + 1] + text[at] + text[at + 2 :])  # fmt: skip
    return rng.choice(forms)


def measure_lookups(database: Database, asked: Sequence[BookQuery], works: Sequence[str]) -> dict[str, Any]:
    batches = [asked[at : at + BATCH] for at in range(0, len(asked), BATCH)]
    with catalog_reader(database) as reader:
        cpu = time.process_time()
        start = time.perf_counter()
        found = [answer for batch in batches for answer in look_up(reader, batch)]
        batch, cpu = time.perf_counter() - start, time.process_time() - cpu
        times = sorted(timed(lambda query=query: look_up(reader, [query])) for query in asked[-SINGLE:])  # type: ignore[misc]
        keys = timed(lambda: [reader.same_title(each) for each in batches])
        blocks = timed(lambda: [reader.similar_title(each) for each in batches])
        candidates = [
            [each.candidate() for each in (*one, *two)]
            for one, two in zip(reader.same_title(asked), reader.similar_title(asked), strict=True)
        ]
    offered = sum(work in _works(each) for each, work in zip(candidates, works, strict=True))
    right = sum(answer.isbn13 is not None and answer.work == work for answer, work in zip(found, works, strict=True))
    given = sum(answer.isbn13 is not None for answer in found)
    return {
        "recall": round(right / len(asked), 4), "recall_of_candidates": round(offered / len(asked), 4), "precision": round(right / max(1, given), 4),
        "batch_a_second_one_process": round(len(asked) / batch), "cpu_us_a_question": round(cpu / len(asked) * 1e6),
        "single_a_second": round(SINGLE / sum(times)), "p50_ms": round(times[SINGLE // 2] * 1e3, 2),
        "p99_ms": round(times[int(SINGLE * 0.99)] * 1e3, 2), "keys_statement_a_second": round(len(asked) / keys),
        "blocks_statement_a_second": round(len(asked) / blocks),
    }  # fmt: skip


def _works(candidates: Sequence[Candidate]) -> set[str]:
    return {value for each in candidates for scheme, value in each.identifiers if scheme == "openlibrary_work"}


def measure_processes(database: Database, asked: Sequence[BookQuery]) -> dict[str, Any]:
    """A long file of questions: processes start once, and answer until it ends."""
    cores = available_cores()
    many = list(asked) * 10
    batches = [many[at : at + BATCH] for at in range(0, len(many), BATCH)]
    answered = answers(database, iter(batches), cores)
    next(answered)  # the processes have started
    return {
        "batch_a_second_all_processes": round((len(many) - BATCH) / timed(lambda: list(answered))),
        "processes": cores,
    }


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def point(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures of the picture (catalog_curve.py)."""
    named = ("editions", "load", "editions_a_second", "import_cpu_us", "peak_rss_mib", "bytes_an_edition")
    looked_up = {
        f"{name}_{field}": figures[name][field] for name in ("exact", "one_slip") for field in ("p50_ms", "p99_ms")
    }
    return {name: figures[name] for name in named} | looked_up


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--editions", type=int, nargs="+", default=[100_000])
    parser.add_argument(
        "--points", action="store_true", help="Append the figures of the picture to catalog_points.jsonl."
    )
    parser.add_argument("--dumps", type=Path, help="Folder of dumps already made, one folder per size.")
    given = parser.parse_args()
    for total in given.editions:
        with tempfile.TemporaryDirectory(prefix="catalog-") as folder:
            Path(folder).chmod(0o755)
            made = (given.dumps or Path(folder)) / str(total)
            if made.exists():
                names = [next(made.glob(f"*{role}*")) for role in ("editions", "works", "authors")]
                dump = dumps.Dump(names[0], names[1], names[2], total)
            else:
                dump = dumps.make(made, total)
            server = EmbeddedServer(Path(folder) / "home")
            try:
                with Database(server.ensure()) as database:
                    migrate(database)
                    pid = server.status().pid or 0
                    figures: dict[str, Any] = {"load": os.getloadavg()[0], **measure_import(database, pid, dump)}
                    catalog = Catalog(database)
                    exact, slipped, works = questions(catalog, total)
                    figures["exact"] = measure_lookups(database, exact, works)
                    figures["one_slip"] = measure_lookups(database, slipped, works)
                    figures["exact"] |= measure_processes(database, exact)
                    figures["one_slip"] |= measure_processes(database, slipped)
            finally:
                server.stop()
            print(json.dumps(figures, indent=1), flush=True)
            if given.points:
                with POINTS.open("a") as points:
                    points.write(json.dumps(point(figures)) + "\n")


if __name__ == "__main__":
    main()
